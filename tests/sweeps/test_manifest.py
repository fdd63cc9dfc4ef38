"""A frozen job is restored exactly, through Hydra's grammar and through JSON, whatever its values."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mlplab.errors import ConfigError, ManifestError
from mlplab.network_config import check_network
from mlplab.sweeps.manifest import FrozenJob, Manifest, command_digest, determining_overrides

values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.lists(st.integers(1, 1000), min_size=1, max_size=4),
    st.text(st.characters(codec="ascii", exclude_characters="$", exclude_categories=["Cc"])),
)


scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_characters="$", exclude_categories=["Cc", "Cs"])),
)  # fmt: skip
names = st.from_regex(r"[A-Za-z_][A-Za-z_0-9]{0,5}", fullmatch=True)
nested = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3), max_leaves=8
)


def plain(value: Any) -> Any:
    """Return a value of Hydra's grammar without its marks of quotation."""
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    return getattr(value, "text", value)


@settings(deadline=None)  # Hydra's parser is slow at first
@given(nested)
def test_every_argument_of_a_network_survives_hydras_grammar(value: Any) -> None:
    try:
        check_network({"_target_": "my_net.MyNet", "width": value})
    except ConfigError:  # of a name, such as null, that the grammar reads as a value
        assume(False)
    job = FrozenJob(0, "name", {}, {"network.width": value})
    (override,) = OverridesParser.create().parse_overrides(job.overrides())
    assert plain(override.value()) == value


@given(values)
def test_every_value_survives_hydras_grammar(value: Any) -> None:
    job = FrozenJob(0, "name", {}, {"key": value})
    (override,) = OverridesParser.create().parse_overrides(job.overrides())
    parsed = override.value()
    assert getattr(parsed, "text", parsed) == value


JOB = FrozenJob(3, "relu", {"activation": "relu"}, {"hidden_sizes": [5, 4], "seed": 1, "iterations": None})
MANIFEST = Manifest("id", ["activation=relu"], str(Path("/x")), [JOB])


def test_a_manifest_survives_json() -> None:
    assert Manifest.from_json(MANIFEST.to_json()) == MANIFEST


@pytest.mark.parametrize("keep", [0, 1, 50, -1])
def test_a_truncated_manifest_is_named(keep: int) -> None:
    with pytest.raises(ManifestError, match="is damaged"):
        Manifest.from_json(MANIFEST.to_json()[:keep])


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (lambda _: [], "it is no object"),
        (lambda _: "text", "it is no object"),
        (lambda it: {**it, "jobs": {}}, "it has jobs={}"),
        (lambda it: {**it, "jobs": []}, "it has no job"),
        (lambda it: {**it, "jobs": [3]}, "job 0 is no object"),
        (lambda it: {**it, "sweep": None}, "it has sweep=None"),
        (lambda it: {**it, "lease": 1, "colour": 2}, "it has the unknown colour, lease"),
        (lambda it: {key: it[key] for key in ("jobs", "command", "folder")}, "it lacks sweep"),
        (lambda it: {**it, "jobs": [{**it["jobs"][0], "lease": 1}]}, "job 0 has the unknown lease"),
        (lambda it: {**it, "jobs": [{"number": 3}]}, "job 0 lacks config, name, varying"),
        (lambda it: {**it, "jobs": [{**it["jobs"][0], "number": "3"}]}, "job 0 has number='3'"),
    ],
)
def test_a_damaged_manifest_says_what_is_wrong_with_it(damage: Callable[[dict[str, Any]], Any], named: str) -> None:
    damaged = json.dumps(damage(json.loads(MANIFEST.to_json())))
    with pytest.raises(ManifestError, match=f"is damaged.*{named}"):
        Manifest.from_json(damaged)


@pytest.mark.parametrize("aside", ["resume=true", "retry=2", "fail_fast=true", "tracking.uri=http://user:pw@host"])
def test_how_and_where_to_run_is_not_part_of_the_command(aside: str) -> None:
    typed = ["activation=relu,tanh", "seed=1,2"]
    assert determining_overrides([*typed, aside]) == typed
    assert command_digest([aside, *typed]) == command_digest(typed)


def test_another_order_of_the_axes_is_another_command() -> None:
    assert command_digest(["a=1,2", "b=1,2"]) != command_digest(["b=1,2", "a=1,2"])


@pytest.mark.parametrize("another", ["only='seed<2'", "zip=[a,b]"])
def test_how_a_sweep_is_made_up_is_part_of_the_command(another: str) -> None:
    typed = ["a=1,2", "b=1,2"]
    assert determining_overrides([*typed, another]) == [*typed, another]
    assert command_digest([*typed, another]) != command_digest(typed)
