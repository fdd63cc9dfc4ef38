"""What the validation split decides about a training: which point is the best, and whether training is to stop."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from mlplab.engines.base import Engine, State
from mlplab.selection_config import EarlyStoppingConfig, Keep, Monitor
from mlplab.terminal import count_of
from mlplab.training.checkpoint import Checkpoint

_KEPT = "best."  # before the names of the best point's arrays in a checkpoint


class Pruner(Protocol):
    """Compares a run with others while it trains."""

    def report(self, point: int, value: float) -> str | None:
        """Take the monitored value at point 1, 2, ...; return why the run is to stop, or None.

        A resumed run reports the points after its checkpoint again.
        """


@dataclass(frozen=True)
class Stop:
    """Why a training ends before its schedule does: early stopping, or pruning."""

    step: int
    reason: str
    pruned: bool


@dataclass
class _Progress:
    """What the judge knows so far.

    Attributes:
        best: the best value; None before the first point.
        best_step: the update after which it was measured.
        improved: the last value that was better by more than min_delta than the one before it in this role.
        since: points after that.
    """

    best: float | None = None
    best_step: int = 0
    improved: float | None = None
    since: int = 0


class Judge:
    """Judges every point by one metric of the validation split.

    ``keep=best`` goes by the best value as it is. Early stopping counts the points since the metric was last better,
    by more than ``min_delta``, than when that was the case before: steps too small to count add up.

    Attributes:
        stop: why training ends now; None as long as it goes on.
    """

    def __init__(
        self,
        engine: Engine,
        monitor: Monitor,
        keep: Keep,
        early_stopping: EarlyStoppingConfig,
        pruner: Pruner | None = None,
    ) -> None:
        """Judge the training of this engine, which has not begun."""
        self._engine, self._monitor, self._keep = engine, monitor, keep
        self._early_stopping, self._pruner = early_stopping, pruner
        self._progress = _Progress()
        self._kept: State = engine.state() if keep is Keep.best else {}
        self.stop: Stop | None = None

    @property
    def best_step(self) -> int:
        """The update after which the network was the best; 0 before the first point."""
        return self._progress.best_step

    def judge(self, point: int, step: int, metrics: Mapping[str, float], is_last: bool) -> None:
        """Take the metrics of a point; afterwards ``stop`` says whether training goes on.

        Args:
            point: 1, 2, ...
            step: updates so far.
            metrics: measured there, the monitored one among them.
            is_last: whether training ends here anyway: then nothing stops it.
        """
        value = metrics[self._monitor.metric]
        self._note(value, step)
        behind = None if self._pruner is None else self._pruner.report(point, value)
        if is_last:
            return
        if self._early_stopping.patience is not None and self._progress.since >= self._early_stopping.patience:
            self.stop = Stop(step, self._why_early(), pruned=False)
        elif behind is not None:
            self.stop = Stop(step, behind, pruned=True)

    def _note(self, value: float, step: int) -> None:
        progress, min_delta = self._progress, self._early_stopping.min_delta
        if progress.best is None or self._gain(value, progress.best) > 0:
            progress.best, progress.best_step = value, step
            if self._keep is Keep.best:
                self._kept = self._engine.state()
        if progress.improved is None or self._gain(value, progress.improved) > min_delta:
            progress.improved, progress.since = value, 0
        else:
            progress.since += 1

    def _gain(self, value: float, before: float) -> float:
        return value - before if self._monitor.is_larger_better else before - value

    def _why_early(self) -> str:
        progress, min_delta = self._progress, self._early_stopping.min_delta
        enough = f" by more than {min_delta:g}" if min_delta else ""
        return (
            f"{self._monitor.metric} has not improved{enough} for {count_of(progress.since, 'point')} "
            f"(best {progress.best:.4f} at {progress.best_step:,})"
        )

    def restore_best(self) -> None:
        """With ``keep=best`` give the engine the state of the best point: it is for evaluation, and trains no more."""
        if self._keep is Keep.best:
            self._engine.restore(self._kept)

    def state(self) -> Checkpoint:
        """Return everything that later judgements depend on."""
        facts = {"progress": asdict(self._progress), "stop": None if self.stop is None else asdict(self.stop)}
        return Checkpoint({_KEPT + name: array for name, array in self._kept.items()}, facts)

    def restore(self, arrays: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
        """Continue exactly from a :meth:`state`; ``arrays`` may hold others as well."""
        self._progress = _Progress(**facts["progress"])
        self.stop = None if facts["stop"] is None else Stop(**facts["stop"])
        self._kept = {name: arrays[_KEPT + name] for name in self._kept}
