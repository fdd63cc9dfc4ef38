"""Serve a trained model to this machine: MLflow's scoring server, and a page to draw a digit on.

  python src/serve.py                                       the best of the last sweep
  python src/serve.py beside=runner-up                      and the runner-up, side by side
  python src/serve.py model=champion                        the champion of the registered model
  python src/serve.py model=ID beside=ID                    these runs

  port=5051              the page's port; 0: any that is free
  tracking.experiment=mlplab  MLflow's experiment           tracking.uri=URI  of the store or server; the default is
                                                                              MLFLOW_TRACKING_URI, or ./mlflow.db

Open the address that it prints. A model is what `model=` names: best, runner-up, a sweep's id (its best), a run's id
or how it begins, champion, NAME@champion, models:/NAME/VERSION, runs:/ID/model. Only what this project saved is
loaded. Ctrl-C ends it.
"""

import json
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Optional

from mlplab import environment, signals
from mlplab.app.options import StoreOptions, parse_options, store_uri
from mlplab.app.watch import HIGHEST_PORT
from mlplab.commands import as_typed
from mlplab.errors import ConfigError
from mlplab.terminal import say

if TYPE_CHECKING:
    from mlplab.models.finding import FoundModel
    from mlplab.models.loading import LoadedModel
    from mlplab.store.store import Store


@dataclass
class ServeOptions:
    """What is typed: see the help above."""

    model: str = "best"
    beside: Optional[str] = None  # noqa: UP045 - OmegaConf 2.3 reads Optional, not `str | None`
    port: int = 5051
    tracking: StoreOptions = field(default_factory=StoreOptions)


def main() -> None:
    """Run the command with what was typed."""
    environment.prepare_command()
    from mlplab.app import commandline

    commandline.run_command(lambda: _serve_models(sys.argv[1:]))


def _serve_models(arguments: Sequence[str]) -> None:
    """Serve until a signal arrives.

    Raises:
        ConfigError: an argument is wrong, or there is no such model.
        StoreError: the store does not answer, or a model is not what its run saved.
    """
    if {"-h", "--help"} & set(arguments):
        say(as_typed(str(__doc__)))
        return
    options = parse_options(ServeOptions, arguments, {})
    if not 0 <= options.port <= HIGHEST_PORT:
        raise ConfigError(f"port={options.port}: takes a whole number from 0 to {HIGHEST_PORT}")
    from mlplab.models.loading import loaded_model
    from mlplab.models.serving.model_server import bound_server
    from mlplab.store.store import find_store

    environment.imports_are_done()
    found = _find(find_store(store_uri(options.tracking.uri), options.tracking.experiment), options)
    with ExitStack() as stack:
        models = [stack.enter_context(loaded_model(each)) for each in found]
        _require_alike(models, options)
        server = stack.enter_context(bound_server(options.port))
        signals.install(announcing=False)  # there is nothing to save
        names = " beside ".join(model.name for model in models)
        say(f"{names}: {server.address} (Ctrl-C ends it)")
        server.serve(models, _page(models, server.address))


def _find(store: "Store", options: ServeOptions) -> "list[FoundModel]":
    from mlplab.models.finding import find_model

    found = [find_model(store, options.model)]
    if options.beside is not None:
        try:
            found.append(find_model(store, options.beside))
        except ConfigError as error:
            raise ConfigError(f"beside={str(error).removeprefix('model=')}") from error
    return found


def _require_alike(models: "Sequence[LoadedModel]", options: ServeOptions) -> None:
    one, *others = (model.form for model in models)
    for other in others:
        if (other.are_pixels or other) != (one.are_pixels or one):
            raise ConfigError(
                f"beside={options.beside}: takes {other.takes}, and model={options.model} takes {one.takes}; "
                "choose two that take the same"
            )


def _page(models: "Sequence[LoadedModel]", address: str) -> str:
    from mlplab.models.row_forms import ArrayForm
    from mlplab.page.models_page import AnsweringModel, render_asking_page, render_drawing_page

    answering = [AnsweringModel(model.name, f"models/{place}") for place, model in enumerate(models, 1)]
    form, classes = models[0].form, [str(name) for name in models[0].classes]
    if isinstance(form, ArrayForm) and form.are_pixels:
        assert form.image_shape is not None
        command = f"curl -H 'Content-Type: image/png' --data-binary @digit.png '{address}invocations?centred=true'"
        return render_drawing_page(answering, classes, form.image_shape, [command])
    example = _example(models[0])
    command = f"curl -H 'Content-Type: application/json' -d '{example}' {address}invocations"
    return render_asking_page(answering, form.takes, example, [command])


def _example(model: "LoadedModel") -> str:
    rows: Any = model.example()
    name = "inputs"
    if hasattr(rows, "columns"):
        name, rows = "dataframe_split", {"columns": list(rows.columns), "data": rows.values.tolist()}
    else:
        rows = rows.tolist()
    return json.dumps({name: rows, "params": {"probabilities": True}})
