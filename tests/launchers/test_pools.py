"""What a launcher cannot do is said in one message before anything is launched."""

import socket
import sys
from collections.abc import Mapping

import pytest

from mlplab.errors import ConfigError
from mlplab.launchers.installed import ray_pool, submitit_pool

RAY = {"address": None, "cpus": 1, "cpus_per_job": 1, "gpus_per_job": 0.0}
SUBMITIT = {"cluster": "local", "folder": "multirun", "cpus_per_job": 1, "timeout_min": 1}


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cpus_per_job": 0}, r"hydra.launcher.cpus_per_job=0: takes a number of CPUs, at least 1"),
        ({"address": "?"}, r"RAY_ADDRESS=\?: takes HOST:PORT, as `ray start --head` prints it"),
        ({"address": f"127.0.0.1:{closed_port()}"}, r"RAY_ADDRESS=127.*: no cluster of Ray answers .*; start one"),
    ],
)
def test_what_ray_cannot_do_is_one_message(options: Mapping[str, object], message: str) -> None:
    pytest.importorskip("ray")
    with pytest.raises(ConfigError, match=message):
        ray_pool(**{**RAY, **options})


def test_a_job_is_granted_a_cpu_at_least() -> None:
    pytest.importorskip("submitit")
    with pytest.raises(ConfigError, match=r"hydra.launcher.cpus_per_job=0: takes a number of CPUs, at least 1"):
        submitit_pool(**{**SUBMITIT, "cpus_per_job": 0})


def test_a_package_that_is_not_installed_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "mlplab.launchers.ray_pool", raising=False)
    with pytest.raises(ConfigError, match=r"needs the package ray; install it: pip install '\.\[ray\]'"):
        ray_pool(**RAY)
