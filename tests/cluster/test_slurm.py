"""What only SLURM does: it ends jobs at their time limit, and puts jobs back into its queue."""

import os
import subprocess

import pytest
from mlflow import MlflowClient

from cluster.conftest import SWEEP, Cluster
from cluster.outcome import Computed, read_computed, runs_of
from cluster.test_sweeps_on_clusters import require_same, wait_for_points
from conftest import Project
from faults.commands import train

LONG = ("epochs=3000", "seed=0", "activation=relu", "learning_rate=0.05,0.1")


@pytest.fixture
def cluster(slurm_cluster: Cluster) -> Cluster:
    return slurm_cluster


@pytest.mark.timeout(900)
def test_a_job_that_slurm_puts_back_into_its_queue_goes_on(
    cluster: Cluster, shared_project: Project, uri: str, undisturbed: Computed
) -> None:
    command = cluster.start(shared_project, uri, "tracking.experiment=requeued")
    wait_for_points(command, uri, "requeued")
    environment = {**os.environ, **cluster.variables}
    running = ["squeue", "-h", "-t", "RUNNING", "-o", "%A"]
    shown = subprocess.run(running, env=environment, capture_output=True, text=True, check=True)
    subprocess.run(["scontrol", "requeue", shown.stdout.split()[0]], env=environment, check=True)
    assert command.wait() == 0, command.text
    require_same(uri, "requeued", undisturbed)


@pytest.mark.timeout(900)
def test_a_job_near_its_time_limit_ends_in_order_and_goes_on_in_another(
    cluster: Cluster, shared_project: Project, uri: str
) -> None:
    """The limit is a minute, and SLURM warns up to a minute early: each job trains for a moment."""
    typed = [*SWEEP, *LONG, f"tracking.uri={uri}", "tracking.experiment=right"]
    right = train(shared_project, *typed, OMP_NUM_THREADS="1")
    limits = ("hydra.launcher.timeout_min=1", "hydra.launcher.slurm_signal_delay_s=45")
    command = cluster.start(shared_project, uri, *LONG, "tracking.experiment=limited", *limits)
    assert command.wait() == 0, command.text
    assert right.wait() == 0, right.text
    assert read_computed(uri, "limited") == read_computed(uri, "right")
    assert {run.info.status for run in runs_of(MlflowClient(uri), "limited")} == {"FINISHED"}
