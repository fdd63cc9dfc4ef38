"""A module at hand is known by all that makes it: whatever is changed in it, it is another network."""

from collections.abc import Callable
from copy import deepcopy

import pytest
import torch
from own_networks import Normed
from torch import nn

from mlplab.engines import at_hand
from mlplab.engines.at_hand import network_keys
from mlplab.errors import ConfigError
from mlplab.network_config import TARGET


def module() -> Normed:
    torch.manual_seed(0)
    return Normed(classes=4, image_shape=(3, 6, 5))


def target(network: nn.Module) -> str:
    return str(network_keys(network)["network"][TARGET])


def made(name: str) -> nn.Module:
    found: nn.Module = getattr(at_hand, name.rpartition(".")[2])()
    return found


def frozen(network: Normed) -> None:
    next(network.parameters()).requires_grad_(False)


def other_weights(network: Normed) -> None:
    with torch.no_grad():
        next(network.parameters()).mul_(0.5)


def other_buffer(network: Normed) -> None:
    next(network.buffers()).add_(1)


def other_number(network: Normed) -> None:
    network.slope = -5.0  # type: ignore[assignment]


def other_list(network: Normed) -> None:
    network.sizes = [{"width": (1, 2)}]  # type: ignore[assignment]


def other_tensor(network: Normed) -> None:
    network.__dict__["mask"] = torch.zeros(2, dtype=torch.bfloat16)


CHANGES = [frozen, other_weights, other_buffer, other_number, other_list, other_tensor]


def test_the_same_module_has_the_same_name_each_time() -> None:
    assert target(module()) == target(module()) == target(deepcopy(module()))


@pytest.mark.parametrize("change", CHANGES)
def test_a_module_that_was_changed_has_another_name_and_is_what_is_made(change: Callable[[Normed], None]) -> None:
    changed = module()
    before = target(changed)
    change(changed)
    assert target(changed) != before
    copy = made(target(changed))
    assert copy is not changed
    for one, other in zip(copy.parameters(), changed.parameters(), strict=True):
        assert torch.equal(one, other)
        assert one.requires_grad == other.requires_grad


def test_other_code_of_its_class_is_another_name(monkeypatch: pytest.MonkeyPatch) -> None:
    before = target(module())
    monkeypatch.setattr("inspect.getsource", lambda _: "another text")
    assert target(module()) != before


def test_lazy_layers_and_what_cannot_be_copied_are_refused() -> None:
    with pytest.raises(ConfigError, match="has lazy layers"):
        network_keys(nn.Sequential(nn.Flatten(), nn.LazyLinear(10)))
    uncopied = module()
    uncopied.__dict__["file"] = open(__file__)  # noqa: SIM115 - closed below
    with pytest.raises(ConfigError, match="cannot be copied"):
        network_keys(uncopied)
    uncopied.__dict__["file"].close()


def test_a_name_of_another_process_says_what_to_do() -> None:
    with pytest.raises(AttributeError, match="give it again"):
        made("Net_12345678")
