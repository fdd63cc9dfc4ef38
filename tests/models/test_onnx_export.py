"""An ONNX file answers what the model answers, or is not written."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pandas as pd
import pytest

from conftest import PROJECT
from mlplab.config import Activation, Engine
from mlplab.errors import UserError
from mlplab.models import onnx_export
from mlplab.models.loading import LoadedModel
from mlplab.models.onnx_export import TOLERANCE, export_onnx, require_onnx
from mlplab.models.row_forms import form_of_model
from mlplab.run.model_file import save_model
from mlplab.scratch.initializers import INITIALIZERS, initialize
from mlplab.tracking.model import load_model
from models.conftest import FORMS

NOT_IN_FLOAT64 = {Activation.leaky_relu, Activation.elu, Activation.gelu}  # in ONNX Runtime
RNG = np.random.default_rng(0)
ROWS: dict[str, Any] = {
    "digits": RNG.integers(0, 256, (1_200, 28, 28), dtype=np.uint8),
    "colour": RNG.integers(0, 256, (50, 12, 9, 3), dtype=np.uint8),
    "numbers": RNG.normal(size=(50, 4)).astype(np.float32),
    "table": pd.DataFrame({"strength": RNG.choice(["light", "strong", "new"], 50), "alcohol": RNG.normal(13, 1, 50)}),
}


@pytest.mark.slow  # half a minute: PyTorch's exporter, nine times
@pytest.mark.parametrize("engine", Engine)
@pytest.mark.parametrize("name", ROWS)
def test_every_engines_models_answer_alike(
    tmp_path: Path, loaded: Callable[..., LoadedModel], name: str, engine: Engine
) -> None:
    model, path = loaded(name, engine), tmp_path / "model.onnx"
    agreement = export_onnx(model, ROWS[name], path)
    assert agreement.rows == len(ROWS[name])
    assert agreement.largest <= TOLERANCE
    session = onnxruntime.InferenceSession(path)
    facts = session.get_modelmeta().custom_metadata_map
    assert json.loads(facts["classes"]) == list(model.classes)
    assert ("inputs" in facts) == (name == "table")
    (rows,) = session.get_inputs()
    assert (rows.name, rows.shape[0]) == ("rows", "N")
    assert [output.name for output in session.get_outputs()] == ["class_index", "probabilities"]
    assert [file.name for file in tmp_path.iterdir()] == ["model.onnx"]


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("activation", Activation)
def test_every_activation_leaves_alike_or_is_refused(tmp_path: Path, activation: Activation, dtype: type) -> None:
    form, inputs, scaling = FORMS["small digits"]
    drawn = initialize(INITIALIZERS["pytorch"], np.random.default_rng(0), [inputs, 30, 10])
    layers = [(W.astype(dtype), b.astype(dtype)) for W, b in drawn]
    save_model(tmp_path / "model", Engine.numpy, activation, layers, scaling, form)
    saved = load_model(tmp_path / "model")
    model = LoadedModel("it", saved, form_of_model(saved.metadata), form.labels, tmp_path / "model")
    rows = RNG.integers(0, 17, (100, 64), dtype=np.uint8)
    if dtype is np.float64 and activation in NOT_IN_FLOAT64:
        with pytest.raises(UserError, match=r"^format=onnx: ONNX cannot have this network \(NotImplemented: "):
            export_onnx(model, rows, tmp_path / "model.onnx")
        return
    assert export_onnx(model, rows, tmp_path / "model.onnx").largest <= TOLERANCE


@pytest.mark.slow
def test_the_numbers_of_a_tables_row_are_named(tmp_path: Path, loaded: Callable[..., LoadedModel]) -> None:
    export_onnx(loaded("table"), ROWS["table"], tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    names = json.loads(session.get_modelmeta().custom_metadata_map["inputs"])
    assert names == ["alcohol", "strength=light", "strength=strong"]
    rows = np.array([[13.0, 0.0, 1.0]])
    _, (probabilities,) = session.run(None, {"rows": rows})
    (expected,) = loaded("table").predict(pd.DataFrame({"alcohol": [13.0], "strength": ["strong"]}))["probabilities"]
    np.testing.assert_allclose(probabilities, list(expected.values()), atol=TOLERANCE)


class ShuffledModel:
    """A model that answers to the rows in another order."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def predict(self, rows: Any, params: Any) -> Any:
        return self._model.predict(rows[::-1].copy(), params=params)


@pytest.mark.slow
def test_a_file_that_answers_otherwise_is_not_left(tmp_path: Path, loaded: Callable[..., LoadedModel]) -> None:
    other = replace(loaded("digits"), model=ShuffledModel(loaded("digits").model))
    with pytest.raises(UserError) as raised:
        export_onnx(other, ROWS["digits"], tmp_path / "model.onnx")
    assert str(raised.value).startswith(
        "format=onnx: ONNX Runtime answers otherwise than the model, from row 0 of the test set on (probabilities "
    )
    assert str(raised.value).endswith("; nothing was written")
    assert not list(tmp_path.iterdir())


def test_a_network_that_onnx_cannot_have_is_one_message(
    tmp_path: Path, loaded: Callable[..., LoadedModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("no such operator\nat line 7")

    monkeypatch.setattr("mlplab.engines.onnx_graph.write_onnx", refuse)
    with pytest.raises(UserError) as raised:
        export_onnx(loaded("digits"), ROWS["digits"], tmp_path / "model.onnx")
    assert str(raised.value) == (
        "format=onnx: ONNX cannot have this network (RuntimeError: no such operator); nothing was written"
    )
    assert not list(tmp_path.iterdir())


def test_a_file_that_exists_is_kept(tmp_path: Path, loaded: Callable[..., LoadedModel]) -> None:
    path = tmp_path / "model.onnx"
    path.write_text("mine")
    with pytest.raises(UserError, match=r"^out=.*model.onnx: exists already; remove it, or choose another name$"):
        export_onnx(loaded("digits"), ROWS["digits"], path)
    assert path.read_text() == "mine"


def test_without_its_packages_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    require_onnx()
    monkeypatch.setattr(onnx_export, "_LIBRARIES", ("onnx", "no_such_package"))
    with pytest.raises(UserError) as raised:
        require_onnx()
    assert str(raised.value) == "format=onnx: needs no_such_package; install it with `pip install '.[onnx]'`"


@pytest.mark.slow
def test_the_lines_of_the_documentation_use_the_file(
    tmp_path: Path,
    loaded: Callable[..., LoadedModel],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (lines,) = re.findall(r"```python\n(.*?)```", (PROJECT / "docs" / "serving.md").read_text(encoding="utf-8"), re.S)
    export_onnx(loaded("digits"), ROWS["digits"], tmp_path / "model.onnx")
    monkeypatch.chdir(tmp_path)
    exec(lines, {})
    (answer,) = loaded("digits").predict(np.zeros((1, 784), np.uint8)).to_dict("records")
    name, probability = capsys.readouterr().out.split()
    assert int(name) == answer["class"]
    assert float(probability) == pytest.approx(max(answer["probabilities"].values()), abs=TOLERANCE)
