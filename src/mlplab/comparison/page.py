"""A comparison as a page: one HTML file with all that it needs inside, to be viewed without a network."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from markupsafe import Markup
from PIL import Image

from mlplab import schema
from mlplab.comparison import charts, class_charts, layer_charts
from mlplab.comparison.charts import Palette
from mlplab.comparison.evidence import Evidence, HardImage, gather
from mlplab.comparison.ranking import Ranking
from mlplab.comparison.tables import notes, table_cells
from mlplab.comparison.templates import render_template
from mlplab.tracking.store import Store


@dataclass(frozen=True)
class _Section:
    title: str
    text: str
    charts: list[Markup]


def render_page(store: Store, runs: pd.DataFrame, ranking: Ranking, title: str) -> str:
    """Return the page.

    Args:
        store: has the runs, their points and artifacts.
        runs: that were ranked, as :func:`mlplab.comparison.query.find_runs` returns them.
        ranking: of them.
        title: stands above.

    Raises:
        StoreError: the store does not answer.
    """
    evidence = gather(store, runs, ranking)
    palette = Palette([group.name for group in ranking.groups])
    inside = layer_charts.diagnostics(evidence.points)
    header, rows = table_cells(ranking)
    verdict, why = ranking.verdict, layer_charts.explain_difference(inside, palette)
    return render_template(
        "mlplab.comparison",
        "page.html",
        title=title,
        subtitle=_subtitle(runs),
        summary=[sentence for sentence in (_capital(verdict), Markup(why)) if sentence],
        header=header,
        rows=rows,
        notes=notes(ranking)[: -1 if verdict else None],
        sections=list(_sections(ranking, evidence, inside, palette)),
        images=[{**vars(image), "source": _source(image)} for image in evidence.hardest],
        predicting=evidence.predicting,
        no_images=evidence.no_images,
    )


def _subtitle(runs: pd.DataFrame) -> str:
    states = ", ".join(f"{count} {status.lower()}" for status, count in runs["status"].value_counts().items())
    data = ", ".join(sorted(set(runs["tags.data"].dropna()))) if "tags.data" in runs else ""
    return f"{len(runs)} runs ({states}){' on ' if data else ''}{data}"


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def _sections(ranking: Ranking, evidence: Evidence, inside: pd.DataFrame, palette: Palette) -> Sequence[_Section]:
    sections = []
    hidden = len(ranking.groups) - len(palette.shown)
    more = f" {hidden} groups more wait in the legend: click to show them." if hidden > 0 else ""
    figure = charts.over_axes(ranking, palette)
    if figure is not None:
        sections.append(
            _Section("What varies", f"{ranking.metric}, mean over the seeds.", [charts.embedded("axes", figure)])
        )
    if evidence.points["key"].isin([schema.loss("train"), schema.loss("test")]).any():
        text = f"Mean over the seeds and a band of one standard deviation. Click in the legend to switch.{more}"
        curves = charts.loss_bands(evidence.points, palette)
        sections.append(_Section("Loss curves", text, [charts.embedded("curves", curves)]))
    if not inside.empty:
        sections.append(_inside(inside, palette))
    if evidence.confusion:
        sections += _classes(ranking, evidence, palette)
    return sections


def _inside(inside: pd.DataFrame, palette: Palette) -> _Section:
    text = (
        "Above, the first tenth of training: how large the gradient of each layer's weights is, how far an update "
        "moves them, which share of the units does not respond (saturated sigmoid and tanh, dead relu). Below, one of "
        "these over the whole training."
    )
    figures = [
        charts.embedded("by-layer", layer_charts.by_layer(inside, palette)),
        charts.embedded("inside", layer_charts.over_time(inside, palette)),
    ]
    return _Section("Why: inside the network", text, figures)


def _classes(ranking: Ranking, evidence: Evidence, palette: Palette) -> list[_Section]:
    confusion = evidence.confusion
    most = class_charts.MOST_MATRICES
    best = f"the best {most} of {len(confusion)} groups, " if len(confusion) > most else ""
    text = (
        f"Per cent of each true class, {best}all seeds together; the colour scale ends at the most frequent confusion."
    )
    sections = [
        _Section("Confusion", text, [charts.embedded("confusion", class_charts.draw_matrices(confusion, palette))])
    ]
    if len(confusion) > 1:
        first, second = sorted(confusion)[:2]
        title = f"{ranking.groups[first].name} less {ranking.groups[second].name}"
        gap = class_charts.difference(confusion[first], confusion[second])
        text = "In percentage points: on the diagonal blue is better, beside it blue is one confusion more."
        sections.append(_Section(f"Difference of the best two: {title}", text, [charts.embedded("difference", gap)]))
    figure = class_charts.precision_and_recall(confusion, palette)
    sections.append(_Section("Class by class", "All seeds together.", [charts.embedded("classes", figure)]))
    return sections


def _source(image: HardImage) -> str:
    """Return the image as a data URI: ink is black, colours are as they are."""
    pixels = image.pixels
    if pixels.ndim == 2:
        pixels = (255 - pixels.astype(np.int64) * 255 // max(int(pixels.max()), 1)).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="png")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
