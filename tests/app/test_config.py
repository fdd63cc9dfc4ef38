"""A wrong key, type, choice or range is one message that names key, value and remedy; nothing runs."""

import re
import textwrap
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from enum import Enum
from types import NoneType
from typing import Any, get_args, get_type_hints

import pytest
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from conftest import Project
from mlplab.app.composition import explain
from mlplab.config import TrainConfig
from mlplab.data_config import DataConfig, EmnistSplit
from mlplab.paths import PROJECT_ROOT
from mlplab.selection_config import EarlyStoppingConfig
from mlplab.tracking_config import TrackingConfig

FAULTS = {
    "lerning_rate=0.1": ["lerning_rate: no such key", "did you mean learning_rate?"],
    "+extra=1": ["extra: no such key"],
    "data.vall_size=1": ["data.vall_size: no such key", "did you mean data.val_size?"],
    "activation=rleu": [
        "activation=rleu: takes sigmoid, tanh, relu, leaky_relu, elu, gelu, silu or linear; `--help`",
    ],
    "engine=jax": ["engine=jax", "takes numpy or torch;"],
    "init=zeros": ["init=zeros", "takes glorot, he, uniform, gaussian or pytorch;"],
    "loss=hinge": ["loss=hinge", "takes cross_entropy or squared_error;"],
    "penalty=l3": ["penalty=l3", "takes none, l1 or l2;"],
    "optimizer=lion": ["optimizer=lion", "takes sgd, momentum, nesterov, rmsprop, adam, adamw or gd;"],
    "dtype=float16": ["dtype=float16", "takes float32 or float64;"],
    "device=tpu": ["device=tpu", "takes auto, cpu, cuda or mps;"],
    "data=mnits": [
        "data=mnits: no such choice",
        "auto, cifar10, csv, digits, emnist, fashion_mnist, images, kmnist, mnist, npz",
    ],
    "data.color=gray": ["data.color=gray: takes grey or rgb; `--help`"],
    "data.split=letters": ["data.split=letters: data=emnist takes one of byclass"],
    "data=emnist data.split=null": ["data.split=None: data=emnist takes one of byclass"],
    "data=null": ["data=null: takes a choice; `--help` lists them"],
    "hidden_sizes=[2000000]": ["hidden_sizes=[2000000]: takes one hidden layer or more, each of 1 to 1,000,000 units"],
    "data=digits hidden_sizes=[1000000,1000000]": [
        "hidden_sizes=[1000000, 1000000]: needs 16013.2 GB of memory at the least, and ",
        "GB are free; take smaller layers, or a smaller batch_size, optimizer=sgd, diagnostics=false",
    ],
    "-m seed=range(0,1000) learning_rate=range(1,1001)": [
        "max_jobs=1000: the sweep has 1,000,000 combinations (1,000 of seed x 1,000 of learning_rate)",
    ],
    "max_jobs=0": ["max_jobs=0: takes a number of runs, at least 1"],
    "~activation": ["~activation: every run has it", "write activation=VALUE"],
    'tracking.sweep="it\'s"': ["tracking.sweep=it's: takes a name without quotation marks"],
    "-m activation=glob(*)": ["no combination to run"],
    "experiment=erande_2025/luck": ["experiment=erande_2025/luck: no such preset", "erande_2025/activation"],
    "sampling=none": ["sampling=none", "takes shuffle or random;"],
    "tracking=cloud": ["tracking=cloud: no such choice", "local, offline, server"],
    "learning_rate=fast": ["learning_rate=fast", "takes a number, such as 0.1 or 1e-3"],
    "epochs=1.5": ["epochs=1.5: takes a whole number"],
    "seed=null": ["seed=null: needs a value; leave it out for the default"],
    "hidden_sizes=abc": ["hidden_sizes=abc: takes a list, such as [500,250,100]"],
    "hidden_sizes=[10,x]": ["hidden_sizes[1]=x: takes a whole number"],
    "hidden_sizes=[]": ["hidden_sizes=[]: takes one hidden layer or more"],
    "hidden_sizes=[500,0]": ["hidden_sizes=[500, 0]: takes one hidden layer or more"],
    "learning_rate=0": ["learning_rate=0.0: takes a number above 0, such as 0.01"],
    "learning_rate=-1": ["learning_rate=-1.0: takes a number above 0"],
    "learning_rate=inf": ["learning_rate=inf: takes a number above 0"],
    "learning_rate=nan": ["learning_rate=nan: takes a number above 0"],
    "learning_rate_decay=1.1": ["learning_rate_decay=1.1: takes a factor above 0"],
    "monitor=f1": ["monitor=f1", "takes accuracy or loss;"],
    "keep=first": ["keep=first", "takes last or best;"],
    "keep=best": ["keep=best: needs images to select on; set data.val_size=10000"],
    "early_stopping.patience=3": ["early_stopping.patience=3: needs images to select on; set data.val_size=10000"],
    "early_stopping.patience=0": ["early_stopping.patience=0: takes a number of points, at least 1"],
    "early_stopping.min_delta=-1": ["early_stopping.min_delta=-1.0: takes 0 or more"],
    "early_stopping.min_delta=inf": ["early_stopping.min_delta=inf: takes 0 or more"],
    "early_stopping.patienc=3": ["early_stopping.patienc: no such key", "did you mean early_stopping.patience?"],
    "early_stopping=null": ["early_stopping=null: needs a value"],
    "data=digits data.val_size=300 keep=best epochs=1": [
        "keep=best: goes by points, and training ends after 18 iterations, before the first at log_every=200; "
        "set log_every=1",
    ],
    "init_scale=-1": ["init_scale=-1.0: takes a factor of 0 or more"],
    "weight_decay=-0.1": ["weight_decay=-0.1: takes 0 (no penalty) or more"],
    "batch_size=0": ["batch_size=0: takes a number of rows, at least 1"],
    "epochs=0": ["epochs=0: takes a number of passes"],
    "iterations=0": ["iterations=0: takes a number of parameter updates"],
    "log_every=0": ["log_every=0: takes a number of parameter updates"],
    "seed=-1": ["seed=-1: takes a whole number, 0 or more"],
    "data.train_size=0": ["data.train_size=0: takes a number of rows"],
    "data.val_size=-1": ["data.val_size=-1: takes a number of rows"],
    "tracking.experiment=' '": ["tracking.experiment= : takes a name"],
    "tracking.experiment=..": ["tracking.experiment=..: takes a name, such as mlplab, and no folder"],
    f"tracking.experiment='{'é' * 50}'": [": takes a name of up to 250 characters"],
    "device=cuda": ["device=cuda: engine=numpy computes on the CPU"],
    "engine=torch device=mps dtype=float64": ["dtype=float64: device=mps computes in float32 only"],
    "tags.sweep=x": ["tags.sweep=x: is a tag that every run has already; choose another name"],
    "tags.host=x": ["tags.host=x: is a tag that every run has already"],
    "tags.a-b=1": ["tags.a-b=1: takes a name of letters, digits and _"],
    f"note={'x' * 4_001}": ["takes at most 4,000 characters"],
    "-m tags.team=a,b": ["tags.team: must be the same in the whole sweep"],
    "learning_rate = 0.1": ["write key=value without spaces"],
    "-m activation=relu,rleu": ["activation=rleu: takes sigmoid, "],
    "-m learning_rate=0.1,0": ["learning_rate=0.0: takes a number above 0"],
}


