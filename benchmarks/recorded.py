"""A sweep as it stands in MLflow, without having trained: what a comparison reads, in the size that it really has."""

import json
import time
from pathlib import Path
from typing import Any

import numpy as np

EXPERIMENT = "lab"
POINTS = 70
IMAGES = 10_000
LAYERS = range(1, 5)
CURVES = (
    "train/loss", "test/loss", "test/accuracy",
    *(f"within/layer_{layer}_{measure}" for layer in LAYERS for measure in ("gradient_norm", "update_ratio")),
    *(f"within/layer_{layer}_dead" for layer in LAYERS[:-1]),
)  # fmt: skip
FINALS = (
    "final/test_accuracy", "final/train_accuracy", "final/test_loss", "final/train_loss",
    "time/train_seconds", "time/total_seconds", "time/samples_per_second",
)  # fmt: skip
RATES = ("0.01", "0.03", "0.1", "0.3")
ACTIVATIONS = ("relu", "tanh", "sigmoid")
OTHER_KEYS = 25


def record_sweep(uri: str, location: str, folder: Path, runs: int) -> None:
    """Record a finished sweep "S" of three activations, four rates and as many seeds as it takes.

    Args:
        uri: of the SQLite file, which is made.
        location: of the experiment's artifacts, as a URI.
        folder: where these artifacts lie on this machine.
        runs: how many.
    """
    from mlflow import MlflowClient

    from mlplab.schema import COMMAND_TAG, JOB_TAG, MANIFEST, OWN_SWEEP_TAG, PREDICTIONS, SWEEP_TAG

    client = MlflowClient(uri)
    experiment = client.create_experiment(EXPERIMENT, artifact_location=location)
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, IMAGES)
    jobs = []
    for number in range(runs):
        varying = {
            "activation": ACTIVATIONS[number % 3],
            "learning_rate": RATES[number // 3 % 4],
            "seed": str(number // 12),
        }
        tags = {SWEEP_TAG: "S", JOB_TAG: str(number), "fingerprint": str(number), "data": "mnist"}
        run = client.create_run(experiment, run_name=f"run {number}", tags=tags).info
        accuracy = 0.9 + 0.02 * (number % 3) + 0.003 * rng.normal()
        _log(client, run.run_id, varying, accuracy, rng)
        predictions = np.where(rng.random(IMAGES) < accuracy, labels, rng.integers(0, 10, IMAGES))
        own = folder / run.run_id / "artifacts"
        own.mkdir(parents=True)
        pairs = np.column_stack([labels, predictions])
        np.savetxt(own / PREDICTIONS, pairs, "%d", delimiter=",", header="label,prediction", comments="")
        client.set_terminated(run.run_id)
        jobs.append({"number": number, "name": f"run {number}", "varying": varying})
    sweep = client.create_run(experiment, tags={COMMAND_TAG: "digest", OWN_SWEEP_TAG: "S"}).info
    own = folder / sweep.run_id / "artifacts"
    own.mkdir(parents=True)
    (own / MANIFEST).write_text(json.dumps({"jobs": jobs}), encoding="utf-8")
    client.set_terminated(sweep.run_id)


def _log(client: Any, run_id: str, varying: dict[str, str], accuracy: float, rng: np.random.Generator) -> None:
    from mlflow.entities import Metric, Param

    now = int(time.time() * 1000)
    points = [
        Metric(key, abs(float(rng.normal())), now + step, 200 * step) for step in range(POINTS) for key in CURVES
    ]
    points += [Metric(key, accuracy if "accuracy" in key else 1 - accuracy, now, 0) for key in FINALS]
    keys = {**varying, "epochs": "15", "iterations": "None", "data.root": "data"}
    keys |= {f"key{i}": "value" for i in range(OTHER_KEYS)}
    for start in range(0, len(points), 900):  # one call takes at most a thousand
        client.log_batch(run_id, metrics=points[start : start + 900])
    client.log_batch(run_id, params=[Param(key, value) for key, value in keys.items()])
