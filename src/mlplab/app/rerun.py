"""Run again what the store has, and certify how far it is the same.

  python src/rerun.py RUN_ID                  one run
  python src/rerun.py SWEEP                   every finished member of a sweep, one after the other
  python src/rerun.py best                    the best run of the last sweep

  tolerance=1e-9         how far a number may differ (of numbers above 1: relatively); the default, 0: bit by bit;
                         with another engine 1e-9
  --checkout             with the code of then: in a temporary worktree of the run's commit, with its recorded changes,
                         and with the libraries that are here
  --config-dir FOLDER    for a network or a preset of your own: as when the run was typed
  engine=torch           any key of a run: what is compared is another run on purpose

  tracking.experiment=mlplab  MLflow's experiment           tracking.uri=URI  of the store or server; the default is
                                                                              MLFLOW_TRACKING_URI, or ./mlflow.db

It says first what is another now than then, and uses as many threads as then. The run again is a run of its own (tag
rerun.of); both get the certificate (certificates/ID.txt, .json; tag rerun.certificate). Nothing else of the original
is changed. Exit status: 0 the same within the tolerance, 3 not the same, 1 refused.
"""

import subprocess
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mlplab import environment
from mlplab.commands import as_typed
from mlplab.terminal import say

if TYPE_CHECKING:
    from mlplab.app.rerun_options import RerunOptions
    from mlplab.rerun.chosen import Chosen
    from mlplab.store.store import Store


def main() -> None:
    """Run the command with what was typed."""
    environment.prepare_command()
    from mlplab.app import commandline

    commandline.run_command(lambda: _rerun(sys.argv[1:]))


def _rerun(arguments: Sequence[str]) -> None:
    """Run again what was typed; exit with status 3 if it is not the same.

    Raises:
        ConfigError: an argument is wrong, or the run cannot be run again.
        StoreError: the store does not answer.
    """
    if {"-h", "--help"} & set(arguments):
        say(as_typed(str(__doc__)))
        return
    from mlplab.app.again import carry_out_again
    from mlplab.app.rerun_options import NOT_THE_SAME, existing_store, parse_rerun
    from mlplab.rerun.chosen import choose_runs

    options = parse_rerun(arguments)
    store = existing_store(options)
    chosen = choose_runs(store, options.run)
    if chosen.sweep is None:
        is_same = carry_out_again(store, chosen.run_ids[0], options).holds
    else:
        is_same = _rerun_members(store, chosen, options)
    if not is_same:
        sys.exit(NOT_THE_SAME)


def _rerun_members(store: "Store", chosen: "Chosen", options: "RerunOptions") -> bool:
    """Run the members of a sweep again, each by a command of its own: the next may need other threads."""
    from mlplab.app.own_process import command_again, wait_for
    from mlplab.app.rerun_options import NOT_THE_SAME
    from mlplab.schema import CERTIFICATE_TAG
    from mlplab.terminal import count_of

    results: dict[str, int] = {}
    for number, run_id in enumerate(chosen.run_ids, start=1):
        say(f"{number} of {len(chosen.run_ids)}: run {run_id}")
        words = [run_id if word == options.run else word for word in sys.argv[1:]]
        results[run_id] = wait_for(subprocess.Popen(command_again(words)))
    certified = [run for run in store.find(chosen.run_ids) if results[run.info.run_id] in (0, NOT_THE_SAME)]
    say(f"sweep {chosen.sweep} again:")
    for run in sorted(certified, key=lambda one: chosen.run_ids.index(one.info.run_id)):
        say(f"  {run.info.run_name}: {run.data.tags.get(CERTIFICATE_TAG, 'without a certificate')}")
    refused = len(chosen.run_ids) - len(certified)
    same = sum(status == 0 for status in results.values())
    left = "".join(f"; {count_of(count, 'member')} {state}, not run again" for state, count in chosen.left_out.items())
    refusals = f"; {refused} refused, see above" if refused else ""
    say(f"{same} of {count_of(len(results), 'run')} the same{refusals}{left}")
    return same == len(results)
