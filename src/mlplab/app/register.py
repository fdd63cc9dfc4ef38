"""Make a trained model a version of a registered model of MLflow's, and its champion if it is better.

  python src/register.py name=digits                        the best run of the last sweep
  python src/register.py RUN_ID name=digits                 this run
  python src/register.py models:/digits/3 name=digits       this version: judged again
  python src/register.py RUN_ID name=digits force=true      the champion from now on, whatever the comparison says

  tracking.experiment=mlplab  MLflow's experiment           tracking.uri=URI  of the store or server; the default is
                                                                              MLFLOW_TRACKING_URI, or ./mlflow.db

The alias `champion` moves only to a model whose accuracy on the validation images is higher by more than noise: over
the seeds of both recipes where their sweeps have several, otherwise by Fisher's exact test. No test image chooses.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Optional

from mlplab import environment
from mlplab.app.options import StoreOptions, parse_options, store_uri
from mlplab.commands import as_typed
from mlplab.errors import ConfigError, StoreAwayError
from mlplab.terminal import say


@dataclass
class Options:
    """What is typed: see the help above."""

    model: str = "best"
    name: Optional[str] = None  # noqa: UP045 - OmegaConf 2.3 reads Optional, not `str | None`
    force: bool = False
    tracking: StoreOptions = field(default_factory=StoreOptions)


def main() -> None:
    """Run the command with what was typed."""
    environment.prepare_command()
    from mlplab.app import commandline

    commandline.run_command(lambda: _register(sys.argv[1:]))


def _register(arguments: Sequence[str]) -> None:
    """Register the model.

    Raises:
        ConfigError: an argument is wrong, or there is no such model.
        StoreError: the store does not answer, or the model is not what its run saved.
    """
    if {"-h", "--help"} & set(arguments):
        say(as_typed(str(__doc__)))
        return
    options = parse_options(Options, with_key(arguments), {})
    if options.name is None:
        raise ConfigError("name: is missing; add name=NAME, that of the registered model")
    from mlplab.models.finding import find_model
    from mlplab.models.registering import register_model
    from mlplab.tracking.reading import read_existing

    environment.imports_are_done()
    reading = read_existing(store_uri(options.tracking.uri), options.tracking.experiment)
    if reading.is_stand_in:
        raise StoreAwayError("the store does not answer, and nothing can be registered without it; try again later")
    found = find_model(reading.store, options.model)
    say(register_model(reading.store, found, options.name, options.force).sentences(reading.store))


def with_key(arguments: Sequence[str]) -> list[str]:
    """Return the arguments, of which the first may name the model without ``model=``."""
    first, *others = arguments or [""]
    is_bare = bool(first) and "=" not in first and not first.startswith("-")
    return [f"model={first}", *others] if is_bare else list(arguments)
