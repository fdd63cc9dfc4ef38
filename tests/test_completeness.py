"""Every registry knows every member of its enum."""

from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum

import pytest
from mlflow.entities import RunStatus

from mlplab import config
from mlplab.config import DataName, Device, TrainConfig
from mlplab.data.catalog import CATALOG
from mlplab.engines import torch_engine, torch_network
from mlplab.engines.registry import ENGINES
from mlplab.errors import ConfigError
from mlplab.schema import RUN_STATES, UNRESPONSIVE, State, run_state
from mlplab.scratch import activations, initializers, losses, optimizers, penalties

REGISTRIES = {
    "engines": (ENGINES, config.Engine),
    "activations": (activations.ACTIVATIONS, config.Activation),
    "initial weights": (initializers.INITIALIZERS, config.Init),
    "losses": (losses.LOSSES, config.Loss),
    "losses in PyTorch": (torch_network.LOSSES, config.Loss),
    "optimizers": (optimizers.OPTIMIZERS, config.Optimizer),
    "penalties": (penalties.PENALTIES, config.Penalty),
    "penalties in PyTorch": (torch_network.PENALTIES, config.Penalty),
}


@pytest.mark.parametrize("name", REGISTRIES)
def test_a_registry_has_an_entry_for_every_member_and_no_other(name: str) -> None:
    registry, members = REGISTRIES[name]
    assert set(registry) == set(members)


def test_every_data_set_but_the_choice_auto_is_in_the_catalog() -> None:
    assert {name.partition("/")[0] for name in CATALOG} == set(DataName) - {DataName.auto}


@pytest.mark.parametrize("activation", activations.ACTIVATIONS)
def test_what_units_can_be_that_do_not_respond_is_drawn(activation: str) -> None:
    assert activations.ACTIVATIONS[activation].unresponsive in (*UNRESPONSIVE, None)


@pytest.mark.parametrize("device", Device)
def test_every_device_is_chosen_or_refused_by_name(settings: Callable[..., TrainConfig], device: Device) -> None:
    chosen = settings("engine=torch", f"device={device}")
    with suppress(ConfigError):  # this machine may not have it
        assert torch_engine.choose_device(chosen).type in set(Device)


def test_every_status_of_mlflow_has_a_state() -> None:
    states = {run_state(RunStatus.to_string(status)) for status in RunStatus.all_status()}
    assert states == set(RUN_STATES) - {State.pruned}


@pytest.mark.parametrize("state", State)
def test_only_what_finished_by_mlflows_status_can_have_been_pruned(state: State) -> None:
    pruned = {run_state(RunStatus.to_string(status), str(state)) for status in RunStatus.all_status()}
    assert (State.pruned in pruned) == (state is State.pruned)
    assert (State.finished in pruned) != (state is State.pruned)


def test_the_value_of_an_enum_member_is_its_name() -> None:
    enums = [value for value in vars(config).values() if isinstance(value, type) and issubclass(value, StrEnum)]
    assert all(member.name == member.value for enum in enums for member in enum)
