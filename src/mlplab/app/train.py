"""Train one network, or with -m a sweep of them: ``python src/train.py --help``."""

import sys

from mlplab import environment
from mlplab.app.help_text import help_text
from mlplab.terminal import say


def main() -> None:
    """Run the command with the arguments in ``sys.argv``."""
    environment.prepare_command()
    from mlplab.app import commandline

    commandline.run_command(_train)


def _train() -> None:
    from mlplab.app.completing import completions_of_typed

    if (words := completions_of_typed(sys.argv[1:])) is not None:
        say("\n".join(words))  # fish takes a line for a word, the other shells any space
        return
    from mlplab.app.arguments import HELP, arrange

    typed = arrange(sys.argv[1:])
    if set(HELP) & set(typed.flags):
        say(help_text())
        return
    from mlplab.app.task import call_hydra

    call_hydra(typed)
