"""How right the importance of keys is, of made data whose truth is known: the table in docs/comparing.md.

python -m benchmarks.importance      about three minutes on one core
"""

import numpy as np
import pandas as pd

from mlplab.comparison.importance import importance_of

KEYS, RUNS, DATA_SETS = ["a", "b", "c"], (12, 24, 60), 20
TRUTHS = ("nothing but noise", "80 %, 20 %, 0 %", "two keys, only together")


def made_runs(truth: str, runs: int, seed: int) -> pd.DataFrame:
    """Return runs with three keys, drawn evenly from 0 to 1."""
    rng = np.random.default_rng(seed)
    keys, noise = rng.random((runs, len(KEYS))), rng.standard_normal(runs)
    a, b, _ = keys.T
    metric = {
        "nothing but noise": noise,
        "80 %, 20 %, 0 %": 2 * a + b + 0.1 * noise,
        "two keys, only together": 10 * (a - 0.5) * (b - 0.5) + 0.1 * noise,
    }[truth]
    params = {f"params.{key}": values for key, values in zip(KEYS, keys.T, strict=True)}
    return pd.DataFrame({"run_id": [f"{i:04}" for i in range(runs)], **params, "metrics.m": metric})


def row(truth: str, runs: int) -> str:
    """Return a row of the table."""
    found = [importance_of(made_runs(truth, runs, seed), KEYS, "m") for seed in range(DATA_SETS)]
    told = [one.shares for one in found if one is not None and one.shares]
    means = [float(np.mean([shares[key].mean for shares in told])) for key in KEYS] if told else []
    said = ", ".join(f"{100 * mean:.0f} %" for mean in means)
    return f"| {truth} | {runs} | {len(told)} of {DATA_SETS} | {said} |"


if __name__ == "__main__":
    print("| truth | runs | told | mean shares told |\n| --- | --- | --- | --- |")
    for truth in TRUTHS:
        for runs in RUNS:
            print(row(truth, runs), flush=True)
