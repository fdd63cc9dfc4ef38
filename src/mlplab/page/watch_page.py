"""The page of a sweep while it runs: states of all jobs, curves so far, failures, and when it may end."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pandas as pd

from mlplab.comparison.progress import ENDED, JobProgress, Progress, curves_of
from mlplab.page.charts import ONE_RUN, SCALES, Section, curve_charts, script_json, thinning
from mlplab.page.page_table import TRACEBACK, Cell, Column, GroupRow, RunRow
from mlplab.page.palette import Palette
from mlplab.page.templates import render_template
from mlplab.schema import PAGE, REPORT_TAG, State, accuracy, loss
from mlplab.store.store import Store
from mlplab.terminal import format_duration

_PACKAGE = "mlplab.page"


class WatchPage:
    """Renders the progress of one sweep: the whole page, or its content alone for a page that is open already."""

    def __init__(self, store: Store, progress: Progress, problem: str = "") -> None:
        """Take the progress; ``problem`` says why there is none that is newer."""
        self._store, self._progress, self._problem = store, progress, problem
        points = progress.points
        self._split = "val" if (points["key"] == loss("val")).any() else "test"
        by_run = points.groupby(["run_id", "key"])
        self._values = by_run["value"].last().to_dict()
        self._steps = by_run["step"].max().to_dict()

    def whole(self) -> str:
        """Return the page."""
        return render_template(_PACKAGE, "watch.html", **self._filled())

    def content(self) -> str:
        """Return what changes on it."""
        return render_template(_PACKAGE, "watch_content.html", **self._filled())

    def _filled(self) -> dict[str, object]:
        progress, palette = self._progress, Palette(self._progress.groups)
        keys = curves_of(self._split)
        curves = curve_charts(progress.points, palette, keys, {}, _without_hope(progress), each_run=True)
        finished = progress.state is State.finished
        page = self._store.artifact_page(progress.own.info.run_id, progress.own.data.tags.get(REPORT_TAG, PAGE))
        return {
            "title": f"sweep {progress.sweep}: {progress.own.data.params.get('command', '')}",
            "problem": self._problem,
            "state": _state(progress),
            "total": len(progress.jobs),
            "ended": sum(job.state in ENDED for job in progress.jobs),
            "expected": _expected(progress),
            "page": page if finished else "",
            "at": _clock(progress.at.to_pydatetime()),
            "failures": [self._run_row(job) for job in progress.jobs if job.state is State.failed],
            "entries": script_json(palette.entries()),
            "columns": self._columns(),
            "rows": [self._group_row(place, name) for place, name in enumerate(progress.groups)],
            "ui_command": self._store.ui_command(),
            "sections": [Section("Curves", ONE_RUN + thinning(curves), curves, {"scale": ("losses", SCALES)})]
            if curves
            else [],
        }

    def _columns(self) -> list[Column]:
        score = accuracy(self._split)
        names = {"iteration": "iteration", loss("train"): "train loss", score: score.replace("/", " ")}
        return [
            *(Column(key, title, True) for key, title in names.items()),
            Column("seconds", "seconds", True),
            Column("state", "runs", False),
        ]

    def _group_row(self, place: int, name: str) -> GroupRow:
        own = [job for job in self._progress.jobs if job.group == name]
        finished = [self._numbers(job) for job in own if job.state is State.finished]
        means = [_mean(values) for values in zip(*finished, strict=True)] if finished else [None] * 4
        states = ", ".join(f"{count} {state}" for state, count in _counts(own).items())
        return GroupRow(
            place, name, False, [*_cells(means), Cell(states, states)], [self._run_row(job) for job in own]
        )

    def _run_row(self, job: JobProgress) -> RunRow:
        run_id = job.run.get("run_id")
        link = self._store.run_page(str(run_id)) if run_id else ""
        log = self._store.artifact_page(str(run_id), TRACEBACK) if run_id and job.state is State.failed else ""
        cells = [*_cells(self._numbers(job)), Cell(str(job.state), str(job.state))]
        return RunRow(job.name, link, cells, job.error, log)

    def _numbers(self, job: JobProgress) -> list[float | None]:
        """Return iteration, loss, accuracy and seconds: the latest."""
        train, score = ((job.run.get("run_id"), key) for key in (loss("train"), accuracy(self._split)))
        return [
            self._steps.get(train),
            self._values.get(train),
            self._values.get(score),
            self._progress.seconds_of(job),
        ]


def _without_hope(progress: Progress) -> set[int]:
    """Return the places of the groups all of whose runs failed: what they diverged to sets no axis."""
    begun = [job for job in progress.jobs if job.run]
    return {
        place
        for place, group in enumerate(progress.groups)
        if all(job.state is State.failed for job in begun if job.group == group)
    }


def _state(progress: Progress) -> str:
    counts = ", ".join(f"{count} {state}" for state, count in progress.counts.items())
    return f"{progress.state}: {counts}" if counts else f"{progress.state}: its jobs are not known yet"


def _counts(jobs: Sequence[JobProgress]) -> dict[State, int]:
    return {state: count for state in State if (count := sum(job.state is state for job in jobs))}


def _expected(progress: Progress) -> str:
    if progress.state is not State.running:
        ended = progress.own.info.end_time
        return f"ended {_clock(datetime.fromtimestamp(ended / 1000))}" if ended else ""
    left = progress.seconds_left()
    if left is None:
        return "when it ends is not known until the first run has finished"
    end = progress.at.to_pydatetime() + timedelta(seconds=left)
    return f"about {format_duration(left)} left, until about {_clock(end, seconds=False)}"


def _clock(moment: datetime, seconds: bool = True) -> str:
    """Return it in the local time zone, with the date where that is not today's."""
    local = moment.astimezone()
    date = "" if local.date() == datetime.now().date() else "%Y-%m-%d "
    return local.strftime(f"{date}%H:%M{':%S' if seconds else ''}")


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None and not pd.isna(value)]
    return sum(known) / len(known) if known else None


def _cells(numbers: Sequence[float | None]) -> list[Cell]:
    formats = (",.0f", ".4f", ".4f", ",.1f")
    return [
        Cell("", None) if number is None or pd.isna(number) else Cell(format(number, form), float(number))
        for number, form in zip(numbers, formats, strict=True)
    ]
