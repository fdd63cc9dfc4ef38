"""The subcommands of ``mlplab`` are the scripts of the checkout."""

from conftest import PROJECT
from mlplab.app.installed_command import COMMANDS


def test_every_script_is_a_subcommand() -> None:
    assert {path.stem for path in (PROJECT / "src").glob("*.py")} == set(COMMANDS)
