"""What a network is said to need is what it takes, measured in a process of its own."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import PROJECT
from mlplab.config import TrainConfig
from mlplab.engines import least_memory, least_memory_of_own

MEASURE = """
import re, resource, sys
from pathlib import Path
import numpy as np
from hydra import compose, initialize_config_dir
from mlplab.app import composition
from mlplab import data, engines
from mlplab.training.loop import Training
from mlplab.training.schedule import Schedule

composition.register()
with initialize_config_dir(sys.argv[1], version_base="1.3"):
    settings = composition.read_config(compose("train", overrides=sys.argv[2:]))
rng = np.random.default_rng(0)
dataset = data.load(settings.data, rng, settings.dtype)
if settings.engine == "torch":
    from mlplab.engines import torch_engine
if not settings.has_mlp:
    import own_networks
    from mlplab.engines import own_engine
from mlplab.app.own_network import maker_of
def peak():
    if Path("/proc/self/status").exists():  # of this program alone; ru_maxrss is inherited
        return 1024 * int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
before = peak()
own = engines.make_own(settings, dataset, maker_of(settings.network))
engine = engines.build(settings, dataset, rng, own)
diagnosed = settings.activation if settings.diagnostics else None
training = Training(engine, Schedule.plan(settings, len(dataset.train)), rng, 2, ["test"], diagnosed)
training.advance()
training.state()
print(peak() - before)
"""


def measured(overrides: list[str]) -> int:
    """Return the bytes that a run with these overrides has taken."""
    command = [sys.executable, "-c", MEASURE, str(PROJECT / "conf"), *overrides]
    path = os.pathsep.join([str(PROJECT / "src"), str(Path(__file__).parent)])
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": path})
    return int(done.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("activation", ["sigmoid", "gelu"])
@pytest.mark.parametrize(
    ("engine", "optimizer", "diagnostics"),
    [("numpy", "sgd", True), ("numpy", "adam", False), ("torch", "sgd", True), ("torch", "momentum", False)],
)
def test_a_run_takes_what_is_said_and_not_much_more(
    settings: Callable[..., TrainConfig], engine: str, optimizer: str, diagnostics: bool, activation: str
) -> None:
    chosen = [
        "data=digits", "hidden_sizes=[2000,3000]", "iterations=2", "log_every=2", f"engine={engine}", "device=cpu",
        f"optimizer={optimizer}", f"diagnostics={str(diagnostics).lower()}", f"activation={activation}",
    ]  # fmt: skip
    taken = measured(chosen)
    said = least_memory(settings(*chosen), 64, 10, 360)
    assert 0.5 * taken < said < 1.1 * taken, f"said {said / 1e6:.0f} MB, taken {taken / 1e6:.0f} MB"


@pytest.mark.slow
@pytest.mark.parametrize(("optimizer", "diagnostics"), [("sgd", True), ("momentum", False), ("adam", True)])
def test_another_network_takes_what_is_said_and_not_much_more(
    settings: Callable[..., TrainConfig], optimizer: str, diagnostics: bool
) -> None:
    chosen = [
        "data=digits", "engine=torch", "device=cpu", "iterations=2", "log_every=2", f"optimizer={optimizer}",
        f"diagnostics={str(diagnostics).lower()}", "network._target_=own_networks.Wide",
    ]  # fmt: skip
    taken = measured(chosen)
    parameters, activations = 64 * 2000 + 2000 + 2000 * 3000 + 3000 + 3000 * 10 + 10, 64 + 10_000 + 10
    said = least_memory_of_own(settings(*chosen), parameters, activations)
    assert 0.5 * taken < said < 1.1 * taken, f"said {said / 1e6:.0f} MB, taken {taken / 1e6:.0f} MB"