@pytest.mark.parametrize("arguments", FAULTS)
def test_a_wrong_key_or_value_is_one_message_and_nothing_runs(project: Project, arguments: str) -> None:
    words = [arguments] if arguments.startswith("tracking.") else arguments.split()
    done = project.train(*words)
    assert done.returncode == 1, done.stderr
    assert done.stderr.startswith("ERROR: ")
    assert done.stderr.count("\n") == 1
    for part in FAULTS[arguments]:
        assert part in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert not project.runs()
    assert not (project.root / "multirun").exists()
    assert not (project.root / "outputs").exists()


def choices(schema: type[Any], prefix: str = "") -> Iterator[tuple[str, list[str]]]:
    """Every key of the config that takes one of several words, and these."""
    for key, hint in get_type_hints(schema).items():
        kind = next(one for one in (*get_args(hint), hint) if one is not NoneType)
        if is_dataclass(kind):
            yield from choices(kind, f"{prefix}{key}.")
        elif isinstance(kind, type) and issubclass(kind, Enum):
            yield prefix + key, list(kind.__members__)


@pytest.mark.parametrize(("key", "words"), list(choices(TrainConfig)))
def test_a_key_that_takes_one_of_several_words_says_which(key: str, words: list[str]) -> None:
    node = OmegaConf.structured(TrainConfig)
    node.data, node.tracking = OmegaConf.structured(DataConfig), OmegaConf.structured(TrackingConfig)
    with pytest.raises(OmegaConfBaseException) as raised:
        OmegaConf.update(node, key, "nonsense")
    said = f"{', '.join(words[:-1])} or {words[-1]}"
    assert explain(raised.value) == f"{key}=nonsense: takes {said}; `--help` explains every key"


