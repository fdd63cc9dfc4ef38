"""Published figures, and the cells of the tables that contain them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import resources

from omegaconf import OmegaConf

from mlplab.errors import ConfigError


@dataclass(frozen=True)
class Cell:
    """One cell of a published table, or another reading of it: with another setting, or another metric of ours.

    Attributes:
        preset: of its table, in conf/experiment/.
        overrides: that turn the preset into this cell, by key.
        figures: published ones, by the name of our final metric: test_accuracy, train_loss, ...
        reading: what the other reading changes; "" for the cell itself.
        read: our metric for a published figure, by figure, where it is not the final metric of the same name.
    """

    preset: str
    overrides: dict[str, str]
    figures: dict[str, float]
    reading: str = ""
    read: dict[str, str] = field(default_factory=dict)

    @property
    def report(self) -> str:
        """The report that published it."""
        return self.preset.partition("/")[0]

    @property
    def name(self) -> str:
        """Its name among the cells of its table."""
        return ", ".join(f"{key}={value}" for key, value in self.overrides.items())


def read_cells() -> list[Cell]:
    """Return all cells in the order of the reports, each followed by its other readings."""
    text = resources.files(__package__).joinpath("published.yaml").read_text(encoding="utf-8")
    cells = []
    tables = OmegaConf.to_container(OmegaConf.create(text))
    assert isinstance(tables, dict)
    for preset, rows in tables.items():
        for row in rows:
            own = {key: str(value) for key, value in row["set"].items()}
            cells.append(Cell(str(preset), own, row["published"]))
            for reading in row.get("readings", []):
                other = {key: str(value) for key, value in reading.get("set", {}).items()}
                read = reading.get("read", {})
                figures = {name: row["published"][name] for name in read} or row["published"]
                cells.append(Cell(str(preset), own | other, figures, reading["note"], read))
    return cells


def select_cells(reports: Sequence[str]) -> list[Cell]:
    """Return the cells of these reports; ``all`` stands for every one.

    Raises:
        ConfigError: a report does not exist, or none is named.
    """
    cells = read_cells()
    known = list(dict.fromkeys(cell.report for cell in cells))
    if not reports:
        raise ConfigError(f"reports=[]: names no report; choose from all, {', '.join(known)}")
    for report in reports:
        if report not in (*known, "all"):
            raise ConfigError(f"reports={report}: no such report; choose from all, {', '.join(known)}")
    return [cell for cell in cells if "all" in reports or cell.report in reports]
