"""The validation split of a training set."""

import numpy as np

from mlplab.data.source import Contents, Raw
from mlplab.data_config import DataConfig
from mlplab.errors import ConfigError


def split_training_set(contents: Contents, config: DataConfig, rng: np.random.Generator) -> tuple[Raw, Raw | None]:
    """Draw the validation split, then the training split from the rest; both keep the file's order.

    Args:
        contents: all rows, perhaps with a validation split of their own.
        config: how many rows each split has.
        rng: draws them.

    Returns:
        The training split, and the validation split, if there is one.

    Raises:
        ConfigError: the splits need more rows than the training set has.
    """
    train = contents.train
    if contents.val is not None and config.val_size:
        raise ConfigError(
            f"data.val_size={config.val_size}: the data has a validation set of its own; leave data.val_size out"
        )
    available = len(train.labels)
    wanted = available - config.val_size if config.train_size is None else config.train_size
    if wanted < 1 or wanted + config.val_size > available:
        raise _too_many_rows(config, available)
    if wanted == available:
        return train, contents.val
    order = rng.permutation(available)
    val_rows = np.sort(order[: config.val_size])
    train_rows = np.sort(order[config.val_size :][:wanted])
    return train.take(train_rows), train.take(val_rows) if config.val_size else contents.val


def _too_many_rows(config: DataConfig, available: int) -> ConfigError:
    """Return the error of splits that need more rows than the training set has, with sizes that fit."""
    sizes = {"data.train_size": config.train_size, "data.val_size": config.val_size or None}
    asked = {key: size for key, size in sizes.items() if size is not None}
    val = config.val_size if config.val_size < available else available // 5
    train = available - val if config.train_size is None else min(config.train_size, available - val)
    fitting = {"data.train_size": train, "data.val_size": val}
    remedy = ", ".join(f"{key}={size}" for key, size in fitting.items() if key in asked and size != asked[key])
    return ConfigError(
        f"{', '.join(f'{key}={size}' for key, size in asked.items())}: the training set has {available:,} rows, of "
        f"which training needs at least 1; {remedy} would fit"
    )
