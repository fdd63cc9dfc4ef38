"""One run from its config to its record: the only place where data, engine, training and tracking meet."""

import logging
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from omegaconf import OmegaConf

from mlplab import artifacts, config, data, engines, training
from mlplab.data import Dataset
from mlplab.engines.base import Engine
from mlplab.errors import ConfigError
from mlplab.progress import Display, show_next, show_summary
from mlplab.tracking import identity, model
from mlplab.tracking.process import Process
from mlplab.tracking.run import Run
from mlplab.tracking.store import open_store
from mlplab.training import Report, Schedule

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Result:
    """What a finished run came to: its id in MLflow, and the metrics it ended with."""

    run_id: str
    final: dict[str, float]


def run(settings: config.TrainConfig, output_folder: Path) -> Result:
    """Train as the config says, and record everything in MLflow.

    Args:
        settings: the whole run.
        output_folder: where to save what MLflow does not take, should it stop answering.

    Raises:
        UserError: see its subclasses; once the run has begun in MLflow, it has ended there as FAILED.
    """
    start = time.perf_counter()
    _warn_of_ignored(settings)
    split_rng, weights_rng, batch_rng = _streams(settings.seed)
    dataset = data.load(settings.data, split_rng, settings.dtype)
    settings = replace(settings, data=replace(settings.data, name=config.DataName(dataset.name)))
    _check_batch_size(settings, dataset)
    engine = engines.build(settings, dataset, weights_rng)
    schedule = Schedule.plan(settings, len(dataset.train))
    name = settings.tracking.run_name or f"{settings.activation} {settings.optimizer} lr={settings.learning_rate:g}"
    git = identity.GitState.read()

    store = open_store(settings.tracking)
    with Run(store, name, _tags(settings, dataset, engine, git), output_folder) as tracked:
        _record_beginning(tracked, settings, dataset, git)
        reports = _train(tracked, Display(name, schedule), settings, engine, schedule, batch_rng)
        evaluations = {split: engine.evaluate(split) for split in dataset.splits}
        final = {
            **{f"final/{split}_accuracy": found.accuracy for split, found in evaluations.items()},
            **{f"final/{split}_loss": found.loss for split, found in evaluations.items()},
            "time/train_seconds": reports[-1].train_seconds,
            "time/samples_per_second": reports[-1].rows / reports[-1].train_seconds,
        }
        artifacts.write(tracked.artifacts, name, reports, evaluations, dataset)
        _save_model(tracked.artifacts / "model", settings, engine, dataset)
        final["time/total_seconds"] = time.perf_counter() - start
        tracked.log_metrics(final, reports[-1].step)
    show_summary(final)
    if settings.tracking.sweep is None:  # the members of a sweep share one page
        show_next(store, tracked.run_id)
    return Result(tracked.run_id, final)


def _streams(seed: int) -> Iterator[np.random.Generator]:
    """Yield independent generators for the splits, the weights and the batches, all from one seed."""
    return (np.random.default_rng(stream) for stream in np.random.SeedSequence(seed).spawn(3))


def _warn_of_ignored(settings: config.TrainConfig) -> None:
    if settings.penalty is config.Penalty.none and settings.weight_decay > 0:
        log.warning("weight_decay=%g has no effect: penalty=none", settings.weight_decay)


def _check_batch_size(settings: config.TrainConfig, dataset: Dataset) -> None:
    rows = len(dataset.train)
    if settings.batch_size > rows:
        raise ConfigError(
            f"batch_size={settings.batch_size}: the training split has {rows:,} images; take at most all"
        )


def _tags(
    settings: config.TrainConfig, dataset: Dataset, engine: Engine, git: identity.GitState | None
) -> dict[str, str]:
    tags = {
        "fingerprint": identity.fingerprint(settings, dataset.digest),
        "data": dataset.name,
        "device": engine.device,
        **Process.current().tags(),
        **{f"version.{library}": number for library, number in identity.versions(settings).items()},
    }
    if settings.tracking.sweep:
        tags["sweep"] = settings.tracking.sweep
    if git:
        tags |= {"git.commit": git.commit, "git.dirty": str(git.dirty).lower()}
    return tags


def _record_beginning(
    tracked: Run, settings: config.TrainConfig, dataset: Dataset, git: identity.GitState | None
) -> None:
    """Write what is known before training, so that a run that is killed still says what it was."""
    tracked.log_params(config.flatten(settings))
    profile = {**{split: len(rows) for split, rows in dataset.splits.items()}, **asdict(dataset.scaling)}
    tracked.log_dataset(dataset.name, dataset.digest, settings.data.root, profile)
    resolved = OmegaConf.to_yaml(OmegaConf.structured(settings))
    (tracked.artifacts / "config.yaml").write_text(resolved, encoding="utf-8")
    if git and git.dirty:
        (tracked.artifacts / "git.diff").write_text(git.diff, encoding="utf-8")


def _train(
    tracked: Run,
    display: Display,
    settings: config.TrainConfig,
    engine: Engine,
    schedule: Schedule,
    batch_rng: np.random.Generator,
) -> list[Report]:
    splits = ["test", "val"] if settings.data.val_size else ["test"]
    reports = []
    with display:
        for report in training.train(engine, schedule, batch_rng, settings.log_every, splits):
            if report.metrics:
                tracked.log_metrics(report.metrics, report.step)
            display.update(report)
            reports.append(report)
    return reports


def _save_model(folder: Path, settings: config.TrainConfig, engine: Engine, dataset: Dataset) -> None:
    layers, scaling = engine.layers(), dataset.scaling
    if settings.engine is config.Engine.torch:
        from mlplab.engines.torch_engine import classifier

        model.save_torch(folder, classifier(layers, settings.activation, scaling), dataset.inputs)
    else:
        model.save_scratch(folder, layers, settings.activation, asdict(scaling))
