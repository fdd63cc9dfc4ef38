"""Which data a sweep reads before it begins: people's own files, once each."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mlplab.config import DType, TrainConfig
from mlplab.data import Dataset
from mlplab.data_config import DataConfig
from mlplab.errors import DataError
from mlplab.flat_config import flatten
from mlplab.sweeps.context import SweepContext
from mlplab.sweeps.data_check import NeededData, require_data


def reading(
    context: SweepContext, launcher: str = "basic"
) -> tuple[SweepContext, list[tuple[DataConfig, int, Dataset]]]:
    """A context of this launcher, and what it loads: config, seed and data, in order."""
    read: list[tuple[DataConfig, int, Dataset]] = []

    def load(config: DataConfig, seed: int, dtype: DType) -> Dataset:
        read.append((config, seed, context.load(config, seed, dtype)))
        return read[-1][2]

    config = context.config.copy()
    config.hydra.runtime.choices["hydra/launcher"] = launcher
    return replace(context, config=config, load=load), read


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "mine.npz"
    np.savez(path, x_train=np.arange(40.0).reshape(20, 2), y_train=[0, 1] * 10)
    return str(path)


def of_file(context: SweepContext, path: str, *more: str) -> TrainConfig:
    return context.compose(["data=npz", f"data.path={path}", *more])


def test_each_data_set_is_read_once_and_the_first_last_so_that_the_first_run_takes_it_over(
    context: SweepContext, file: str
) -> None:
    counted, read = reading(context)
    jobs = [of_file(context, file, f"data.val_size={size}", f"seed={seed}") for size in (2, 3) for seed in (5, 6)]
    require_data(NeededData.of_all(jobs), counted)
    assert [(config.val_size, seed) for config, seed, _ in read] == [(3, 5), (2, 5)]
    assert context.load(jobs[0].data, jobs[0].seed, jobs[0].dtype) is read[-1][2]


@pytest.mark.parametrize("name", ["mnist", "auto", "digits"])
def test_a_published_set_is_left_to_the_runs(context: SweepContext, name: str) -> None:
    counted, read = reading(context)
    require_data(NeededData.of_all([context.compose([f"data={name}", "data.root=nowhere"])]), counted)
    assert read == []


def test_a_frozen_job_needs_the_data_that_its_config_says(context: SweepContext, file: str) -> None:
    job = of_file(context, file, "seed=3", "data.val_size=4", "data.test_size=0.25", "dtype=float64")
    assert [NeededData.of_frozen(flatten(job))] == NeededData.of_all([job])


@pytest.mark.parametrize("launcher", ["ray_cluster", "slurm"])
def test_other_machines_may_have_what_this_one_has_not_but_a_fault_here_is_one_there(
    context: SweepContext, file: str, launcher: str
) -> None:
    here, there = reading(context)[0], reading(context, launcher)[0]
    missing = NeededData.of_all([of_file(context, f"{file}.away")])
    with pytest.raises(DataError, match="no such file"):
        require_data(missing, here)
    require_data(missing, there)
    np.savez(file, x_train=np.full((20, 2), np.nan), y_train=[0, 1] * 10)
    with pytest.raises(DataError, match=r"row 0, column 0 .* is nan"):
        require_data(NeededData.of_all([of_file(context, file)]), there)
