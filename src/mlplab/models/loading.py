"""A model that was found, verified and loaded, with what it takes and answers."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlplab.errors import DataError, StoreError
from mlplab.models.finding import FoundModel
from mlplab.models.row_forms import Form, form_of_model
from mlplab.schema import PROBABILITIES
from mlplab.tracking.model import METADATA, load_model

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.pyfunc import PyFuncModel


@dataclass(frozen=True)
class LoadedModel:
    """A model that predicts.

    Attributes:
        name: for people.
        model: MLflow's.
        form: of its rows.
        classes: as the data names them.
        folder: has its files, while it is loaded.
    """

    name: str
    model: "PyFuncModel"
    form: Form
    classes: Sequence[int | str]
    folder: Path

    def predict(self, rows: Any) -> "pd.DataFrame":
        """Return ``class`` and ``probabilities``, a dict by the text of each class, of rows that ``form`` checked."""
        answer: pd.DataFrame = self.model.predict(rows, params={PROBABILITIES: True})
        return answer

    def example(self) -> Any:
        """Return two rows of which only the form means something."""
        return self.model.metadata.load_input_example(str(self.folder))


@contextmanager
def loaded_model(found: FoundModel) -> Iterator[LoadedModel]:
    """Give the block a model; its files are gone afterwards.

    Raises:
        StoreError: the store does not answer, or the files are not those that its run saved.
    """
    with tempfile.TemporaryDirectory(prefix="mlplab-") as temporary:
        folder = found.fetch(Path(temporary))
        model = load_model(folder)
        try:
            form = form_of_model(model.metadata)
        except DataError as error:
            raise StoreError(f"run {found.run_id}: {error}") from error
        classes = (model.metadata.metadata or {})[METADATA]["classes"]
        yield LoadedModel(f"{found.name} ({found.run_id[:8]})", model, form, classes, folder)
