"""Predict the classes of the rows of a file, or of pictures, with a trained model.

  python src/predict.py in=photos/                          the best of the last sweep
  python src/predict.py model=champion in=rows.csv          the champion of the registered model
  python src/predict.py model=ID in=data.npz array=x_test   this run's

  in=FILE|FOLDER         a table (.csv), arrays (.npz), a picture, or a folder of pictures, however deep
  out=predictions.csv    a line per row: its number (from 0) or file, the class, and the probability of that
  probabilities=true     and the probability of every class
  array=NAME             of a .npz that has several
  centred=true           pictures are of digits: prepared as MNIST's are, light on black, scaled and centred

  tracking.experiment=mlplab  MLflow's experiment           tracking.uri=URI  of the store or server; the default is
                                                                              MLFLOW_TRACKING_URI, or ./mlflow.db

Rows are read and predicted some at a time. The file is there whole or not at all; one that exists is not replaced.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Optional

from mlplab import environment
from mlplab.app.options import TYPED, StoreOptions, parse_options, store_uri
from mlplab.commands import as_typed
from mlplab.errors import ConfigError
from mlplab.terminal import count_of, say

if TYPE_CHECKING:
    from mlplab.models.incoming import Incoming
    from mlplab.models.loading import LoadedModel


@dataclass
class PredictOptions:
    """What is typed: see the help above."""

    model: str = "best"
    source: Optional[str] = field(default=None, metadata={TYPED: "in"})  # noqa: UP045 - OmegaConf 2.3 reads Optional
    out: str = "predictions.csv"
    probabilities: bool = False
    array: Optional[str] = None  # noqa: UP045
    centred: bool = False
    tracking: StoreOptions = field(default_factory=StoreOptions)


def main() -> None:
    """Run the command with what was typed."""
    environment.prepare_command()
    from mlplab.app import commandline

    commandline.run_command(lambda: _predict(sys.argv[1:]))


def _predict(arguments: Sequence[str]) -> None:
    """Carry out the prediction.

    Raises:
        ConfigError: an argument is wrong, or there is no such model.
        DataError: the rows are not what the model takes; the message says where.
        StoreError: the store does not answer, or a model is not what its run saved.
    """
    if {"-h", "--help"} & set(arguments):
        say(as_typed(str(__doc__)))
        return
    options = parse_options(PredictOptions, arguments, {})
    if not options.source:
        raise ConfigError("in=: is missing; in=FILE or in=FOLDER says what is predicted")
    from mlplab.models.finding import find_model
    from mlplab.models.incoming import open_incoming
    from mlplab.models.loading import loaded_model
    from mlplab.store.store import find_store

    environment.imports_are_done()
    store = find_store(store_uri(options.tracking.uri), options.tracking.experiment)
    with loaded_model(find_model(store, options.model)) as model:
        source = Path(options.source).expanduser()
        named = f"model={options.model}, which is {model.name}"
        incoming = open_incoming(source, model.form, options.array, options.centred, named)
        count = _write(model, incoming, options)
    left_out = f"; {count_of(incoming.left_out, 'other file')} left out" if incoming.left_out else ""
    say(f"{options.out}: {count_of(count, 'row')} predicted by {model.name}{left_out}")


def _write(model: "LoadedModel", incoming: "Incoming", options: PredictOptions) -> int:
    from mlplab.app.counting_bar import showing
    from mlplab.models.prediction_file import prediction_file

    classes = [str(name) for name in model.classes] if options.probabilities else []
    count = 0
    with (
        prediction_file(Path(options.out).expanduser(), incoming.label, classes) as file,
        showing(incoming.total, "row", "predict") as advance,
    ):
        for names, rows in incoming.batches:
            file.add(names, model.predict(rows))
            advance(len(names))
            count += len(names)
    return count
