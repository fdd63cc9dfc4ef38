"""A run outside of a sweep that this process composes itself, without Hydra's own command line."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from hydra import compose, initialize_config_dir
from hydra.types import RunMode
from omegaconf import DictConfig, open_dict

from mlplab.app import startup
from mlplab.app.commandline import remove_output_folder
from mlplab.app.guest import logged_into
from mlplab.app.own_network import make_importable
from mlplab.errors import ConfigError
from mlplab.files import make_folder_with_room
from mlplab.paths import CONF

if TYPE_CHECKING:
    from mlplab.config import TrainConfig
    from mlplab.run.pipeline import Result


def compose_single(overrides: Sequence[str], instead: str) -> tuple[DictConfig, Path]:
    """Return the composed config of one run, without the part of Hydra, and its new output folder.

    Raises:
        ConfigError: it is a sweep; ``instead`` says what to do.
        HydraException: an override is wrong.
    """
    with initialize_config_dir(str(CONF), version_base="1.3"):
        composed = compose("train", list(overrides), return_hydra_config=True)
    if composed.hydra.mode is RunMode.MULTIRUN:
        raise ConfigError(f"experiment={composed.hydra.runtime.choices.experiment}: sweeps; {instead}")
    folder = Path(str(composed.hydra.run.dir))
    make_importable(composed.hydra.runtime.config_sources)
    with open_dict(composed):
        del composed["hydra"]
    return composed, folder


def carry_out_single(
    settings: "TrainConfig", folder: Path, more_tags: Mapping[str, str] = MappingProxyType({})
) -> "Result":
    """Carry out the run in its output folder, and log into a file there. Raises UserError."""
    make_folder_with_room(folder)
    try:
        with logged_into(folder):
            return startup.start_run(settings, folder, more_tags=more_tags)
    except BaseException:
        remove_output_folder(folder)  # unless the run began
        raise
