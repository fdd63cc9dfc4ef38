"""The installed command, ``mlplab``: each of its subcommands is a script of the checkout, and the same code."""

import sys
from difflib import get_close_matches
from importlib import import_module

COMMANDS = {
    "train": "train one network, or with -m a sweep of them",
    "compare": "compare runs: by default the last sweep",
    "register": "make a model a version of a registered one, and its champion if it is better",
    "serve": "a trained model over HTTP, and a page to draw a digit on",
    "predict": "the classes of the rows of a file, or of pictures",
    "export": "a trained model as ONNX",
    "watch": "a page that shows a sweep while it runs",
    "ui": "MLflow's page of all runs",
    "rerun": "run again what the store has, and certify how far it is the same",
    "parity": "compare engines on one config, number by number",
    "reproduce": "re-run published results",
    "sync": "send to MLflow what it did not take when it was recorded",
    "server": "a team's server on this machine: PostgreSQL and MLflow",
    "migrate": "copy a store to another one",
}
_HELP = ("-h", "--help")


def main() -> None:
    """Run the subcommand that was typed, with the rest of ``sys.argv``."""
    name = sys.argv[1] if len(sys.argv) > 1 else "--help"
    if name in COMMANDS:
        del sys.argv[1]
        import_module(f"mlplab.app.{name}").main()
        return
    from mlplab.app.commandline import run_command

    run_command(lambda: _answer(name))


def _answer(name: str) -> None:
    """Print the help. Raises ConfigError: there is no such subcommand."""
    from mlplab.errors import ConfigError
    from mlplab.terminal import say

    if name in _HELP:
        say(_help())
        return
    close = get_close_matches(name, COMMANDS, n=1)
    hint = f"did you mean mlplab {close[0]}? " if close else ""
    raise ConfigError(f"mlplab {name}: no such command; {hint}there are {', '.join(COMMANDS)}; see `mlplab --help`")


def _help() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  mlplab {name:{width}}  {text}" for name, text in COMMANDS.items()]
    return "\n".join(
        [
            "A lab bench for multi-layer perceptrons. `mlplab COMMAND --help` explains each:",
            "",
            *lines,
            "",
            "Runs, data and presets of your own (conf/experiment/NAME.yaml) lie in the current folder, or in the one",
            "that the variable MLPLAB_HOME names.",
        ]
    )
