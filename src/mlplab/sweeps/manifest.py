"""The frozen jobs of a sweep: every key with its value, so that a later edit of conf/ changes nothing."""

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, field, fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar, get_origin, get_type_hints

from hydra.core.override_parser.types import Quote, QuotedString

from mlplab.colors import run_colors
from mlplab.config import CARRYING_OUT, TrainConfig
from mlplab.errors import ManifestError
from mlplab.flat_config import flatten, words_of
from mlplab.names import member_name
from mlplab.paths import from_portable, portable
from mlplab.sweeps.grid import Job

T = TypeVar("T")


@dataclass(frozen=True)
class FrozenJob:
    """One member: its number, its name, the swept keys and their values, and its whole config by key."""

    number: int
    name: str
    varying: dict[str, str]
    config: dict[str, Any]

    def overrides(self) -> list[str]:
        """Return the config in Hydra's override grammar: every key."""
        return [f"{key}={as_override(value)}" for key, value in self.config.items()]


@dataclass(frozen=True)
class Manifest:
    """A sweep as it was launched.

    Attributes:
        sweep: its identity, the tag of its members.
        command: the typed overrides, without those that only say how and where to carry it out.
        folder: of its output, with one folder per member, named by number.
        jobs: a search adds its own one by one.
        space: of a search: what each swept key may be, by key, in words; empty for a grid.
        trials: of a search: how many jobs there will be; 0 for a grid.
    """

    sweep: str
    command: list[str]
    folder: str
    jobs: list[FrozenJob]
    space: dict[str, str] = field(default_factory=dict)
    trials: int = 0

    @property
    def axes(self) -> list[str]:
        """The swept keys."""
        return list(self.space or self.jobs[0].varying)

    @property
    def total(self) -> int:
        """How many jobs the sweep has altogether, those included that a search has not proposed yet."""
        return max(self.trials, len(self.jobs))

    def to_json(self) -> str:
        """Return the manifest as JSON; its folder moves with the project."""
        return json.dumps({**asdict(self), "folder": portable(Path(self.folder))}, indent=1)

    @classmethod
    def from_json(cls, text: str) -> "Manifest":
        """Return the manifest from JSON.

        Raises:
            ManifestError: the text is no manifest; the message says what is wrong.
        """
        try:
            manifest = _with_fields(cls, json.loads(text), "it")
        except ValueError as error:
            raise ManifestError(f"is damaged ({error})") from error
        if not manifest.jobs and not manifest.space:
            raise ManifestError("is damaged (it has no job)")
        manifest = replace(manifest, folder=str(from_portable(manifest.folder)))
        jobs = [_with_fields(FrozenJob, job, f"job {i}") for i, job in enumerate(manifest.jobs)]
        return replace(manifest, jobs=jobs)


def _with_fields(kind: type[T], document: object, what: str) -> T:
    """Return a dataclass of these fields. Raises ManifestError for others, and for values of another type."""
    if not isinstance(document, dict):
        raise ManifestError(f"is damaged ({what} is no object)")
    types = get_type_hints(kind)
    needed = {one.name for one in fields(kind) if one.default is MISSING and one.default_factory is MISSING}  # type: ignore[arg-type]
    for kind_of_fault, names in (("lacks", needed - document.keys()), ("has the unknown", document.keys() - types)):
        if names:
            raise ManifestError(
                f"is damaged, or of another version ({what} {kind_of_fault} {', '.join(sorted(names))})"
            )
    for name, expected in types.items():
        if name in document and not isinstance(document[name], get_origin(expected) or expected):
            raise ManifestError(f"is damaged ({what} has {name}={document[name]!r})")
    return kind(**document)


def freeze(jobs: Sequence[Job], arguments: Sequence[str], folder: Path) -> Manifest:
    """Return the manifest of a new sweep of these jobs, all of them valid."""
    given = jobs[0].settings
    assert given is not None
    sweep = new_sweep_name(given)
    groups = [member_name({key: value for key, value in job.varying.items() if key != "seed"}) for job in jobs]
    frozen = [freeze_job(job, sweep, color) for job, color in zip(jobs, run_colors(groups), strict=True)]
    return Manifest(sweep, determining_overrides(arguments), str(folder.absolute()), frozen)


def freeze_job(job: Job, sweep: str, color: str | None) -> FrozenJob:
    """Return a valid job of this sweep with every key; ``color`` of its curves, unless another was typed."""
    assert job.settings is not None
    config = {
        **flatten(job.settings),
        **words_of(job.settings),
        "tracking.sweep": sweep,
        "tracking.job": job.number,
    }
    del config["tracking.uri"]  # the store's address is not part of the sweep
    name = job.settings.tracking.run_name or job.name or job.settings.name
    config["tracking.run_name"] = name
    config["tracking.color"] = job.settings.tracking.color or color
    return FrozenJob(job.number, name, dict(job.varying), config)


def new_sweep_name(settings: TrainConfig) -> str:
    """Return the name of a new sweep: as typed, or of time and chance."""
    return settings.tracking.sweep or f"{datetime.now():%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def determining_overrides(arguments: Sequence[str]) -> list[str]:
    """Return those of the typed overrides that determine the results of a sweep."""
    apart = (*CARRYING_OUT, "tracking.uri", "tracking")
    return [text for text in arguments if text.lstrip("+").partition("=")[0] not in apart]


def command_digest(arguments: Sequence[str]) -> str:
    """Return 16 hexadecimal digits, the same whenever the same command is typed."""
    return hashlib.sha256(json.dumps(determining_overrides(arguments)).encode()).hexdigest()[:16]


def as_override(value: object) -> str:
    """Return a value in Hydra's override grammar."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return quote_override(value)
    if isinstance(value, list):
        return f"[{', '.join(map(as_override, value))}]"
    if isinstance(value, Mapping):
        return f"{{{','.join(f'{name}:{as_override(inner)}' for name, inner in value.items())}}}"
    return repr(value)


def quote_override(value: str) -> str:
    """Return the text as a quoted string of Hydra's override grammar."""
    return QuotedString(value, Quote.single).with_quotes()
