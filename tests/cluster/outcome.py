"""What a sweep has computed, wherever its store is: the points and the weights of every run, bit by bit."""

import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from mlflow import MlflowClient
from mlflow.artifacts import download_artifacts
from mlflow.entities import Run

from mlplab.schema import JOB_TAG

Point = tuple[str, int, str]  # key, step, value; as text, so that nan equals nan
WEIGHTS = "artifacts/weights.npz"  # of the model


@dataclass(frozen=True)
class One:
    """One member.

    Attributes:
        points: all of them but durations, sorted: a point that is stored twice is in it twice.
        weights: by name, as bytes.
    """

    status: str
    points: tuple[Point, ...]
    weights: Mapping[str, bytes]


Computed = dict[str, One]  # by the name of the member


def read_computed(uri: str, experiment: str) -> Computed:
    """Return the members in an experiment, which has one sweep."""
    client = MlflowClient(uri)
    members = [run for run in runs_of(client, experiment) if JOB_TAG in run.data.tags]
    computed = {str(run.info.run_name): _read(client, run) for run in members}
    assert len(computed) == len(members), "a member has two runs"
    return computed


def differences(computed: Computed, undisturbed: Computed) -> list[str]:
    """Say in what these differ, one line for each."""
    lines = [f"only in one of both: {name}" for name in sorted(computed.keys() ^ undisturbed.keys())]
    for name in sorted(computed.keys() & undisturbed.keys()):
        one, other = computed[name], undisturbed[name]
        if one.status != other.status:
            lines.append(f"{name}: {one.status}")
        lines += [f"{name}: too much: {point}" for point in sorted(Counter(one.points) - Counter(other.points))]
        lines += [f"{name}: missing: {point}" for point in sorted(Counter(other.points) - Counter(one.points))]
        lines += [f"{name}: weights {key}" for key in other.weights if one.weights.get(key) != other.weights[key]]
    return lines


def runs_of(client: MlflowClient, experiment: str) -> list[Run]:
    """Return every run of an experiment."""
    existing = client.get_experiment_by_name(experiment)
    assert existing is not None
    return list(client.search_runs([existing.experiment_id], max_results=1_000))


def _read(client: MlflowClient, run: Run) -> One:
    keys = [key for key in run.data.metrics if not key.startswith("time/")]
    points = [
        (key, point.step, repr(point.value))
        for key in keys
        for point in client.get_metric_history(run.info.run_id, key)
    ]
    with tempfile.TemporaryDirectory() as folder:
        (made,) = run.outputs.model_outputs
        place = client.get_logged_model(made.model_id).artifact_location
        file = download_artifacts(f"{place}/{WEIGHTS}", dst_path=folder, tracking_uri=client.tracking_uri)
        with np.load(file) as stored:
            weights = {name: stored[name].tobytes() for name in stored.files}
    return One(run.info.status, tuple(sorted(points)), weights)
