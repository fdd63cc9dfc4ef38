"""The artifacts of a run: written into a folder beside its journal, sent in the order in which they were logged."""

import shutil
import traceback
from contextlib import suppress
from pathlib import Path

from mlplab.schema import MODEL_DIGEST_TAG
from mlplab.store.target import Target
from mlplab.store.uri import public
from mlplab.tracking.journal import Journal
from mlplab.tracking.model_digest import digest_of_model
from mlplab.tracking.records import Artifact, Model, Tags


class RunFiles:
    """The artifacts of the run that a journal is of."""

    def __init__(self, target: Target, journal: Journal) -> None:
        self._target, self._journal = target, journal
        self._logged: set[str] = set()

    def log_text(self, text: str, name: str) -> None:
        """Log a text, now. Raises OSError: it cannot be written."""
        self._place_of(name).write_text(text, encoding="utf-8")
        self._journal.append(Artifact(name))

    def send(self, file: Path, name: str) -> None:
        """Log a copy of the file, now. Raises OSError: it cannot be copied."""
        shutil.copyfile(file, self._place_of(name))
        self._journal.append(Artifact(name))

    def log_model(self, name: str) -> None:
        """Log the model that was saved into a folder of this name, now. Raises OSError: it cannot be read."""
        folder = self._journal.artifacts / name
        self._logged |= {path.relative_to(self._journal.artifacts).as_posix() for path in folder.rglob("*")}
        digest = digest_of_model(folder)
        self._journal.append(Tags({MODEL_DIGEST_TAG: digest}))
        self._journal.append(Model(name, digest))

    def has_model(self, name: str) -> bool:
        """Whether a model of this name was logged and its files are here: a sender may just be reading them."""
        was_logged = any(isinstance(record, Model) and record.path == name for record in self._journal.records)
        return was_logged and (self._journal.artifacts / name).exists()

    def is_pending(self, name: str) -> bool:
        """Whether an artifact was logged that the store does not have yet."""
        return self._journal.is_pending(Artifact(name))

    def read(self, name: str, folder: Path) -> list[Path]:
        """Copy what the store has in a folder of the run into another; return the copies. Raises StoreError."""
        if self._journal.run_id is None:
            return []
        return self._target.connect().copy_artifacts(self._journal.run_id, name, folder)

    def log_rest(self) -> None:
        """Log every other file in the folder."""
        folder = self._journal.artifacts
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix()
            if path.is_file() and name not in self._logged:
                self._journal.append(Artifact(name))

    def write_traceback(self, error: BaseException | None) -> None:
        """Write the traceback of the error that ends the run, without a password."""
        with suppress(OSError):  # the disk may be what failed
            text = "".join(traceback.format_exception(error))
            (self._journal.artifacts / "traceback.txt").write_text(public(text), encoding="utf-8")

    def _place_of(self, name: str) -> Path:
        file = self._journal.artifacts / name
        file.parent.mkdir(parents=True, exist_ok=True)
        self._logged.add(name)
        return file
