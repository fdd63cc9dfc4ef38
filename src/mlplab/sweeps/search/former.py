"""A search goes on with the space that it began with."""

from collections.abc import Sequence

from mlplab.errors import ConfigError, ManifestError
from mlplab.schema import COMMAND_TAG, MANIFEST
from mlplab.store.store import Store
from mlplab.sweeps.manifest import Manifest, determining_overrides
from mlplab.tracking.identity import is_own


def require_no_other_space(store: Store, arguments: Sequence[str]) -> None:
    """Raise ConfigError if this user's last search has the same keys with other values: that one is not meant twice.

    Raises:
        StoreError: the store does not answer.
    """
    typed = determining_overrides(arguments)
    for run in store.search(f"tags.`{COMMAND_TAG}` != ''"):
        text = store.read_artifacts(run.info.run_id, MANIFEST)[0] if is_own(run.data.tags) else None
        try:
            manifest = None if text is None else Manifest.from_json(text)
        except ManifestError:  # whoever resumes that sweep is told
            continue
        if manifest is None or not manifest.space:
            continue
        if sorted(map(_key, manifest.command)) == sorted(map(_key, typed)):
            former = [one for one in manifest.command if one not in typed]
            raise ConfigError(
                f"resume=true: a search goes on with what it began with, and the last one, {manifest.sweep}, had "
                f"{' '.join(former)}; type that, or leave resume out for another search"
            )
        return


def _key(override: str) -> str:
    return override.lstrip("+").partition("=")[0]
