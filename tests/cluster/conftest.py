"""Clusters that are brought up once, a server on PostgreSQL for all, and what the sweep computes undisturbed."""

import os
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from cluster import ray_nodes, slurm
from cluster.outcome import Computed, read_computed
from conftest import Project, copy_project
from faults.commands import Command, train
from faults.servers import postgresql, serving
from mlplab.app.postgresql import find_programs

TASK, WORKER = "ray::_carry_out", "submitit.core._submit"  # in the command line of a process that carries a member out
SWEEP = (
    "-m", "data=digits", "hidden_sizes=[64,32]", "learning_rate=0.05,0.1", "batch_size=50", "log_every=100",
    "epochs=150", "diagnostics=false", "activation=relu,tanh", "seed=0,1,2",
)  # fmt: skip
LEASE = ("tracking.heartbeat_seconds=2", "tracking.lease_seconds=10")


@dataclass
class Cluster:
    """Where members run.

    Attributes:
        launcher: its name in a command.
        process: a text in the command line of each process that carries a member out.
        variables: of the environment of the command.
        nodes: of Ray, where there are two.
    """

    launcher: str
    process: str
    variables: dict[str, str] = field(default_factory=dict)
    nodes: ray_nodes.Nodes | None = None

    def start(self, project: Project, uri: str, *words: str) -> Command:
        """Start a sweep on it."""
        typed = [*SWEEP, f"hydra/launcher={self.launcher}", f"tracking.uri={uri}", *LEASE, *words]
        return train(project, *typed, **self.variables)


@pytest.fixture(scope="session")
def database() -> Iterator[str]:
    """Of PostgreSQL."""
    programs = find_programs()
    if programs is None:
        pytest.skip("PostgreSQL is not on this machine")
    with postgresql(programs) as database:
        yield database


@pytest.fixture(scope="session")
def uri(tmp_path_factory: pytest.TempPathFactory, database: str) -> Iterator[str]:
    """Of a server on PostgreSQL."""
    with serving(tmp_path_factory.mktemp("server"), database) as server:
        yield server.uri


@pytest.fixture(scope="session")
def studies(database: str) -> str:
    """A database of its own, for the studies of searches."""
    engine = create_engine(database, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("CREATE DATABASE studies"))
    engine.dispose()
    return database.replace("/postgres?", "/studies?")


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> Computed:
    """What the sweep computes on one thread of this machine, into a local file."""
    root = tmp_path_factory.mktemp("undisturbed")
    shutil.copy(empty_store, root)
    project = copy_project(root)
    command = train(project, *SWEEP, OMP_NUM_THREADS="1")
    assert command.wait() == 0, command.text
    return read_computed(project.uri, "mlplab")


@pytest.fixture(scope="session")
def shared_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return copy_project(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="session")
def slurm_cluster() -> Iterator[Cluster]:
    """SLURM of one node."""
    pytest.importorskip("submitit", reason="submitit is not installed: pip install '.[slurm]'")
    if absent := slurm.missing():
        pytest.skip(f"SLURM is not installed, it lacks {', '.join(absent)}: slurmctld, slurmd, slurm-client, munge")
    with slurm.one_node(os.cpu_count() or 1) as variables:
        yield Cluster("slurm", WORKER, variables)


@pytest.fixture(scope="session")
def ray_cluster(shared_project: Project) -> Iterator[Cluster]:
    """Ray with two nodes, of which one is as another machine."""
    pytest.importorskip("ray", reason="Ray is not installed: pip install '.[ray]'")
    if not ray_nodes.can_be_elsewhere():
        pytest.skip("a second machine needs namespaces, which only root may make here")
    token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    with ray_nodes.two_nodes(shared_project.root, shared_project.environment(**token)) as nodes:
        yield Cluster("ray_cluster", TASK, {**token, "RAY_ADDRESS": nodes.address}, nodes)


@pytest.fixture(scope="session")
def ray_alone() -> Cluster:
    """Ray on this machine, for one command."""
    pytest.importorskip("ray", reason="Ray is not installed: pip install '.[ray]'")
    return Cluster("ray", TASK)


@pytest.fixture(scope="session")
def submitit_alone() -> Cluster:
    """Processes of this machine, as SLURM would start them."""
    pytest.importorskip("submitit", reason="submitit is not installed: pip install '.[slurm]'")
    return Cluster("submitit_local", WORKER)


@pytest.fixture(params=["ray_alone", "submitit_alone", "slurm_cluster", "ray_cluster"])
def cluster(request: pytest.FixtureRequest) -> Cluster:
    """Every cluster in turn, skipped with the reason where it cannot be brought up."""
    chosen: Cluster = request.getfixturevalue(request.param)
    return chosen
