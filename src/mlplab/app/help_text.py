"""What `--help` says: examples, every key of conf/train.yaml with its comment, and the choices; 80 columns wide.

Hydra's own help composes the config and lists every group of configs first, which takes five times as long.
"""

import re
import textwrap

from mlplab.commands import as_typed
from mlplab.paths import CONF, choices_of

WIDTH = 80
_COMMENTS = 32  # where they begin
_CHOSEN = ("job", "trial")  # what a sweep gives its members, and nobody types
_EXAMPLES = """\
Train one network, or with -m one for every combination of values, and record
every run in MLflow.

  python src/train.py
      the baseline: NumPy, sigmoid, 15 epochs
  python src/train.py engine=torch activation=relu optimizer=adam
      the same network in PyTorch
  python src/train.py -m activation=sigmoid,tanh,relu
      three runs, compared in one page
  python src/train.py experiment=erande_2025/activation
      a published table, run as a sweep
  python src/train.py data=digits epochs=30 learning_rate=0.1
      no download, a few seconds

A preset of your own is a file: conf/experiment/mine.yaml is experiment=mine.

  # @package _global_
  activation: relu
  hydra:
    sweeper:
      params:                       # what it sweeps; leave it out for one run
        learning_rate: "0.01,0.1"
"""
_FLAGS = """\
Flags: -m (sweep), --cfg job (print the config, run nothing), --hydra-help
(Hydra's own flags)."""


def help_text() -> str:
    """Return what `--help` prints."""
    return f"""{as_typed(_EXAMPLES)}
Keys, with their defaults:

{_keys()}

Choices (auto: MNIST, or digits if it is unavailable; server: tracking.uri=URI):

{_choices()}

{_FLAGS}"""


def _keys() -> str:
    """Return the keys of conf/train.yaml that can be set, with their defaults and comments."""
    text = (CONF / "train.yaml").read_text(encoding="utf-8")
    keys = text[text.index("# Network") : text.index("hydra:\n")].rstrip()
    return "\n".join(line for entry in _entries(keys.splitlines()) for line in _laid_out(*entry))


def _entries(lines: list[str]) -> list[tuple[str, str]]:
    """Return each key with its whole comment; headings and empty lines have none."""
    entries: list[tuple[str, str]] = []
    for line in lines:
        if line.startswith("# "):
            entries.append((line, ""))
            continue
        # A key that is commented out, because it is of one data set alone, is a key to set.
        key, _, comment = re.sub(r"^  # (?=\w+:)", "  ", line).partition(" # ")
        if comment and not key.strip():
            entries[-1] = entries[-1][0], f"{entries[-1][1]} {comment}"
        elif key.strip().partition(":")[0] not in _CHOSEN:
            entries.append((key.rstrip(), comment))
    return entries


def _laid_out(key: str, comment: str) -> list[str]:
    wrapped = textwrap.wrap(comment, WIDTH - _COMMENTS, break_long_words=False, break_on_hyphens=False)
    if len(key) >= _COMMENTS:
        return [key, *(f"{'':{_COMMENTS}}{line}" for line in wrapped)]
    first, *others = wrapped or [""]
    return [f"{key:{_COMMENTS}}{first}".rstrip(), *(f"{'':{_COMMENTS}}{line}" for line in others)]


def _choices() -> str:
    """Return what data=, network=, tracking= and experiment= can be; of the presets each folder is a line."""
    lines = [
        textwrap.fill(f"{group}= {', '.join(choices_of(group))}", WIDTH) for group in ("data", "network", "tracking")
    ]
    folders: dict[str, list[str]] = {}
    for preset in choices_of("experiment"):
        folder, slash, name = preset.rpartition("/")
        folders.setdefault(folder + slash, []).append(name)
    for folder, names in folders.items():
        lines += textwrap.wrap(f"experiment={folder} {', '.join(names)}", WIDTH)
    return "\n".join(lines)
