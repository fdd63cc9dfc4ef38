"""A sweep on a cluster computes, bit by bit, what it computes undisturbed on one machine, whatever dies meanwhile."""

import signal
import time
from collections.abc import Iterator

import psutil
import pytest
from mlflow import MlflowClient

from cluster.conftest import Cluster
from cluster.outcome import Computed, differences, read_computed, runs_of
from conftest import Project
from faults.commands import Command
from mlplab.schema import JOB_TAG

STOP_SECONDS = 40.0
SEARCH = (
    "search=random", "trials=4", "pruner=median", "data.val_size=200", "learning_rate=interval(0.01,0.1)", "seed=0",
)  # fmt: skip


def workers(cluster: Cluster) -> Iterator[psutil.Process]:
    """Every process that carries a member out, also those with process numbers of their own."""
    for process in psutil.process_iter(["cmdline"]):
        if cluster.process in " ".join(process.info["cmdline"] or []):
            yield process


def wait_for_points(command: Command, uri: str, experiment: str, members: int = 2) -> None:
    """Wait until so many members have points of training in the store."""
    client = MlflowClient(uri)

    def have_begun() -> bool:
        if client.get_experiment_by_name(experiment) is None:
            return False
        return sum("train/loss" in run.data.metrics for run in runs_of(client, experiment)) >= members

    command.wait_until(have_begun)


def require_same(uri: str, experiment: str, undisturbed: Computed) -> None:
    """Compare the members with those of the undisturbed sweep; and no run is left RUNNING."""
    assert differences(read_computed(uri, experiment), undisturbed) == []
    assert {run.info.status for run in runs_of(MlflowClient(uri), experiment)} == {"FINISHED"}


@pytest.mark.timeout(900)
def test_a_worker_that_is_killed_costs_nothing(
    cluster: Cluster, shared_project: Project, uri: str, undisturbed: Computed
) -> None:
    experiment = f"worker {cluster.launcher}"
    command = cluster.start(shared_project, uri, f"tracking.experiment={experiment}")
    wait_for_points(command, uri, experiment)
    next(workers(cluster)).kill()
    assert command.wait() == 0, command.text
    require_same(uri, experiment, undisturbed)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_another_driver_goes_on_after_the_first_is_gone(
    cluster: Cluster, shared_project: Project, uri: str, undisturbed: Computed, number: signal.Signals
) -> None:
    experiment = f"driver {cluster.launcher} {number.name}"
    command = cluster.start(shared_project, uri, f"tracking.experiment={experiment}")
    wait_for_points(command, uri, experiment)
    command.process.send_signal(number)
    asked = time.monotonic()
    assert command.wait() == (-9 if number is signal.SIGKILL else 128 + number), command.text
    if number is signal.SIGTERM:
        assert time.monotonic() - asked < STOP_SECONDS, command.text
        assert not list(workers(cluster))
        states = {run.info.run_name: run.info.status for run in runs_of(MlflowClient(uri), experiment)}
        assert set(states.values()) <= {"FINISHED", "KILLED"}, states
    again = cluster.start(shared_project, uri, f"tracking.experiment={experiment}", "resume=true")
    assert again.wait() == 0, again.text
    require_same(uri, experiment, undisturbed)


@pytest.mark.timeout(900)
def test_a_node_that_is_lost_costs_nothing(
    cluster: Cluster, shared_project: Project, uri: str, undisturbed: Computed
) -> None:
    if cluster.nodes is None:
        pytest.skip("this cluster has one node")
    experiment = f"node {cluster.launcher}"
    command = cluster.start(shared_project, uri, f"tracking.experiment={experiment}")
    wait_for_points(command, uri, experiment)
    cluster.nodes.kill_other()
    assert command.wait() == 0, command.text
    require_same(uri, experiment, undisturbed)


@pytest.mark.timeout(900)
def test_a_search_tries_as_many_runs_as_it_was_asked_for(
    cluster: Cluster, shared_project: Project, uri: str, studies: str
) -> None:
    experiment = f"search {cluster.launcher}"
    where = [f"tracking.experiment={experiment}", f"search_storage='{studies}'"]
    command = cluster.start(shared_project, uri, *SEARCH, *where)
    assert command.wait() == 0, command.text
    client = MlflowClient(uri)
    members = [run for run in runs_of(client, experiment) if JOB_TAG in run.data.tags]
    assert [run.info.status for run in members] == ["FINISHED"] * 4
    assert len({run.data.params["learning_rate"] for run in members}) == 4
    assert "what mattered" in command.out
