"""Errors that a user can cause and fix. A command prints the message without a traceback, and exits with status 1."""


class UserError(Exception):
    """Something outside the code is wrong. The message names the key or file, its value and the remedy."""


class ConfigError(UserError):
    """A key, type, choice or range in the config is wrong."""


class DataError(UserError):
    """A data set is missing, or one of its files is damaged."""


class UnusableHereError(DataError):
    """Data is not on this machine, or has no room in its memory; that of another may do."""


class StoreError(UserError):
    """The MLflow store cannot be reached, read or written."""


class DivergedError(UserError):
    """The loss became infinite or not a number."""


class CheckpointError(UserError):
    """The checkpoint of a run cannot be read."""


class ManifestError(UserError):
    """The manifest of a sweep cannot be read."""


class SkippedError(UserError):
    """A member of a sweep was skipped, because another one failed and fail_fast is set."""


class SweepError(UserError):
    """Members of a sweep failed, or the sweep cannot be resumed now."""


class StoreAwayError(StoreError):
    """The MLflow store does not answer now; what it was to get can be sent later."""


class JournalError(UserError):
    """The journal of a run is damaged."""


class ClaimedError(UserError):
    """Another process works on this run or sweep."""


class LostRunError(UserError):
    """Another process has taken this run over: this one must not write any more."""


def error_in_words(error: BaseException) -> str:
    """Return what an error of somebody else's code says, in one line."""
    said = (str(error).strip().splitlines() or [""])[0].strip()
    return f"{type(error).__name__}: {said}" if said else type(error).__name__
