"""What Hydra hands to a sweeper, without a command line."""

from collections.abc import Iterator

import pytest
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode

from conftest import PROJECT
from mlplab.app import composition
from mlplab.app.startup import load_data
from mlplab.sweeps.context import SweepContext


@pytest.fixture(scope="module")
def context() -> Iterator[SweepContext]:
    composition.register()
    with initialize_config_dir(str(PROJECT / "conf"), version_base="1.3"):
        loader = GlobalHydra.instance().config_loader()
        master = loader.load_configuration("train", overrides=["hydra.job.name=x"], run_mode=RunMode.MULTIRUN)
        yield SweepContext(master, loader, None, composition.read_config, None, load_data)  # type: ignore[arg-type]
