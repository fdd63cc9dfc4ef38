"""The verdicts as a table for the terminal, as Markdown, and as a page with curves."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from mlplab import schema
from mlplab.comparison import query
from mlplab.page.charts import BANDS, SCALES, Section, curve_charts, script_json
from mlplab.page.palette import Palette
from mlplab.page.templates import render_template
from mlplab.reproduction import answers
from mlplab.reproduction.plan import Plan
from mlplab.reproduction.published import Cell
from mlplab.reproduction.verdicts import DIFFERS, MISSING, REPRODUCED, Figure, Judged, judge_cell
from mlplab.run import figures
from mlplab.schema import State
from mlplab.store.store import Store
from mlplab.sweeps.record import Member
from mlplab.terminal import draw_table

HEADER = ["table", "cell", "figure", "published", "ours", "n", "difference", "verdict"]


@dataclass(frozen=True)
class Results:
    """Of all cells.

    Attributes:
        typed: what the runs have in common besides their presets; first the reports.
        judged: the cells with published figures, and their other readings.
        finals: by preset and cell: the final metrics of its finished runs.
        points: one row per logged value: ``cell`` (its place in the plan), ``run_id``, ``key``, ``step``, ``value``.
        seconds: summed over all runs.
    """

    plan: Plan
    typed: list[str]
    judged: list[Judged]
    finals: dict[tuple[str, str], list[dict[str, float]]]
    points: pd.DataFrame
    seconds: float

    @property
    def cells(self) -> list[Judged]:
        """The published cells as they stand, without other readings."""
        return [judged for judged in self.judged if not judged.cell.reading]

    @property
    def curves(self) -> dict[str, list[tuple[int, float]]]:
        """Test loss of the assignment's three activations, where they were run."""
        return answers.activation_curves(self.points, self.plan)

    @property
    def summary(self) -> str:
        """How many are reproduced."""
        found = Counter(judged.verdict for judged in self.cells)
        others = {DIFFERS: "differs" if found[DIFFERS] == 1 else "differ", MISSING: "not run"}
        counted = [f"{found[verdict]} {text}" for verdict, text in others.items() if found[verdict]]
        return ", ".join([f"{found[REPRODUCED]} of {len(self.cells)} cells reproduced", *counted])


def judge_results(plan: Plan, members: Mapping[int, Member], store: Store, typed: Sequence[str]) -> Results:
    """Judge the cells by what the store has of the members. Raises StoreError."""
    run_ids = [member.run_id for member in members.values() if member.state is State.finished]
    logged = query.find_points(store, run_ids, (schema.loss("train"), schema.loss("test"), schema.WITHIN))
    last: dict[str, dict[str, float]] = {run_id: {} for run_id in run_ids}
    for (run_id, key), value in logged.groupby(["run_id", "key"])["value"].last().items():
        last[run_id][key] = value
    judged: list[Judged] = []
    finals: dict[tuple[str, str], list[dict[str, float]]] = {}
    cell_of: list[tuple[str, int]] = []
    for place, (cell, numbers) in enumerate(zip(plan.cells, plan.numbers, strict=True)):
        finished = [members[n] for n in numbers if n in members and members[n].state is State.finished]
        own = [{**last[member.run_id], **member.final} for member in finished]
        cell_of += [(member.run_id, place) for member in finished]
        if not cell.reading:
            finals[cell.preset, cell.name] = own
        if cell.figures:
            judged.append(judge_cell(cell, own))
    places = pd.DataFrame(cell_of, columns=["run_id", "cell"])
    points = logged.merge(places, on="run_id")
    seconds = sum(member.final[schema.TOTAL_SECONDS] for member in members.values() if member.state is State.finished)
    return Results(plan, list(typed), judged, finals, points, seconds)


def table_rows(judged: Sequence[Judged]) -> list[list[str]]:
    """Return the cells of the table: one row per figure."""
    found = []
    for one in judged:
        name = f"↳ {one.cell.reading}" if one.cell.reading else one.cell.name
        for figure in one.figures:
            found.append([one.cell.preset, name, figure.name, f"{figure.published:g}", *_ours(figure), figure.verdict])
    return found


def _ours(figure: Figure) -> list[str]:
    summary = figure.summary
    if summary is None or figure.difference is None:
        return ["", "0", ""]
    spread = "" if math.isnan(summary.deviation) else f" ± {summary.deviation:.4f}"
    return [f"{summary.mean:.4f}{spread}", str(summary.n), f"{figure.difference:+.4f}"]


def report_table(found: Results) -> str:
    """Return a table with lines, and the summary."""
    text = draw_table(HEADER, table_rows(found.judged))
    return f"{text}\n{found.summary}; ours: mean ± standard deviation over the seeds"


def report_document(found: Results) -> str:
    """Return the report: verdicts, and the answers to the assignment's questions."""
    return _render("results.md", found)


def report_page(found: Results) -> str:
    """Return the report as one HTML file with the curves of every table."""
    return _render("results.html", found, title="Published results, re-run", boards=_boards(found))


def _render(template: str, found: Results, **more: object) -> str:
    by_preset = {
        preset: table_rows([judged for judged in found.judged if judged.cell.preset == preset])
        for preset in dict.fromkeys(judged.cell.preset for judged in found.judged)
    }
    return render_template(
        "mlplab.reproduction",
        template,
        found=found,
        header=HEADER[1:],
        tables=by_preset,
        answers=answers.answer_questions(found.finals, found.points, found.plan),
        **more,
    )


def _label(cell: Cell) -> str:
    return f"{cell.name}: {cell.reading}" if cell.reading else cell.name or cell.preset


def _boards(found: Results) -> dict[str, dict[str, object]]:
    """Return, by preset, the curves of its cells and the names in their legend."""
    drawn: dict[str, dict[str, object]] = {}
    for preset in dict.fromkeys(cell.preset for cell in found.plan.cells):
        places = [place for place, cell in enumerate(found.plan.cells) if cell.preset == preset]
        palette = Palette([_label(found.plan.cells[place]) for place in places])
        own = found.points[found.points["cell"].isin(places)]
        points = own.assign(group=own["cell"].map({place: i for i, place in enumerate(places)}))
        keys = [schema.loss("train"), schema.loss("test")]
        charts = curve_charts(points, palette, keys, {}, set(), preset.replace("/", "-"))
        section = Section("Curves", BANDS, charts, {"scale": ("losses", SCALES)})
        drawn[preset] = {"entries": script_json(palette.entries()), "section": section}
    return drawn


def write_report(found: Results, folder: Path) -> list[Path]:
    """Write results.md, and its picture where there are curves for it, into the folder; return their paths."""
    text, picture = folder / "results.md", folder / "results.png"
    text.write_text(report_document(found), encoding="utf-8")
    if not found.curves:
        return [text]
    figures.draw_losses(found.curves, "test loss, mean over the seeds").savefig(picture, dpi=120)
    return [text, picture]
