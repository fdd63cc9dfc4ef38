"""What describes a run: types and bounds of every key. Defaults and explanations live in conf/, next to each other."""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from math import inf
from typing import Optional
from urllib.parse import quote

from mlplab.errors import ConfigError
from mlplab.schema import is_own_tag

Engine = StrEnum("Engine", ["numpy", "torch"])
Activation = StrEnum("Activation", ["sigmoid", "tanh", "relu", "leaky_relu", "elu", "gelu", "silu", "linear"])
Init = StrEnum("Init", ["glorot", "he", "uniform", "gaussian", "pytorch"])
Loss = StrEnum("Loss", ["cross_entropy", "squared_error"])
Penalty = StrEnum("Penalty", ["none", "l1", "l2"])
DType = StrEnum("DType", ["float32", "float64"])
Device = StrEnum("Device", ["auto", "cpu", "cuda", "mps"])
Sampling = StrEnum("Sampling", ["shuffle", "random"])
DataName = StrEnum("DataName", ["auto", "mnist", "fashion_mnist", "kmnist", "emnist", "cifar10", "digits"])
EmnistSplit = StrEnum("EmnistSplit", ["byclass", "bymerge", "balanced", "letters", "digits", "mnist"])


class Optimizer(StrEnum):
    """Rules for a step."""

    sgd = "sgd"
    momentum = "momentum"
    nesterov = "nesterov"
    rmsprop = "rmsprop"
    adam = "adam"
    adamw = "adamw"
    gd = sgd  # its former name, which old commands and manifests have


# What older code recorded of a key, and its name today.
FORMER_VALUES = {"optimizer": {name: rule.value for name, rule in Optimizer.__members__.items() if name != rule.name}}
LONGEST_WORDS = 4_000  # characters of a tag or a note: MLflow takes 8,000 bytes
# Keys that say how to carry a run out, and do not describe it.
CARRYING_OUT = ("resume", "retry", "fail_fast", "plan", "max_jobs", "tracking.offline")


@dataclass
class DataConfig:
    """Which images, and how they are split and scaled."""

    name: DataName
    root: str
    train_size: Optional[int]  # noqa: UP045 - OmegaConf 2.3 reads Optional, not `int | None`
    val_size: int
    standardize: bool
    split: Optional[EmnistSplit] = None  # noqa: UP045

    @property
    def entry(self) -> str:
        """The entry of the data catalog that the config names."""
        return str(self.name) if self.split is None else f"{self.name}/{self.split}"

    def __post_init__(self) -> None:
        _check(
            "data.split",
            self.split,
            (self.split is not None) == (self.name is DataName.emnist),
            f"data=emnist takes one of {', '.join(EmnistSplit)}; other data sets take none",
        )
        _check("data.root", self.root, bool(self.root.strip()), "takes a folder; leave it out for the default")
        _check(
            "data.train_size",
            self.train_size,
            self.train_size is None or self.train_size > 0,
            "takes a number of images, at least 1, or null for all",
        )
        _check(
            "data.val_size",
            self.val_size,
            self.val_size >= 0,
            "takes a number of images, 0 for no validation",
        )


@dataclass
class TrackingConfig:
    """Where, and under which names, MLflow remembers the run."""

    uri: Optional[str]  # noqa: UP045
    experiment: str
    sweep: Optional[str]  # noqa: UP045
    job: Optional[int]  # noqa: UP045
    run_name: Optional[str]  # noqa: UP045
    offline: bool = False
    color: Optional[str] = None  # noqa: UP045

    def __post_init__(self) -> None:
        _check(
            "tracking.experiment",
            self.experiment,
            bool(self.experiment.strip()) and len(quote(self.experiment, safe="")) <= 250,
            "takes a name of up to 250 characters (others than letters and digits count several times), "
            "such as mlplab",
        )
        check_uri(self.uri)
        _check("tracking.job", self.job, self.job is None or self.job >= 0, "takes a number, 0 or more")
        _check(
            "tracking.experiment",
            self.experiment,
            self.experiment not in (".", ".."),
            "takes a name, such as mlplab, and no folder: the runs' files lie in one of this name",
        )
        _check(
            "tracking.color",
            self.color,
            self.color is None or re.fullmatch("#[0-9a-fA-F]{6}", self.color) is not None,
            "takes a colour such as '#0072B2'",
        )
        _check(
            "tracking.sweep",
            self.sweep,
            self.sweep is None or not set(self.sweep) & set("'\"`"),
            "takes a name without quotation marks: MLflow could not search for it",
        )


