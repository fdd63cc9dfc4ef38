"""What a run left in the store, from which it is run again: nothing else of it is needed."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mlflow.entities import Run
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from mlplab.comparison.selection import what_there_is
from mlplab.errors import ConfigError
from mlplab.schema import (
    COMMAND_TAG,
    CONFIG,
    ERROR_TAG,
    FINAL,
    GIT_DIFF,
    MODEL,
    MODEL_DIGEST_TAG,
    MODEL_STATE,
    PRUNED_REASON_TAG,
    TIME,
    State,
)
from mlplab.store.histories import find_histories
from mlplab.store.model_files import copy_model_files, logged_model_of
from mlplab.store.store import Store
from mlplab.tracking.earlier import state_of
from mlplab.tracking.model_digest import digest_of_model
from mlplab.tracking.saved_weights import UnreadableWeightsError, Weights, read_weights

Points = dict[tuple[str, int], float]  # by metric and step


@dataclass(frozen=True)
class Recorded:
    """A run of the store.

    Attributes:
        config: nested, as its code knew it: keys may be missing, or unknown today.
        digest: of its data; None where none was recorded.
        tags: of MLflow.
        diff: how its code differed from the commit; None where the checkout was clean.
    """

    run_id: str
    name: str
    state: State
    config: dict[str, Any]
    digest: str | None
    tags: Mapping[str, str]
    diff: str | None


def recorded_run(store: Store, run_id: str) -> Recorded:
    """Return what the store has of a run that can be run again.

    Raises:
        ConfigError: there is no such run, or it cannot be run again; the message says why.
        StoreError: the store does not answer.
    """
    found = store.find([run_id])
    if not found:
        raise ConfigError(f"{run_id}: no such run; {what_there_is(store)}; another one: tracking.experiment=NAME")
    (run,) = found
    if COMMAND_TAG in run.data.tags:
        raise ConfigError(f"{run_id}: is a sweep's own run, which trained nothing; give the sweep's id")
    _require_an_end(run)
    config, diff = store.read_artifacts(run_id, CONFIG, GIT_DIFF)
    if config is None:
        raise ConfigError(
            f"{run_id}: has no {CONFIG}, so that nobody knows what it was; it is older than that, or no run of mlplab"
        )
    inputs = run.inputs.dataset_inputs if run.inputs else []
    digest = str(inputs[0].dataset.digest) if inputs else None
    name = str(run.info.run_name)
    return Recorded(run_id, name, state_of(run), _parse(run_id, config), digest, dict(run.data.tags), diff)


def _require_an_end(run: Run) -> None:
    """Raise ConfigError where a run has no end to compare with; of a killed one the points are compared."""
    tags, state, run_id = run.data.tags, state_of(run), run.info.run_id
    match state:
        case State.finished | State.killed:
            return
        case State.failed:
            reason = f"failed ({tags.get(ERROR_TAG, 'its traceback is among its artifacts')}); mend that, and train"
        case State.pruned:
            reason = f"was pruned ({tags.get(PRUNED_REASON_TAG, 'by a search')}): it has no result to compare with"
        case State.running | State.scheduled:
            reason = f"is {state}; wait for its end"
        case State.skipped | State.new:  # states of jobs, which no run has
            raise AssertionError(state)
    raise ConfigError(f"{run_id}: {reason}")


def _parse(run_id: str, text: str) -> dict[str, Any]:
    try:
        config = OmegaConf.to_container(OmegaConf.create(text), resolve=False)
    except (OmegaConfBaseException, YAMLError, ValueError) as error:
        raise ConfigError(f"{run_id}: its {CONFIG} is damaged ({str(error).splitlines()[0]})") from error
    if not isinstance(config, dict):
        raise ConfigError(f"{run_id}: its {CONFIG} is damaged (it has no keys)")
    if "${" in text:  # it could read variables of the environment, or files
        raise ConfigError(
            f"{run_id}: its {CONFIG} refers to something outside of it (${{...}}), which is not followed"
        )
    return {str(key): value for key, value in config.items()}


def read_points(store: Store, run_id: str) -> Points:
    """Return every logged value of a run except its times; of final ones, whose step has changed, at step 0.

    Raises:
        StoreError: the store does not answer.
    """
    histories = sorted(find_histories(store, [run_id]), key=lambda point: point.timestamp)
    return {
        (point.key, 0 if point.key.startswith(FINAL) else point.step): point.value
        for point in histories
        if not point.key.startswith(TIME)
    }


def read_run_weights(store: Store, run_id: str) -> Weights:
    """Return the weights of the network that a run has saved.

    Raises:
        UnreadableWeightsError: they cannot be had.
        StoreError: the store does not answer.
    """
    (run,) = store.find([run_id])
    with TemporaryDirectory() as folder:
        with store.explaining():
            existing = {item.path for item in store.client.list_artifacts(run_id)}
        if MODEL_STATE in existing:
            with store.explaining():
                return read_weights(Path(store.client.download_artifacts(run_id, MODEL_STATE, folder)))
        if MODEL not in existing and logged_model_of(store, run) is None:
            raise UnreadableWeightsError("the run has saved no model")
        files = copy_model_files(store, run, Path(folder))
        if run.data.tags.get(MODEL_DIGEST_TAG) not in (None, _digest_of(files)):
            raise UnreadableWeightsError("the files of the model are not those that the run saved")
        return read_weights(files)


def _digest_of(files: Path) -> str | None:
    try:
        return digest_of_model(files)
    except (OSError, ValueError):  # damaged
        return None
