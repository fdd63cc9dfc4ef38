"""What ``hydra/launcher=plan`` means: the sweep shows what it would run, and runs nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

from hydra.core.config_store import ConfigStore
from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


@dataclass
class PlanLauncherConfig:
    """No options."""

    _target_: str = "hydra_plugins.mlplab_plan_launcher.PlanLauncher"


ConfigStore.instance().store(group="hydra/launcher", name="plan", node=PlanLauncherConfig, provider="mlplab")


class PlanLauncher(Launcher):
    """Launches nothing: the sweeper sees it, and shows the plan instead."""

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Take what Hydra hands over; none of it is needed."""

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:  # noqa: ARG002
        """Run nothing."""
        return []
