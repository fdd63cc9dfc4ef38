"""What a run again has shown: said, and kept with both runs."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from mlplab.config import Device
from mlplab.rerun.agreement import Agreement, Deviation, compare_points, compare_weights
from mlplab.rerun.differences import Difference
from mlplab.rerun.recorded import read_points, read_run_weights
from mlplab.schema import CERTIFICATE_TAG, CERTIFICATES
from mlplab.store.store import Store
from mlplab.tracking.saved_weights import UnreadableWeightsError


@dataclass(frozen=True)
class Certificate:
    """How far two runs are the same.

    Attributes:
        original: id of the run that was there.
        again: id of the other.
        tolerance: up to which difference they count as the same; 0: bit by bit.
        points: compared.
        weights: likewise; None where they cannot be had.
        without_weights: why not; empty otherwise.
        differences: what was another then.
        notes: what else is to be known.
    """

    original: str
    again: str
    tolerance: float
    points: Agreement
    weights: Agreement | None
    without_weights: str
    differences: Sequence[Difference]
    notes: Sequence[str]

    @property
    def is_exact(self) -> bool:
        """Whether everything that could be compared is equal bit by bit."""
        return self._holds(0.0)

    @property
    def holds(self) -> bool:
        """Whether everything that could be compared is the same within the tolerance."""
        return self._holds(self.tolerance)

    def _holds(self, tolerance: float) -> bool:
        return all(one.holds(tolerance) for one in (self.points, self.weights) if one is not None)

    @property
    def sentence(self) -> str:
        """The verdict."""
        what = "points" if self.weights is None else "points and weights"
        if self.is_exact:
            return f"the same: all {what} are equal bit by bit"
        if self.holds:
            return f"the same within {self.tolerance:g}: {what}, but not bit by bit"
        return "not the same" + (f" within {self.tolerance:g}" if self.tolerance else " bit by bit")

    @property
    def largest(self) -> float:
        """The largest difference of all numbers."""
        found = [one.largest for one in (self.points, self.weights) if one is not None]
        return max((one.difference for one in found if one is not None), default=0.0)

    def lines(self) -> list[str]:
        """Return the certificate as text."""
        rows = {"certificate": self.sentence, "original": f"run {self.original}", "again": f"run {self.again}"}
        lines = [*(_line(label, text) for label, text in rows.items()), *_agreement("points", "values", self.points)]
        if self.weights is None:
            lines.append(_line("weights", f"not compared: {self.without_weights}"))
        else:
            lines += _agreement("weights", "numbers", self.weights)
        if not self.is_exact:
            lines.append(_line("explained by", self._explanation()))
        return [*lines, *(_line("note", note) for note in self.notes)]

    def _explanation(self) -> str:
        reasons = [str(one) for one in self.differences if one.explains]
        return "; ".join(reasons) or "nothing that was recorded differs"

    def to_json(self) -> str:
        """Return all of it as JSON."""
        verdict = {"is_exact": self.is_exact, "holds": self.holds, "sentence": self.sentence}
        return json.dumps({**verdict, **asdict(self)}, indent=1)


def certify(
    store: Store,
    runs: tuple[str, str],
    tolerance: float,
    differences: Sequence[Difference] = (),
    notes: Sequence[str] = (),
    whole: bool = True,
) -> Certificate:
    """Compare two runs, the original and the other.

    Args:
        store: has both, whole.
        runs: their ids.
        tolerance: see :class:`Certificate`.
        differences: likewise.
        notes: likewise.
        whole: whether the original has finished: of one that was killed the points are compared that it has.

    Raises:
        StoreError: the store does not answer.
    """
    then, now = (read_points(store, run_id) for run_id in runs)
    points = compare_points(then, now, whole)
    weights, reason = None, "the original was killed, and has saved no model"
    if whole:
        try:
            weights, reason = compare_weights(*(read_run_weights(store, run_id) for run_id in runs)), ""
        except UnreadableWeightsError as error:
            reason = str(error)
    return Certificate(*runs, tolerance, points, weights, reason, differences, notes)


def keep_certificate(store: Store, certificate: Certificate) -> None:
    """Keep it with both runs: two artifacts, and a tag. Raises StoreError."""
    place = f"{CERTIFICATES}/{certificate.again}"
    text = "\n".join(certificate.lines()) + "\n"
    for run, other in ((certificate.original, certificate.again), (certificate.again, certificate.original)):
        with store.explaining():
            store.client.log_text(run, text, f"{place}.txt")
            store.client.log_text(run, certificate.to_json(), f"{place}.json")
            store.client.set_tag(run, CERTIFICATE_TAG, f"{certificate.sentence} (run {other})")


def _line(label: str, text: str) -> str:
    return f"  {label:<14} {text}"


def _agreement(label: str, kind: str, agreement: Agreement) -> Iterator[str]:
    missing = (("the original", agreement.only_then), ("the other", agreement.only_now))
    rest = "".join(f"; {count:,} only {who} has" for who, count in missing if count)
    yield _line(label, f"{agreement.equal:,} of {agreement.compared:,} {kind} are equal bit by bit{rest}")
    for which, deviation in (("first", agreement.first), ("largest", agreement.largest)):
        if deviation is not None:
            yield _line("", f"{which} difference: {_deviation_text(deviation)}")


def _deviation_text(found: Deviation) -> str:
    return f"{found.where}, {found.then!r} then, {found.now!r} now: {found.difference:.3g}"


def gpu_note(device: Device) -> list[str]:
    """Return what is to be known of a device that may add numbers in another order each time."""
    if device in (Device.cuda, Device.mps):
        return [f"device={device}: a GPU may add in another order each time, so that the last bits may differ"]
    return []
