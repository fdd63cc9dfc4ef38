"""A run again with the code of then: a command in a temporary worktree, with the libraries that are here."""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mlplab.app.certifying import conclude_again_as, say_beginning
from mlplab.app.own_process import wait_for
from mlplab.app.rerun_options import RerunOptions
from mlplab.app.single_run import compose_single
from mlplab.config import CARRYING_OUT, MAKING_UP, Engine
from mlplab.engines.registry import ENGINES
from mlplab.errors import ConfigError, StoreError
from mlplab.files import make_folder_with_room
from mlplab.rerun.certificate import Certificate
from mlplab.rerun.differences import find_differences, require_same_digest
from mlplab.rerun.old_code import begin_there, brought_back, untracked_files
from mlplab.rerun.recorded import Recorded, recorded_run
from mlplab.schema import GIT_COMMIT_TAG, PID_TAG, RERUN_OF_TAG
from mlplab.store.store import Store
from mlplab.sweeps.manifest import as_override
from mlplab.tracking.identity import origin_tags, version_tags
from mlplab.tracking.machine import machine_tags


def carry_out_old_code(store: Store, recorded: Recorded, options: RerunOptions) -> Certificate:
    """Run a run again with the code of its commit, and keep the certificate with both.

    Raises:
        ConfigError: the code cannot be brought back, or refuses.
        StoreError: the store does not have the result.
    """
    libraries = ENGINES[Engine(str(recorded.config.get("engine", Engine.numpy)))].libraries
    here = {
        **machine_tags(libraries, str(recorded.config.get("device"))),
        **origin_tags(None),
        **version_tags(libraries),
    }
    differences = find_differences(recorded.tags, here, libraries)
    with brought_back(recorded) as folder:
        notes = [f"the code of then, commit {recorded.tags[GIT_COMMIT_TAG][:7]}, with the libraries that are here"]
        if new := untracked_files(recorded):
            notes.append(f"files that were in no commit are not brought back: {', '.join(new)}")
        say_beginning(recorded, differences, notes)
        config_folder = options.config_folder
        own = None if config_folder is None else config_folder.absolute().parent
        again = _train_there(store, recorded, folder, own)
    with store.explaining():
        store.client.set_tag(again, RERUN_OF_TAG, recorded.run_id)
    ran = recorded_run(store, again)
    require_same_digest(recorded, ran.config.get("data") or {}, ran.digest)
    return conclude_again_as(store, recorded, again, options.tolerance or 0.0, differences, notes)


def _train_there(store: Store, recorded: Recorded, folder: Path, own: Path | None) -> str:
    """Carry out the command of then; return the id of its run."""
    _, output = compose_single([], instead="set no preset for all runs")
    make_folder_with_room(output)
    words = [*_overrides(recorded.config), f"tracking.uri={as_override(store.uri)}"]
    words += [f"tracking.experiment={as_override(_experiment(recorded))}", f"hydra.run.dir={as_override(str(output))}"]
    began = int(time.time() * 1000)
    child = begin_there(folder, words, own)
    status = wait_for(child)
    found = store.search(f"tags.{PID_TAG} = '{child.pid}' and attributes.start_time >= {began}")
    if status:
        raise ConfigError(
            f"--checkout: commit {recorded.tags[GIT_COMMIT_TAG][:7]} ended with status {status}, see above; "
            "to run it with the code that is here, leave --checkout out"
        )
    if not found:
        raise StoreError(f"--checkout: the store does not have the run; its journal is kept in {output}")
    return str(found[0].info.run_id)


def _experiment(recorded: Recorded) -> str:
    return str((recorded.config.get("tracking") or {}).get("experiment", "mlplab"))


def _overrides(config: Mapping[str, Any]) -> list[str]:
    """Return the recorded config in Hydra's override grammar: what describes the run."""
    apart = {*CARRYING_OUT, *MAKING_UP, "tracking", "tags", "note"}
    kept = {key: value for key, value in config.items() if key not in apart}
    return [f"{key}={as_override(value)}" for key, value in _leaves(kept)]


def _leaves(node: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in node.items():
        if isinstance(value, Mapping) and not prefix:
            yield from _leaves(value, f"{key}.")
        else:
            yield f"{prefix}{key}", value
