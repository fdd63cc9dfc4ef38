"""From cells to jobs: each config runs once, even if several tables contain it."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from mlplab.commands import typed_command
from mlplab.config import MAKING_UP, Optimizer, Penalty, TrainConfig
from mlplab.engines.registry import ENGINES
from mlplab.errors import ConfigError
from mlplab.flat_config import flatten
from mlplab.reproduction.published import Cell
from mlplab.sweeps.grid import Job
from mlplab.tracking import identity

Compose = Callable[[list[str]], TrainConfig]

# The assignment's own list: no figures are published for them; docs/results.md answers its questions from them.
DELIVERABLES = [
    Cell("assignment/baseline", {}, {}),
    Cell("assignment/tanh", {}, {}),
    Cell("assignment/relu", {}, {}),
    Cell("assignment/adam", {}, {}),
    *(Cell("assignment/l2", {"weight_decay": value}, {}) for value in ("1e-5", "1e-4", "1e-3")),
]


@dataclass(frozen=True)
class Plan:
    """The jobs to run, and the cells that need them.

    Attributes:
        cells: to judge.
        jobs: to run, each config once, the longest first.
        numbers: for every cell the numbers of its jobs, one per seed.
    """

    cells: list[Cell]
    jobs: list[Job]
    numbers: list[list[int]]

    @property
    def digest(self) -> str:
        """16 hexadecimal digits: plans that share them run the same jobs, in the same order, by the same code."""
        keys = [_key(job.settings) for job in self.jobs if job.settings is not None]
        determining = [
            keys,
            identity.code_digest(),
            *(identity.versions(entry.libraries) for entry in ENGINES.values()),
        ]
        return hashlib.sha256(json.dumps(determining).encode()).hexdigest()[:16]


def plan_cells(cells: Sequence[Cell], seeds: int, typed: Sequence[str], compose: Compose) -> Plan:
    """Return the plan.

    Args:
        cells: to run.
        seeds: how many; they are 0, 1, ...
        typed: overrides for all runs.
        compose: turns overrides into a checked config.

    Raises:
        ConfigError: an override is wrong.
    """
    _require_untouched(cells, typed)
    costs: dict[str, tuple[Job, float]] = {}
    keys: list[list[str]] = []
    for cell in cells:
        own: list[str] = []
        overrides = [f"{key}={value}" for key, value in cell.overrides.items()]
        composed = compose([f"experiment={cell.preset}", *overrides, *typed])
        for seed in range(seeds):
            settings = replace(composed, seed=seed)
            key = _key(settings)
            name = f"{cell.preset} {cell.name} seed={seed}".replace("  ", " ")
            shown = {"table": cell.preset, "cell": cell.name, "seed": str(seed)}
            costs.setdefault(key, (Job(0, shown, name, settings), _cost(settings)))
            own.append(key)
        keys.append(own)
    order = sorted(costs, key=lambda key: -costs[key][1])
    jobs = [replace(costs[key][0], number=number) for number, key in enumerate(order)]
    place = {key: i for i, key in enumerate(order)}
    return Plan(list(cells), jobs, [[place[key] for key in own] for own in keys])


def _require_untouched(cells: Sequence[Cell], typed: Sequence[str]) -> None:
    own = {key for cell in cells for key in cell.overrides}
    for text in typed:
        key = text.lstrip("+~").partition("=")[0]
        if key == "seed":
            raise ConfigError(f"{text}: every cell runs with several seeds; say how many with seeds=N")
        if key in MAKING_UP:
            raise ConfigError(f"{text}: every cell is one run, and none is left out; choose tables with reports=[...]")
        if key == "experiment" or key in own:
            raise ConfigError(
                f"{text}: the cells set this key; use `{typed_command('train')} {text}` for a single run"
            )


def _key(settings: TrainConfig) -> str:
    values = {key: value for key, value in flatten(settings).items() if not key.startswith("tracking.")}
    if not settings.weight_decay:
        values["penalty"] = str(Penalty.none)  # without weight decay every penalty is none
    return json.dumps(values, sort_keys=True)


def _cost(settings: TrainConfig) -> float:
    """Return a run's approximate cost: the longest runs start first, so that parallel ones end together."""
    rows = settings.data.train_size or 60_000
    seen = settings.iterations * settings.batch_size if settings.iterations else settings.epochs * rows
    return seen * (2.0 if settings.optimizer is Optimizer.adam else 1.0)
