"""A trained model becomes a version of a registered model, and the champion if it beats the present one."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from mlplab.checks import require
from mlplab.comparison.selection import find_own_runs
from mlplab.errors import ConfigError
from mlplab.models.champion import Judgement, judge_challenger
from mlplab.models.finding import CHAMPION, FoundModel, find_alias, find_model
from mlplab.names import is_model_name
from mlplab.schema import DATA_TAG, FINAL, MODEL, MODEL_DIGEST_TAG, PAGE, SWEEP_TAG
from mlplab.store.links import Links
from mlplab.store.model_files import logged_model_of
from mlplab.store.store import Store


@dataclass(frozen=True)
class Registration:
    """What registering a model has done.

    Attributes:
        is_new: whether the version was made now; the same run is registered once.
        is_champion: whether the version is the champion now.
        reason: why it is, or is not: a clause that follows the name of the version.
        champion: the number of the champion's version.
    """

    version: ModelVersion
    is_new: bool
    is_champion: bool
    reason: str
    champion: str

    def sentences(self, links: Links) -> str:
        """Return what to tell people."""
        name, number = self.version.name, self.version.version
        made = "registered as" if self.is_new else "is registered already as"
        champion = f"champion: {name} version {number}: {self.reason}"
        if not self.is_champion:
            champion = f"champion stays {name} version {self.champion}: of version {number}, {self.reason}"
            champion += "; force=true moves it"
        return "\n".join(
            [
                f"run {self.version.run_id}: {made} {name} version {number}",
                champion,
                f"its page: {links.version_page(name, number)}",
            ]
        )


def register_model(store: Store, found: FoundModel, name: str, force: bool = False) -> Registration:
    """Make the model a version of the registered model ``name``; move the alias ``champion`` if it is better.

    Args:
        store: has the model.
        found: finished.
        name: of the registered model, which is created where it does not exist.
        force: move the alias whatever the comparison says.

    Raises:
        ConfigError: no such name can be, or the run has not finished.
        UntrustedModelError: the files are not those that the run saved.
        StoreError: the store does not answer, or refuses.
    """
    require("name", name, is_model_name(name), "takes a name without / : and @, such as digits")
    if found.run.info.status != "FINISHED":
        raise ConfigError(
            f"model={found.run_id}: the run is {found.run.info.status}; only a finished one is registered"
        )
    with tempfile.TemporaryDirectory() as folder:
        found.fetch(Path(folder))
    known = _known_version(store, found, name)
    version = known or _create_version(store, found, name)
    present = find_alias(store, name, CHAMPION)
    judgement = _judge(store, found, version, present)
    number = str(version.version)
    if (judgement.is_better or force) and (present is None or str(present.version) != number):
        reason = judgement.reason if judgement.is_better else f"force=true, though {judgement.reason}"
        with store.explaining():
            store.client.set_registered_model_alias(name, CHAMPION, number)
        return Registration(version, known is None, True, reason, number)
    champion = number if present is None else str(present.version)
    return Registration(version, known is None, champion == number, judgement.reason, champion)


def _judge(store: Store, found: FoundModel, version: ModelVersion, present: ModelVersion | None) -> Judgement:
    if present is None:
        return Judgement(True, "the first one")
    if str(present.version) == str(version.version):
        return Judgement(True, "it was before")
    if not present.run_id:
        return Judgement(False, "there is nothing to compare it by: no run made the champion")
    try:
        champion = find_model(store, str(present.run_id)).run
    except ConfigError:
        return Judgement(False, "there is nothing to compare it by: the champion's run is no longer in the store")
    return judge_challenger(store, found.run, champion)


def _known_version(store: Store, found: FoundModel, name: str) -> ModelVersion | None:
    with store.explaining():
        versions = store.client.search_model_versions(f"name = '{name}' and run_id = '{found.run_id}'")
    return next(iter(versions), None)


def _create_version(store: Store, found: FoundModel, name: str) -> ModelVersion:
    logged = logged_model_of(store, found.run)
    # Its place, and not models:/ID: for that MLflow asks the store that is set for the whole process.
    source = f"{found.run.info.artifact_uri}/{MODEL}" if logged is None else logged.artifact_location
    tags = {MODEL_DIGEST_TAG: str(found.digest)}
    if sweep := found.run.data.tags.get(SWEEP_TAG):
        tags[SWEEP_TAG] = sweep
    with store.explaining():
        try:
            store.client.create_registered_model(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        return store.client.create_model_version(
            name,
            source,
            found.run_id,
            tags,
            run_link=store.run_page(found.run_id),
            description=_description(store, found),
            model_id=None if logged is None else logged.model_id,
        )


def _description(store: Store, found: FoundModel) -> str:
    """Return what the model is, in Markdown: its run, what it was measured at, and the sweep that it won."""
    run = found.run
    lines = [f"**{run.info.run_name}**, trained on {run.data.tags.get(DATA_TAG, 'unknown data')}."]
    metrics = {key: value for key, value in sorted(run.data.metrics.items()) if key.startswith(FINAL)}
    if metrics:
        lines += ["", "| metric | value |", "| --- | --- |"]
        lines += [f"| {key} | {value:.4f} |" for key, value in metrics.items()]
    lines += ["", f"[the run]({store.run_page(found.run_id)})"]
    if sweep := run.data.tags.get(SWEEP_TAG):
        lines[-1] += f", [its sweep {sweep}]({store.sweep_page(sweep)})"
        own = next(iter(find_own_runs(store, sweep)), None)
        if own is not None:
            lines[-1] += f", [its comparison]({store.artifact_page(own.info.run_id, PAGE)})"
    return "\n".join(lines)
