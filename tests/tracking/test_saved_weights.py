"""The weights of every saved network are read as data, and nothing that lies beside them is run."""

import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from mlplab.config import Activation, DType
from mlplab.config import Engine as EngineName
from mlplab.data import Scaling
from mlplab.run.model_file import save_model
from mlplab.scratch.initializers import INITIALIZERS, initialize
from mlplab.tracking.model import RowForm
from mlplab.tracking.saved_weights import UnreadableWeightsError, read_weights

SIZES = [12, 7, 5, 3]
FORM = RowForm(np.zeros((2, 12), np.uint8), (12,), np.uint8, [0, 1, 2], None)


def layers(dtype: str) -> list[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]:
    rng = np.random.default_rng(0)
    drawn = initialize(INITIALIZERS["pytorch"], rng, SIZES)
    return [(W.astype(dtype), rng.normal(size=b.shape).astype(dtype)) for W, b in drawn]


@pytest.mark.parametrize("dtype", DType)
@pytest.mark.parametrize("engine", EngineName)
def test_the_weights_of_an_mlp_are_those_that_were_saved(tmp_path: Path, engine: EngineName, dtype: DType) -> None:
    own = layers(dtype)
    save_model(tmp_path / "model", engine, Activation.relu, own, Scaling(16.0, (0.5,) * 12, (2.0,) * 12), FORM)
    read = read_weights(tmp_path)
    expected = {f"{kind}{i}": array for i, pair in enumerate(own, 1) for kind, array in zip("Wb", pair, strict=True)}
    assert list(read) == list(expected)
    for name, array in expected.items():
        assert read[name].dtype == dtype
        np.testing.assert_array_equal(read[name], array)


def test_a_state_is_read_by_the_names_of_its_parameters(tmp_path: Path) -> None:
    module = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    torch.save(module.state_dict(), tmp_path / "state.pt")
    read = read_weights(tmp_path)
    assert set(read) == set(module.state_dict())
    np.testing.assert_array_equal(read["0.weight"], module[0].weight.detach().numpy())


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return (pytest.fail, ("a pickle of the store was executed",))


@pytest.mark.parametrize("name", ["weights.npz", "state.pt", "model.pt2"])
def test_a_file_that_would_run_code_is_refused_with_the_reason(tmp_path: Path, name: str) -> None:
    if name == "weights.npz":
        evil = np.empty(1, object)
        evil[0] = Evil()
        np.savez(tmp_path / name, W0=evil, b0=evil)
    elif name == "state.pt":
        torch.save({"weight": Evil()}, tmp_path / name)
    else:
        meta = {"dtype": 7, "sizes": [], "strides": [], "storage_offset": {"as_int": 0}}
        entry = {"path_name": "weight_0", "use_pickle": True, "tensor_meta": meta}
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.writestr("model/byteorder", "little")
            archive.writestr("model/data/weights/weight_0", pickle.dumps(Evil()))
            archive.writestr("model/data/weights/model_weights_config.json", json.dumps({"config": {"w": entry}}))
    with pytest.raises(UnreadableWeightsError, match=f"{name} is damaged, or of another format"):
        read_weights(tmp_path)


@pytest.mark.parametrize(
    ("size", "stride", "offset", "said"),
    [(9, 1, 0, "cut off"), (2, -1000, 0, "begins before"), (1, 1, -1, "begins before"), (1, 1, 5, "cut off")],
)
def test_an_archive_whose_tensor_is_cut_off_is_refused(
    tmp_path: Path, size: int, stride: int, offset: int, said: str
) -> None:
    numbers = {"sizes": [{"as_int": size}], "strides": [{"as_int": stride}], "storage_offset": {"as_int": offset}}
    meta = {"dtype": 7, **numbers}
    with zipfile.ZipFile(tmp_path / "model.pt2", "w") as archive:
        archive.writestr("model/byteorder", "little")
        archive.writestr("model/data/weights/weight_0", b"1234")
        entry = {"path_name": "weight_0", "use_pickle": False, "tensor_meta": meta}
        archive.writestr("model/data/weights/model_weights_config.json", json.dumps({"config": {"w": entry}}))
    with pytest.raises(UnreadableWeightsError, match=said):
        read_weights(tmp_path)


def test_without_a_model_there_are_no_weights(tmp_path: Path) -> None:
    with pytest.raises(UnreadableWeightsError, match="saved no model"):
        read_weights(tmp_path)
