"""The plan of a sweep as a table: what would run, what has finished, and how long it may take."""

import os
from collections.abc import Mapping, Sequence
from statistics import median

from mlplab.comparison.query import DEFAULTS
from mlplab.config import FORMER_VALUES
from mlplab.schema import TOTAL_SECONDS, State
from mlplab.sweeps.grid import Job
from mlplab.sweeps.record import Member
from mlplab.terminal import draw_table, format_duration, say

# Runs with the same values of these keys take about the same time.
_COST = (
    "engine", "hidden_sizes", "activation", "optimizer", "batch_size", "epochs", "iterations", "log_every", "dtype",
    "device", "early_stopping.patience", "data.name", "data.split", "data.path", "data.dataset", "data.dataset_id",
    "data.image_size", "data.color", "data.train_size", "data.val_size", "data.test_size",
)  # fmt: skip

_RUNS_AGAIN = (State.new, State.failed, State.killed)
LEAST_SIBLINGS = 2  # that must have finished before a run like none before is expected to take as long as they


def show_plan(
    jobs: Sequence[Job],
    states: Mapping[int, Member],
    configs: Mapping[int, Mapping[str, object]],
    durations: Sequence[tuple[Mapping[str, str], float]],
) -> None:
    """Print the plan.

    Args:
        jobs: all combinations, invalid ones too.
        states: last run of each job that has one, by job number.
        configs: every key of the valid jobs, by job number.
        durations: params and seconds of runs that have finished.
    """
    axes = list(jobs[0].varying)
    siblings = _siblings(states)
    expected: dict[int, float | None] = {}
    rows = []
    for job in jobs:
        state = states[job.number].state if job.number in states else State.new
        if job.settings is not None and state in _RUNS_AGAIN:
            alike = expected_seconds(configs[job.number], durations)
            expected[job.number] = siblings if alike is None else alike
            about = "about " if alike is None else ""
        seconds = expected.get(job.number)
        cells = [job.varying[axis] for axis in axes]
        shown = "invalid" if job.settings is None else str(state)
        rows.append([str(job.number), *cells, shown, "" if seconds is None else about + format_duration(seconds)])
    say(draw_table(["run", *axes, "state", "expected"], rows))
    for job in jobs:
        if job.fault:
            say(f"run {job.number} is invalid: {job.fault}")
    if siblings is not None and expected:
        say(f"its runs that have finished took about {format_duration(siblings)} each")
    show_total(len(expected), [seconds for seconds in expected.values() if seconds is not None])


def show_total(count: int, known: Sequence[float]) -> None:
    """Print how many runs there are, and how long they may take by the seconds of those that are ``known``."""
    if not count:
        say("nothing to run")
        return
    if not known:
        say(f"{count} to run; how long it takes is not known: no run like these has finished")
        return
    total = sum(known) / len(known) * count
    cores = os.cpu_count() or 1
    at_once = (
        f", about {format_duration(total / min(cores, count))} with hydra/launcher=joblib" if count > 1 < cores else ""
    )
    say(f"{count} to run: about {format_duration(total)} one after the other{at_once}")


def _siblings(states: Mapping[int, Member]) -> float | None:
    """Return the mean seconds of the sweep's runs that have finished; None where they are too few."""
    finished = [member.final for member in states.values() if member.state is State.finished]
    seconds = [final[TOTAL_SECONDS] for final in finished if TOTAL_SECONDS in final]
    return sum(seconds) / len(seconds) if len(seconds) >= LEAST_SIBLINGS else None


def expected_seconds(
    config: Mapping[str, object], durations: Sequence[tuple[Mapping[str, str], float]]
) -> float | None:
    """Return the median seconds of finished runs like this one; None if there are none.

    ``config`` lacks the keys whose values are not known: runs with any value of them are alike.
    """

    def like(key: str, value: str | None) -> bool:
        today = FORMER_VALUES.get(key, {}).get(str(value), str(value))  # a run older than a key is as if it were None
        return str(config.get(key)) in (today, "auto")

    networks = [key for key in config if key.startswith("network.")]
    keys = [*(key for key in _COST if key in config), *networks]
    seconds = [
        taken for params, taken in durations if all(like(key, params.get(key, DEFAULTS.get(key))) for key in keys)
    ]
    return median(seconds) if seconds else None
