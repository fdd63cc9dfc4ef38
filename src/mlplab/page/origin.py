"""Where the runs on a page come from: the command, the code, and what all of them have in common."""

from dataclasses import dataclass

import pandas as pd

from mlplab.commands import typed_command
from mlplab.comparison.grouping import SEED
from mlplab.comparison.selection import find_own_runs
from mlplab.schema import GIT_COMMIT_TAG, GIT_DIRTY_TAG, SWEEP_TAG
from mlplab.store.store import Store


@dataclass(frozen=True)
class Origin:
    """Of all runs on a page.

    Attributes:
        commands: of the sweeps that they are members of.
        commits: of the code that they ran, with a mark where the working tree was changed.
        common: the keys that have the same value in all runs.
    """

    commands: list[str]
    commits: list[str]
    common: dict[str, str]


def origin_of(store: Store, runs: pd.DataFrame) -> Origin:
    """Return it. Raises StoreError."""
    sweeps = set(runs[f"tags.{SWEEP_TAG}"].dropna()) if f"tags.{SWEEP_TAG}" in runs else set()
    commands = []
    if sweeps:
        mine = [run.data.params.get("command") for sweep in sorted(sweeps) for run in find_own_runs(store, sweep)]
        commands = [f"{typed_command('train')} -m {typed}" for typed in mine if typed]
    params = {name.removeprefix("params."): runs[name] for name in runs.columns if name.startswith("params.")}
    common = {
        key: str(values.iloc[0])
        for key, values in sorted(params.items())
        if key != SEED and values.notna().all() and values.nunique() == 1
    }
    return Origin(list(dict.fromkeys(commands)), _commits(runs), common)


def _commits(runs: pd.DataFrame) -> list[str]:
    if f"tags.{GIT_COMMIT_TAG}" not in runs:
        return []
    dirty = runs.get(f"tags.{GIT_DIRTY_TAG}", pd.Series("", index=runs.index))
    pairs = dict.fromkeys(zip(runs[f"tags.{GIT_COMMIT_TAG}"].fillna(""), dirty.fillna(""), strict=True))
    mark = " with uncommitted changes"
    return [f"{commit[:12]}{mark if changed == 'true' else ''}" for commit, changed in pairs if commit]
