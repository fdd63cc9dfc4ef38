"""Several comparisons are corrected for being several."""

import re
from pathlib import Path

import pytest

from mlplab.comparison.statistics import Difference
from mlplab.reproduction.family import Corrected, compare_family, holm

REPORT = Path(__file__).parents[2] / "docs" / "results.md"


@pytest.mark.parametrize(
    ("p_values", "corrected"),
    [
        # By hand: 0.01 x 3; 0.03 x 2; 0.04 x 1 is less than 0.06, which comes before it.
        ([0.01, 0.04, 0.03], [0.03, 0.06, 0.06]),
        # Example of Holm's definition for four: 0.005 x 4, 0.011 x 3, 0.02 x 2, 0.04 x 1.
        ([0.02, 0.005, 0.04, 0.011], [0.04, 0.02, 0.04, 0.033]),
        ([0.5, 0.9], [1.0, 1.0]),
        ([0.03], [0.03]),
        ([], []),
    ],
)
def test_holm_is_that_of_its_definition(p_values: list[float], corrected: list[float]) -> None:
    assert holm(p_values) == pytest.approx(corrected)


def test_a_difference_that_is_real_alone_may_be_noise_as_one_of_several() -> None:
    real = [0.90, 0.91, 0.92], [0.87, 0.88, 0.885]
    alike = [0.90, 0.91, 0.92], [0.90, 0.91, 0.921]
    alone = compare_family({"it": real})["it"]
    among = compare_family({"it": real, **{str(i): alike for i in range(9)}})["it"]
    assert alone.difference == among.difference
    assert alone.is_real
    assert alone.p == alone.difference.p
    assert not among.is_real
    assert among.p == pytest.approx(10 * among.difference.p)  # type: ignore[operator]


def test_what_has_no_test_is_not_counted() -> None:
    found = compare_family({"one seed": ([0.9], [0.8]), "three": ([0.9, 0.91, 0.92], [0.8, 0.81, 0.83])})
    assert found["one seed"].p is None
    assert str(found["one seed"]) == "+0.1000; with one seed nobody can tell whether that is more than noise"
    assert found["three"].p == found["three"].difference.p
    assert "as one of" not in str(found["three"])


def test_the_committed_report_is_corrected_as_the_code_does() -> None:
    """docs/results.md quotes each p-value alone; from these follow its corrected ones, and its conclusions."""
    text = REPORT.read_text(encoding="utf-8")
    number = r"([+-]?\d[\d.e-]*)"
    quoted = re.findall(rf"{number} ± {number}, [a-z ]+ \(Welch's t-test on the seeds, p = {number} alone, ", text)
    differences = [Difference(*map(float, values)) for values in quoted]
    assert len(differences) == 7
    corrected = holm([found.p for found in differences if found.p is not None])
    for found, p in zip(differences, corrected, strict=True):
        assert str(Corrected(found, p, 7)) in text
    assert [p < 0.05 for p in corrected] == [True, *[False] * 6]
