"""What the launcher is given of a member: its whole config, and how it is carried out this time."""

from pathlib import Path

from mlplab.config import TrainConfig
from mlplab.schema import State
from mlplab.store.uri import is_server
from mlplab.sweeps.context import SweepContext
from mlplab.sweeps.manifest import FrozenJob, Manifest, quote_override
from mlplab.sweeps.record import Member


def member_overrides(
    manifest: Manifest, job: FrozenJob, member: Member | None, settings: TrainConfig, context: SweepContext
) -> list[str]:
    """Return overrides in Hydra's grammar.

    Args:
        manifest: of the sweep.
        job: one of its jobs.
        member: its last run, if it has one: it goes on if it was interrupted.
        settings: say how the sweep is carried out.
        context: has the launcher.
    """
    goes_on = member is not None and member.state in (State.killed, State.failed)
    tracking, shared = settings.tracking, settings.checkpoint_dir
    folder = None if shared is None else str(Path(shared).expanduser().absolute())
    return [
        *job.overrides(),
        f"tracking.uri={'null' if tracking.uri is None else quote_override(tracking.uri)}",
        f"tracking.offline={str(tracking.offline).lower()}",
        f"tracking.heartbeat_seconds={tracking.heartbeat_seconds}",
        f"tracking.lease_seconds={tracking.lease_seconds}",
        f"tracking.checkpoints={str(_sends_checkpoints(settings, context)).lower()}",
        f"checkpoint_dir={'null' if folder is None else quote_override(folder)}",
        f"resume={str(goes_on).lower()}",
        f"fail_fast={str(settings.fail_fast).lower()}",
        "hydra.mode=MULTIRUN",  # needed if a preset, and not -m, made this a sweep
        f"hydra.sweep.dir={quote_override(manifest.folder)}",
        f"hydra.sweep.subdir={quote_override(str(job.number))}",
    ]


def _sends_checkpoints(settings: TrainConfig, context: SweepContext) -> bool:
    """Whether the store is to have checkpoints: the launcher's machines may share no folder."""
    is_shared = settings.checkpoint_dir is not None or not is_server(settings.tracking.uri or "")
    return settings.tracking.checkpoints or (context.runs_elsewhere and not is_shared)
