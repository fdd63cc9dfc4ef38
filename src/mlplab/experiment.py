"""One run from its config to its record: the only place where data, engine, training and tracking meet."""

import logging
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from omegaconf import OmegaConf

from mlplab import artifacts, checkpoint, config, engines, training
from mlplab.data import Dataset
from mlplab.engines.base import Engine, Evaluation
from mlplab.errors import ConfigError
from mlplab.interrupts import held
from mlplab.progress import Display, say, show_next, show_summary
from mlplab.resumption import Progress
from mlplab.schedule import Schedule
from mlplab.tracking import identity, model
from mlplab.tracking.earlier import FOLDER_TAG, JOB_TAG, find_earlier
from mlplab.tracking.process import Process
from mlplab.tracking.run import Run
from mlplab.tracking.store import Store, open_store, public
from mlplab.training import RandomStreams, Training

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Result:
    """What a finished run came to: its id in MLflow, and the metrics it ended with."""

    run_id: str
    final: dict[str, float]


def run(
    settings: config.TrainConfig, load_data: Callable[[], Dataset], streams: RandomStreams, output_folder: Path
) -> Result:
    """Train as the config says, and record everything in MLflow.

    Args:
        settings: the whole run.
        load_data: returns its data set.
        streams: draw its weights and batches.
        output_folder: where to save what MLflow does not take, should it stop answering.

    Raises:
        UserError: see its subclasses; once the run has begun in MLflow, it has ended there as FAILED.
    """
    start = time.perf_counter()
    tracking = settings.tracking
    dataset = load_data()
    _check_batch_size(settings, dataset)
    engine = engines.build(settings, dataset, streams.weights)
    settings = _resolved(settings, dataset, engine)
    schedule = Schedule.plan(settings, len(dataset.train))
    _warn_of_ignored(settings, schedule)
    git = identity.GitState.read()

    store = open_store(tracking)
    tags = _tags(settings, dataset, git)
    earlier = find_earlier(store, settings, tags["fingerprint"]) if settings.resume else None
    if earlier is not None and earlier.status == "FINISHED":
        say(f"{settings.name}: has finished already")
        return _show_end(store, settings, Result(earlier.run_id, earlier.final))

    folder = output_folder if earlier is None else earlier.folder
    splits = ["test", "val"] if settings.data.val_size else ["test"]
    diagnosed = str(settings.activation) if settings.diagnostics else None
    under_way = Training(engine, schedule, streams.batches, settings.log_every, splits, diagnosed)
    progress = Progress(under_way, folder / checkpoint.NAME, tags["fingerprint"])
    if earlier is None:
        checkpoint.remove(progress.path)  # of another run, that the folder was used for before
    else:
        progress.go_on()
    tags[FOLDER_TAG] = str(folder)
    with Run(store, settings.name, tags, output_folder, earlier.run_id if earlier else None) as tracked:
        with progress.kept():
            _record_beginning(tracked, settings, dataset, git)
            _train(tracked, settings, progress, schedule)
            final = _finish(tracked, settings, engine, dataset, progress, schedule)
        total = {"time/total_seconds": progress.seconds_before + time.perf_counter() - start}
        tracked.log_metrics(total, progress.training.step)
    checkpoint.remove(progress.path)
    return _show_end(store, settings, Result(tracked.run_id, final | total))


def _finish(
    tracked: Run,
    settings: config.TrainConfig,
    engine: Engine,
    dataset: Dataset,
    progress: Progress,
    schedule: Schedule,
) -> dict[str, float]:
    """Evaluate and save what the training came to; return its final metrics."""
    last = progress.training
    evaluations = {split: engine.evaluate(split) for split in dataset.splits}
    final = _final_metrics(evaluations, last)
    tracked.log_metrics(final, last.step)
    training.require_finite(final, last.step, schedule)
    points = progress.points or [(last.step, {f"{split}/loss": evaluations[split].loss for split in evaluations})]
    artifacts.write(tracked.artifacts, settings.name, points, evaluations, dataset)
    _save_model(tracked.artifacts / "model", settings, engine, dataset)
    return final


