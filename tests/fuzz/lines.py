"""Strategies for command lines. A new key of config.py, or option of a command, is drawn without a change here."""

import types
from dataclasses import dataclass, field, fields, is_dataclass
from enum import StrEnum
from typing import Any, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from mlplab.app.compare import Options
from mlplab.app.export import ExportOptions
from mlplab.app.predict import PredictOptions
from mlplab.app.register import Options as RegisterOptions
from mlplab.app.serve import ServeOptions
from mlplab.app.watch import WatchOptions
from mlplab.config import TrainConfig

QUICK = [
    "data=digits", "data.root=data", "epochs=1", "log_every=10", "hidden_sizes=[8]", "learning_rate=0.1",
    "data.train_size=200",
]  # fmt: skip
OPEN_ENDED = ("epochs", "iterations")  # keys for which a large number is right, and takes for ever
ODD = [
    "", "null", "None", "-1", "0", "1.5", "1e3", "1e400", "nan", "-inf", "10000000000000000000000", "0x10", "true",
    "[]", "[[1]]", "[1,x]", "{}", "{a:1}", "x", "é", "☃", "a b", "'a b'", '"', "'", "[", "]", "(", "a,", ",a", "a,b",
    "1,2", "range(3)", "range(0,3,0)", "interval(0,1)",
    "choice(1,2)", "glob(*)", "${seed}", "${nope}", "${oc.env:NOPE}",
    "$x", "$", "%", "%s", "~", "~/x", "..", ".", "/", "/dev/null", "/nonexistent/a/b", "conf/train.yaml", "conf",
    "x" * 400, "=", "==", "a=b", "#", "\\",
    "\n", "\t", "<b>", "sqlite://", "sqlite:///:memory:", "sqlite:////proc/x.db",
    "http://127.0.0.1:9", "http://", "file:x",
    "foo://x", "postgresql://127.0.0.1:9/x", "http://u:secretword@127.0.0.1:9",
]  # fmt: skip
FLAGS = [
    "-m", "--multirun", "--help", "-h", "--hydra-help",
    "--version", "--cfg job", "--cfg", "--cfg x", "--info", "--resolve",
    "--config-dir /nope", "--config-dir conf", "--config-name x", "--package x", "--shell-completion", "-sc install=x",
    "--experimental-rerun conf/train.yaml", "--epochs 3", "--seed=3", "--plan", "-x", "--", "-", "---", "--run",
]  # fmt: skip
HYDRA = [
    "hydra/launcher=joblib", "hydra/launcher=basic", "hydra/launcher=x", "hydra.launcher.n_jobs=0", "hydra.run.dir=",
    "hydra.run.dir=conf/train.yaml", "hydra.sweep.dir=conf/train.yaml",
    "hydra.job.name=a/b", "hydra.mode=x", "hydra=null",
    "hydra/job_logging=x", "hydra/sweeper=x", "hydra/sweeper=reproduce", "hydra/sweeper=basic", "hydra.verbose=1",
    "hydra.sweeper.params={seed:x}", "hydra.callbacks=null",
    "hydra.output_subdir=null", "+hydra.x=1", "hydra.job.num=x",
]  # fmt: skip
PRESETS = ["assignment/relu", "erande_2025/epochs", "pellattiero/tuned", "nobody/nothing", "open", "typo", "binary"]
DATA_FILES = [
    "whole", "constant", "out_of_range", "three_classes", "truncated",
    "swapped", "folder", "pipe", "unreadable", "empty",
    "damaged_archive",
]  # fmt: skip
ENVIRONMENTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "no home": {"variables": {"HOME": None}},
    "ascii": {"encoding": "ascii"},
    "cp1252": {"encoding": "cp1252"},
    "latin-1": {"encoding": "latin-1"},
    "closed stdout": {"stdout": None},
    "full stdout": {"stdout": "/dev/full"},
    "closed stderr": {"stderr": None},
    "full stderr": {"stderr": "/dev/full"},
    "notebook": {"variables": {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}},
    "dumb terminal": {"variables": {"TERM": "dumb", "COLUMNS": "1"}},
    "in memory": {"variables": {"MLFLOW_TRACKING_URI": "sqlite://"}},
    "no server": {"variables": {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9"}},
    "mistyped store": {"variables": {"MLFLOW_TRACKING_URI": "mlflow.db"}},
    "read-only": {"obeys_permissions": True},
}


@dataclass(frozen=True)
class Line:
    """A command and its arguments, and the environment that it runs in, by name."""

    command: str
    arguments: list[str]
    environment: str
    order: dict[str, Any] = field(compare=False)

    def __str__(self) -> str:
        return f"{self.command}.py {self.arguments} ({self.environment})"


def keys_of(kind: type, prefix: str = "") -> dict[str, Any]:
    """Every key of a dataclass and its type; nested keys are joined by dots."""
    hints, found = get_type_hints(kind), {}
    for option in fields(kind):
        hint = hints[option.name]
        if is_dataclass(hint):
            found |= keys_of(hint, f"{prefix}{option.name}.")  # type: ignore[arg-type]
        else:
            found[prefix + option.name] = hint
    return found


def right_values(key: str, hint: Any) -> list[str]:
    """Values that a key of this type may take."""
    if get_origin(hint) in (Union, types.UnionType):
        return [
            "null",
            *(value for one in get_args(hint) if one is not type(None) for value in right_values(key, one)),
        ]
    if get_origin(hint) is list:
        return ["[4]", "[8,4]"] if get_args(hint) == (int,) else ["[activation]", "[]"]
    if get_origin(hint) is dict:
        return ["{team: vision}", "{}"]
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return [str(member) for member in hint]
    return {
        bool: ["true", "false"],
        int: ["1", "2", "7", "50"],
        float: ["0.5", "1", "1e-3"],
        str: ["fuzzed", "'a b'"],
    }[hint]


def settings(kind: type) -> st.SearchStrategy[str]:
    """``key=value``: mostly a right key, half of the time a right value."""
    known = keys_of(kind)

    def values(key: str) -> st.SearchStrategy[str]:
        odd = [value for value in ODD if key not in OPEN_ENDED or not value.startswith("1000")]
        return st.one_of(st.sampled_from(right_values(key, known[key])), st.sampled_from(odd))

    right = st.sampled_from(sorted(known)).flatmap(lambda key: values(key).map(lambda value: f"{key}={value}"))
    mark = st.sampled_from(["", "", "", "", "", "+", "++", "~"])
    marked = st.tuples(mark, right).map("".join)
    mistyped = st.tuples(st.sampled_from(sorted(known)), st.integers(0, 8), st.sampled_from(ODD)).map(
        lambda drawn: f"{drawn[0][: drawn[1]]}{drawn[0][drawn[1] + 1 :]}={drawn[2]}"
    )
    return st.one_of(right, right, right, marked, mistyped, st.sampled_from(ODD))


def trained() -> st.SearchStrategy[list[str]]:
    """Arguments of train.py."""
    groups = [f"experiment={preset}" for preset in PRESETS] + [
        "data=mnits",
        "tracking=offline",
        "tracking=x",
        "+report=x",
    ]
    files = [f"data=kmnist data.root=files/{name}" for name in DATA_FILES]
    drawn = st.lists(_one(settings(TrainConfig), [*FLAGS, *HYDRA, *groups, *files]), max_size=3).map(_flat)
    sweeps = st.sampled_from([[], [], [], ["-m"], ["-m", "seed=1,2"], ["seed=1,2", "-m", "plan=true"]])
    return st.tuples(drawn, sweeps).map(lambda parts: [*QUICK, *parts[0], *parts[1]])


def optional(kind: type, *own: str) -> st.SearchStrategy[list[str]]:
    """Arguments of a command with options of its own."""
    return st.lists(_one(settings(kind), [*FLAGS, *own]), max_size=3).map(_flat)


def _one(setting: st.SearchStrategy[str], others: list[str]) -> st.SearchStrategy[list[str]]:
    return st.one_of(setting.map(lambda text: [text]), st.sampled_from(others).map(str.split))


def _flat(parts: list[list[str]]) -> list[str]:
    return [text for part in parts for text in part]


def reproduced() -> st.SearchStrategy[list[str]]:
    """Arguments of reproduce.py, which only plans: its runs take an hour."""
    own = [f"{key}={value}" for key in ("reports", "seeds", "out") for value in [*ODD, "pellattiero"]]
    drawn = st.lists(_one(settings(TrainConfig), [*FLAGS, *HYDRA]), max_size=3).map(_flat)
    chosen = st.tuples(drawn, st.lists(st.sampled_from(own), max_size=1)).map(_flat)
    return chosen.map(lambda typed: ["seeds=1", "reports=pellattiero", *typed, "plan=true"])


def again(*own: str) -> st.SearchStrategy[list[str]]:
    """Arguments of rerun.py and parity.py, which take those of a run as well."""
    drawn = st.lists(_one(settings(TrainConfig), [*FLAGS, *own, *own]), max_size=3).map(_flat)
    return drawn.map(lambda typed: [*QUICK, *typed] if "best" not in typed else typed)


COMMANDS = {
    "train": trained(),
    "compare": optional(Options, "format=html out=x.html", "format=json", "format=csv", "filter=metrics.x > 1"),
    "watch": optional(WatchOptions, "port=0", "port=99999"),
    "sync": optional(Options, "tracking.uri=sqlite:///mlflow.db"),
    "reproduce": reproduced(),
    "register": optional(
        RegisterOptions, "name=fuzzed", "best name=fuzzed", "0 name=x", "models:/fuzzed/1 name=fuzzed"
    ),
    "predict": optional(
        PredictOptions, "in=files", "in=conf/train.yaml", "in=/dev/null", "in=.", "in=x.csv out=x.csv"
    ),
    "export": optional(ExportOptions, "out=conf", "out=/nope/x.onnx"),
    "serve": optional(ServeOptions, "port=0", "port=99999", "beside=runner-up", "model=champion"),
    "rerun": again("best", "nope", "0" * 32, "best --checkout", "tolerance=x", "--config-dir conf"),
    "parity": again("engine=torch", "tolerance=0", "epochs=1,2"),
}


def lines(environments: list[str]) -> st.SearchStrategy[Line]:
    """A command line in one of these environments; half of them train."""

    def compose(drawn: tuple[tuple[str, list[str]], str]) -> Line:
        (command, arguments), environment = drawn
        return Line(command, arguments, environment, ENVIRONMENTS[environment])

    command = st.sampled_from(["train"] * 5 + list(COMMANDS)).flatmap(
        lambda name: st.tuples(st.just(name), COMMANDS[name])
    )
    plain = ["plain"] * len(environments)
    return st.tuples(command, st.sampled_from([*plain, *environments])).map(compose)
