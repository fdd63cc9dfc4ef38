"""A cluster of Ray with two nodes on this machine. The second one is as another machine: it has another host name,
process numbers of its own, and sees none of the project's output folders.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from faults.servers import free_port

_RAY = [sys.executable, "-m", "ray.scripts.scripts"]
_SECONDS = 90.0
_COUNT = """
import sys, ray
ray.init(sys.argv[1], log_to_driver=False, logging_level="ERROR")
print(sum(node["Alive"] for node in ray.nodes()))
"""
_ELSEWHERE = """
hostname elsewhere
for folder in outputs multirun; do mkdir -p "$0/$folder"; mount -t tmpfs tmpfs "$0/$folder"; done
exec "$@"
"""


def can_be_elsewhere() -> bool:
    """Tell whether this machine lets its user make namespaces, as root may."""
    if os.geteuid() or shutil.which("unshare") is None:
        return False
    return subprocess.run(["unshare", "--mount", "--uts", "--pid", "--fork", "true"], check=False).returncode == 0


def elsewhere(root: Path, command: list[str]) -> list[str]:
    """Return the command as it would be typed on another machine, where the project lies at the same place."""
    spaces = ["unshare", "--mount", "--uts", "--pid", "--fork", "--mount-proc", "--kill-child"]
    return [*spaces, "sh", "-c", _ELSEWHERE, str(root), *command]


@dataclass
class Nodes:
    """The head, and the other node."""

    address: str
    head: "subprocess.Popen[bytes]"
    other: "subprocess.Popen[bytes]"

    def kill_other(self) -> None:
        """Take the other node away, as a power cut does."""
        self.other.kill()
        self.other.wait()


@contextmanager
def two_nodes(root: Path, environment: dict[str, str]) -> Iterator[Nodes]:
    """Within the block a cluster runs, with one CPU on each node; ``root`` is the project's folder."""
    port = free_port()
    address = f"{socket.gethostbyname(socket.gethostname())}:{port}"  # Ray refuses the address of the loopback
    limits = ["--num-cpus", "1", "--block", "--disable-usage-stats", "--object-store-memory", "100000000"]
    head = [*_RAY, "start", "--head", "--port", str(port), *limits,
            "--include-dashboard", "false"]  # fmt: skip
    other = [*_RAY, "start", "--address", address, *limits]
    log = root / "ray.log"
    with log.open("wb") as out:
        started = [subprocess.Popen(head, env=environment, stdout=out, stderr=out, start_new_session=True)]
        try:
            _wait_for(address, 1, environment, log)
            started.append(
                subprocess.Popen(
                    elsewhere(root, other), env=environment, stdout=out, stderr=out, start_new_session=True
                )
            )
            _wait_for(address, 2, environment, log)
            yield Nodes(address, *started)
        finally:
            for node in reversed(started):
                if node.poll() is None:
                    os.killpg(node.pid, 15)
            for node in reversed(started):
                node.wait()


def _wait_for(address: str, nodes: int, environment: dict[str, str], log: Path) -> None:
    deadline = time.monotonic() + _SECONDS
    command = [sys.executable, "-c", _COUNT, address]
    while True:
        counted = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if counted.stdout.strip() == str(nodes):
            return
        text = f"{counted.stderr[-1_000:]}{log.read_text(errors='replace')[-2_000:]}"
        if time.monotonic() > deadline:
            pytest.skip(f"Ray does not start on this machine: {text}")
        time.sleep(0.5)
