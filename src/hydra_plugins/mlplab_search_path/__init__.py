"""The plugin that lets Hydra look for presets in the user's own conf/ first, where mlplab is installed."""

from hydra.core.config_search_path import ConfigSearchPath
from hydra.plugins.search_path_plugin import SearchPathPlugin


class OwnConfFirst(SearchPathPlugin):
    """Puts people's own conf/ before the packaged one."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        from mlplab.paths import CONF, conf_folders  # Hydra loads every plugin for every command

        is_ours = any(element.path == str(CONF) for element in search_path.get_path())
        for folder in conf_folders():
            if is_ours and folder != CONF:  # an application of another package has presets of its own
                search_path.prepend("mlplab", str(folder), anchor="main")
