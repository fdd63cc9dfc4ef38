"""The weights of a saved network, read as data: nothing that a store holds is executed or unpickled.

A scratch network has them in ``weights.npz``. PyTorch's archive (``.pt2``) is a zip file with the bytes of every
tensor and a table of names, types and shapes in JSON; ``torch.export.load`` would also rebuild the graph, whose
symbolic sizes are expressions to evaluate. A network that could not be exported has ``state.pt``, which ``torch.load``
reads with ``weights_only=True``.
"""

import json
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Weights = dict[str, NDArray[Any]]

# PyTorch's numbers of the types of elements, as its archive has them.
_DTYPES = {1: "u1", 2: "i1", 3: "<i2", 4: "<i4", 5: "<i8", 6: "<f2", 7: "<f4", 8: "<f8", 12: "?"}
_TABLE = "data/weights/model_weights_config.json"
_LINEAR = re.compile(r"network\.(\d+)\.(weight|bias)")


class UnreadableWeightsError(Exception):
    """The weights cannot be had; the message says why."""


def read_weights(folder: Path) -> Weights:
    """Return the weights of the network saved in a folder, by name.

    Of an mlp they are, whichever engine saved it, ``W1`` (I, O), ``b1`` (O,), ``W2``, ...; of another network what it
    calls its parameters and buffers.

    Raises:
        UnreadableWeightsError: there are none, or in another format.
    """
    readers = {"weights.npz": _read_arrays, "*.pt2": _read_archive, "state.pt": _read_state}
    for pattern, read in readers.items():
        for file in sorted(folder.rglob(pattern)):
            try:
                return read(file)
            except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
                raise UnreadableWeightsError(f"{file.name} is damaged, or of another format ({error})") from error
    raise UnreadableWeightsError("the run has saved no model whose weights can be read")


def _read_arrays(file: Path) -> Weights:
    with np.load(file, allow_pickle=False) as stored:
        count = len(stored.files) // 2
        return {f"{kind}{layer + 1}": stored[f"{kind}{layer}"] for layer in range(count) for kind in "Wb"}


def _read_archive(file: Path) -> Weights:
    with zipfile.ZipFile(file) as archive:
        (table,) = [name for name in archive.namelist() if name.endswith(_TABLE)]
        root = table.removesuffix(_TABLE)
        if archive.read(f"{root}byteorder") != b"little":
            raise ValueError("its bytes are in another order")
        folder = table.rpartition("/")[0]
        entries = json.loads(archive.read(table))["config"]
        tensors = {
            name: _tensor(entry, archive.read(f"{folder}/{entry['path_name']}")) for name, entry in entries.items()
        }
    return _as_mlp(tensors)


def _tensor(entry: Mapping[str, Any], data: bytes) -> NDArray[Any]:
    meta = entry["tensor_meta"]
    if entry["use_pickle"] or meta["dtype"] not in _DTYPES:
        raise ValueError("a tensor is no plain array")
    dtype = np.dtype(_DTYPES[meta["dtype"]])
    shape, strides = (tuple(size["as_int"] for size in meta[key]) for key in ("sizes", "strides"))
    offset = meta["storage_offset"]["as_int"]
    if min((offset, *shape, *strides)) < 0:
        raise ValueError("a tensor begins before its bytes")
    flat = np.frombuffer(data, dtype)[offset:]
    last = sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
    if 0 not in shape and last >= len(flat):
        raise ValueError("a tensor is cut off")
    steps = tuple(stride * dtype.itemsize for stride in strides)
    return np.lib.stride_tricks.as_strided(flat, shape, steps).copy()


def _as_mlp(tensors: Weights) -> Weights:
    """Return the linear layers of an mlp as the scratch network has them; another network's tensors as they are."""
    if not all(_LINEAR.fullmatch(name) for name in tensors if name not in ("mean", "std")):
        return tensors
    layers = sorted({int(name.split(".")[1]) for name in tensors if _LINEAR.fullmatch(name)})
    weights: Weights = {}
    for number, layer in enumerate(layers, start=1):
        weights[f"W{number}"] = tensors[f"network.{layer}.weight"].T
        weights[f"b{number}"] = tensors[f"network.{layer}.bias"]
    return weights


def _read_state(file: Path) -> Weights:
    import pickle

    import torch

    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError) as error:
        raise ValueError(str(error).splitlines()[0]) from error
    return {str(name): tensor.detach().numpy() for name, tensor in state.items()}
