"""PyTorch's generators, apart from the process's own: what a network draws (dropout) is part of its state."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor


class TorchRandom:
    """The states of the generators of the CPU and of the device that computes, for one network."""

    def __init__(self, seed: int, device: torch.device) -> None:
        """Seed them, as ``torch.manual_seed`` would; the process's own generators stay as they are."""
        self._device = device
        generators = {name: torch.Generator(name) for name in dict.fromkeys(["cpu", device.type])}
        # A generator takes 64 bits.
        self._states = {name: one.manual_seed(seed % 2**63).get_state() for name, one in generators.items()}

    @contextmanager
    def drawing(self, *, keeps: bool) -> Iterator[None]:
        """Let what is drawn inside come from these generators; without ``keeps`` they then stand where they did."""
        before = self._read()
        self._write(self._states)
        try:
            yield
        finally:
            if keeps:
                for name, state in self._read().items():
                    self._states[name].copy_(state)
            self._write(before)

    def live_state(self) -> dict[str, Tensor]:
        """Return the live states, uint8 on the CPU: to copy from and into."""
        return {f"random.{name}": state for name, state in self._states.items()}

    def _read(self) -> dict[str, Tensor]:
        states = {"cpu": torch.get_rng_state()}
        match self._device.type:
            case "cuda":
                states["cuda"] = torch.cuda.get_rng_state(self._device)
            case "mps":
                states["mps"] = torch.mps.get_rng_state()
        return states

    def _write(self, states: dict[str, Tensor]) -> None:
        torch.set_rng_state(states["cpu"])
        if "cuda" in states:
            torch.cuda.set_rng_state(states["cuda"], self._device)
        if "mps" in states:
            torch.mps.set_rng_state(states["mps"])
