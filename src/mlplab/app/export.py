"""Export a trained model as ONNX, for programs that have neither Python nor MLflow.

  python src/export.py                                      the best of the last sweep, to model.onnx
  python src/export.py model=champion out=digits.onnx       the champion of the registered model

  format=onnx            the only one so far                out=model.onnx  a new file

  tracking.experiment=mlplab  MLflow's experiment           tracking.uri=URI  of the store or server; the default is
                                                                              MLFLOW_TRACKING_URI, or ./mlflow.db

The file takes `rows` (N, I), as the network does, and answers `class_index` (N,) and `probabilities` (N, K); its
metadata name the classes, and of a table the I numbers. It is only written if ONNX Runtime answers on the whole test
set what the model answers: the same classes, and probabilities within 0.00001.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mlplab import environment
from mlplab.app.options import StoreOptions, parse_options, store_uri
from mlplab.commands import as_typed
from mlplab.errors import ConfigError
from mlplab.terminal import count_of, say

ONNX = "onnx"


@dataclass
class ExportOptions:
    """What is typed: see the help above."""

    model: str = "best"
    format: str = ONNX
    out: str = "model.onnx"
    tracking: StoreOptions = field(default_factory=StoreOptions)


def main() -> None:
    """Run the command with what was typed."""
    environment.prepare_command()
    from mlplab.app import commandline

    commandline.run_command(lambda: _export(sys.argv[1:]))


def _export(arguments: Sequence[str]) -> None:
    """Carry out the export.

    Raises:
        ConfigError: an argument is wrong, there is no such model, or it would answer otherwise.
        DataError: the test set is not on this machine.
        StoreError: the store does not answer, or the model is not what its run saved.
    """
    if {"-h", "--help"} & set(arguments):
        say(as_typed(str(__doc__)))
        return
    options = parse_options(ExportOptions, arguments, {})
    if options.format != ONNX:
        raise ConfigError(f"format={options.format}: takes {ONNX}")
    from mlplab.models.finding import find_model
    from mlplab.models.loading import loaded_model
    from mlplab.models.new_file import require_nothing_at
    from mlplab.models.onnx_export import export_onnx, require_onnx, rows_to_test_on
    from mlplab.store.store import find_store

    environment.imports_are_done()
    path = Path(options.out).expanduser()
    require_onnx()
    require_nothing_at(path)
    found = find_model(find_store(store_uri(options.tracking.uri), options.tracking.experiment), options.model)
    with loaded_model(found) as model:
        agreement = export_onnx(model, rows_to_test_on(found), path)
    say(
        f"{options.out}: {model.name}; on {count_of(agreement.rows, 'row')} of the test set the same classes, and "
        f"probabilities within {agreement.largest:.1e}"
    )
