"""Training steps: seconds per epoch of every contender, as ratios to the floor, with the targets."""

from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.contenders import CONTENDERS
from benchmarks.measure import contender, rounds


@dataclass(frozen=True)
class Target:
    """A target: ``faster`` takes at most ``limit`` times as long as ``slower``."""

    faster: str
    slower: str
    limit: float


TARGETS = [
    Target("mlplab NumPy, relu", "floor", 1.35),
    Target("mlplab NumPy, sigmoid", "floor", 1.45),
    Target("mlplab NumPy, tanh", "floor", 1.45),
    Target("mlplab NumPy, Adam", "floor", 2.0),
    Target("mlplab NumPy, relu", "PyTorch", 1 / 1.5),
    Target("mlplab NumPy, relu", "scikit-learn", 1 / 2),
    Target("mlplab NumPy, relu", "Lightning", 1 / 2),
    Target("mlplab NumPy, relu", "naive loop", 1 / 2),
    Target("mlplab torch", "PyTorch", 1 / 1.15),
    Target("mlplab torch, Adam", "PyTorch, Adam", 1 / 1.15),
]


TITLE = "Training steps"
ROUNDS = 7


def measure(count: int) -> dict[str, Any]:
    """Return the seconds per epoch of every contender, round by round."""
    answers = rounds({name: contender(name) for name in CONTENDERS}, count)
    return {"seconds": {name: [answer["seconds_per_epoch"] for answer in answers[name]] for name in answers}}


def table(result: dict[str, Any], before: dict[str, Any] | None) -> list[str]:
    """Return Markdown: seconds per epoch, ratio to the floor (and what it was before), then the targets."""
    ratios, former = _ratios(result), {} if before is None else _ratios(before)
    lines = ["| | seconds per epoch | fastest to slowest | times the floor |", "| --- | ---: | ---: | ---: |"]
    for name, ratio in sorted(ratios.items(), key=lambda item: item[1]):
        seconds = result["seconds"][name]
        change = f" ({former[name]:.2f} before)" if name in former else ""
        spread = f"{min(seconds):.2f} to {max(seconds):.2f}"
        lines.append(f"| {name} | {median(seconds):.2f} | {spread} | {ratio:.2f}{change} |")
    lines += ["", "| target | at most | measured | |", "| --- | ---: | ---: | --- |"]
    for target in TARGETS:
        ratio = ratios[target.faster] / ratios[target.slower]
        verdict = "met" if ratio <= target.limit else "missed"
        lines.append(f"| {target.faster} / {target.slower} | {target.limit:.2f} | {ratio:.2f} | {verdict} |")
    return lines


def _ratios(result: dict[str, Any]) -> dict[str, float]:
    floor = median(result["seconds"]["floor"])
    return {name: median(seconds) / floor for name, seconds in result["seconds"].items()}
