"""Training steps: seconds per epoch of every contender, as ratios to the floor, beside the targets."""

from dataclasses import dataclass

from benchmarks.contenders import CONTENDERS
from benchmarks.measure import Sample, contender, rounds


@dataclass(frozen=True)
class Target:
    """A promise: ``faster`` takes at most ``limit`` times as long as ``slower``."""

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


def measure(count: int) -> dict[str, Sample]:
    """Return the seconds per epoch of every contender."""
    found = rounds({name: contender(name) for name in CONTENDERS}, count)
    return {name: Sample([answer["seconds_per_epoch"] for answer in answers]) for name, answers in found.items()}


def table(samples: dict[str, Sample], before: dict[str, float]) -> list[str]:
    """Return a Markdown table: seconds per epoch, ratio to the floor, and the change since ``before`` (ratios)."""
    floor = samples["floor"].median
    lines = [
        "| | seconds per epoch | fastest to slowest | times the floor | before |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for name, sample in sorted(samples.items(), key=lambda item: item[1].median):
        low, high = sample.spread
        former = f"{before[name]:.2f}" if name in before else ""
        ratio = sample.median / floor
        lines.append(f"| {name} | {sample.median:.2f} | {low:.2f} to {high:.2f} | {ratio:.2f} | {former} |")
    return lines


def verdicts(samples: dict[str, Sample]) -> list[str]:
    """Return a Markdown table of the targets, and whether they are met."""
    lines = ["| target | at most | measured | |", "| --- | ---: | ---: | --- |"]
    for target in TARGETS:
        ratio = samples[target.faster].median / samples[target.slower].median
        verdict = "met" if ratio <= target.limit else "missed"
        lines.append(f"| {target.faster} / {target.slower} | {target.limit:.2f} | {ratio:.2f} | {verdict} |")
    return lines
