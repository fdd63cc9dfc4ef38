"""The sections of a page: which charts there are, in which order, and what is said of them."""

from collections.abc import Sequence

from mlplab import schema
from mlplab.comparison.ranking import Group
from mlplab.page import axis_charts, class_charts, layer_charts
from mlplab.page.charts import (
    BANDS,
    ONE_RUN,
    SCALES,
    UNITS,
    Section,
    curve_charts,
    thinning,
)
from mlplab.page.curve_ends import add_pruned, is_pruned
from mlplab.page.drawn import Drawn
from mlplab.page.evidence import Evidence
from mlplab.page.key_sections import is_grid, one_by_one, what_mattered
from mlplab.page.time_charts import time_to_accuracy


def explanation(drawn: Drawn) -> str:
    """Return what the gradients say of the verdict's pair; "" where they explain nothing."""
    if drawn.pair is None:
        return ""
    return layer_charts.explain_difference(drawn.inside, _places(drawn, drawn.pair), drawn.pair)


def _places(drawn: Drawn, pair: tuple[Group, Group]) -> tuple[int, int]:
    first, second = (drawn.ranking.groups.index(group) for group in pair)
    return first, second


def all_sections(drawn: Drawn) -> list[Section]:
    """Return the sections that there is something to show in."""
    made = [
        _metric(drawn),
        what_mattered(drawn),
        *one_by_one(drawn),
        _curves(drawn),
        _time(drawn),
        *_inside(drawn),
        *_classes(drawn),
    ]
    return [section for section in made if section is not None and section.charts]


def _metric(drawn: Drawn) -> Section | None:
    ranked, ranking = drawn.ranked, drawn.ranking
    if not ranked.values:
        return None
    seeds = {group.summary.n for group in ranking.ranked if group.summary}
    least, most = min(seeds), max(seeds)
    count = f"{least}" if least == most else f"{least} to {most}"
    of = f"mean of {count} seeds, 95 % CI" if most > 1 else "one seed each"
    by = f" by {', '.join(ranking.axes)}" if ranking.axes else ""
    text = "A dot is a run" + (", a bar a mean with its confidence interval." if most > 1 else ".")
    if drawn.collapsed & set(ranked.values):
        text += " Groups no better than guessing do not set the axis: a triangle at its end stands for them."
    charts = [axis_charts.seed_dots(ranked)]
    if len(ranking.axes) == 2 and is_grid(ranking):
        charts.append(axis_charts.heat_map(ranked, ranking.axes[0], ranking.axes[1]))
    return Section(f"{ranked.metric.capitalize()}{by} ({of})", text, charts)


def _curves(drawn: Drawn) -> Section:
    split = "val" if drawn.ranking.metric == schema.final_accuracy("val") else "test"
    keys = [schema.loss("train"), schema.loss(split), schema.accuracy(split)]
    points, left_out = drawn.whole
    pruned = drawn.evidence.points[is_pruned(drawn.evidence.points, drawn.runs)]
    averaged = points[~points["run_id"].isin(pruned["run_id"])]
    if averaged.empty:
        averaged, pruned = points, pruned.head(0)
    charts = curve_charts(averaged, drawn.palette, keys, drawn.units, drawn.collapsed, "curves")
    add_pruned(charts, pruned, keys, drawn.palette, "curves")
    text = BANDS if any(group.summary and group.summary.n > 1 for group in drawn.ranking.ranked) else ONE_RUN
    if drawn.collapsed and charts:
        text += " Groups no better than guessing do not set the axes."
    if f"tags.{schema.STOPPED_TAG}" in drawn.runs and BANDS in text:
        text += " A group whose runs stopped early ends with the first of them."
    if len(pruned):
        text += " A thin line that ends in a cross is a run that was pruned there."
    if left_out:
        text += f" Not drawn: {left_out} unfinished runs of groups in which others have finished."
    return Section("Curves", text + thinning(charts), charts, {**_x_switch(drawn), "scale": ("losses", SCALES)})


def _x_switch(drawn: Drawn) -> dict[str, tuple[str, dict[str, str]]]:
    known = {unit for own in drawn.units.values() for unit in own}
    units = {unit: name for unit, name in UNITS.items() if unit == "iteration" or unit in known}
    return {"x": ("over", units)} if len(units) > 1 else {}


def _time(drawn: Drawn) -> Section | None:
    split = "val" if drawn.ranking.metric == schema.final_accuracy("val") else "test"
    points = drawn.evidence.points
    made = time_to_accuracy(points[points["key"] == schema.accuracy(split)], drawn.palette, drawn.units)
    if made is None:
        return None
    chart, targets = made
    text = (
        "A dot is a run, a triangle one that never reached it. Time is that of training alone, as much for one "
        "iteration as for another."
    )
    name = "validation accuracy" if split == "val" else "test accuracy"
    return Section("Time to accuracy", text, [chart], {"target": (name, targets)})


def _inside(drawn: Drawn) -> list[Section]:
    inside, palette = drawn.inside, drawn.palette
    if inside.empty:
        return []
    early = (
        "In the first tenth of training: how large the gradient of each layer's weights is, how far an update moves "
        "them, which share of the units does not respond (saturated sigmoid and tanh, dead relu). A zero has no place "
        "on a logarithmic axis."
    )
    layers = {str(layer): str(layer) for layer in sorted(inside["layer"].unique())}
    over = layer_charts.over_time(inside, palette, drawn.units)
    return [
        Section("Inside the network, layer by layer", early, layer_charts.layer_charts(inside, palette)),
        Section(
            "Inside the network, over the training",
            thinning(over).strip(),
            over,
            {"layer": ("layer", layers), **_x_switch(drawn)},
        ),
    ]


def _classes(drawn: Drawn) -> list[Section]:
    confusion, palette, names = drawn.evidence.confusion, drawn.palette, drawn.evidence.class_names
    if not confusion:
        return []
    text = (
        "Per cent of each true class, all seeds together. Mistakes are red, the diagonal is blue; the colours span "
        "95 % of the mistakes that were made. An empty cell is none."
    )
    same, gaps = _difference(drawn)
    matrices = class_charts.confusion_charts(confusion, names, palette, drawn.thing)
    by_class = class_charts.class_charts(confusion, names, palette, drawn.collapsed)
    return [
        Section("Confusion", text + same, [matrices]),
        *gaps,
        Section("Class by class", "All seeds together. Groups that are not selected are grey.", by_class),
    ]


def _difference(drawn: Drawn) -> tuple[str, list[Section]]:
    """Return the difference of the verdict's two; or the sentence that there is none, where they are equal."""
    pair, confusion = drawn.pair, drawn.evidence.confusion
    if pair is None or not _same_classes(drawn.evidence, _places(drawn, pair)):
        return "", []
    one, other = _places(drawn, pair)
    title = f"{pair[0].name} minus {pair[1].name}"
    gap = class_charts.difference(confusion[one], confusion[other], drawn.evidence.class_names.get(one), title)
    if gap is None:
        return f" Between the two that the verdict is about, {pair[0].name} and {pair[1].name}, is no difference.", []
    text = "In percentage points. Blue is better: more on the diagonal, fewer confusions off it."
    return "", [Section("Difference of the two that the verdict is about", text, [gap])]


def _same_classes(evidence: Evidence, places: Sequence[int]) -> bool:
    """Tell whether groups have confusion matrices of the same classes: runs of other data sets may have others."""
    confusion, names = evidence.confusion, evidence.class_names
    return (
        all(place in confusion for place in places)
        and len({(confusion[place].shape, names.get(place)) for place in places}) == 1
    )
