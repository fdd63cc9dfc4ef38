"""Re-run published results, and say which are reproduced.

  python src/reproduce.py                                every report, three seeds of each cell
  python src/reproduce.py seeds=1                        one seed: quickest
  python src/reproduce.py reports=erande_2025            one report; several: reports=[erande_2025,pellattiero]
  python src/reproduce.py resume=true                    skips the runs that the store already has
  python src/reproduce.py out=docs                       also writes results.md and results.png into that folder
  python src/reproduce.py plan=true                      shows what would run
  python src/reproduce.py hydra/launcher=basic           one run at a time instead of one per core

Any other key=value applies to every run, as in train.py: tracking.uri=..., data.root=..., retry=1.
"""

import sys
from typing import TYPE_CHECKING

from mlplab import environment
from mlplab.errors import ConfigError

if TYPE_CHECKING:
    from mlplab.app.arguments import Typed

_OWN_KEYS = ("reports", "seeds", "out")


def main() -> None:
    """Run the command with the arguments in ``sys.argv``."""
    environment.prepare_command()
    from mlplab.app import commandline

    commandline.run_command(_reproduce)


def _reproduce() -> None:
    typed = sys.argv[1:]
    if {"-h", "--help"} & set(typed):
        from mlplab.commands import as_typed
        from mlplab.terminal import say

        say(as_typed(str(__doc__)))
        return
    from mlplab.app.arguments import arrange
    from mlplab.app.task import call_hydra

    call_hydra(_for_hydra(arrange(typed)))


def _for_hydra(typed: "Typed") -> "Typed":
    """Return the arguments for Hydra. Raises ConfigError."""
    from mlplab.app.arguments import SWEEP, Typed
    from mlplab.sweeps.manifest import quote_override

    if flags := [flag for flag in typed.flags if flag not in SWEEP]:
        raise ConfigError(f"{' '.join(flags)}: is a flag of train.py; this command takes key=value, see `--help`")
    own = []
    for text in typed.overrides:
        key, _, value = text.partition("=")
        if key == "reports":
            own.append(f"hydra.sweeper.reports=[{value.strip('[]')}]")
        if key == "out":
            own.append(f"hydra.sweeper.out={quote_override(value)}")
        if key == "seeds":
            if not value.isdecimal() or not int(value):
                raise ConfigError(f"{text}: takes a number of seeds, at least 1")
            own.append(f"hydra.sweeper.seeds={value}")
    others = [text for text in typed.overrides if text.partition("=")[0] not in _OWN_KEYS]
    launcher = [] if any(text.startswith("hydra/launcher=") for text in others) else ["hydra/launcher=joblib"]
    return Typed(["-m"], ["hydra/sweeper=reproduce", *launcher, *own, *others])
