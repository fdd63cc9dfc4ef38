"""The next run of a search: proposed by Optuna, composed by Hydra, and one that was not tried before."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from math import prod

import numpy as np
import optuna
from optuna.study import Study
from optuna.trial import TrialState

from mlplab.config import Search
from mlplab.errors import ConfigError
from mlplab.sweeps.manifest import FrozenJob
from mlplab.sweeps.search.space import Dimension, Proposal, proposal_overrides
from mlplab.sweeps.search.study import make_sampler, note_job

MOST_REJECTED = 20  # proposals in a row that were tried before, or that `only` excludes
MOST_LISTED = 100_000  # combinations of a finite space that are looked through for one that is left


@dataclass
class Proposals:
    """Proposes runs.

    Attributes:
        kind: of sampler; a grid's combinations come in their order.
        freeze: turns a number and the values of the swept keys into a job; None where `only` excludes them.
        seed: with the same one, and one run at a time, the same runs are proposed.
    """

    study: Study
    kind: Search
    dimensions: Sequence[Dimension]
    freeze: Callable[[int, Mapping[str, str]], FrozenJob | None]
    seed: int
    _tried: set[tuple[str, ...]] = field(default_factory=set, init=False)

    def note_tried(self, jobs: Sequence[FrozenJob]) -> None:
        """Never propose what these jobs have tried."""
        self._tried |= {tuple(job.varying.values()) for job in jobs}

    def next_job(self, number: int) -> tuple[FrozenJob, optuna.Trial] | None:
        """Return the job of this number with its trial; None if every combination has been tried.

        Raises:
            ConfigError: a proposal is no valid config, or `only` excludes everything that is proposed.
        """
        if self.kind is not Search.grid:
            for attempt in range(MOST_REJECTED):
                # One generator for each: one for all would begin anew after a resume, and repeat its first draws.
                seeds = np.random.SeedSequence([self.seed, number, attempt])
                # A sampler that has settled proposes what was tried again and again: then chance goes elsewhere.
                kind = self.kind if attempt < MOST_REJECTED // 2 else Search.random
                self.study.sampler = make_sampler(kind, int(seeds.generate_state(1)[0]))
                if (found := self._ask(number)) is not None:
                    return found
        return self._from_those_left(number)

    def _ask(self, number: int) -> tuple[FrozenJob, optuna.Trial] | None:
        """Return what Optuna proposes; None if it was tried before, or `only` excludes it."""
        trial = self.study.ask({one.name: one.distribution for one in self.dimensions})
        varying = proposal_overrides(self.dimensions, trial.params)
        job = None if tuple(varying.values()) in self._tried else self.freeze(number, varying)
        if job is None:
            self.study.tell(trial, state=TrialState.FAIL)  # which samplers pass over
            return None
        note_job(trial, job)
        self.note_tried([job])
        return job, trial

    def _from_those_left(self, number: int) -> tuple[FrozenJob, optuna.Trial] | None:
        """Return one of the combinations that were not tried: of a grid the next, otherwise any."""
        if prod(one.size for one in self.dimensions) > MOST_LISTED:
            raise ConfigError(
                f"only: excludes all of {MOST_REJECTED} proposals in a row, or they were tried before; take a wider "
                "condition, or narrower ranges"
            )
        left = self._untried()
        if self.kind is not Search.grid:
            listed = list(left)
            np.random.default_rng([self.seed, number]).shuffle(listed)
            left = iter(listed)
        for proposal in left:
            self.study.enqueue_trial(dict(proposal))
            if (found := self._ask(number)) is not None:
                return found
        return None

    def _untried(self) -> Iterator[Proposal]:
        names = [one.name for one in self.dimensions]
        for values in product(*(one.values() for one in self.dimensions)):
            proposal = dict(zip(names, values, strict=True))
            if tuple(proposal_overrides(self.dimensions, proposal).values()) not in self._tried:
                yield proposal

    def again(self, job: FrozenJob, params: Proposal) -> optuna.Trial:
        """Return a new trial of a job that has failed: Optuna does not open an ended one again."""
        self.study.enqueue_trial(dict(params))
        trial = self.study.ask({one.name: one.distribution for one in self.dimensions})
        note_job(trial, job)
        return trial