@dataclass
class TrainConfig:
    """One training run.

    Raises:
        ConfigError: at construction, for a value out of bounds; the message names key, value and remedy.
    """

    engine: Engine
    hidden_sizes: list[int]
    activation: Activation
    init: Init
    init_scale: float
    loss: Loss
    penalty: Penalty
    weight_decay: float
    optimizer: Optimizer
    learning_rate: float
    learning_rate_decay: float
    batch_size: int
    sampling: Sampling
    epochs: int
    iterations: Optional[int]  # noqa: UP045
    seed: int
    log_every: int
    diagnostics: bool
    dtype: DType
    device: Device
    resume: bool
    retry: int
    fail_fast: bool
    plan: bool
    max_jobs: int
    data: DataConfig
    tracking: TrackingConfig
    tags: dict[str, str] = field(default_factory=dict)
    note: Optional[str] = None  # noqa: UP045

    def __post_init__(self) -> None:
        self._check_numbers()
        self._check_words()
        _check(
            "device",
            self.device,
            self.engine is not Engine.numpy or self.device in (Device.auto, Device.cpu),
            "engine=numpy computes on the CPU; take engine=torch, or device=auto",
        )
        _check(
            "dtype",
            self.dtype,
            self.device is not Device.mps or self.dtype is DType.float32,
            "device=mps computes in float32 only; take dtype=float32, or another device",
        )

    @property
    def name(self) -> str:
        """The run's name: the one given, or what people ask for first."""
        return self.tracking.run_name or f"{self.activation} {self.optimizer} lr={self.learning_rate:g}"

    def _check_numbers(self) -> None:
        def check(key: str, holds: bool, remedy: str) -> None:
            _check(key, getattr(self, key), holds, remedy)

        check(
            "hidden_sizes",
            bool(self.hidden_sizes) and all(isinstance(n, int) and 0 < n <= 1_000_000 for n in self.hidden_sizes),
            "takes one hidden layer or more, each of 1 to 1,000,000 units, such as [500,250,100]",
        )
        check("init_scale", 0 <= self.init_scale < inf, "takes a factor of 0 or more, 1 for none")
        check("weight_decay", 0 <= self.weight_decay < inf, "takes 0 (no penalty) or more, such as 1e-4")
        check("learning_rate", 0 < self.learning_rate < inf, "takes a number above 0, such as 0.01")
        check(
            "learning_rate_decay",
            0 < self.learning_rate_decay <= 1,
            "takes a factor above 0, at most 1 (none)",
        )
        check("batch_size", self.batch_size > 0, "takes a number of rows, at least 1")
        check("epochs", self.epochs > 0, "takes a number of passes over the training split, at least 1")
        check(
            "iterations",
            self.iterations is None or self.iterations > 0,
            "takes a number of parameter updates, at least 1, or null to count epochs",
        )
        check("seed", self.seed >= 0, "takes a whole number, 0 or more")
        check("log_every", self.log_every > 0, "takes a number of parameter updates, at least 1")
        check("retry", self.retry >= 0, "takes how often to try again, 0 for never")
        check("max_jobs", self.max_jobs > 0, "takes a number of runs, at least 1")

    def _check_words(self) -> None:
        for name, value in self.tags.items():
            key = f"tags.{name}"
            _check(key, value, re.fullmatch(r"[A-Za-z]\w*", name) is not None, "takes a name of letters, digits and _")
            _check(key, value, not is_own_tag(name), "is a tag that every run has already; choose another name")
            _check(key, f"{value[:20]}...", len(value) <= LONGEST_WORDS, f"takes at most {LONGEST_WORDS:,} characters")
        note = self.note or ""
        _check("note", f"{note[:20]}...", len(note) <= LONGEST_WORDS, f"takes at most {LONGEST_WORDS:,} characters")


def check_uri(uri: str | None) -> None:
    """Raise ConfigError for the URI of a store that MLflow does not have, or that forgets its runs."""
    scheme, separator, rest = (uri or "").partition("://")
    kind = scheme.partition("+")[0]
    _check(
        "tracking.uri",
        uri,
        kind != "sqlite" or (rest not in ("", "/") and ":memory:" not in rest and "mode=memory" not in rest),
        "is a store in memory, which forgets every run; leave it out, or write sqlite:////FOLDER/mlflow.db",
    )
    known = kind in ("sqlite", "http", "https", "postgresql", "mysql", "mssql") and bool(separator)
    _check(
        "tracking.uri",
        uri,
        not uri or known,
        "is no store of MLflow; leave it out, or write sqlite:////FOLDER/mlflow.db, or a server's http://HOST:PORT",
    )


def _check(key: str, value: object, holds: bool, remedy: str) -> None:
    if not holds:
        raise ConfigError(f"{key}={value}: {remedy}")
