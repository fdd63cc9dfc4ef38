"""Train one network, or with -m a sweep of them: ``python src/train.py --help``."""

import gc

gc.disable()  # until startup.run has imported everything

import hydra
from omegaconf import DictConfig

from mlplab import commandline, composition
from mlplab.sweeps import membership

composition.register()


@hydra.main(version_base="1.3", config_path="../conf", config_name="train")
def train(composed: DictConfig) -> float:
    """Run one member; return its final test accuracy."""
    return membership.run(composed)


if __name__ == "__main__":
    commandline.main(train)
