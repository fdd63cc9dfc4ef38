"""Which model people mean: by the run, the sweep, the registered model, or MLflow's own addresses."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mlflow.entities import Run
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from mlplab.comparison.selection import (
    RUN_ID,
    Selection,
    describe_unfinished,
    members_of,
    what_there_is,
    whole_run_id,
    whole_sweep,
)
from mlplab.comparison.sweep_end import find_best
from mlplab.errors import ConfigError
from mlplab.models.trust import fetch_model
from mlplab.schema import MODEL, MODEL_DIGEST_TAG
from mlplab.store.store import Store

BEST, RUNNER_UP, CHAMPION = "best", "runner-up", "champion"
_PLACES = {BEST: 1, RUNNER_UP: 2}
FORMS = (
    "best and runner-up (of the last sweep), a run's id, champion, NAME@champion, models:/NAME/VERSION, "
    f"models:/NAME@ALIAS, models:/m-ID, runs:/ID/{MODEL}, the first 8 digits or more of a run's id, a sweep's id (its "
    "best)"
)
_RUN = re.compile(rf"(?:runs:/)?({RUN_ID.pattern})(?:/{MODEL})?")
_LOGGED = re.compile(r"models:/(m-[0-9a-f]{32})")
_VERSION = re.compile(r"models:/([^/@]+)/(\d+)")
_VERSION_DIGITS = 9  # of every whole number that each database takes: they have 32 bits
_ALIAS = re.compile(r"(?:models:/)?([^/@:]+)@([^/@:]+)")


@dataclass(frozen=True)
class FoundModel:
    """A model in a store.

    Attributes:
        store: has it.
        run: that trained it, as MLflow has it.
        version: of a registered model; None where it was not named by one.
    """

    store: Store
    run: Run
    version: ModelVersion | None = None

    @property
    def run_id(self) -> str:
        """MLflow's id of the run."""
        return str(self.run.info.run_id)

    @property
    def name(self) -> str:
        """What people call it: the registered model and the version, or the run."""
        if self.version is not None:
            return f"{self.version.name} version {self.version.version}"
        return str(self.run.info.run_name)

    @property
    def params(self) -> Mapping[str, str]:
        """The parameters of the run: every key of its config."""
        return dict(self.run.data.params)

    @property
    def digest(self) -> str | None:
        """The digest that the run recorded; None for a run of an older version, or of somebody else's."""
        return self.run.data.tags.get(MODEL_DIGEST_TAG)

    def fetch(self, folder: Path) -> Path:
        """Copy its files into an empty folder, verify them, and return where they are: as ``trust.fetch_model``."""
        return fetch_model(self.store, self.run, folder)


def find_model(store: Store, text: str) -> FoundModel:
    """Return the model that a text names: one of FORMS.

    Raises:
        ConfigError: there is none such; the message lists what there is.
        StoreError: the store does not answer.
    """
    if text in _PLACES:
        return FoundModel(store, _run(store, text, _placed(store, text)))
    if text == CHAMPION:
        return _of_version(store, text, _by_alias(store, text, _only_registered(store), CHAMPION))
    if found := _RUN.fullmatch(text):
        return FoundModel(store, _run(store, text, found[1]))
    if found := _LOGGED.fullmatch(text):
        return FoundModel(store, _run(store, text, _source_run(store, text, found[1])))
    if found := _VERSION.fullmatch(text):
        return _of_version(store, text, _by_number(store, text, found[1], found[2]))
    if found := _ALIAS.fullmatch(text):
        return _of_version(store, text, _by_alias(store, text, found[1], found[2]))
    if members_of(store, text) is not None:
        return FoundModel(store, _run(store, text, _best_of(store, text, text)))
    if (run_id := whole_run_id(store, text, "model=")) is not None:
        return FoundModel(store, _run(store, text, run_id))
    raise _unknown(store, text, f"takes {FORMS}")


def _placed(store: Store, text: str) -> str:
    """Return the id of the run that has this place in the last sweep. Raises ConfigError."""
    sweep = whole_sweep(store, Selection())
    if sweep is None:
        raise _unknown(store, text, "there is no sweep; name a run, model=ID")
    best = _best_of(store, f"{text}, of the last sweep, {sweep}", sweep)
    if text == BEST:
        return best
    placed = find_best(store, sweep, _PLACES[text])
    if placed is None:
        raise _unknown(store, text, f"no second combination of the last sweep, {sweep}, has finished")
    return placed.run_id


def _best_of(store: Store, text: str, sweep: str) -> str:
    """Return the id of the best run of a sweep. Raises ConfigError: none has finished."""
    best = find_best(store, sweep)
    if best is None:
        raise ConfigError(f"model={text}: {describe_unfinished(store, sweep, 'model=')}")
    return best.run_id


def _run(store: Store, text: str, run_id: str) -> Run:
    with store.explaining():
        try:
            return store.client.get_run(run_id)
        except MlflowException as error:
            raise _if_missing(store, text, error, "no such run") from error


def _source_run(store: Store, text: str, model_id: str) -> str:
    with store.explaining():
        try:
            run_id = store.client.get_logged_model(model_id).source_run_id
        except MlflowException as error:
            raise _if_missing(store, text, error, "no such model") from error
    if not run_id:
        raise _unknown(store, text, "no run made it")
    return str(run_id)


def _of_version(store: Store, text: str, version: ModelVersion) -> FoundModel:
    if not version.run_id:
        raise _unknown(store, text, "no run made it: it was registered by somebody else")
    return FoundModel(store, _run(store, text, str(version.run_id)), version)


def _by_number(store: Store, text: str, name: str, number: str) -> ModelVersion:
    if len(number.lstrip("0")) > _VERSION_DIGITS:
        raise _unknown(store, text, "no such version")
    with store.explaining():
        try:
            return store.client.get_model_version(name, number)
        except MlflowException as error:
            raise _if_missing(store, text, error, "no such version") from error


def _by_alias(store: Store, text: str, name: str, alias: str) -> ModelVersion:
    found = find_alias(store, name, alias)
    if found is None:
        raise _unknown(store, text, f"no registered model {name} with the alias {alias}")
    return found


def find_alias(store: Store, name: str, alias: str) -> ModelVersion | None:
    """Return the version of a registered model that has this alias; None where there is none. Raises StoreError."""
    with store.explaining():
        try:
            return store.client.get_model_version_by_alias(name, alias)
        except MlflowException as error:
            # For an alias that there is not MLflow reports a wrong parameter.
            if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                return None
            raise


def _only_registered(store: Store) -> str:
    names = registered_names(store)
    if len(names) != 1:
        what = f"which one? say NAME@{CHAMPION}" if names else "no model is registered"
        raise _unknown(store, CHAMPION, what)
    return names[0]


def registered_names(store: Store) -> list[str]:
    """Return the names of the registered models, sorted. Raises StoreError."""
    names, token = [], None
    while True:
        with store.explaining():
            page = store.client.search_registered_models(page_token=token)
        names += [str(model.name) for model in page]
        token = page.token
        if not token:
            return sorted(names)


def _if_missing(store: Store, text: str, error: MlflowException, what: str) -> Exception:
    return _unknown(store, text, what) if error.error_code == "RESOURCE_DOES_NOT_EXIST" else error


def _unknown(store: Store, text: str, what: str) -> ConfigError:
    names = registered_names(store)
    registered = f"registered are {', '.join(names)}" if names else "no model is registered"
    return ConfigError(f"model={text}: {what}; {what_there_is(store)}, {registered}")
