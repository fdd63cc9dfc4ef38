"""The code that a job imports: that of the command, wherever the package may be installed besides."""

from mlplab.paths import PROJECT_ROOT

SOURCE = PROJECT_ROOT / "src"  # at the same place on every machine
