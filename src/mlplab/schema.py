"""The names of states, tags, metrics and artifacts in MLflow, each defined once.

Training measures under these names, tracking writes them, comparison reads them. An artifact that no other module
reads is named where it is written.
"""

from enum import StrEnum


class State(StrEnum):
    """The state of a job, as tables and tags show it."""

    finished = "finished"
    pruned = "pruned"  # stopped by a search, because others had left it behind: without final metrics
    failed = "failed"
    killed = "killed"
    running = "running"
    scheduled = "scheduled"
    skipped = "skipped"
    new = "new"

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do: it is never run again."""
        return self in (State.finished, State.pruned)


_STATE_OF_STATUS = {
    "FINISHED": State.finished,
    "FAILED": State.failed,
    "KILLED": State.killed,
    "RUNNING": State.running,
    "SCHEDULED": State.scheduled,
}
RUN_STATES = (*_STATE_OF_STATUS.values(), State.pruned)  # that a run in the store can have


def run_state(status: str, mark: object = None) -> State:
    """Return the state of a run.

    Args:
        status: MLflow's.
        mark: its tag STATE_TAG; anything else than text where it has none.
    """
    state = _STATE_OF_STATUS[status]
    return State.pruned if state is State.finished and mark == State.pruned else state


# Tags of every run
FINGERPRINT_TAG = "fingerprint"
DATA_TAG = "data"
ERROR_TAG = "error"  # why the run failed
FOLDER_TAG = "output_folder"
THREADS_TAG = "threads"  # of the matrix products: results are bit-identical with the same number
GIT_COMMIT_TAG, GIT_DIRTY_TAG = "git.commit", "git.dirty"
VERSION_TAG = "version."  # followed by the name of a library
# What computed, besides: these may decide the last bits of a result. People's own tags have no dot in their names.
CPU_TAG, BLAS_TAG, ATEN_TAG, GPU_TAG = "machine.cpu", "machine.blas", "machine.aten", "machine.gpu"
CODE_TAG = "code.digest"  # of the source files that compute, by themselves
NETWORK_CODE_TAG = "code.network"  # of the source of a network of anybody's
NOTE_TAG = "mlflow.note.content"  # Markdown, which MLflow's page shows as the run's description
COLOR_TAG = "mlflow.runColor"  # of the run's curves on MLflow's page
HOST_TAG, PID_TAG, STARTED_TAG, HEARTBEAT_TAG = "host", "pid", "process_started", "heartbeat"
BOOT_TAG = "boot"  # which boot of the host, and which namespace of process numbers
OBSERVED_TAG = "heartbeat_observed."  # and the name of another machine: what that one saw of it, and when
JOURNAL_TAG = "journal"  # the key of the run's journal, by which it is recognised before anybody knows its id
DIVERGED_TAG = "diverged"  # the run failed because training diverged: it is not gone on with
STOPPED_TAG = "stopped"  # why training ended before its epochs were over
USER_TAG = "mlflow.user"
MODEL_DIGEST_TAG = "model.digest"  # of the run's model: what comes out of the store is told from what was saved by it
PROJECT_TAG = "project"  # the folder of the project whose command made the run
# Tags of a run or a logged model that was copied from another store: its id there, and the state in which it was
# copied and found to be the same.
MIGRATED_FROM_TAG, MIGRATED_TAG = "migrated.from", "migrated.state"

# Tags of a run that runs another one again, and of both: the certificate in one line
RERUN_OF_TAG = "rerun.of"
CERTIFICATE_TAG = "rerun.certificate"

# Tags of the members of a sweep
SWEEP_TAG = "sweep"
JOB_TAG = "sweep.job"
STATE_TAG = "sweep.state"  # "pruned", where MLflow's status says FINISHED
PRUNED_STEP_TAG, PRUNED_REASON_TAG = "sweep.pruned_step", "sweep.pruned_reason"

# Tags that say how a run ended: one that goes on loses them.
END_TAGS = (ERROR_TAG, STOPPED_TAG, STATE_TAG, PRUNED_STEP_TAG, PRUNED_REASON_TAG)

# Tags of a sweep's own run. Older ones had SWEEP_TAG instead of OWN_SWEEP_TAG, and so were among the members.
OWN_SWEEP_TAG = "sweep.id"
COMMAND_TAG = "sweep.command"
REPORT_TAG = "sweep.report"  # which of its artifacts shows its result
BEST_TAG, BEST_RUN_TAG = "sweep.best", "sweep.best_run"
PROVISIONAL_TAG = "sweep.provisional"  # its result was made while the store was away, without ids: to be made again


def is_own_tag(name: str) -> bool:
    """Tell whether mlplab or MLflow sets a tag of this name: people's own must have another."""
    own = {value for key, value in globals().items() if key.endswith("_TAG")}
    return name in own or name.partition(".")[0] in {"mlflow", "git", "version", "sweep"}


def count_tag(state: State) -> str:
    """Return the tag that counts a sweep's jobs in this state."""
    return f"sweep.{state}"


# Metrics
PENALTY = "train/penalty"
TRAIN_SECONDS, TOTAL_SECONDS, SAMPLES_PER_SECOND = (
    "time/train_seconds",
    "time/total_seconds",
    "time/samples_per_second",
)
FINAL, TIME, WITHIN = "final/", "time/", "within/"
BEST_STEP = f"{FINAL}best_step"  # with keep=best: the update after which the network was the best


def loss(split: str) -> str:
    """Return the name of a split's loss during training; the split is train, val or test."""
    return f"{split}/loss"


def accuracy(split: str) -> str:
    """Return the name of a split's accuracy during training."""
    return f"{split}/accuracy"


def final_loss(split: str) -> str:
    """Return the name of a split's loss after training."""
    return f"{FINAL}{split}_loss"


def final_accuracy(split: str) -> str:
    """Return the name of a split's accuracy after training."""
    return f"{FINAL}{split}_accuracy"


def within(layer: int, measure: str) -> str:
    """Return the name of a diagnostic of one layer; layers count from 1."""
    return f"{WITHIN}layer_{layer}_{measure}"


# Measures of units that do not respond; which of them an activation's units can be stands in scratch/activations.py.
UNRESPONSIVE = ("saturated", "dead")

# In the profile of a run's data set: the classes, where they have names of their own, and the shape of a row, where it
# is an image
CLASS_NAMES, IMAGE_SHAPE = "classes", "image_shape"

# Artifacts of a run
CONFUSION_MATRIX = "confusion_matrix.csv"
TRUE_CLASS = "true class"  # where that one begins with the names of the classes
PREDICTIONS = "test_predictions.csv"
MODEL = "model"
MODEL_STATE = "model_state"  # instead of MODEL, of a network that cannot be exported
CONFIG = "config.yaml"
GIT_DIFF = "git.diff"
CERTIFICATES = "certificates"  # a folder: of every run again a text and JSON, named by the id of that

# A param of the signature of models: whether they return the probability of each class, too
PROBABILITIES = "probabilities"

# Artifacts of a sweep's own run
MANIFEST = "manifest.json"
RESULT = "result.json"
PAGE = "comparison.html"
