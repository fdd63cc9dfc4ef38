"""Saves a trained network of anybody's: as a graph where PyTorch can export it, else as its state with its code."""

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mlplab.data import Dataset
from mlplab.engines.own_engine import OwnEngine
from mlplab.engines.own_module import save_state
from mlplab.errors import error_in_words
from mlplab.network_config import TARGET
from mlplab.run.model_form import form_of, whole_or_none
from mlplab.schema import MODEL, MODEL_STATE
from mlplab.tracking import model

log = logging.getLogger(__name__)


def save_own_model(folder: Path, network: Mapping[str, Any], engine: OwnEngine, dataset: Dataset) -> None:
    """Create ``folder/model``, or where the network cannot be exported ``folder/model_state``, and warn of that.

    Raises:
        OSError: the disk is full, for example; nothing is left.
    """
    logits, form = engine.logits_of_rows(dataset.scaling), form_of(dataset)
    try:
        with whole_or_none(folder / MODEL):
            model.save_torch(folder / MODEL, logits, dataset.inputs, form)
            model.require_same_classes(folder / MODEL, logits, dataset.inputs, form.dtype)
    except OSError:
        raise
    except Exception as error:  # whatever the exporter meets in somebody's code
        reason = error_in_words(error)
        log.warning(
            "the network cannot be exported as a graph (%s): %s/ has its state and its code instead of model/",
            reason,
            MODEL_STATE,
        )
        _save_state(folder / MODEL_STATE, network, engine, dataset, reason)


def _save_state(folder: Path, network: Mapping[str, Any], engine: OwnEngine, dataset: Dataset, reason: str) -> None:
    with whole_or_none(folder):
        folder.mkdir()
        coding = dataset.coding
        sources = save_state(folder, network[TARGET], engine.trained())
        facts = {
            "network": dict(network),
            "classes": dataset.classes,
            "image_shape": dataset.channels_first,
            "scaling": asdict(dataset.scaling),
            **({} if coding is None else {"rows": coding.rows.settings(), "labels": coding.labels}),
        }
        (folder / "network.json").write_text(json.dumps(facts, indent=1), encoding="utf-8")
        card = (
            f"The network cannot be exported as a graph: {reason}\n\n"
            "- `state.pt`: parameters and buffers, for `module.load_state_dict(torch.load('state.pt'))`\n"
            "- `network.json`: the class, its arguments, what the data gave, and how its rows were coded and scaled\n"
            f"- `code/`: {', '.join(sources)}\n"
        )
        (folder / "README.md").write_text(card, encoding="utf-8")
