"""Whether one model is better than another by more than noise: judged on validation images, never on test images."""

from dataclasses import dataclass

import pandas as pd
from mlflow.entities import Run
from scipy import stats

from mlplab.comparison import query
from mlplab.comparison.inputs import profile_of, thing_of
from mlplab.comparison.ranking import VALIDATION, axes_of, rank
from mlplab.comparison.statistics import SIGNIFICANCE
from mlplab.schema import DATA_TAG, SWEEP_TAG
from mlplab.store.store import Store

_SAME_TASK = ("data.path", "data.label", "data.dataset", "data.dataset_id", "data.split")  # params, beside the tag
NO_VALIDATION = "it has no validation split (data.val_size), and the test set chooses nothing"


@dataclass(frozen=True)
class Judgement:
    """Whether the challenger is better by more than noise, and why: a clause that follows its name."""

    is_better: bool
    reason: str


def judge_challenger(store: Store, challenger: Run, champion: Run) -> Judgement:
    """Compare two finished runs.

    Where both recipes were trained with several seeds in their sweeps, the recipes are compared, by the test that the
    comparison of a sweep makes. Otherwise the two trained models are, by Fisher's exact test of how many validation
    images each got right: MLflow has no predictions of those, so that nothing can be said image by image.

    Raises StoreError.
    """
    refusal = _refusal(challenger, champion)
    if refusal is not None:
        return Judgement(False, refusal)
    return _judge_recipes(store, challenger, champion) or _judge_models(challenger, champion)


def _refusal(challenger: Run, champion: Run) -> str | None:
    one, other = challenger.data, champion.data
    if one.tags.get(DATA_TAG) != other.tags.get(DATA_TAG):
        return f"its data set is {one.tags.get(DATA_TAG)}, the champion's {other.tags.get(DATA_TAG)}"
    for key in _SAME_TASK:
        if one.params.get(key) != other.params.get(key):
            return f"its {key} is {one.params.get(key)}, the champion's {other.params.get(key)}"
    if VALIDATION not in one.metrics or not _validation_size(challenger):
        return NO_VALIDATION
    if VALIDATION not in other.metrics or not _validation_size(champion):
        return f"there is nothing to compare it by: of the champion, {NO_VALIDATION}"
    return None


def _validation_size(run: Run) -> int:
    return int(profile_of(run).get("val", 0))


def _judge_recipes(store: Store, challenger: Run, champion: Run) -> Judgement | None:
    """Compare the recipes over their seeds; None where that cannot be tested."""
    runs = _of_two_recipes(store, challenger, champion)
    if runs is None:
        return None
    ranking = rank(runs, VALIDATION)
    if len(ranking.ranked) != 2 or ranking.separation is None or ranking.separation.p[0] is None:
        return None
    first, second = ranking.ranked
    leads = challenger.info.run_id in first.run_ids
    own, other = (first, second) if leads else (second, first)
    seeds = f"means of {len(own.observations)} and {len(other.observations)} seeds"
    return _judgement(own.mean, other.mean, seeds, ranking.separation.test, ranking.separation.p[0])


def _of_two_recipes(store: Store, challenger: Run, champion: Run) -> pd.DataFrame | None:
    """Return the runs of both recipes: in the sweep of each, those that differ from it in the seed alone."""
    ids = (str(challenger.info.run_id), str(champion.info.run_id))
    sweeps = sorted({sweep for run in (challenger, champion) if (sweep := run.data.tags.get(SWEEP_TAG))})
    filters = [f"attributes.run_id IN ({', '.join(map(repr, ids))})"]
    filters += [f"tags.{SWEEP_TAG} = '{sweep}'" for sweep in sweeps]
    frames = [query.find_runs(store, text) for text in filters]
    runs = pd.concat(frames).drop_duplicates("run_id").reset_index(drop=True)
    recipes = runs[[f"params.{axis}" for axis in axes_of(runs)]].astype(str)
    if not set(ids) <= set(runs["run_id"]):  # one of them lies in another experiment
        return None
    own = [recipes[runs["run_id"] == run_id].iloc[0] for run_id in ids]
    return runs[(recipes == own[0]).all(axis=1) | (recipes == own[1]).all(axis=1)]


def _judge_models(challenger: Run, champion: Run) -> Judgement:
    values = [float(run.data.metrics[VALIDATION]) for run in (challenger, champion)]
    sizes = [_validation_size(run) for run in (challenger, champion)]
    right = [round(value * size) for value, size in zip(values, sizes, strict=True)]
    table = [[count, size - count] for count, size in zip(right, sizes, strict=True)]
    counts = f"{sizes[0]:,}" if sizes[0] == sizes[1] else f"{sizes[0]:,} and {sizes[1]:,}"
    p = float(stats.fisher_exact(table).pvalue)
    return _judgement(values[0], values[1], f"{counts} validation {thing_of(challenger)}s", "Fisher's exact test", p)


def _judgement(own: float, other: float, of: str, test: str, p: float) -> Judgement:
    shown = "p < 0.0001" if p < 0.0001 else f"p = {p:.2g}"
    lead = own - other
    if lead <= 0:
        return Judgement(False, f"its validation accuracy, {own:.4f}, is not above the champion's, {other:.4f} ({of})")
    answer = "is more than noise" if p < SIGNIFICANCE else "may be noise"
    values = f"{own:.4f}, {other:.4f}: {of}"
    reason = f"its validation accuracy leads by {lead:.4f} ({values}), which {answer} ({test}, {shown})"
    return Judgement(p < SIGNIFICANCE, reason)
