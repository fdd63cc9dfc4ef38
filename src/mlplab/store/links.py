"""Links to MLflow's own page: of a run, an artifact, a sweep's curves; and the command that serves the page."""

import shlex
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlencode

from mlplab.commands import typed_command
from mlplab.paths import CHECKOUT
from mlplab.schema import SWEEP_TAG
from mlplab.serving import USUAL_PORT, served_port
from mlplab.store.uri import DEFAULT_URI, is_server, public, sqlite_path

_MODE = {"workflowType": "machine_learning"}  # without it MLflow's page opens in its mode for language models


@dataclass(frozen=True)
class Links:
    """Of one experiment in the store at ``uri``."""

    uri: str
    experiment_id: str

    def run_page(self, run_id: str) -> str:
        """Return the address of one run."""
        return self._page(f"runs/{run_id}")

    def artifact_page(self, run_id: str, name: str) -> str:
        """Return the address that shows an artifact of a run."""
        return self._page(f"runs/{run_id}/artifacts/{name}")

    def version_page(self, model: str, number: str) -> str:
        """Return the address of one version of a registered model."""
        return f"{self._base}/#/models/{quote(model, safe='')}/versions/{number}"

    def sweep_page(self, sweep: str) -> str:
        """Return the address that shows the curves of all members of a sweep, overlaid."""
        return self._page("runs", searchFilter=f"tags.{SWEEP_TAG} = '{sweep}'", compareRunsMode="CHART")

    def within_page(self, address: str) -> str:
        """Return the address as MLflow's page links within itself, wherever it is served."""
        return "#" + address.partition("#")[2]

    def _page(self, path: str, **query: str) -> str:
        asked = urlencode({**query, **_MODE}, quote_via=quote)
        return f"{self._base}/#/experiments/{self.experiment_id}/{path}?{asked}"

    @property
    def _base(self) -> str:
        base = public(self.uri) if is_server(self.uri) else f"http://127.0.0.1:{self._served_port or USUAL_PORT}"
        return base.rstrip("/")

    def ui_command(self) -> str | None:
        """Return the command that serves MLflow's page of this store; None where a server does already."""
        if is_server(self.uri):
            return None
        if self.uri != DEFAULT_URI:
            return f"mlflow ui --backend-store-uri {shlex.quote(self.uri)}"
        if CHECKOUT is None:
            return typed_command("ui")
        return "make ui" if Path.cwd() == CHECKOUT else f"make -C {shlex.quote(str(CHECKOUT))} ui"

    @property
    def is_served(self) -> bool:
        """Whether a server, or a command on this machine, serves MLflow's page of this store now."""
        return is_server(self.uri) or self._served_port is not None

    @property
    def _served_port(self) -> int | None:
        path = sqlite_path(self.uri)
        return None if path is None else served_port(Path(path))
