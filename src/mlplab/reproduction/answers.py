"""The assignment's questions, answered in sentences that quote what was measured."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from mlplab import schema
from mlplab.comparison.statistics import Summary
from mlplab.page import layer_charts
from mlplab.reproduction.family import Corrected, Samples, compare_family
from mlplab.reproduction.plan import Plan

Finals = Mapping[tuple[str, str], Sequence[Mapping[str, float]]]

ACTIVATIONS = {"sigmoid": "assignment/baseline", "tanh": "assignment/tanh", "relu": "assignment/relu"}
ADAM = ("assignment/adam", "")
ALPHAS = ("1e-5", "1e-4", "1e-3")


class _Claim(NamedTuple):
    """What a report says of an L2 of 1e-4."""

    before: tuple[str, str]  # preset and cell without L2
    after: tuple[str, str]  # and with it
    metric: str
    text: str


CLAIMS = (
    _Claim(
        ("erande_2025/weight_decay", "weight_decay=0.0"),
        ("erande_2025/weight_decay", "weight_decay=0.0001"),
        "test_accuracy",
        "costs 1.2 points",
    ),
    _Claim(
        ("saranath_2024/activation", "activation=relu"),
        ("saranath_2024/regularization", "weight_decay=0.0001"),
        "train_accuracy",
        "costs 16 points",
    ),
)


def answer_questions(finals: Finals, points: pd.DataFrame, plan: Plan) -> list[tuple[str, list[str]]]:
    """Return questions, each with the sentences that answer it; none where its runs are not there.

    All differences are tested as one family.

    Args:
        finals: final metrics of the finished runs, by preset and cell.
        points: with the diagnostics of the runs: columns ``cell``, ``key``, ``step``, ``value``.
        plan: says which cell is which.
    """
    tested = compare_family(_pairs(finals))
    found = [
        ("Which activation is best, and why?", [*_activations(finals, tested), *_reach(points, plan)]),
        ("From scratch or by a package?", _package(finals, tested)),
        ("What does L2 do?", _l2(finals, tested)),
    ]
    return [(question, sentences) for question, sentences in found if sentences]


def _values(finals: Finals, key: tuple[str, str], metric: str) -> list[float]:
    return [final[f"final/{metric}"] for final in finals.get(key, [])]


def _shown(values: Sequence[float]) -> str:
    summary = Summary.of(values)
    return f"{summary.mean:.4f}" + (f" ± {summary.half_width:.4f}" if summary.n > 1 else "")


def _pairs(finals: Finals) -> dict[str, Samples]:
    """Return what is compared, by a name of its own, where both sides have runs."""
    accuracy = {name: _values(finals, (preset, ""), "test_accuracy") for name, preset in ACTIVATIONS.items()}
    adam = _values(finals, ADAM, "test_accuracy")
    pairs: dict[str, Samples] = {"adam": (adam, accuracy["relu"])}
    if all(accuracy.values()):
        best, following, *_ = _best_first(accuracy)
        pairs["activations"] = accuracy[best], accuracy[following]
    for alpha in ALPHAS:
        pairs[alpha] = _values(finals, _l2_cell(alpha), "test_accuracy"), adam
    for claim in CLAIMS:
        after, before = (_values(finals, cell, claim.metric) for cell in (claim.after, claim.before))
        pairs[claim.after[0]] = after, before
    return {name: pair for name, pair in pairs.items() if all(pair)}


def _l2_cell(alpha: str) -> tuple[str, str]:
    return "assignment/l2", f"weight_decay={alpha}"


def _best_first(accuracy: Mapping[str, Sequence[float]]) -> list[str]:
    return sorted(accuracy, key=lambda name: -Summary.of(accuracy[name]).mean)


def _activations(finals: Finals, tested: Mapping[str, Corrected]) -> list[str]:
    if "activations" not in tested:
        return []
    accuracy = {name: _values(finals, (preset, ""), "test_accuracy") for name, preset in ACTIVATIONS.items()}
    order = _best_first(accuracy)
    listed = ", ".join(f"{name} {_shown(accuracy[name])}" for name in order)
    return [
        f"Test accuracy: {listed}.",
        f"The best, {order[0]}, against the next, {order[1]}: {tested['activations']}.",
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


def _package(finals: Finals, tested: Mapping[str, Corrected]) -> list[str]:
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
            f"PyTorch minus NumPy, seed by seed, {_shown(gaps)}. "
            f"Training took {times[0]:.0f} s and {times[1]:.0f} s, each on one of the cores (published by "
            "saranath_2024: 44 minutes from scratch on eight cores)."
        )
    if "adam" in tested:
        found.append(
            f"With Adam in PyTorch {_shown(adam)}, with gradient descent from scratch {_shown(relu)}: "
            f"{tested['adam']}."
        )
    return found


def _l2(finals: Finals, tested: Mapping[str, Corrected]) -> list[str]:
    found = []
    for alpha in ALPHAS:
        if alpha in tested:
            values = _values(finals, _l2_cell(alpha), "test_accuracy")
            found.append(f"Adam with L2 of {alpha}: {_shown(values)}; against none {tested[alpha]}.")
    for claim in CLAIMS:
        preset = claim.after[0]
        if preset in tested:
            found.append(
                f"Published by {preset.partition('/')[0]}: an L2 of 1e-4 {claim.text} of "
                f"{claim.metric.replace('_', ' ')}. Here: {tested[preset]}.{_holds(tested[preset])}"
            )
    return found


def _holds(tested: Corrected) -> str:
    if tested.p is None:
        return ""
    if not tested.is_real:
        return " That it costs accuracy is not shown here."
    return f" That it costs accuracy {'holds' if tested.difference.mean < 0 else 'does not hold'} here."
