"""Compare runs that are in the store: ``python src/compare.py --help``."""

import gc
import sys

gc.disable()  # what the imports make stays to the end: a second less

from mlplab import commandline


def compare() -> None:
    """Compare what the command line names."""
    from mlplab.comparison import command

    gc.freeze()
    gc.enable()
    command.main(sys.argv[1:])


if __name__ == "__main__":
    commandline.main(compare)
