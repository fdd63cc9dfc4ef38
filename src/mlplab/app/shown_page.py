"""A page that was written, as people see it: a notebook shows it as its output, elsewhere a browser opens it."""

import webbrowser
from dataclasses import dataclass
from pathlib import Path

from markupsafe import escape
from rich.console import Console

_HEIGHT = 800  # pixels of a notebook's output


@dataclass(frozen=True)
class ShownPage:
    """The page in this file."""

    path: Path

    @classmethod
    def opened(cls, path: Path) -> "ShownPage":
        """Return the page in this file, opened in the browser unless a notebook shows what is returned."""
        if not Console().is_jupyter:
            webbrowser.open(path.as_uri())
        return cls(path)

    def _repr_html_(self) -> str:
        """Return the page in a frame of its own: its style and the notebook's do not meet."""
        content = escape(self.path.read_text(encoding="utf-8"))
        return f'<iframe srcdoc="{content}" width="100%" height="{_HEIGHT}" style="border: 0"></iframe>'
