"""How a value of the config is refused: one message with key, value and remedy."""

from mlplab.errors import ConfigError


def require(key: str, value: object, holds: bool, remedy: str) -> None:
    """Raise ConfigError unless ``holds``; ``remedy`` says what the key takes."""
    if not holds:
        raise ConfigError(f"{key}={value}: {remedy}")
