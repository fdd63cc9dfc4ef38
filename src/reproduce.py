"""Re-run published results, and say which are reproduced.

  python src/reproduce.py                                every report, three seeds of each cell
  python src/reproduce.py seeds=1                        one seed: quickest
  python src/reproduce.py reports=erande_2025            one report; several: reports=[erande_2025,pellattiero]
  python src/reproduce.py resume=true                    what the store has already is not run again
  python src/reproduce.py out=docs                       also writes results.md and results.png into that folder
  python src/reproduce.py hydra/launcher=plan            shows what would run
  python src/reproduce.py hydra/launcher=basic           one run after the other; otherwise one on each core

Any other key=value holds for every run, as with train.py: tracking.uri=..., data.root=..., retry=1.
"""

import gc

gc.disable()  # until startup.run has imported everything

import sys

import hydra
from omegaconf import DictConfig

from mlplab import commandline, composition
from mlplab.errors import ConfigError
from mlplab.sweeps import membership
from mlplab.sweeps.manifest import quoted

composition.register()

OWN = ("reports", "seeds", "out")


@hydra.main(version_base="1.3", config_path="../conf", config_name="train")
def reproduce(composed: DictConfig) -> float:
    """Run one member; return its final test accuracy."""
    return membership.run(composed)


def arguments(typed: list[str]) -> list[str]:
    """Return what Hydra is to be told. Raises ConfigError."""
    own = []
    for text in typed:
        key, _, value = text.partition("=")
        if key == "reports":
            own.append(f"hydra.sweeper.reports=[{value.strip('[]')}]")
        if key == "out":
            own.append(f"hydra.sweeper.out={quoted(value)}")
        if key == "seeds":
            if not value.isdigit():
                raise ConfigError(f"{text}: takes a number of seeds, at least 1")
            own.append(f"hydra.sweeper.seeds={value}")
    others = [text for text in typed if text.partition("=")[0] not in OWN]
    launcher = [] if any(text.startswith("hydra/launcher=") for text in others) else ["hydra/launcher=joblib"]
    return ["-m", "hydra/sweeper=reproduce", "hydra.job.name=train", *launcher, *own, *others]


def main() -> None:
    """Tell Hydra what was typed, and begin."""
    sys.argv[1:] = arguments(sys.argv[1:])
    reproduce()


if __name__ == "__main__":
    if {"-h", "--help"} & set(sys.argv[1:]):
        print(__doc__)
    else:
        commandline.main(main)
