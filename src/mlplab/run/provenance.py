"""What determines a run: checked, resolved, and recorded before training."""

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import psutil
from omegaconf import OmegaConf

from mlplab.colors import run_colors
from mlplab.config import Device, Penalty, TrainConfig
from mlplab.data import Dataset
from mlplab.data_config import DataName
from mlplab.engines import Engine, least_memory, least_memory_of_own
from mlplab.engines.registry import ENGINES
from mlplab.errors import ConfigError
from mlplab.flat_config import flatten
from mlplab.network_config import TARGET, TARGET_KEY
from mlplab.schema import (
    CODE_TAG,
    COLOR_TAG,
    CONFIG,
    DATA_TAG,
    FINGERPRINT_TAG,
    GIT_DIFF,
    JOB_TAG,
    NETWORK_CODE_TAG,
    SWEEP_TAG,
)
from mlplab.selection_config import Keep
from mlplab.store.uri import public
from mlplab.tracking import identity
from mlplab.tracking.description import describe_run
from mlplab.tracking.machine import machine_tags
from mlplab.tracking.run import Run
from mlplab.training.schedule import Schedule

if TYPE_CHECKING:
    from mlplab.engines.own_module import OwnModule

log = logging.getLogger(__name__)


def check(settings: TrainConfig, dataset: Dataset, schedule: Schedule, own: "OwnModule | None" = None) -> None:
    """Raise ConfigError for a config that does not fit this data, or what the schedule makes of it.

    ``own`` is its network where that is no mlp.
    """
    rows = len(dataset.train)
    if settings.batch_size > rows:
        raise ConfigError(
            f"batch_size={settings.batch_size}: the training split has {rows:,} rows; take at most that many"
        )
    _check_points(settings, schedule)
    _check_memory(settings, dataset, own)


def _check_points(settings: TrainConfig, schedule: Schedule) -> None:
    """Refuse to select among no points."""
    if settings.log_every <= schedule.steps:
        return
    patience = settings.early_stopping.patience
    for key, value, selects in (
        ("keep", settings.keep, settings.keep is Keep.best),
        ("early_stopping.patience", patience, patience is not None),
    ):
        if selects:
            raise ConfigError(
                f"{key}={value}: goes by points, and training ends after {schedule.steps:,} iterations, before the "
                f"first at log_every={settings.log_every}; set log_every={max(1, schedule.steps // 10)}"
            )


def _check_memory(settings: TrainConfig, dataset: Dataset, own: "OwnModule | None") -> None:
    """Refuse a network that clearly has no room, and warn of one that takes most of it."""
    rows = max(len(split) for split in dataset.splits.values())
    if own is None:
        needed = least_memory(settings, dataset.inputs, dataset.classes, rows)
        what, smaller = f"hidden_sizes={settings.hidden_sizes}", "layers"
    else:
        needed = least_memory_of_own(settings, own.parameters, own.activations)
        what, smaller = f"{TARGET_KEY}={settings.network[TARGET]}", "arguments network.*"
    free = psutil.virtual_memory().available + psutil.swap_memory().free
    text = f"{what}: needs {needed / 1e9:.1f} GB of memory at the least, and {free / 1e9:.1f} GB are free"
    if needed > free:
        raise ConfigError(f"{text}; take smaller {smaller}, or a smaller batch_size, optimizer=sgd, diagnostics=false")
    if needed > free / 2:
        log.warning("%s", text)


def warn_of_ignored(settings: TrainConfig, schedule: Schedule) -> None:
    """Warn about settings that have no effect."""
    if settings.penalty is Penalty.none and settings.weight_decay > 0:
        log.warning("weight_decay=%g has no effect: penalty=none", settings.weight_decay)
    if settings.log_every > schedule.steps:
        log.warning("log_every=%d: no point is logged, because training ends earlier", settings.log_every)


def warn_of_other_threads(name: str, before: str | None, now: str) -> None:
    """Warn about a run that goes on with another number of threads than it began with, where that was recorded."""
    if before not in (None, now):
        log.warning(
            "%s: goes on with threads=%s and began with %s: its last bits may differ from an undisturbed run's; "
            "OMP_NUM_THREADS=%s gives the same",
            name,
            now,
            before,
            before,
        )


def resolve(settings: TrainConfig, dataset: Dataset, engine: Engine) -> TrainConfig:
    """Return the config with the actual choice for every "auto", and without the password of the store."""
    name = DataName(dataset.name) if settings.data.name is DataName.auto else settings.data.name
    return replace(
        settings,
        device=Device(engine.device),
        data=replace(settings.data, name=name),
        tracking=replace(settings.tracking, uri=settings.tracking.uri and public(settings.tracking.uri)),
    )


@dataclass(frozen=True)
class Provenance:
    """What determines a run, and the state of its code.

    Attributes:
        settings: with the actual choice for every "auto".
        fingerprint: runs with the same one compute the same result.
        git: state of the checkout; None if the project is no checkout.
        own_source: a digest of the network's source, where it is not the mlp.
    """

    settings: TrainConfig
    dataset: Dataset
    fingerprint: str
    git: identity.GitState | None
    own_source: str | None

    @classmethod
    def of(cls, settings: TrainConfig, dataset: Dataset, own_source: str | None = None) -> "Provenance":
        """Return the provenance of a run of this resolved config, now; ``own_source``: see ``identity``."""
        libraries = ENGINES[settings.engine].libraries
        fingerprint = identity.fingerprint(settings, dataset.digest, libraries, own_source)
        return cls(settings, dataset, fingerprint, identity.GitState.read(), own_source)

    def tags(self) -> dict[str, str]:
        """Return the tags of the run."""
        tracking, libraries = self.settings.tracking, ENGINES[self.settings.engine].libraries
        tags = {
            **self.settings.tags,
            FINGERPRINT_TAG: self.fingerprint,
            DATA_TAG: self.dataset.name,
            **machine_tags(libraries, self.settings.device),  # first: PyTorch has threads of its own to count
            **identity.origin_tags(self.git),
            **identity.version_tags(libraries),
            CODE_TAG: identity.code_digest(),
        }
        if self.own_source is not None:
            tags[NETWORK_CODE_TAG] = self.own_source
        own_color = None if tracking.sweep else run_colors([self.settings.network_name])[0]
        if color := tracking.color or own_color:  # a sweep has given its members theirs
            tags[COLOR_TAG] = color
        if tracking.sweep:
            tags[SWEEP_TAG] = tracking.sweep
        if tracking.job is not None:
            tags[JOB_TAG] = str(tracking.job)
        return tags

    def record(self, tracked: Run) -> None:
        """Record what is known before training, so that a killed run is documented too."""
        settings, dataset = self.settings, self.dataset
        tracked.log_params(flatten(settings))
        tracked.log_dataset(dataset.name, dataset.digest, dataset.origin, dataset.profile)
        tracked.log_text(OmegaConf.to_yaml(OmegaConf.structured(settings)), CONFIG)
        if self.git and self.git.dirty:
            tracked.log_text(public(self.git.diff), GIT_DIFF)
        tracked.describe(describe_run(settings, dataset.name), settings.tracking.sweep)
