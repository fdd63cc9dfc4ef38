"""docs/tutorial.ipynb is true: its cells work, and its outputs are what they give."""

import os
import re
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from conftest import PROJECT, Project
from test_readme import masked

TUTORIAL = PROJECT / "docs" / "tutorial.ipynb"


@pytest.fixture
def executed(fresh_project: Project, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The notebook, executed by a real kernel in a copy of the project."""
    for name in [name for name in os.environ if name.startswith(("MLFLOW", "MLPLAB"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PYTHONPATH", str(fresh_project.root / "src"))
    monkeypatch.setenv("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    notebook = nbformat.read(TUTORIAL, as_version=4)
    where = {"metadata": {"path": str(fresh_project.root)}}
    NotebookClient(notebook, timeout=200, coalesce_streams=True, resources=where).execute()
    return notebook


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")  # of the client and its sockets
def test_every_output_is_what_its_cell_gives(executed: Any) -> None:
    written = nbformat.read(TUTORIAL, as_version=4)
    for before, after in zip(written.cells, executed.cells, strict=True):
        if before.cell_type == "code":
            assert shown(after) == shown(before), before.source


def shown(cell: Any) -> list[list[str]]:
    """The outputs of a cell, as a reader sees them, without what differs from run to run."""
    found = []
    for output in cell.outputs:
        data = output.get("data", {})
        text = output.get("text") or data.get("text/html") or data["text/plain"]
        text = re.sub(r"\d{8}-\d{6}-[0-9a-f]{4}", "SWEEP", text)
        text = re.sub(r"(Sequential_)[0-9a-f]{8}", r"\1DIGEST", text)
        text = re.sub(r"(time/\w+</th>.*>)[\d,.]+<", r"\1TIME<", text)
        text = re.sub(r"<td>[\d.]+</td>(\s*<td>FINISHED)", r"<td>TIME</td>\1", text)
        text = re.sub(r"│ [\d.]+ +│$", "TIME", text, flags=re.M)
        found.append([output.output_type, *masked(text)])
    return found


def test_the_notebook_names_no_folder_of_the_machine_that_made_it() -> None:
    assert not re.search(r"(/home|/tmp|/work|/root|/Users)/", TUTORIAL.read_text(encoding="utf-8"))
