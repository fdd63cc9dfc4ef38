"""Compare engines: one config by each of them, point by point and weight by weight.

  python src/parity.py data=digits learning_rate=0.1 epochs=3
  python src/parity.py engine=mine ...   this engine alone beside NumPy's; by default every one that there is

  tolerance=1e-9     how far a number may differ in float64 (of numbers above 1: relatively)
  device=cuda        of the engine that is compared; NumPy's computes on the CPU
  every key of a run: python src/train.py --help

All start from the same weights and see the same batches. Each run is recorded; the certificate (certificates/ID.txt,
.json; tag rerun.certificate) is kept with both. In float32, which is reported, the engines round differently; float64
decides. Exit status: 0 the same within the tolerance, 3 not the same, 1 a mistake.
"""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mlplab import environment
from mlplab.commands import as_typed
from mlplab.terminal import say

if TYPE_CHECKING:
    from pathlib import Path

    from mlplab.config import DType, Engine, TrainConfig
    from mlplab.rerun.certificate import Certificate


def main() -> None:
    """Run the command with what was typed."""
    environment.prepare_command()
    from mlplab.app import commandline

    commandline.run_command(lambda: _parity(sys.argv[1:]))


def _parity(arguments: Sequence[str]) -> None:
    """Compare; exit with status 3 if float64 is not the same.

    Raises:
        UserError: see its subclasses.
    """
    if {"-h", "--help"} & set(arguments):
        say(as_typed(str(__doc__)))
        return
    from mlplab.app import composition
    from mlplab.app.guest import own_log
    from mlplab.app.rerun_options import NOT_THE_SAME, parse_parity
    from mlplab.config import DType

    options = parse_parity(arguments)
    environment.imports_are_done()
    composition.register()
    with own_log():
        decided = {
            dtype: _compare(options.engines, dtype, options.overrides, options.tolerance)
            for dtype in (DType.float64, DType.float32)
        }
    for dtype, certificates in decided.items():
        for engine, certificate in certificates.items():
            role = "decides" if dtype is DType.float64 else "is reported"
            largest = f" (largest difference {certificate.largest:.2g})" if certificate.largest else ""
            say(f"{engine} beside numpy in {dtype}, which {role}: {certificate.sentence}{largest}")
    if not all(certificate.holds for certificate in decided[DType.float64].values()):
        sys.exit(NOT_THE_SAME)


def _compare(
    engines: "Sequence[Engine]", dtype: "DType", overrides: Sequence[str], tolerance: float
) -> "dict[Engine, Certificate]":
    from mlplab.app.certifying import require_in_store
    from mlplab.app.single_run import carry_out_single
    from mlplab.config import Engine
    from mlplab.rerun.certificate import certify, gpu_note, keep_certificate
    from mlplab.rerun.differences import asked_for
    from mlplab.schema import RERUN_OF_TAG
    from mlplab.tracking.reading import read_existing

    reference, folder = _composed(Engine.numpy, dtype, overrides)
    result = carry_out_single(reference, folder)
    store = read_existing(reference.tracking.uri, reference.tracking.experiment).store
    original = require_in_store(store, result)
    found = {}
    for engine in engines:
        settings, folder = _composed(engine, dtype, overrides)
        other = require_in_store(store, carry_out_single(settings, folder, {RERUN_OF_TAG: original}))
        differences = list(asked_for(reference, settings))
        found[engine] = certify(store, (original, other), tolerance, differences, gpu_note(settings.device))
        keep_certificate(store, found[engine])
        for line in found[engine].lines():
            say(line)
    return found


def _composed(engine: "Engine", dtype: "DType", overrides: Sequence[str]) -> "tuple[TrainConfig, Path]":
    from mlplab.app import composition
    from mlplab.app.single_run import compose_single
    from mlplab.app.task import require_nothing_of_sweeps
    from mlplab.config import Engine

    own = [text for text in overrides if engine is not Engine.numpy or not text.startswith("device=")]
    composed, folder = compose_single([*own, f"engine={engine}", f"dtype={dtype}"], "parity takes one run's keys")
    settings = composition.read_config(composed)
    require_nothing_of_sweeps(settings, own)
    return settings, folder
