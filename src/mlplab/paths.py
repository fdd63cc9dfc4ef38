"""The project's folders: conf/, the store and the outputs are relative to these, not to the working directory."""

from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parents[2]
CONF = PROJECT_ROOT / "conf"
