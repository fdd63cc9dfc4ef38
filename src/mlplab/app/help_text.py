"""What `--help` says of every key: conf/train.yaml, its comments beside the keys, 80 columns wide."""

import re
import textwrap

from mlplab.paths import CONF, choices_of

WIDTH = 80
_COMMENTS = 32  # where they begin
_CHOSEN = ("job", "trial")  # what a sweep gives its members, and nobody types


def help_text() -> str:
    """Return the keys of conf/train.yaml that can be set, with their defaults and comments."""
    text = (CONF / "train.yaml").read_text(encoding="utf-8")
    keys = text[text.index("# Network") : text.index("hydra:\n")].rstrip()
    lines = [line for entry in _entries(keys.splitlines()) for line in _laid_out(*entry)]
    return "\n".join(lines).replace("$", "$$")  # Hydra reads the help text as a string.Template


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


def choices_text() -> str:
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
