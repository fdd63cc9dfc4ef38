"""The log file of a run."""

import logging
import sys


class LogFile(logging.FileHandler):
    """Writes a log into a file. Where the disk is full, a line is lost, and no traceback fills the terminal."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Called inside an except block, when a record could not be written."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)
