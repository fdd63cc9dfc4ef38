"""The page's table says of ranks what the terminal's says."""

from collections.abc import Mapping, Sequence

import pandas as pd

from mlplab.comparison.ranking import rank
from mlplab.page.page_table import Links, table_rows_of

LINKS = Links(lambda run: run, lambda run, name: f"{run}/{name}")


def runs_of(accuracies: Mapping[str, Sequence[float]]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"run_id": f"{activation}{seed}", "name": activation, "status": "FINISHED", "params.seed": str(seed)}
            | {"params.activation": activation, "metrics.final/test_accuracy": value}
            for activation, values in accuracies.items()
            for seed, value in enumerate(values)
        ]
    )


def ranks(accuracies: Mapping[str, Sequence[float]]) -> dict[str, tuple[str, bool]]:
    runs = runs_of(accuracies)
    return {row.name: (row.cells[0].text, row.best) for row in table_rows_of(rank(runs), runs, LINKS)}


def test_groups_that_tie_share_their_rank() -> None:
    assert ranks({"relu": [0.9], "tanh": [0.9], "sigmoid": [0.8]}) == {
        "relu": ("1", True), "tanh": ("1", True), "sigmoid": ("3", False)
    }  # fmt: skip


def test_a_group_that_cannot_be_told_from_the_best_is_marked() -> None:
    found = ranks({"relu": [0.90, 0.93, 0.96], "tanh": [0.89, 0.92, 0.97], "sigmoid": [0.10, 0.11, 0.12]})
    assert found["tanh"] == ("2 ≈", False)
    assert found["sigmoid"] == ("3", False)
