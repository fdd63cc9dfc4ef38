"""Watch a sweep while it runs: a page on this machine, with states, curves, failures, and when it may end.

  python src/watch.py                                       the last sweep
  python src/watch.py sweep=20261121-054810-6d32            another
  python src/watch.py port=8000                             the page's port; 0: any that is free

  tracking.experiment=mlplab  MLflow's experiment           tracking.uri=URI  of the store or server; the default is
                                                                              MLFLOW_TRACKING_URI, or ./mlflow.db

Open the address that it prints. The page keeps itself up to date; while nobody looks, the store is not asked. Ctrl-C
ends it, and nothing but it: the sweep does not notice.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Optional

from mlplab import environment, signals
from mlplab.app.options import StoreOptions, parse_options, store_uri
from mlplab.commands import as_typed
from mlplab.errors import ConfigError
from mlplab.terminal import say

HIGHEST_PORT = 65_535


@dataclass
class WatchOptions:
    """What is typed: see the help above."""

    sweep: Optional[str] = None  # noqa: UP045 - OmegaConf 2.3 reads Optional, not `str | None`
    port: int = 5050
    tracking: StoreOptions = field(default_factory=StoreOptions)


def main() -> None:
    """Run the command with what was typed."""
    environment.prepare_command()
    from mlplab.app import commandline

    commandline.run_command(lambda: _watch(sys.argv[1:]))


def _watch(arguments: Sequence[str]) -> None:
    """Serve the page until a signal arrives.

    Raises:
        ConfigError: an argument is wrong, or there is no such sweep.
        StoreError: the store does not answer at the start.
    """
    if {"-h", "--help"} & set(arguments):
        say(as_typed(str(__doc__)))
        return
    options = parse_options(WatchOptions, arguments, {})
    if not 0 <= options.port <= HIGHEST_PORT:
        raise ConfigError(f"port={options.port}: takes a whole number from 0 to {HIGHEST_PORT}")
    from mlplab.comparison.progress import WatchedSweep
    from mlplab.page.watch_server import Latest, WatchServer
    from mlplab.store.store import find_store

    environment.imports_are_done()
    uri = store_uri(options.tracking.uri)
    store = find_store(uri, options.tracking.experiment)
    sweep = WatchedSweep(store, options.sweep)
    with WatchServer(store, Latest(sweep), options.port) as server:
        signals.install(announcing=False)  # there is nothing to save
        say(f"sweep {sweep.sweep}: {server.address} (Ctrl-C ends this page, and not the sweep)")
        server.serve_forever()
