"""``register=NAME``: what was trained becomes a version of that registered model; an error there fails no training."""

import logging

from mlplab.commands import typed_command
from mlplab.comparison.sweep_end import find_best
from mlplab.errors import StoreAwayError, UserError
from mlplab.models.finding import find_model
from mlplab.models.registering import register_model
from mlplab.store.target import Target
from mlplab.terminal import say

log = logging.getLogger(__name__)


def register_winner(target: Target, sweep: str, name: str) -> None:
    """Register the best run of a sweep; where that fails, warn, and say how to do it later."""
    run_id = None
    try:
        best = find_best(target.connect(), sweep)
        run_id = None if best is None else best.run_id
        _register(target, run_id, name)
    except UserError as error:
        _warn(run_id, name, error)


def register_run(target: Target, run_id: str | None, name: str) -> None:
    """Register a run that has ended, whose id is None as long as the store is away; warn likewise."""
    try:
        _register(target, run_id, name)
    except UserError as error:
        _warn(run_id, name, error)


def _register(target: Target, run_id: str | None, name: str) -> None:
    if run_id is None or target.offline:
        raise StoreAwayError("the store does not have the run yet")
    store = target.connect()
    say(register_model(store, find_model(store, run_id), name).sentences(store))


def _warn(run_id: str | None, name: str, error: UserError) -> None:
    command = f"{typed_command('register')} {run_id or 'RUN_ID'} name={name}"
    log.warning("register=%s: %s; nothing is lost: `%s` does it later", name, error, command)
