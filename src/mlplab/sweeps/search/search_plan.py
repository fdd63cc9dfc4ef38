"""The plan of a search: its space, how many runs, and how long they may take."""

from collections import Counter
from collections.abc import Mapping, Sequence
from math import inf

from mlplab.schema import State
from mlplab.store.store import Store
from mlplab.sweeps import record
from mlplab.sweeps.plan_table import expected_seconds, show_total
from mlplab.sweeps.record import Recorded
from mlplab.sweeps.search.space import Dimension
from mlplab.terminal import draw_table, say


def show_search_plan(
    dimensions: Sequence[Dimension], trials: int, config: Mapping[str, object], former: Recorded | None, store: Store
) -> None:
    """Print the plan.

    Args:
        dimensions: the space.
        trials: how many runs there will be altogether.
        config: every key of a run of the search; those that are searched vary.
        former: the last sweep of the same command, if there is one.
        store: has it, and the durations of former runs.
    """
    rows = [[one.name, one.describe(), "any" if one.size == inf else f"{one.size:,}"] for one in dimensions]
    say(draw_table(["key", "values", "how many"], rows))
    done = 0
    if former is not None:
        manifest = former.manifest
        members = record.stored_members(store, manifest.sweep) | record.journaled_members(manifest)
        states = Counter(member.state for member in members.values())
        done = sum(states[state] for state in State if state.is_done)
        counts = ", ".join(f"{states[state]} {state}" for state in State if states[state])
        say(f"sweep {manifest.sweep} in {manifest.folder} has begun ({counts}); resume=true continues it")
    searched = {key for one in dimensions for key in one.keys}
    alike = {key: value for key, value in config.items() if not searched & {key, key.partition(".")[0]}}
    seconds = expected_seconds(alike, record.find_durations(store))
    show_total(max(trials - done, 0), [] if seconds is None else [seconds])
    say("a run that the pruner stops takes less")
