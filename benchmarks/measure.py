"""Timing on a machine that is never idle: round by round, every timing in a fresh process, medians."""

import json
import os
import platform
import random
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import distributions
from pathlib import Path

PACKAGES = ("numpy", "scipy", "torch", "mlflow", "scikit-learn", "jax", "lightning")
PROJECT = Path(__file__).resolve().parents[1]


def rounds(commands: Mapping[str, Sequence[str]], count: int) -> dict[str, list[dict[str, float]]]:
    """Run every command once per round, in a new random order, and return what each printed as JSON."""
    answers: dict[str, list[dict[str, float]]] = {name: [] for name in commands}
    start = time.monotonic()
    for done in range(count):
        for place, name in enumerate(random.sample(list(commands), len(commands))):
            share = (done + place / len(commands)) / count
            left = f"{(time.monotonic() - start) * (1 / share - 1):.0f} s left" if share else ""
            print(f"\r  round {done + 1}/{count}  {name:<28} {left:<12}", end="", file=sys.stderr, flush=True)
            answers[name].append(_json_of(commands[name]))
    print(file=sys.stderr)
    return answers


def _json_of(command: Sequence[str]) -> dict[str, float]:
    answer: dict[str, float] = json.loads(run(command).splitlines()[-1])
    return answer


def run(command: Sequence[str]) -> str:
    """Run a command at the project's root and return what it prints; if it fails, exit with its error output."""
    environment = {**os.environ, "PYTHONPATH": str(PROJECT / "src")}
    done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr}")
    return done.stdout


def contender(name: str, *options: str) -> list[str]:
    """Return the command that times one contender."""
    return [sys.executable, "-m", "benchmarks.contenders", name, *options]


def machine() -> dict[str, str]:
    """Describe the machine, its libraries (not every part needs every one) and the date."""
    versions = {found.name: found.version for found in distributions()}
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        **{name: versions[name] for name in PACKAGES if name in versions},
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
