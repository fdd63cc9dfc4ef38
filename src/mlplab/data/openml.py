"""A data set of openml.org, by its number: downloaded by scikit-learn, and kept below data.root."""

import http.client
import warnings
from pathlib import Path
from urllib.error import URLError

from mlplab.data.acquire import DataUnavailableError, make_root, network_timeout
from mlplab.data.source import Loaded
from mlplab.data.table import tabular
from mlplab.data_config import DataConfig
from mlplab.errors import DataError


def has_openml(config: DataConfig, root: Path) -> bool:
    """Tell whether scikit-learn has kept the data set below ``root``."""
    return any((root / "openml").rglob(f"data/{config.dataset_id}.gz"))


def read_openml(config: DataConfig, root: Path) -> Loaded:
    """Return data set number ``data.dataset_id``; it predicts the column ``data.label``, or that which OpenML names.

    Raises:
        DataUnavailableError: it is not below ``root`` and cannot be downloaded.
        DataError: there is no such data set, or its table is not what it must be.
    """
    from sklearn.datasets import fetch_openml  # takes a second to import

    number = config.dataset_id
    assert number is not None
    key = f"data.dataset_id={number}"
    make_root(root)
    try:
        with network_timeout(), warnings.catch_warnings():
            for said in ("Invalid cache", "A network error"):  # it tries again
                warnings.filterwarnings("ignore", said)
            fetched = fetch_openml(
                data_id=number, target_column=config.label or "default-target", data_home=str(root),
                as_frame=True, parser="auto",
            )  # fmt: skip
    except (URLError, ConnectionError, TimeoutError, http.client.HTTPException) as error:
        raise DataUnavailableError(
            f"{key}: is not below {root}/openml and cannot be downloaded ({getattr(error, 'reason', error)}); "
            "copy that folder from a machine that has it"
        ) from error
    except (ValueError, KeyError, ImportError, EOFError) as error:
        raise DataError(f"{key}: cannot be read ({' '.join(str(error).split())}); take another data set") from error
    labels = fetched.target_names
    if len(labels) != 1:
        raise DataError(f"{key}: OpenML names {len(labels)} columns to predict; name one: data.label=COLUMN")
    title = f"{fetched.details['name']} (OpenML {number})"
    return tabular(title, ("http", {"url": fetched.url}), fetched.frame, labels[0], config, title)
