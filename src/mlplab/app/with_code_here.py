"""A run again with the code that is here, in this process."""

from dataclasses import asdict

from mlplab import engines
from mlplab.app import startup
from mlplab.app.certifying import conclude_again_as, require_in_store, say_beginning
from mlplab.app.own_network import make_importable_from, maker_of
from mlplab.app.recomposition import Recomposed, recompose
from mlplab.app.rerun_options import OF_ANOTHER_ENGINE, RerunOptions
from mlplab.app.single_run import carry_out_single, compose_single
from mlplab.engines.registry import ENGINES
from mlplab.rerun.certificate import Certificate, gpu_note
from mlplab.rerun.differences import asked_for, find_differences, require_same_digest
from mlplab.rerun.recorded import Recorded
from mlplab.run.provenance import Provenance
from mlplab.schema import CPU_TAG, RERUN_OF_TAG, THREADS_TAG
from mlplab.store.store import Store


def carry_out_here(store: Store, recorded: Recorded, options: RerunOptions) -> Certificate:
    """Run a run again, and keep the certificate with both.

    Raises:
        ConfigError: today's code cannot take its config.
        DataError: its data is not here, or is not the same any more.
        StoreError: the store does not have the result.
    """
    if options.config_folder is not None:
        make_importable_from(options.config_folder)
    defaults, folder = compose_single([], instead="set no preset for all runs")
    made = recompose(recorded, defaults, options.overrides, options.uri)
    then, now = made.then, made.now
    provenance = _provenance(recorded, made)
    libraries = ENGINES[now.engine].libraries
    is_other = now.engine is not then.engine
    found = find_differences(recorded.tags, provenance.tags(), libraries)
    # Of what computes another engine alone, the original could record nothing.
    differences = [*asked_for(then, now), *(one for one in found if one.was_recorded or not is_other)]
    notes = [*made.notes, *_not_recorded(recorded), *gpu_note(now.device)]
    say_beginning(recorded, differences, notes)
    result = carry_out_single(now, folder, {RERUN_OF_TAG: recorded.run_id})
    again = require_in_store(store, result)
    tolerance = (OF_ANOTHER_ENGINE if is_other else 0.0) if options.tolerance is None else options.tolerance
    return conclude_again_as(store, recorded, again, tolerance, differences, notes)


def _provenance(recorded: Recorded, made: Recomposed) -> Provenance:
    """Return what will determine the run again. Raises ConfigError, DataError: it cannot be run here."""
    settings = made.now
    dataset = startup.load_data(settings.data, settings.seed, settings.dtype)
    if settings.data == made.then.data and settings.seed == made.then.seed:
        require_same_digest(recorded, asdict(settings.data), dataset.digest)
    own = engines.make_own(settings, dataset, maker_of(settings.network))
    return Provenance.of(settings, dataset, None if own is None else own.source)


def _not_recorded(recorded: Recorded) -> list[str]:
    unknown = [
        name for name, tag in (("threads", THREADS_TAG), ("CPU and BLAS kernel", CPU_TAG)) if tag not in recorded.tags
    ]
    notes = [f"the code of then did not record: {', '.join(unknown)}"] if unknown else []
    return notes if recorded.digest is not None else [*notes, "the run has no digest of its data"]
