"""From runs to observations: what is independent is a seed, and not a run."""

from collections.abc import Mapping, Sequence

import pandas as pd

from mlplab.names import MISSING
from mlplab.schema import FINAL, FINGERPRINT_TAG

SEED_COLUMN = "params.seed"
ALL = "all"  # instead of a seed: the one observation of runs, none of whose seeds is complete
_FINGERPRINT = f"tags.{FINGERPRINT_TAG}"


def observe(finished: pd.DataFrame, metric: str, pooled: Sequence[str]) -> dict[str, float]:
    """Return one value of a metric per seed, by the seed.

    Runs with one fingerprint compute the same, and count once. Where keys are pooled (runs of one seed differ in
    them), the seed's value is the average over their combinations. A seed that lacks one of them would be an average
    of something else: it is left out. Where every seed lacks one, all runs together are one observation.

    Args:
        finished: runs of one group, one row each.
        metric: of theirs; runs without it are left out.
        pooled: keys that differ between the runs, seed excepted, and make no group of their own.
    """
    column = f"metrics.{metric}"
    if column not in finished or not finished[column].notna().any():
        return {}
    measured = finished[finished[column].notna()]
    seeds = _text(measured, SEED_COLUMN)
    cells = pd.Series("", index=measured.index)
    for key in pooled:
        cells += _text(measured, f"params.{key}") + "\n"
    once = measured[column].groupby([seeds, cells, fingerprints(measured)]).mean()
    table = once.groupby(level=[0, 1]).mean().unstack()
    complete = table.dropna()
    if complete.empty:
        return {ALL: float(table.mean().mean())}
    return {str(seed): float(value) for seed, value in complete.mean(axis=1).items()}


def describe_left_out(finished: pd.DataFrame, observations: Mapping[str, float], pooled: Sequence[str]) -> str:
    """Say which seeds of a group are left out of its observations; "" where all are there."""
    keys = ", ".join(pooled)
    if ALL in observations:
        return f"no seed has finished every combination of {keys}: all runs together are one observation"
    seeds = [seed for seed in dict.fromkeys(_text(finished, SEED_COLUMN)) if seed not in observations]
    if not seeds:
        return ""
    are = "seed is" if len(seeds) == 1 else "seeds are"
    return f"{len(seeds)} {are} left out ({', '.join(sorted(seeds))}): without every combination of {keys}"


def combinations(finished: pd.DataFrame, pooled: Sequence[str]) -> set[tuple[str, ...]]:
    """Return the combinations of pooled keys that these runs have."""
    texts = [_text(finished, f"params.{key}") for key in pooled]
    return set(zip(*texts, strict=True)) if texts else set()


def contradictions(finished: pd.DataFrame) -> list[str]:
    """Name runs that have one fingerprint and different numbers: they should have computed the same."""
    if _FINGERPRINT not in finished:
        return []
    lines = []
    finals = [column for column in finished.columns if column.startswith(f"metrics.{FINAL}")]
    for _, runs in finished.groupby(_FINGERPRINT, sort=False):
        gaps = (runs[finals].max() - runs[finals].min()).dropna()
        if gaps.gt(0).any():
            worst = gaps.idxmax()
            one, other = runs.loc[runs[worst].idxmax(), "run_id"], runs.loc[runs[worst].idxmin(), "run_id"]
            lines.append(
                f"runs {one} and {other} have the same fingerprint, but {worst.removeprefix('metrics.')} differs by "
                f"{gaps[worst]:.2g}: another machine or number of threads, or a fault"
            )
    return lines


def count_repeats(finished: pd.DataFrame) -> int:
    """Return how many runs repeat another one, by their fingerprints."""
    return int(fingerprints(finished).duplicated().sum())


def fingerprints(runs: pd.DataFrame) -> "pd.Series[str]":
    """Return what tells runs apart that compute something else: the fingerprint, or the id where there is none."""
    ids = runs["run_id"].astype(str)
    return runs[_FINGERPRINT].fillna(ids).astype(str) if _FINGERPRINT in runs else ids


def _text(runs: pd.DataFrame, column: str) -> "pd.Series[str]":
    if column not in runs:
        return pd.Series(MISSING, index=runs.index)
    return runs[column].map(text_of)


def text_of(value: object) -> str:
    """Return a param as text; ``none`` where a run does not have it."""
    return MISSING if pd.isna(value) else str(value)
