"""What describes a run: types and bounds of every key. Defaults and explanations live in conf/, next to each other."""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from math import inf
from typing import Any, Optional
from urllib.parse import urlsplit

from mlplab.checks import require
from mlplab.data_config import DataConfig
from mlplab.names import is_model_name
from mlplab.network_config import MLP, TARGET, TARGET_KEY, check_network, is_mlp, short_target
from mlplab.schema import is_own_tag
from mlplab.selection_config import EarlyStoppingConfig, Keep, Monitor
from mlplab.tracking_config import TrackingConfig

Engine = StrEnum("Engine", ["numpy", "torch"])
Activation = StrEnum("Activation", ["sigmoid", "tanh", "relu", "leaky_relu", "elu", "gelu", "silu", "linear"])
Init = StrEnum("Init", ["glorot", "he", "uniform", "gaussian", "pytorch"])
Loss = StrEnum("Loss", ["cross_entropy", "squared_error"])
Penalty = StrEnum("Penalty", ["none", "l1", "l2"])
DType = StrEnum("DType", ["float32", "float64"])
Device = StrEnum("Device", ["auto", "cpu", "cuda", "mps"])
Sampling = StrEnum("Sampling", ["shuffle", "random"])
Search = StrEnum("Search", ["grid", "random", "tpe", "cmaes"])
Pruning = StrEnum("Pruning", ["none", "median", "asha", "hyperband"])


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
CARRYING_OUT = (
    "resume", "retry", "fail_fast", "plan", "max_jobs", "checkpoint_dir", "tracking.offline",
    "tracking.heartbeat_seconds", "tracking.lease_seconds", "tracking.checkpoints", "trials", "patience", "time_limit",
    "search_storage", "trial", "register",
)  # fmt: skip
# Keys that say how the runs of a sweep come about, and do not describe any of them.
MAKING_UP = ("zip", "only", "search", "pruner")


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
    iterations: Optional[int]  # noqa: UP045 - OmegaConf 2.3 reads Optional, not `int | None`
    seed: int
    log_every: int
    diagnostics: bool
    dtype: DType
    device: Device
    monitor: Monitor
    keep: Keep
    resume: bool
    retry: int
    fail_fast: bool
    plan: bool
    max_jobs: int
    early_stopping: EarlyStoppingConfig
    data: DataConfig
    tracking: TrackingConfig
    tags: dict[str, str] = field(default_factory=dict)
    note: Optional[str] = None  # noqa: UP045
    checkpoint_dir: Optional[str] = None  # noqa: UP045
    register: Optional[str] = None  # noqa: UP045
    search: Search = Search.grid
    trials: Optional[int] = None  # noqa: UP045
    pruner: Pruning = Pruning.none
    patience: Optional[int] = None  # noqa: UP045
    time_limit: Optional[float] = None  # noqa: UP045
    search_storage: Optional[str] = None  # noqa: UP045
    trial: Optional[int] = None  # noqa: UP045
    zip: Any = None  # a list of keys, or of such lists, which OmegaConf has no type for
    only: Optional[str] = None  # noqa: UP045
    network: dict[str, Any] = field(default_factory=lambda: {TARGET: MLP})

    def __post_init__(self) -> None:
        check_network(self.network)
        require(
            TARGET_KEY,
            self.network[TARGET],
            self.has_mlp or self.engine is not Engine.numpy,
            "engine=numpy computes network=mlp only; take engine=torch, or network=mlp",
        )
        self._check_numbers()
        self._check_search()
        self._check_words()
        self._check_selection()
        require(
            "register",
            self.register,
            self.register is None or is_model_name(self.register),
            "takes the name of a registered model, without / : and @, such as digits",
        )
        require(
            "device",
            self.device,
            self.engine is not Engine.numpy or self.device in (Device.auto, Device.cpu),
            "engine=numpy computes on the CPU; take engine=torch, or device=auto",
        )
        require(
            "dtype",
            self.dtype,
            self.device is not Device.mps or self.dtype is DType.float32,
            "device=mps computes in float32 only; take dtype=float32, or another device",
        )

    @property
    def name(self) -> str:
        """The run's name: the one given, or what people ask for first."""
        return self.tracking.run_name or f"{self.network_name} {self.optimizer} lr={self.learning_rate:g}"

    @property
    def has_mlp(self) -> bool:
        """Whether the network is the built-in one, which both engines have."""
        return is_mlp(self.network)

    @property
    def network_name(self) -> str:
        """What to call the network: the activation of an mlp, the class of another."""
        return str(self.activation) if self.has_mlp else short_target(self.network[TARGET])

    def _check_numbers(self) -> None:
        def number(key: str, holds: bool, remedy: str) -> None:
            require(key, getattr(self, key), holds, remedy)

        number(
            "hidden_sizes",
            bool(self.hidden_sizes) and all(isinstance(n, int) and 0 < n <= 1_000_000 for n in self.hidden_sizes),
            "takes one hidden layer or more, each of 1 to 1,000,000 units, such as [500,250,100]",
        )
        number("init_scale", 0 <= self.init_scale < inf, "takes a factor of 0 or more, 1 for none")
        number("weight_decay", 0 <= self.weight_decay < inf, "takes 0 (no penalty) or more, such as 1e-4")
        number("learning_rate", 0 < self.learning_rate < inf, "takes a number above 0, such as 0.01")
        number(
            "learning_rate_decay",
            0 < self.learning_rate_decay <= 1,
            "takes a factor above 0, at most 1 (none)",
        )
        number("batch_size", self.batch_size > 0, "takes a number of rows, at least 1")
        number("epochs", self.epochs > 0, "takes a number of passes over the training split, at least 1")
        number(
            "iterations",
            self.iterations is None or self.iterations > 0,
            "takes a number of parameter updates, at least 1, or null to count epochs",
        )
        number("seed", self.seed >= 0, "takes a whole number, 0 or more")
        number("log_every", self.log_every > 0, "takes a number of parameter updates, at least 1")
        number("retry", self.retry >= 0, "takes how often to try again, 0 for never")
        number("max_jobs", self.max_jobs > 0, "takes a number of runs, at least 1")

    def _check_search(self) -> None:
        is_grid = self.search is Search.grid
        how_many = "null" if self.trials is None else self.trials
        require(
            "trials", how_many, self.trial is not None or (self.trials is None) == is_grid,
            "says how many runs a search tries; "
            + ("add search=tpe, or leave it out" if is_grid else f"search={self.search} needs it, such as trials=24"),
        )  # fmt: skip
        require("trials", how_many, self.trials is None or self.trials > 0, "takes a number of runs, at least 1")
        for key, limit in (("patience", self.patience), ("time_limit", self.time_limit)):
            require(key, limit, limit is None or not is_grid, "ends a search; add search=tpe, or leave it out")
            require(key, limit, limit is None or 0 < limit < inf, "takes a number above 0, or null for no limit")
        for key, is_used in (("search", not is_grid), ("pruner", self.pruner is not Pruning.none)):
            require(
                key, getattr(self, key), not is_used or self.data.val_size > 0,
                "needs images to judge by, which are never the test images; set data.val_size=10000",
            )  # fmt: skip
        require(
            "search_storage", self.search_storage, self.search_storage is None or "://" in self.search_storage,
            "takes the address of a database, such as postgresql://HOST/search",
        )  # fmt: skip
        secret = self.search_storage is not None and urlsplit(self.search_storage).password is not None
        require(
            "search_storage", "...", not secret,
            "shows a password, which every record of the sweep would have; set PGPASSWORD, or write ~/.pgpass",
        )  # fmt: skip

    def _check_selection(self) -> None:
        """Refuse to select without images to select on: the test images choose nothing."""
        has_images, remedy = self.data.val_size > 0, "needs images to select on; set data.val_size=10000"
        patience = self.early_stopping.patience
        require("keep", self.keep, self.keep is Keep.last or has_images, remedy)
        require("early_stopping.patience", patience, patience is None or has_images, remedy)

    def _check_words(self) -> None:
        for name, value in self.tags.items():
            key = f"tags.{name}"
            require(
                key, value, re.fullmatch(r"[A-Za-z]\w*", name) is not None, "takes a name of letters, digits and _"
            )
            require(key, value, not is_own_tag(name), "is a tag that every run has already; choose another name")
            require(
                key, f"{value[:20]}...", len(value) <= LONGEST_WORDS, f"takes at most {LONGEST_WORDS:,} characters"
            )
        note = self.note or ""
        require("note", f"{note[:20]}...", len(note) <= LONGEST_WORDS, f"takes at most {LONGEST_WORDS:,} characters")
