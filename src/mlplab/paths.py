"""Where the project lies. conf/, the store and the output folders are found from here, whatever the working folder."""

from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parents[2]
CONF = PROJECT_ROOT / "conf"
