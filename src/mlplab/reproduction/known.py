"""Jobs that have already finished, in any sweep, with the same config, data, code and libraries."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mlplab.config import Engine
from mlplab.engines.registry import ENGINES
from mlplab.schema import FINGERPRINT_TAG, State
from mlplab.store.store import Store
from mlplab.sweeps.manifest import Manifest
from mlplab.sweeps.record import Member
from mlplab.tracking.earlier import final_metrics, state_of
from mlplab.tracking.identity import fingerprint_of

if TYPE_CHECKING:
    from mlflow.entities import Run

COMPARED = ("seed", "activation", "learning_rate", "diagnostics")


def find_known(store: Store, manifest: Manifest) -> dict[int, Member]:
    """Return the finished runs that the store has of these jobs, by job number."""
    ended = store.search("attributes.status = 'FINISHED'")
    finished = [run for run in ended if FINGERPRINT_TAG in run.data.tags and state_of(run) is State.finished]
    known = {}
    for job in manifest.jobs:
        run = next((run for run in finished if _is_of(run, job.config)), None)
        if run is not None:
            known[job.number] = Member(run.info.run_id, State.finished, final_metrics(run))
    return known


def _is_of(run: "Run", config: Mapping[str, Any]) -> bool:
    params = run.data.params
    same_data = [key for key in config if key.startswith("data.") or key in COMPARED]
    if any(params.get(key) != str(config[key]) for key in same_data):  # a quick check, before anything is hashed
        return False
    # The run's own digest represents the data, because folder, splits and seed are the same.
    resolved = {**config, "device": params.get("device")} if config["device"] == "auto" else config
    digests = [used.dataset.digest for used in run.inputs.dataset_inputs] if run.inputs else []
    libraries = ENGINES[Engine(config["engine"])].libraries
    return any(fingerprint_of(resolved, digest, libraries) == run.data.tags[FINGERPRINT_TAG] for digest in digests)
