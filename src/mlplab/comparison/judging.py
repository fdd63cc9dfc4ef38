"""A ranking with what only the store knows: jobs that are missing, trained models, the size of the test set."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from mlplab.comparison.completeness import missing_jobs
from mlplab.comparison.grouping import Group, axes_of
from mlplab.comparison.importance import importance_of
from mlplab.comparison.inputs import thing_of_all
from mlplab.comparison.ranking import TEST, VALIDATION, Ranking, data_sets
from mlplab.comparison.states import finished_of
from mlplab.comparison.trained_models import ModelComparison, compare_models, count_images
from mlplab.store.store import Store


def add_stored_facts(store: Store, ranking: Ranking, runs: pd.DataFrame, jobs: Sequence[Mapping[str, Any]]) -> Ranking:
    """Return the ranking with ``missing``, ``models``, ``images``, ``thing`` and ``importance``.

    Args:
        store: has the runs.
        ranking: of them.
        runs: that were ranked.
        jobs: of the sweep whose runs these are, all of them; none for any other choice of runs.

    Raises:
        StoreError: the store does not answer, or an artifact is damaged.
    """
    return replace(
        ranking,
        missing=missing_jobs(jobs, runs),
        models=_models(store, ranking, runs),
        images=_images(store, ranking, runs),
        thing=thing_of_all(runs),
        importance=importance_of(finished_of(runs), axes_of(runs), ranking.metric),
    )


def _finished(group: Group, runs: pd.DataFrame) -> pd.DataFrame:
    return finished_of(runs[runs["run_id"].isin(group.run_ids)])


def _models(store: Store, ranking: Ranking, runs: pd.DataFrame) -> ModelComparison | None:
    """Compare the best two groups where each has one finished run, and accuracy ranks."""
    if ranking.pair is None or ranking.metric not in (TEST, VALIDATION):
        return None
    one, other = (_finished(group, runs) for group in ranking.pair)
    if (len(one), len(other)) != (1, 1):
        return None
    two = pd.concat([one, other])
    folders = dict(zip(two["run_id"], two["artifact_uri"], strict=True))
    return compare_models(store, (ranking.pair[0].name, ranking.pair[1].name), folders, thing_of_all(two))


def _images(store: Store, ranking: Ranking, runs: pd.DataFrame) -> int | None:
    if not ranking.ranked or ranking.metric not in (TEST, VALIDATION) or len(data_sets(runs)) > 1:
        return None
    best = _finished(ranking.ranked[0], runs).iloc[0]
    if ranking.metric == TEST:
        return count_images(store, str(best["run_id"]), str(best["artifact_uri"]))
    size = best.get("params.data.val_size")
    return None if size is None or pd.isna(size) else int(size)
