"""Train one network, or with -m a sweep of them: ``python src/train.py --help``."""

from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from mlplab import commandline, composition

composition.register()


@hydra.main(version_base="1.3", config_path="../conf", config_name="train")
def train(composed: DictConfig) -> float:
    """Run one member; return its final test accuracy."""
    with commandline.task_errors():
        settings = composition.from_hydra(composed)
        from mlplab import (
            experiment,  # MLflow and scikit-learn take seconds: not for --help, nor for a wrong key
        )

        result = experiment.run(settings, Path(HydraConfig.get().runtime.output_dir))
    return result.final["final/test_accuracy"]


if __name__ == "__main__":
    commandline.main(train)
