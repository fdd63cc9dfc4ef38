"""Which keys mattered: how much of the metric's variance each explains, of a grid and of a search alike.

A random forest learns the metric from the keys; then a key's values are shuffled among runs that the forest has not
seen. Half the squared error that this adds is the variance for which the key is responsible, alone and together with
others: its total effect (permutation importance; for a function without noise, the total Sobol index).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mlplab.comparison.observations import fingerprints, text_of

LEAST_COMBINATIONS, LEAST_OF_EACH_KEY = 12, 3  # that must have finished, altogether and for each key
LEAST_FORETOLD = 0.25  # of the variance of runs that the forest has not seen
RESAMPLES, TREES, SHUFFLES = 20, 30, 5
INTERVAL = 0.9
METHOD = "permutation importance in a random forest"


@dataclass(frozen=True)
class Share:
    """A part of the metric's variance, from 0 to 1, and where 90 % of the resamples lie."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Importance:
    """Of the keys of a comparison.

    Attributes:
        metric: whose variance it is.
        runs, combinations: that it is told of.
        foretold: which part of the variance of runs that it has not seen the forest foretells.
        shares: by key, the most important first; keys that were always walked together are one, joined by "and".
            What keys do together is counted in each. Empty where too little is known.
        why_none: why there are no shares; "" where there are.
    """

    metric: str
    runs: int
    combinations: int
    foretold: float = 0.0
    shares: Mapping[str, Share] = field(default_factory=dict)
    why_none: str = ""


def importance_of(finished: pd.DataFrame, axes: Sequence[str], metric: str) -> Importance | None:
    """Return how much each key mattered; None where fewer than two keys vary, or nothing was measured.

    The unit is the run; runs that differ in the seed alone are resampled together, and their differences are noise.
    The same runs give the same numbers.

    Args:
        finished: runs, as :func:`mlplab.comparison.query.find_runs` returns them.
        axes: the keys that vary, seed excepted.
        metric: by which the runs are ranked.
    """
    column = f"metrics.{metric}"
    if len(axes) < 2 or column not in finished:
        return None
    measured = finished[np.isfinite(finished[column])]
    measured = measured[~fingerprints(measured).duplicated()].sort_values("run_id", ignore_index=True)
    texts = measured[[f"params.{axis}" for axis in axes]].map(text_of)
    combinations = texts.groupby(list(texts.columns), sort=False).ngroup().to_numpy()
    count = len(set(combinations))
    if not count:
        return None
    told = Importance(metric, len(measured), count)
    needed = max(LEAST_COMBINATIONS, LEAST_OF_EACH_KEY * len(axes))
    if count < needed:
        return _without(told, f"{count} combinations of {len(axes)} keys have finished, and it takes {needed}")
    values = measured[column].to_numpy(float)
    if np.ptp(values) == 0:
        return _without(told, f"all {count} combinations have the same")
    joined = _walked_together(texts)
    blocks = [_encoded(measured[columns[0]]) for columns in joined]
    names = [" and ".join(column.removeprefix("params.") for column in columns) for columns in joined]
    foretold, shares = _resampled(blocks, values, combinations)
    if foretold < LEAST_FORETOLD:
        said = f"from {count} combinations it foretells {100 * max(foretold, 0):.0f} % of the variance of others"
        return _without(told, said)
    ordered = sorted(zip(names, shares, strict=True), key=lambda item: -item[1].mean)
    return replace(told, foretold=foretold, shares=dict(ordered))


def _without(told: Importance, why: str) -> Importance:
    return replace(told, why_none=why)


def _walked_together(texts: pd.DataFrame) -> list[list[str]]:
    """Return the columns; those together whose values always go together, so that nothing tells them apart.

    Where no two rows share a value, as in a search, that says nothing.
    """
    joined: list[list[str]] = []
    rows = len(texts.drop_duplicates())
    for column in texts:
        count = texts[column].nunique()
        for others in joined:
            pairs = len(texts[[others[0], column]].drop_duplicates())
            if count == texts[others[0]].nunique() == pairs and 1 < count < rows:
                others.append(str(column))
                break
        else:
            joined.append([str(column)])
    return joined


def _encoded(values: "pd.Series[Any]") -> NDArray[np.float64]:
    """Return the values of a key, shape (runs, columns): a number as it is, of texts a column for each."""
    if pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        return np.asarray(values.astype("Float64").to_numpy(float, na_value=np.nan))[:, None]
    return np.asarray(pd.get_dummies(values.map(text_of)), dtype=float)


def _resampled(
    blocks: Sequence[NDArray[np.float64]], values: NDArray[np.float64], combinations: NDArray[np.int64]
) -> tuple[float, list[Share]]:
    """Return which part of the variance is foretold, and the share of each key: means over the resamples.

    Args:
        blocks: of each key, shape (runs, columns).
        values: of the metric, shape (runs,).
        combinations: which of them each run is of, from 0, shape (runs,).
    """
    ends = np.cumsum([block.shape[1] for block in blocks])
    columns = [slice(end - block.shape[1], end) for end, block in zip(ends, blocks, strict=True)]
    drawn = [_one_resample(np.hstack(blocks), columns, values, combinations, seed) for seed in range(RESAMPLES)]
    foretold, added = np.array([one[0] for one in drawn]), np.array([one[1] for one in drawn])
    low, high = np.quantile(added, [(1 - INTERVAL) / 2, (1 + INTERVAL) / 2], axis=0).clip(0, 1)
    means = added.mean(axis=0).clip(0, 1)
    return float(foretold.mean()), [Share(*map(float, share)) for share in zip(means, low, high, strict=True)]


def _one_resample(
    features: NDArray[np.float64],
    columns: Sequence[slice],
    values: NDArray[np.float64],
    combinations: NDArray[np.int64],
    seed: int,
) -> tuple[float, list[float]]:
    """Learn from combinations drawn with replacement; return what is foretold of the others, and the shares."""
    from sklearn.ensemble import RandomForestRegressor

    rng = np.random.default_rng(seed)
    count = combinations.max() + 1
    drawn = rng.integers(count, size=count)
    rows = np.concatenate([np.flatnonzero(combinations == one) for one in drawn])
    unseen = np.flatnonzero(~np.isin(combinations, drawn))
    forest = RandomForestRegressor(TREES, random_state=seed).fit(features[rows], values[rows])
    variance = float(values.var())

    def error(inputs: NDArray[np.float64]) -> float:
        """Return the squared error of (k * unseen) rows, in units of the variance."""
        targets = np.tile(values[unseen], len(inputs) // len(unseen))
        return float(np.mean((forest.predict(inputs) - targets) ** 2)) / variance

    base = error(features[unseen])
    shares = []
    for own in columns:
        shuffled = np.tile(features[unseen], (SHUFFLES, 1))
        for start in range(0, len(shuffled), len(unseen)):
            order = start + rng.permutation(len(unseen))
            shuffled[start : start + len(unseen), own] = shuffled[order, own]
        shares.append((error(shuffled) - base) / 2)
    return 1 - base, shares
