"""Every published figure has a cell, and every table a preset."""

from collections import Counter
from collections.abc import Callable

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from conftest import PROJECT
from mlplab import config
from mlplab.app import composition
from mlplab.config import TrainConfig
from mlplab.errors import ConfigError
from mlplab.reproduction import plan, published
from mlplab.reproduction.published import Cell

# Cells and figures of each published table, counted by hand.
TABLES = {
    "erande_2025/activation": (3, 6), "erande_2025/learning_rate": (3, 3), "erande_2025/epochs": (4, 8),
    "erande_2025/weight_decay": (3, 6), "saranath_2024/activation": (3, 12), "saranath_2024/package": (1, 1),
    "saranath_2024/regularization": (1, 1), "sarkar_2022/activation_by_learning_rate": (9, 9),
    "sarkar_2022/package": (6, 6), "pellattiero/first": (1, 1), "pellattiero/tuned": (3, 3),
}  # fmt: skip
PRESETS = sorted(
    str(path.relative_to(PROJECT / "conf" / "experiment").with_suffix(""))
    for path in (PROJECT / "conf" / "experiment").rglob("*.yaml")
)


def test_no_published_cell_is_left_out() -> None:
    cells = [cell for cell in published.read_cells() if not cell.reading]
    assert Counter(cell.preset for cell in cells) == {table: count for table, (count, _) in TABLES.items()}
    figures = Counter(cell.preset for cell in cells for _ in cell.figures)
    assert figures == {table: count for table, (_, count) in TABLES.items()}


def test_every_table_and_deliverable_has_its_preset() -> None:
    needed = {cell.preset for cell in [*published.read_cells(), *plan.DELIVERABLES]}
    assert needed | {"pellattiero/search", "assignment/free"} == set(PRESETS)


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_alone_sweeps_over_its_cells(preset: str) -> None:
    composition.register()
    with initialize_config_dir(str(PROJECT / "conf"), version_base="1.3"):
        composed = compose("train", [f"experiment={preset}"], return_hydra_config=True)
    for cell in published.read_cells():
        if cell.preset == preset and not cell.reading:
            for key, value in cell.overrides.items():
                swept = composed.hydra.sweeper.params.get(key)
                there = [str(composed[key])] if swept is None else values(swept)
                assert str(OmegaConf.create([value])[0]) in there, (key, value)


def values(swept: str) -> list[str]:
    """The values of a sweep over ``0.1,1e-4`` or ``[300],[100]``."""
    return [str(value) for value in OmegaConf.create(f"[{swept}]")]


def test_presets_have_the_settings_of_the_reports(settings: Callable[..., TrainConfig]) -> None:
    base = settings("experiment=assignment/baseline")
    assert base == settings("data=mnist")  # the defaults are the assignment's
    saranath = settings("experiment=saranath_2024/regularization")
    assert (saranath.data.train_size, saranath.data.val_size, saranath.data.standardize) == (50_000, 10_000, True)
    assert (saranath.activation, saranath.penalty, saranath.weight_decay) == ("relu", "l2", 1e-4)
    erande = settings("experiment=erande_2025/weight_decay")
    assert (erande.engine, erande.init, erande.optimizer, erande.learning_rate) == ("torch", "pytorch", "adam", 0.01)
    assert settings("experiment=sarkar_2022/package").data.train_size == 30_000
    first = settings("experiment=pellattiero/first")
    assert (first.hidden_sizes, first.iterations, first.batch_size) == ([100], 1000, 200)
    assert (first.learning_rate, first.weight_decay, first.learning_rate_decay) == (1e-3, 1e-3, 0.95)
    assert (first.sampling, first.activation) == (config.Sampling.random, "relu")


def make(settings: Callable[..., TrainConfig], cells: list[Cell], seeds: int) -> plan.Plan:
    return plan.plan_cells(cells, seeds, [], lambda overrides: settings(*overrides))


def test_a_config_in_several_tables_runs_once(settings: Callable[..., TrainConfig]) -> None:
    baseline = [
        Cell("erande_2025/activation", {"activation": "sigmoid"}, {}),
        Cell("erande_2025/epochs", {"epochs": "15"}, {}),
        Cell("erande_2025/learning_rate", {"learning_rate": "0.01"}, {}),
        Cell("assignment/baseline", {}, {}),
    ]
    other = Cell("erande_2025/activation", {"activation": "relu"}, {})
    made = make(settings, [*baseline, other], seeds=2)
    assert len(made.jobs) == 4
    assert made.numbers[0] == made.numbers[1] == made.numbers[2] == made.numbers[3]
    assert [made.jobs[number].name[-6:] for number in made.numbers[4]] == ["seed=0", "seed=1"]
    assert made.numbers[4] != made.numbers[0]


def test_the_longest_jobs_come_first(settings: Callable[..., TrainConfig]) -> None:
    cells = [Cell("pellattiero/first", {}, {}), Cell("erande_2025/epochs", {"epochs": "25"}, {})]
    made = make(settings, cells, seeds=1)
    assert made.numbers == [[1], [0]]


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("seed=1", "seed=1: every cell runs with several seeds; say how many with seeds=N"),
        ("epochs=1", "epochs=1: the cells set this key"),
        ("experiment=pellattiero/first", "the cells set this key"),
    ],
)
def test_a_key_that_cells_set_cannot_be_typed(settings: Callable[..., TrainConfig], typed: str, message: str) -> None:
    cells = [Cell("erande_2025/epochs", {"epochs": "25"}, {})]
    with pytest.raises(ConfigError, match=message):
        plan.plan_cells(cells, 1, [typed], lambda overrides: settings(*overrides))


def test_another_plan_has_another_digest(settings: Callable[..., TrainConfig]) -> None:
    cell = Cell("pellattiero/first", {}, {})
    one, two = (make(settings, [cell], seeds) for seeds in (1, 2))
    assert one.digest == make(settings, [cell], 1).digest != two.digest


def test_an_error_names_an_unknown_report() -> None:
    with pytest.raises(
        ConfigError, match="reports=erande: no such report; choose from all, erande_2025, saranath_2024"
    ):
        published.select_cells(["erande"])
    with pytest.raises(ConfigError, match="names no report; choose from all, erande_2025"):
        published.select_cells([])


def test_reports_can_be_chosen() -> None:
    assert {cell.report for cell in published.select_cells(["pellattiero", "sarkar_2022"])} == {
        "pellattiero",
        "sarkar_2022",
    }
    assert len(published.select_cells(["all"])) == len(published.read_cells())
