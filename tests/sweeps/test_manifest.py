"""A frozen job is restored exactly, through Hydra's grammar and through JSON, whatever its values."""

from pathlib import Path
from typing import Any

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given
from hypothesis import strategies as st

from mlplab.sweeps.manifest import FrozenJob, Manifest, command_digest, determining_overrides

values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.lists(st.integers(1, 1000), min_size=1, max_size=4),
    st.text(st.characters(codec="ascii", exclude_characters="$", exclude_categories=["Cc"])),
)


@given(values)
def test_every_value_survives_hydras_grammar(value: Any) -> None:
    job = FrozenJob(0, "name", {}, {"key": value})
    (override,) = OverridesParser.create().parse_overrides(job.overrides())
    parsed = override.value()
    assert getattr(parsed, "text", parsed) == value


def test_a_manifest_survives_json() -> None:
    job = FrozenJob(3, "relu", {"activation": "relu"}, {"hidden_sizes": [5, 4], "seed": 1, "iterations": None})
    manifest = Manifest("id", ["activation=relu"], str(Path("/x")), [job])
    assert Manifest.from_json(manifest.to_json()) == manifest


@pytest.mark.parametrize("aside", ["resume=true", "retry=2", "fail_fast=true", "tracking.uri=http://user:pw@host"])
def test_how_and_where_to_run_is_not_part_of_the_command(aside: str) -> None:
    typed = ["activation=relu,tanh", "seed=1,2"]
    assert determining_overrides([*typed, aside]) == typed
    assert command_digest([aside, *typed]) == command_digest(typed)


def test_another_order_of_the_axes_is_another_command() -> None:
    assert command_digest(["a=1,2", "b=1,2"]) != command_digest(["b=1,2", "a=1,2"])
