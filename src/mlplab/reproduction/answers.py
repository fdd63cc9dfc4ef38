"""The assignment's questions, answered in sentences that quote what was measured."""

from collections.abc import Mapping, Sequence

import pandas as pd

from mlplab import schema
from mlplab.comparison.statistics import SIGNIFICANCE, Difference, Summary
from mlplab.page import layer_charts
from mlplab.reproduction.plan import Plan

Finals = Mapping[tuple[str, str], Sequence[Mapping[str, float]]]

ACTIVATIONS = {"sigmoid": "assignment/baseline", "tanh": "assignment/tanh", "relu": "assignment/relu"}
ADAM = ("assignment/adam", "")


def answer_questions(finals: Finals, points: pd.DataFrame, plan: Plan) -> list[tuple[str, list[str]]]:
    """Return questions, each with the sentences that answer it; none where its runs are not there.

    Args:
        finals: final metrics of the finished runs, by preset and cell.
        points: with the diagnostics of the runs: columns ``cell``, ``key``, ``step``, ``value``.
        plan: says which cell is which.
    """
    found = [
        ("Which activation is best, and why?", [*_activations(finals), *_reach(points, plan)]),
        ("From scratch or by a package?", _package(finals)),
        ("What does L2 do?", _l2(finals)),
    ]
    return [(question, sentences) for question, sentences in found if sentences]


def _values(finals: Finals, key: tuple[str, str], metric: str) -> list[float]:
    return [final[f"final/{metric}"] for final in finals.get(key, [])]


def _shown(values: Sequence[float]) -> str:
    summary = Summary.of(values)
    return f"{summary.mean:.4f}" + (f" ± {summary.half_width:.4f}" if summary.n > 1 else "")


def _is_noise(found: Difference) -> bool:
    return found.p is None or found.p >= SIGNIFICANCE


def _compared(one: Sequence[float], other: Sequence[float]) -> str:
    found = Difference.of(one, other)
    if found.p is None:
        return f"{found.mean:+.4f}; with one seed nobody can tell whether that is more than noise"
    how = "which may be noise" if _is_noise(found) else "more than noise"
    return f"{found.mean:+.4f} ± {found.half_width:.4f}, {how} (Welch's t-test on the seeds, p = {found.p:.2g})"


def _activations(finals: Finals) -> list[str]:
    accuracy = {name: _values(finals, (preset, ""), "test_accuracy") for name, preset in ACTIVATIONS.items()}
    if not all(accuracy.values()):
        return []
    order = sorted(accuracy, key=lambda name: -Summary.of(accuracy[name]).mean)
    listed = ", ".join(f"{name} {_shown(accuracy[name])}" for name in order)
    return [
        f"Test accuracy: {listed}.",
        f"The best, {order[0]}, against the next, {order[1]}: {_compared(accuracy[order[0]], accuracy[order[1]])}.",
    ]


def _places(plan: Plan) -> dict[int, str]:
    names = {preset: name for name, preset in ACTIVATIONS.items()}
    return {place: names[cell.preset] for place, cell in enumerate(plan.cells) if cell.preset in names}


def _reach(points: pd.DataFrame, plan: Plan) -> list[str]:
    places = _places(plan)
    own = points[points["cell"].isin(places)]
    reach = layer_charts.reach(layer_charts.diagnostics(own.assign(group=own["cell"])))
    if len(reach) < len(ACTIVATIONS):
        return []
    listed = ", ".join(f"{share:.2g} with {places[place]}" for place, share in reach.items())
    return [
        "Why: in the first tenth of training the gradient norm of the first layer's weights, as a multiple of the "
        f"last layer's, is {listed}."
    ]


def activation_curves(points: pd.DataFrame, plan: Plan) -> dict[str, list[tuple[int, float]]]:
    """Return the test loss of the three activations, mean over the seeds, by activation."""
    curves = {}
    for place, name in _places(plan).items():
        own = points[(points["cell"] == place) & (points["key"] == schema.loss("test"))]
        means = own.groupby("step")["value"].mean()
        curves[name] = [(int(step), float(value)) for step, value in means.items()]
    return {name: curve for name, curve in curves.items() if curve}


def _package(finals: Finals) -> list[str]:
    scratch = finals.get(("saranath_2024/activation", "activation=relu"), [])
    package = finals.get(("saranath_2024/package", "activation=relu"), [])
    adam, relu = _values(finals, ADAM, "test_accuracy"), _values(finals, (ACTIVATIONS["relu"], ""), "test_accuracy")
    found = []
    if scratch and len(scratch) == len(package):
        # Both engines have the same start and batches, seed by seed: the differences are what is independent.
        gaps = [p["final/test_accuracy"] - s["final/test_accuracy"] for p, s in zip(package, scratch, strict=True)]
        times = [Summary.of([final[schema.TRAIN_SECONDS] for final in one]).mean for one in (scratch, package)]
        found.append(
            "The same network, start and batches in NumPy and in PyTorch (relu, gradient descent): test accuracy "
            f"{_shown([s['final/test_accuracy'] for s in scratch])} and "
            f"{_shown([p['final/test_accuracy'] for p in package])}; "
            f"PyTorch less NumPy, seed by seed, {_shown(gaps)}. "
            f"Training took {times[0]:.0f} s and {times[1]:.0f} s, each on one of the cores (published by "
            "saranath_2024: 44 minutes from scratch on eight cores)."
        )
    if adam and relu:
        found.append(
            f"With Adam in PyTorch {_shown(adam)}, with gradient descent from scratch {_shown(relu)}: "
            f"{_compared(adam, relu)}."
        )
    return found


def _holds(after: Sequence[float], before: Sequence[float]) -> str:
    found = Difference.of(after, before)
    if found.p is None:
        return ""
    costs = found.mean < 0 and not _is_noise(found)
    return "That it costs accuracy holds here." if costs else "That it costs accuracy does not hold here."


def _l2(finals: Finals) -> list[str]:
    found = []
    plain = _values(finals, ADAM, "test_accuracy")
    for alpha in ("1e-5", "1e-4", "1e-3"):
        values = _values(finals, ("assignment/l2", f"weight_decay={alpha}"), "test_accuracy")
        if plain and values:
            found.append(f"Adam with L2 of {alpha}: {_shown(values)}; against none {_compared(values, plain)}.")
    for preset, none, some, metric, claim in (
        ("erande_2025/weight_decay", "weight_decay=0.0", "weight_decay=0.0001", "test_accuracy", "costs 1.2 points"),
        ("saranath_2024/regularization", "", "weight_decay=0.0001", "train_accuracy", "costs 16 points"),
    ):
        key = (preset, none) if none else ("saranath_2024/activation", "activation=relu")
        before, after = _values(finals, key, metric), _values(finals, (preset, some), metric)
        if before and after:
            found.append(
                f"Published by {preset.partition('/')[0]}: an L2 of 1e-4 {claim} of {metric.replace('_', ' ')}. "
                f"Here: {_compared(after, before)}. {_holds(after, before)}"
            )
    return found
