"""Train one network, or with -m a sweep of them: ``python src/train.py --help``."""

import gc

gc.disable()  # until startup.run has imported everything

from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from mlplab import commandline, composition, startup
from mlplab.sweeps import membership

composition.register()


@hydra.main(version_base="1.3", config_path="../conf", config_name="train")
def train(composed: DictConfig) -> float:
    """Run one member; return its final test accuracy."""
    with commandline.task_errors(), membership.member():
        settings = composition.from_hydra(composed)
        membership.require_no_failure(settings)
        result = startup.run(settings, Path(HydraConfig.get().runtime.output_dir))
    return result.final["final/test_accuracy"]


if __name__ == "__main__":
    commandline.main(train)
