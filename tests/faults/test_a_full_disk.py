"""A disk is full in the middle of a run: the message names the path, and with room nothing is missing."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from app.test_full_disk import fill
from conftest import Project, mounted_disk
from faults.commands import EPOCHS, UNITS, Moment, sync, train
from faults.stores import Kept
from faults.table import Row
from faults.trials import Place, Undisturbed, judge, statuses


@pytest.mark.timeout(900)
@pytest.mark.parametrize("unit", ["run", "sweep"])
def test_a_store_on_a_full_disk_gets_everything_when_there_is_room(
    unit: str, fresh_project: Project,
    undisturbed: Callable[[str], Undisturbed], tally: Callable[[str], Row],
) -> None:  # fmt: skip
    disk = fresh_project.root / "store"
    place = Place(fresh_project, f"sqlite:///{disk / 'mlflow.db'}", "full")
    typed = place.typed(UNITS[unit].typed)
    expected = undisturbed(unit).runs
    with mounted_disk(disk, "64m"):
        row = tally("full disk: the store's")
        command = train(fresh_project, *typed)
        command.wait_for(Moment("" if unit == "run" else "0", EPOCHS // 4))
        filling = fill(disk, leave=0)
        faults = statuses({unit: (command, 1)})
        faults += [] if str(disk) in command.err else [f"the disk is not named: {command.text}"]
        faults += [command.text] if "Traceback" in command.err else []
        filling.unlink()
        faults += statuses({"sync": (sync(fresh_project), 0)})
        faults += [f"{run.name} is RUNNING" for run in place.kept() if run.status == "RUNNING"]
        faults += statuses({"resume": (train(fresh_project, *typed, "resume=true"), 0)})
        reasons = judge(row, expected, place.kept(), faults)
    assert not reasons


@pytest.mark.timeout(900)
@pytest.mark.parametrize("unit", ["run", "sweep"])
def test_an_output_folder_on_a_full_disk_costs_artifacts_and_no_point(
    unit: str, fresh_project: Project,
    undisturbed: Callable[[str], Undisturbed], tally: Callable[[str], Row],
) -> None:  # fmt: skip
    disk = fresh_project.root / ("outputs" if unit == "run" else "multirun")
    place = Place(fresh_project, fresh_project.uri, "full")
    typed = place.typed(UNITS[unit].typed)
    expected = undisturbed(unit).runs
    with mounted_disk(disk, "64m"):
        row = tally("full disk: of the output folders")
        command = train(fresh_project, *typed)
        command.wait_for(Moment("" if unit == "run" else "0", EPOCHS // 4))
        filling = fill(disk, leave=0)
        command.wait()
        faults = [] if str(disk) in command.err else [f"the disk is not named: {command.text}"]
        faults += [command.text] if "Traceback" in command.err else []
        filling.unlink()
        faults += statuses({"resume": (train(fresh_project, *typed, "resume=true"), 0)})
        reasons = judge(row, without_artifacts(expected), without_artifacts(place.kept()), faults)
    assert not reasons


def without_artifacts(runs: Sequence[Kept]) -> list[Kept]:
    return [replace(run, artifacts=frozenset()) for run in runs]
