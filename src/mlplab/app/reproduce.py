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

from mlplab import environment
from mlplab.errors import ConfigError

_OWN_KEYS = ("reports", "seeds", "out")


def main() -> None:
    """Run the command with the arguments in ``sys.argv``."""
    environment.prepare_command()
    from mlplab.app import commandline

    commandline.run_command(_reproduce)


def _reproduce() -> None:
    typed = sys.argv[1:]
    if {"-h", "--help"} & set(typed):
        from mlplab.terminal import say

        say(str(__doc__))
        return
    from mlplab.app.task import call_hydra

    sys.argv[1:] = _hydra_arguments(typed)
    call_hydra()


def _hydra_arguments(typed: list[str]) -> list[str]:
    """Return the arguments for Hydra. Raises ConfigError."""
    from mlplab.sweeps.manifest import quote_override

    own = []
    for text in typed:
        key, _, value = text.partition("=")
        if key == "reports":
            own.append(f"hydra.sweeper.reports=[{value.strip('[]')}]")
        if key == "out":
            own.append(f"hydra.sweeper.out={quote_override(value)}")
        if key == "seeds":
            if not value.isdigit():
                raise ConfigError(f"{text}: takes a number of seeds, at least 1")
            own.append(f"hydra.sweeper.seeds={value}")
    others = [text for text in typed if text.partition("=")[0] not in _OWN_KEYS]
    launcher = [] if any(text.startswith("hydra/launcher=") for text in others) else ["hydra/launcher=joblib"]
    return ["-m", "hydra/sweeper=reproduce", *launcher, *own, *others]
