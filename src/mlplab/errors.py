"""What a user can cause and mend: each is shown as its message alone, without a traceback, with exit status 1."""


class UserError(Exception):
    """Something outside the code is wrong. The message names what, its value, and the remedy."""


class ConfigError(UserError):
    """A key, type, choice or range in the config."""


class DataError(UserError):
    """A data set that is missing, or a file of it that is damaged."""


class StoreError(UserError):
    """The MLflow store cannot be reached, read or written."""


class DivergedError(UserError):
    """The loss became infinite or not a number."""


class CheckpointError(UserError):
    """The state of an interrupted run cannot be read."""


class SkippedError(UserError):
    """A member of a sweep was not begun, because another had failed and fail_fast is set."""


class SweepError(UserError):
    """Members of a sweep failed, or it cannot go on now."""
