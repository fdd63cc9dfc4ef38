"""The part of the config that says what the validation split decides: which network is kept, and when to stop."""

from dataclasses import dataclass
from enum import StrEnum
from math import inf
from typing import Optional, assert_never

from mlplab import schema
from mlplab.checks import require

Keep = StrEnum("Keep", ["last", "best"])


class Monitor(StrEnum):
    """What is measured on the validation split to stop early, to keep the best point and to search."""

    accuracy = "accuracy"
    loss = "loss"

    @property
    def metric(self) -> str:
        """The name of the metric at a point."""
        match self:
            case Monitor.accuracy:
                return schema.accuracy("val")
            case Monitor.loss:
                return schema.loss("val")
            case _:
                assert_never(self)

    @property
    def final_metric(self) -> str:
        """The name of the metric after training."""
        match self:
            case Monitor.accuracy:
                return schema.final_accuracy("val")
            case Monitor.loss:
                return schema.final_loss("val")
            case _:
                assert_never(self)

    @property
    def is_larger_better(self) -> bool:
        """Whether more of it is better."""
        match self:
            case Monitor.accuracy:
                return True
            case Monitor.loss:
                return False
            case _:
                assert_never(self)


@dataclass
class EarlyStoppingConfig:
    """When training ends before its epochs are over."""

    patience: Optional[int]  # noqa: UP045
    min_delta: float

    def __post_init__(self) -> None:
        require(
            "early_stopping.patience",
            self.patience,
            self.patience is None or self.patience > 0,
            "takes a number of points, at least 1, or null to train to the end",
        )
        require(
            "early_stopping.min_delta",
            self.min_delta,
            0 <= self.min_delta < inf,
            "takes 0 or more: by how much the metric must be better to count as improved",
        )
