"""MLflow: where runs are kept (``store``), a run's life (``run``), what it is (``identity``), its ``model``."""

import logging
import os

# Set here because MLflow reads some when it is imported, and every room of this folder imports it.
# MLflow's defaults wait four minutes for a dead server, and announce every schema step on the terminal.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

# Its warnings, one for every retry, would stand before the one message that says what is wrong.
logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)
