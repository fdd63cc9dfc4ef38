"""What a run trains, put together from its config: data, engine, schedule, and who judges its points."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlplab import engines
from mlplab.config import TrainConfig
from mlplab.data import Dataset
from mlplab.engines import Engine
from mlplab.run.provenance import check, resolve, warn_of_ignored
from mlplab.selection_config import Keep
from mlplab.training.judge import Judge, Pruner
from mlplab.training.loop import Training
from mlplab.training.schedule import Schedule
from mlplab.training.streams import RandomStreams

if TYPE_CHECKING:
    from mlplab.engines.own_module import Make


@dataclass(frozen=True)
class Setup:
    """What is trained: config, data, engine, schedule and progress; of another network than the mlp its source."""

    settings: TrainConfig
    dataset: Dataset
    engine: Engine
    schedule: Schedule
    training: Training
    own_source: str | None


def prepare_run(
    settings: TrainConfig,
    load_data: Callable[[], Dataset],
    streams: RandomStreams,
    make: "Make | None",
    pruner: Pruner | None,
) -> Setup:
    """Load the data and build the rest; ``make`` makes the network, where it is no mlp.

    Raises:
        ConfigError: the config or the network does not fit the data, or this machine.
    """
    dataset = load_data()
    schedule = Schedule.plan(settings, len(dataset.train))
    own = engines.make_own(settings, dataset, make)
    check(settings, dataset, schedule, own)
    engine = engines.build(settings, dataset, streams.weights, own)
    warn_of_ignored(settings, schedule)
    splits = [split for split in dataset.splits if split != "train"]
    diagnosed = settings.activation if settings.diagnostics else None
    judge = _judge(settings, engine, pruner)
    training = Training(engine, schedule, streams.batches, settings.log_every, splits, diagnosed, judge)
    source = None if own is None else own.source
    return Setup(resolve(settings, dataset, engine), dataset, engine, schedule, training, source)


def _judge(settings: TrainConfig, engine: Engine, pruner: Pruner | None) -> Judge | None:
    if settings.keep is Keep.last and settings.early_stopping.patience is None and pruner is None:
        return None
    return Judge(engine, settings.monitor, settings.keep, settings.early_stopping, pruner)
