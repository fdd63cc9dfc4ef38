"""A comparison as a page: one HTML file with all that it needs inside, to be viewed without a network."""

import base64
import io

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from mlplab.comparison.ranking import Ranking
from mlplab.comparison.states import count_states
from mlplab.comparison.tables import notes
from mlplab.page import sections
from mlplab.page.charts import script_json
from mlplab.page.drawn import Drawn
from mlplab.page.evidence import gather
from mlplab.page.origin import origin_of
from mlplab.page.page_table import Links, table_columns, table_rows_of
from mlplab.page.palette import Palette
from mlplab.page.templates import render_template
from mlplab.store.store import Store


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
    drawn = Drawn(runs, ranking, evidence, palette)
    verdict = ranking.verdict
    return render_template(
        "mlplab.page",
        "comparison.html",
        title=title,
        subtitle=_subtitle(runs),
        summary=[sentence for sentence in (verdict, sections.explanation(drawn)) if sentence],
        origin=origin_of(store, runs),
        entries=script_json(palette.entries()),
        columns=table_columns(ranking, runs),
        rows=table_rows_of(ranking, runs, Links(store.run_page, store.artifact_page)),
        ui_command=store.ui_command(),
        notes=notes(ranking)[: -1 if verdict else None],
        sections=sections.all_sections(drawn),
        images=[{**vars(image), "source": _source(image.pixels)} for image in evidence.hardest],
        thing=drawn.thing,
        ties=evidence.ties,
        predicting=evidence.predicting,
        no_images=evidence.no_images,
    )


def _subtitle(runs: pd.DataFrame) -> str:
    states = ", ".join(f"{count} {state}" for state, count in count_states(runs).items())
    data = ", ".join(sorted(set(runs["tags.data"].dropna()))) if "tags.data" in runs else ""
    return f"{len(runs)} runs ({states}){' on ' if data else ''}{data}"


def _source(pixels: NDArray[np.uint8] | None) -> str:
    """Return an image as a data URI: ink is black, colours are as they are; "" for what is no image."""
    if pixels is None:
        return ""
    if pixels.ndim == 2:
        pixels = (255 - pixels.astype(np.int64) * 255 // max(int(pixels.max()), 1)).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="png")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