def test_the_words_are_found_in_every_part_of_the_config() -> None:
    assert {"activation", "data.color", "data.split", "monitor"} <= {key for key, _ in choices(TrainConfig)}


def test_hydra_full_error_shows_the_traceback(project: Project) -> None:
    done = project.train("learning_rate=0", HYDRA_FULL_ERROR="1")
    assert done.returncode == 1
    assert "Traceback (most recent call last)" in done.stderr
    assert "learning_rate=0.0: takes a number above 0" in done.stderr


@pytest.fixture(scope="module")
def shown_help(project: Project) -> str:
    done = project.train("--help")
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_help_explains_every_key_that_can_be_set(shown_help: str) -> None:
    for choice in ("auto", "mnist", "fashion_mnist", "kmnist", "digits", "local", "server", "offline", "tracking.uri"):
        assert choice in shown_help
    for schema in (TrainConfig, EarlyStoppingConfig, DataConfig, TrackingConfig):
        for key in fields(schema):
            # tracking.uri and offline are tracking=, data.name is data=; a sweep numbers its jobs, a search its trials
            is_shown = re.search(rf"^ *{key.name}:", shown_help, re.MULTILINE) is not None
            assert is_shown == (key.name not in ("uri", "offline", "name", "job", "trial")), key.name
    for split in EmnistSplit:
        assert re.search(rf"split: balanced .*\b{split}\b", " ".join(shown_help.split()))
    keys = (PROJECT_ROOT / "conf" / "train.yaml").read_text()
    for line in keys[keys.index("# Network") : keys.index("hydra:\n")].splitlines():
        if ":" in line and not line.startswith("# ") and not line.rstrip().endswith(":"):
            assert "# " in line, f"conf/train.yaml does not explain: {line}"
            comment = line.rpartition(" # ")[2]
            assert comment in " ".join(shown_help.split()) or re.search(r"^( +job|trial):", line), comment


def test_help_fits_80_columns_and_lists_no_group_that_cannot_be_chosen(shown_help: str) -> None:
    assert max(map(len, shown_help.splitlines())) <= 80
    assert "experiment=erande_2025/ activation, epochs, learning_rate, weight_decay" in shown_help
    assert "report:" not in shown_help


def test_the_preset_that_help_shows_is_a_sweep_without_more(fresh_project: Project, shown_help: str) -> None:
    preset = re.search(r"(  # @package.*?)\n\n", shown_help, re.DOTALL)
    assert preset is not None
    text = textwrap.dedent(preset[1])
    (fresh_project.root / "conf" / "experiment" / "mine.yaml").write_text(text)
    done = fresh_project.train("experiment=mine", "data=digits", "plan=true")
    assert done.returncode == 0, done.stderr
    assert "2 to run" in done.stdout
    assert re.search(r"│ 1   │ 0.1 ", done.stdout)


def test_the_defaults_are_the_published_baseline(settings) -> None:  # type: ignore[no-untyped-def]
    defaults = settings()
    assert (defaults.engine, defaults.activation, defaults.init, defaults.loss) == (
        "numpy",
        "sigmoid",
        "glorot",
        "cross_entropy",
    )
    assert (defaults.optimizer, defaults.learning_rate, defaults.batch_size, defaults.epochs) == ("sgd", 0.01, 64, 15)
    assert defaults.hidden_sizes == [500, 250, 100]
    assert (defaults.weight_decay, defaults.learning_rate_decay, defaults.log_every, defaults.seed) == (0, 1, 200, 0)
    assert (defaults.data.name, defaults.data.train_size, defaults.data.val_size, defaults.data.standardize) == (
        "auto", None, 0, False,
    )  # fmt: skip


def test_the_data_root_comes_from_the_environment_or_is_in_the_project(settings, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("MLPLAB_DATA_ROOT", "/somewhere")
    assert settings().data.root == "/somewhere"
    monkeypatch.delenv("MLPLAB_DATA_ROOT")
    assert settings().data.root == str(PROJECT_ROOT / "data")