def _show_end(store: Store, settings: config.TrainConfig, result: Result) -> Result:
    show_summary(settings.name, result.run_id, result.final)
    if settings.tracking.sweep is None:  # the members of a sweep share one page
        show_next(store, result.run_id)
    return result


def _resolved(settings: config.TrainConfig, dataset: Dataset, engine: Engine) -> config.TrainConfig:
    """Return the config with what "auto" came to, and without what nobody else should read."""
    return replace(
        settings,
        device=config.Device(engine.device),
        data=replace(settings.data, name=config.DataName(dataset.name)),
        tracking=replace(settings.tracking, uri=settings.tracking.uri and public(settings.tracking.uri)),
    )


def _warn_of_ignored(settings: config.TrainConfig, schedule: Schedule) -> None:
    if settings.penalty is config.Penalty.none and settings.weight_decay > 0:
        log.warning("weight_decay=%g has no effect: penalty=none", settings.weight_decay)
    if settings.log_every > schedule.steps:
        log.warning("log_every=%d: no point is logged, training ends before", settings.log_every)


def _check_batch_size(settings: config.TrainConfig, dataset: Dataset) -> None:
    rows = len(dataset.train)
    if settings.batch_size > rows:
        raise ConfigError(
            f"batch_size={settings.batch_size}: the training split has {rows:,} images; take at most all"
        )


def _tags(settings: config.TrainConfig, dataset: Dataset, git: identity.GitState | None) -> dict[str, str]:
    tags = {
        "fingerprint": identity.fingerprint(settings, dataset.digest),
        "data": dataset.name,
        **Process.current().tags(),
        **identity.origin_tags(git),
        **{f"version.{library}": number for library, number in identity.versions(settings).items()},
    }
    if settings.tracking.sweep:
        tags["sweep"] = settings.tracking.sweep
    if settings.tracking.job is not None:
        tags[JOB_TAG] = str(settings.tracking.job)
    return tags


def _record_beginning(
    tracked: Run, settings: config.TrainConfig, dataset: Dataset, git: identity.GitState | None
) -> None:
    """Write what is known before training, so that a run that is killed still says what it was."""
    tracked.log_params(config.flatten(settings))
    profile = {**{split: len(rows) for split, rows in dataset.splits.items()}, **asdict(dataset.scaling)}
    tracked.log_dataset(dataset.name, dataset.digest, dataset.source, profile)
    tracked.log_text(OmegaConf.to_yaml(OmegaConf.structured(settings)), "config.yaml")
    if git and git.dirty:
        tracked.log_text(git.diff, "git.diff")


def _train(tracked: Run, settings: config.TrainConfig, progress: Progress, schedule: Schedule) -> None:
    for step, metrics in progress.points:
        tracked.log_metrics(metrics, step)  # those of before that the store did not get
    reports = progress.training.reports()
    with Display(settings.name, schedule, done=progress.training.step) as display:
        while progress.training.step < schedule.steps:
            with held():  # a signal finds everything between two reports
                report = next(reports)
                if report.metrics:
                    tracked.log_metrics(report.metrics, report.step)
                display.update(report)
                progress.add(report)


def _final_metrics(evaluations: dict[str, Evaluation], last: Training) -> dict[str, float]:
    return {
        **{f"final/{split}_accuracy": found.accuracy for split, found in evaluations.items()},
        **{f"final/{split}_loss": found.loss for split, found in evaluations.items()},
        "time/train_seconds": last.seconds,
        "time/samples_per_second": last.rows / last.seconds,
    }


def _save_model(folder: Path, settings: config.TrainConfig, engine: Engine, dataset: Dataset) -> None:
    layers, scaling = engine.layers(), dataset.scaling
    if settings.engine is config.Engine.torch:
        from mlplab.engines.torch_network import classifier

        model.save_torch(folder, classifier(layers, settings.activation, scaling), dataset.inputs)
    else:
        model.save_scratch(folder, layers, settings.activation, asdict(scaling))
