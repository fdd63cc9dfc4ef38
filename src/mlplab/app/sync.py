"""Send to MLflow what it did not take when it was recorded: its server was away, or tracking=offline.

  python src/sync.py                            everything that waits
  python src/sync.py tracking.uri=URI           only what is for this store; the address may hold a password

Every run keeps a journal until MLflow has all of it. However often this is interrupted, each value arrives once. The
comparisons of sweeps that ended without their server are made again, with links.
"""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mlplab import environment
from mlplab.app.arguments import warn_of_repeated
from mlplab.app.options import store_uri
from mlplab.commands import as_typed
from mlplab.errors import ConfigError, StoreError
from mlplab.terminal import count_of, say

if TYPE_CHECKING:
    from mlplab.store.target import Target
    from mlplab.tracking.outbox import Unsent

_KEY = "tracking.uri"


def main() -> None:
    """Run the command with what was typed."""
    environment.prepare_command()
    from mlplab.app import commandline

    commandline.run_command(lambda: _sync(sys.argv[1:]))


def _sync(arguments: Sequence[str]) -> None:
    """Send everything.

    Raises:
        ConfigError: an argument is wrong.
        StoreError: something could not be sent.
    """
    if {"-h", "--help"} & set(arguments):
        say(as_typed(str(__doc__)))
        return
    given = _given_uri(arguments)
    from mlplab.store.uri import DEFAULT_URI, absolute, exists
    from mlplab.sweeps.conclusion import conclude_again
    from mlplab.tracking import outbox

    environment.imports_are_done()
    uri = absolute(store_uri(given) or DEFAULT_URI)
    left = 0
    where: list[str] = []
    for target in outbox.targets(uri, only=given is not None):
        unsent = outbox.send_all(target)
        _report(target, unsent)
        if exists(target.uri) and not unsent.is_away:
            conclude_again(target)
        if waiting := len(unsent.waiting) + len(unsent.refusals) + len(unsent.damaged):
            left, where = left + waiting, [*where, f"tracking.uri={target.shown}"]
    if left:
        wait = "1 run waits" if left == 1 else f"{left} runs wait"
        raise StoreError(f"{', '.join(where)}: {wait}; nothing is lost, and the same command sends it later")


def _given_uri(arguments: Sequence[str]) -> str | None:
    for argument in arguments:
        key, separator, value = argument.partition("=")
        if key != _KEY or not separator or not value:
            raise ConfigError(f"{argument}: takes {_KEY}=URI or nothing; see `--help`")
    warn_of_repeated(arguments)
    return arguments[-1].partition("=")[2] if arguments else None


def _report(target: "Target", unsent: "Unsent") -> None:
    for folder, refusal in unsent.refusals.items():
        say(f"{folder}: {refusal}")
    if unsent.waiting:
        runs = count_of(len(unsent.waiting), "run")
        say(f"{target.shown}: does not answer; waiting: {runs}, {unsent.values:,} values")
    if unsent.busy:
        say(f"being written, and sent, by other processes: {count_of(len(unsent.busy), 'run')}")
    say(f"{target.shown}: {count_of(len(unsent.sent), 'run')} sent")
