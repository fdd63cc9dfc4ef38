"""Whatever Ray says of its tasks: behind a closed gate none begins, and the command knows when the last has ended."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

ray = pytest.importorskip("ray", reason="Ray is not installed: pip install '.[ray]'")

from ray.exceptions import RayTaskError, WorkerCrashedError  # noqa: E402

from conftest import PROJECT  # noqa: E402
from mlplab.launchers import ray_gate  # noqa: E402

SOON = 60.0
TESTS = str(Path(__file__).parents[1])


@ray.remote
def work(gate: Any, begun: str, dies: bool = False) -> str:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs ignore it, and so their workers
    with ray_gate.passed(gate):
        Path(begun).touch()
        if dies:
            time.sleep(2)
            os._exit(1)
        with suppress(KeyboardInterrupt):
            for _ in range(1_200):
                time.sleep(0.1)
            return "not interrupted"
        return "interrupted"


@pytest.fixture(scope="module")
def gates() -> Iterator[None]:
    code = {"env_vars": {"PYTHONPATH": os.pathsep.join([TESTS, str(PROJECT / "src")])}}
    ray.init("local", num_cpus=1, include_dashboard=False, log_to_driver=False, runtime_env=code)
    yield
    ray.shutdown()


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + SOON
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_closing_interrupts_the_job_that_works_and_lets_no_other_begin(gates: None, tmp_path: Path) -> None:  # noqa: ARG001
    gate = ray_gate.opened()
    working = work.remote(gate, str(tmp_path / "first"))
    waiting = work.remote(gate, str(tmp_path / "second"))
    wait_for(tmp_path / "first")
    assert not ray.get(gate.is_empty.remote())
    ray_gate.close(gate)
    assert ray.get(working, timeout=SOON) == "interrupted"
    with pytest.raises(RayTaskError, match="no longer carries the sweep out"):
        ray.get(waiting, timeout=SOON)
    assert not (tmp_path / "second").exists()
    ray_gate.wait_until_empty(gate, time.monotonic() + SOON)
    assert ray.get(gate.is_empty.remote())


def test_a_job_whose_process_died_is_not_waited_for(gates: None, tmp_path: Path) -> None:  # noqa: ARG001
    gate = ray_gate.opened()
    dying = work.options(max_retries=0).remote(gate, str(tmp_path / "begun"), dies=True)
    wait_for(tmp_path / "begun")
    with pytest.raises(WorkerCrashedError):
        ray.get(dying, timeout=SOON)
    deadline = time.monotonic() + SOON
    ray_gate.wait_until_empty(gate, deadline)
    assert time.monotonic() < deadline
