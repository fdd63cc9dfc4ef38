"""A SLURM of one node on this machine, from Debian's packages: munged, slurmctld and slurmd, on ports of its own."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from faults.servers import free_port

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "scontrol", "squeue")
_SECONDS = 60.0
_CONFIG = """
ClusterName=mlplab
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
SlurmctldPort={port}
SlurmdPort={node_port}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_interval=1,batch_sched_delay=0
OverTimeLimit=0
KillWait=20
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} State=UNKNOWN
PartitionName=lab Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def missing() -> list[str]:
    """Return the programs that are not installed."""
    return [name for name in PROGRAMS if shutil.which(name) is None]


@contextmanager
def one_node(cpus: int) -> Iterator[dict[str, str]]:
    """Within the block SLURM runs; the variables with which its commands find it."""
    folder = Path(tempfile.mkdtemp(prefix="slurm"))  # short: munge's socket is in it
    for name in ("munge", "state", "spool"):
        (folder / name).mkdir(mode=0o755)
    folder.chmod(0o755)
    key = folder / "munge" / "key"
    key.write_bytes(os.urandom(1_024))
    key.chmod(0o400)
    config = folder / "slurm.conf"
    host, user = socket.gethostname().partition(".")[0], "root" if os.geteuid() == 0 else os.environ["USER"]
    config.write_text(
        _CONFIG.format(folder=folder, host=host, user=user, cpus=cpus, port=free_port(), node_port=free_port())
    )
    variables = {"SLURM_CONF": str(config)}
    environment = {**os.environ, **variables}
    munge = [f"--{name}={folder}/munge/{name}" for name in ("socket", "pid-file", "log-file", "seed-file")]
    daemons = [
        ["munged", "--foreground", "--force", f"--key-file={key}", *munge],
        ["slurmctld", "-D", "-i"],
        ["slurmd", "-D"],
    ]
    started = []
    try:
        for command in daemons:
            with (folder / f"{command[0]}.out").open("wb") as out:
                started.append(subprocess.Popen(command, env=environment, stdout=out, stderr=out))
            time.sleep(0.5)
        _wait_for_node(environment, folder)
        yield variables
    finally:
        subprocess.run(["scancel", "--full", "--state=RUNNING"], env=environment, capture_output=True)
        for daemon in reversed(started):
            daemon.terminate()
        for daemon in reversed(started):
            daemon.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for_node(environment: dict[str, str], folder: Path) -> None:
    deadline = time.monotonic() + _SECONDS
    while "idle" not in subprocess.run(["sinfo", "-h"], env=environment, capture_output=True, text=True).stdout:
        logs = "".join(path.read_text(errors="replace")[-500:] for path in folder.glob("*.log"))
        if time.monotonic() > deadline:
            pytest.skip(f"SLURM does not start on this machine: {logs}")
        time.sleep(0.2)
