"""What the test set can tell of trained models, which is less than what recipes are worth."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from mlplab.comparison import query
from mlplab.comparison.statistics import CONFIDENCE, SIGNIFICANCE
from mlplab.store.store import Store
from mlplab.terminal import count_of


@dataclass(frozen=True)
class ModelComparison:
    """Two trained models on one test set: McNemar's test.

    McNemar, Psychometrika 12 (1947), 153-157, with the exact binomial distribution: where just one of the two is
    right, that is either of them with equal chances if they are equally good on such images or rows.

    Attributes:
        names: of the two.
        only_first, only_second: how many just this one gets right.
        p: two-sided.
        thing: what it gets right: "image" or "row".
    """

    names: tuple[str, str]
    only_first: int
    only_second: int
    p: float
    thing: str

    @classmethod
    def of(
        cls, names: tuple[str, str], first: NDArray[np.int64], second: NDArray[np.int64], thing: str
    ) -> "ModelComparison | None":
        """Compare predictions, int64 of shape (N, 2): label and prediction. None for different test sets."""
        if not np.array_equal(first[:, 0], second[:, 0]):
            return None
        right, other = first[:, 0] == first[:, 1], second[:, 0] == second[:, 1]
        only_first, only_second = int((right & ~other).sum()), int((other & ~right).sum())
        disagreeing = only_first + only_second
        p = float(stats.binomtest(only_first, disagreeing).pvalue) if disagreeing else 1.0
        return cls(names, only_first, only_second, p, thing)

    @property
    def sentence(self) -> str:
        """What it says, and of what it says nothing."""
        one, other = self.names
        are = "is" if self.only_first == 1 else "are"
        p = "p < 0.0001" if self.p < 0.0001 else f"p = {self.p:.2g}"
        counts = (
            f"on the test set {count_of(self.only_first, self.thing)} {are} right with {one} alone, "
            f"{self.only_second:,} with {other} alone (McNemar's exact test, {p})"
        )
        answer = "do differ" if self.p < SIGNIFICANCE else "cannot be told apart"
        return f"the two trained models {answer}: {counts}"


def compare_models(
    store: Store, names: tuple[str, str], folders: Mapping[str, str], thing: str
) -> ModelComparison | None:
    """Compare the predictions of two runs; None where one has none, or their test sets differ.

    Args:
        store: has the runs.
        names: of the two.
        folders: by run id, in the same order, MLflow's ``artifact_uri`` of each.
        thing: what the test set has: "image" or "row".

    Raises:
        StoreError: the store does not answer, or a file is damaged.
    """
    found = query.find_predictions(store, folders)
    if len(found) != len(names):
        return None
    first, second = found.values()
    return ModelComparison.of(names, first, second, thing)


def count_images(store: Store, run_id: str, folder: str) -> int | None:
    """Return the size of the test set; None where the run has recorded no predictions. Raises StoreError."""
    found = query.find_predictions(store, {run_id: folder})
    return len(found[run_id]) if found else None


def sampling_interval(accuracy: float, count: int) -> tuple[float, float]:
    """Return the ends of the 95 % confidence interval of an accuracy on so many images or rows (Wilson, binomial).

    Where it is the mean of several models, it is rounded to a whole number of them that are right.
    """
    found = stats.binomtest(round(accuracy * count), count).proportion_ci(CONFIDENCE, method="wilson")
    return float(found.low), float(found.high)
