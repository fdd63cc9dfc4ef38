"""One run from its config to its record."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from mlplab import schema
from mlplab.config import TrainConfig
from mlplab.data import Dataset
from mlplab.place import place_of_job
from mlplab.run.display import Display, show_next, show_stop, show_summary
from mlplab.run.ending import conclude_run
from mlplab.run.preparation import Setup, prepare_run
from mlplab.run.provenance import Provenance, warn_of_other_threads
from mlplab.run.resumption import Checkpointer
from mlplab.run.sent_checkpoints import SentCheckpoints
from mlplab.schema import State
from mlplab.signals import Stopped, held
from mlplab.store.target import Target
from mlplab.terminal import say
from mlplab.tracking.earlier import Earlier, find_earlier, find_in_journal
from mlplab.tracking.journal import NAME as JOURNAL
from mlplab.tracking.reading import begin_command, read_from
from mlplab.tracking.run import Run
from mlplab.training.checkpoint import checkpoint_folder
from mlplab.training.judge import Pruner
from mlplab.training.streams import RandomStreams

if TYPE_CHECKING:
    from mlplab.engines.own_module import Make

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Result:
    """A run that has ended: its id in MLflow, None as long as the store is away; and its final metrics.

    A pruned run has those of time alone.
    """

    run_id: str | None
    final: dict[str, float]


def train_and_record(
    settings: TrainConfig,
    load_data: Callable[[], Dataset],
    streams: RandomStreams,
    output_folder: Path,
    make: "Make | None" = None,
    pruner: Pruner | None = None,
    more_tags: Mapping[str, str] = MappingProxyType({}),
) -> Result:
    """Train as the config says, and record everything in MLflow.

    Args:
        settings: the whole run.
        load_data: returns its data set.
        streams: draw its initial weights and its batches.
        output_folder: for its checkpoint, and for what MLflow does not take.
        make: makes its network; None for the mlp.
        pruner: asked at every point whether the run is to stop; needs a validation split.
        more_tags: of the run, besides those that every run has.

    Raises:
        UserError: see its subclasses; a run that has started in MLflow is then FAILED there.
    """
    start = time.perf_counter()
    setup = prepare_run(settings, load_data, streams, make, pruner)
    target = Target.of(settings.tracking)
    provenance = Provenance.of(setup.settings, setup.dataset, setup.own_source)
    earlier = _find_earlier(target, settings, provenance.fingerprint, output_folder)
    if earlier is not None and earlier.state.is_done:
        return _known_result(settings.name, earlier)

    folder = output_folder if earlier is None or not earlier.folder.is_dir() else earlier.folder
    goes_on = earlier is not None
    tags = {**provenance.tags(), **more_tags}
    if earlier is not None:
        warn_of_other_threads(settings.name, earlier.threads, tags[schema.THREADS_TAG])
    tracked = Run(target, settings.name, tags, folder, goes_on, _id(earlier))
    place = checkpoint_folder(settings.checkpoint_dir, output_folder if earlier is None else earlier.folder)
    with _stop_shown(tracked, setup), tracked:
        sent = SentCheckpoints(tracked) if settings.tracking.checkpoints else None
        checkpointer = Checkpointer(setup.training, place, provenance.fingerprint, sent)
        checkpointer.begin(resume=goes_on)
        with checkpointer.saved_when_stopped():
            provenance.record(tracked)
            _train(tracked, setup, checkpointer)
            final = conclude_run(tracked, setup, checkpointer.points)
        checkpointer.forget()
        total = {schema.TOTAL_SECONDS: checkpointer.seconds_before + time.perf_counter() - start}
        tracked.log_results(total)
    checkpointer.remove()
    show_summary(tracked.run_id, final | total)
    if settings.tracking.sweep is None:  # the members of a sweep share one page, and one look at what is not sent
        show_next(tracked)
        tracked.require_accepted()
    return Result(tracked.run_id, final | total)


def _known_result(name: str, earlier: Earlier) -> Result:
    is_pruned = earlier.state is State.pruned
    say(f"{name}: has {'been pruned' if is_pruned else 'finished'} already")
    show_summary(earlier.run_id, earlier.final)
    return Result(earlier.run_id, earlier.final)


def _find_earlier(target: Target, settings: TrainConfig, fingerprint: str, output_folder: Path) -> Earlier | None:
    if not settings.resume:
        if settings.tracking.sweep is None:
            # A store that refuses is told from one that is away before anything is trained.
            begin_command(target)
        return None
    if (output_folder / JOURNAL).exists():  # of a sweep's member, whose folder stays the same
        return find_in_journal(output_folder, fingerprint)
    reading = read_from(target)
    earlier = find_earlier(reading.store, settings, fingerprint, target.lease)
    if not reading.is_stand_in:
        if earlier is None and settings.tracking.sweep is None:
            say("resume=true: the store has no run of this command to go on with; starting a new one")
        return earlier
    own = None if earlier is None else find_in_journal(earlier.folder, fingerprint)
    if own is None:
        raise target.unknown_past()
    return own


@contextmanager
def _stop_shown(tracked: Run, setup: Setup) -> Iterator[None]:
    """If a signal ends the run inside, print how far it came and how it goes on; a sweep does so for its members."""
    try:
        yield
    except Stopped:
        if setup.settings.tracking.sweep is None:
            show_stop(tracked, setup.settings.name, setup.training.step, setup.schedule)
        raise


def _id(earlier: Earlier | None) -> str | None:
    return None if earlier is None else earlier.run_id


def _train(tracked: Run, setup: Setup, checkpointer: Checkpointer) -> None:
    for step, metrics in checkpointer.points:
        tracked.log_metrics(metrics, step)  # from before the run was killed: points that the store may lack
    training = setup.training
    settings = setup.settings
    place = place_of_job(settings.tracking.job)
    with Display(settings.name, setup.schedule, done=training.step, place=place) as display:
        while not training.done:
            with held():  # a signal takes effect between two reports
                report = training.advance()
                checkpointer.add(report)  # first: a point that MLflow does not take is written by the next resume
                tracked.log_metrics(report.metrics, report.step)
                display.update(report, tracked.waiting_values if tracked.is_away else None)
