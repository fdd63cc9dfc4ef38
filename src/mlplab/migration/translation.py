"""What must change in tags and text files, because another store gives runs, models and experiments other ids.

The ids are long random numbers, so that each occurrence of one means that run or model: in ``sweep.best_run``, in the
result and the page of a sweep, in a model's MLmodel. Links also hold the number of the experiment and the address.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from mlplab.store.links import Links
from mlplab.store.uri import is_server, public

_ID = re.compile(r"\b(?:m-)?[0-9a-f]{32}\b")
_LINK = re.compile(r"(https?://[^\s\"'<>#]*/)?#/experiments/(\d+)(?=[/?])")
_LOCAL = re.compile(r"http://127\.0\.0\.1:\d+/")  # where a file's page is served


class Translation:
    """From one store into another."""

    def __init__(self, source: str, target: str, ids: Mapping[str, str], experiments: Mapping[str, str]) -> None:
        """Translate.

        Args:
            source: URI of the store.
            target: URI of the other one.
            ids: of runs and models, there by here.
            experiments: their ids, likewise.
        """
        self._source, self._target, self._ids, self._experiments = source, target, ids, experiments

    def id(self, known: str) -> str:
        """Return the id that a run or a model has there; one that was not copied keeps its own."""
        return self._ids.get(known, known)

    def text(self, text: str) -> str:
        """Return the text with the ids and the links of the other store."""
        return _LINK.sub(self._link, _ID.sub(lambda found: self.id(found[0]), text))

    def tags(self, tags: Mapping[str, str]) -> dict[str, str]:
        """Return the tags likewise."""
        return {key: self.text(value) for key, value in tags.items()}

    def files(self, folder: Path, places: Mapping[str, str] = MappingProxyType({})) -> None:
        """Rewrite the text files below a folder; ``places``: of artifacts, which have another address there."""
        for path in folder.rglob("*"):
            if path.is_file():
                data = path.read_bytes()
                try:
                    text = data.decode("utf-8")
                except UnicodeDecodeError:  # a picture, or weights
                    continue
                for here, there in places.items():
                    text = text.replace(here, there)
                translated = self.text(text).encode("utf-8")
                if translated != data:
                    path.write_bytes(translated)

    def _link(self, found: "re.Match[str]") -> str:
        base, experiment = found[1] or "", found[2]
        if experiment not in self._experiments or (base and not self._is_ours(base)):
            return found[0]
        links = Links(self._target, self._experiments[experiment])
        address, _, there = links.run_page("").partition("#")
        return f"{address if base else ''}#{there.partition('/runs/')[0]}"

    def _is_ours(self, base: str) -> bool:
        if is_server(self._source):
            return base.rstrip("/") == public(self._source).rstrip("/")
        return _LOCAL.fullmatch(base) is not None
