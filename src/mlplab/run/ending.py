"""What a run records when its training has ended: its results, or that it was pruned."""

from mlplab import schema
from mlplab.engines.base import Evaluation
from mlplab.run import artifacts
from mlplab.run.artifacts import Finished, only_a_warning
from mlplab.run.display import show_early_end
from mlplab.run.model_file import save_trained
from mlplab.run.preparation import Setup
from mlplab.run.resumption import Point
from mlplab.selection_config import Keep
from mlplab.tracking.run import Run
from mlplab.training.loop import Training
from mlplab.training.measuring import require_finite


def conclude_run(tracked: Run, setup: Setup, points: list[Point]) -> dict[str, float]:
    """Evaluate and save the network that is kept; return the final metrics. A pruned run has only those of time.

    Raises:
        DivergedError: the network that is kept has no finite loss.
    """
    training, stop = setup.training, setup.training.stop
    if stop is not None:
        show_early_end(setup.settings.name, stop)
        if stop.pruned:
            tracked.prune(stop.step, stop.reason)
            tracked.log_results(times := _times(training))
            return times
        tracked.set_tags({schema.STOPPED_TAG: stop.reason})
    training.restore_best()
    return _evaluate(tracked, setup, points)


def _evaluate(tracked: Run, setup: Setup, points: list[Point]) -> dict[str, float]:
    training, dataset = setup.training, setup.dataset
    settings, folder = setup.settings, tracked.artifacts
    evaluations = {split: setup.engine.evaluate(split) for split in dataset.splits}
    final = _final_metrics(evaluations, training)
    if settings.keep is Keep.best and training.best_step is not None:
        final[schema.BEST_STEP] = float(training.best_step)
    tracked.log_results(final)
    require_finite(final, training.step, setup.schedule)
    losses = {schema.loss(split): evaluation.loss for split, evaluation in evaluations.items()}
    artifacts.write_all(folder, Finished(settings.name, points or [(training.step, losses)], evaluations, dataset))
    with only_a_warning("model"):
        if not tracked.files.has_model(schema.MODEL):  # of a process that was killed just before its end
            save_trained(folder, settings, setup.engine, dataset)
        if (folder / schema.MODEL).exists():
            tracked.files.log_model(schema.MODEL)
    return final


def _final_metrics(evaluations: dict[str, Evaluation], training: Training) -> dict[str, float]:
    return {
        **{schema.final_accuracy(split): evaluation.accuracy for split, evaluation in evaluations.items()},
        **{schema.final_loss(split): evaluation.loss for split, evaluation in evaluations.items()},
        **_times(training),
    }


def _times(training: Training) -> dict[str, float]:
    return {schema.TRAIN_SECONDS: training.seconds, schema.SAMPLES_PER_SECOND: training.rows / training.seconds}
