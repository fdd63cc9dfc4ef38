"""The contenders by name, and the process that times one of them.

    python -m benchmarks.contenders NAME --steps 937 [--batch-size 64] [--width 1]

prints the seconds per epoch and the peak memory as JSON.
"""

import argparse
import json
import resource
import time
import warnings
from collections.abc import Callable

from benchmarks import ours, peers
from benchmarks.problem import ROWS, Problem, Train

WARM_UP_STEPS = 100

CONTENDERS: dict[str, tuple[Callable[[Problem], Train], str, str]] = {
    "floor": (ours.floor, "relu", "sgd"),
    "mlplab NumPy, relu": (ours.ours("numpy"), "relu", "sgd"),
    "mlplab NumPy, sigmoid": (ours.ours("numpy"), "sigmoid", "sgd"),
    "mlplab NumPy, tanh": (ours.ours("numpy"), "tanh", "sgd"),
    "mlplab NumPy, Adam": (ours.ours("numpy"), "relu", "adam"),
    "mlplab torch": (ours.ours("torch"), "relu", "sgd"),
    "mlplab torch, Adam": (ours.ours("torch"), "relu", "adam"),
    "naive loop": (ours.naive, "relu", "sgd"),
    "scikit-learn": (peers.scikit_learn, "relu", "sgd"),
    "scikit-learn, Adam": (peers.scikit_learn, "relu", "adam"),
    "PyTorch": (peers.torch_loop, "relu", "sgd"),
    "PyTorch, Adam": (peers.torch_loop, "relu", "adam"),
    "PyTorch, DataLoader": (peers.torch_dataloader, "relu", "sgd"),
    "PyTorch, torch.compile": (peers.torch_compile, "relu", "sgd"),
    "Lightning": (peers.lightning, "relu", "sgd"),
    "JAX": (peers.jax_scan, "relu", "sgd"),
    "JAX, Adam": (peers.jax_scan, "relu", "adam"),
}


def main() -> None:
    """Train after a warm-up, and print the time and memory that it took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=CONTENDERS)
    parser.add_argument("--steps", type=int, default=937)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--width", type=int, default=1)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")  # of the other libraries: this process only times one of them
    build, activation, optimizer = CONTENDERS[arguments.name]
    train = build(Problem.draw(activation, optimizer, arguments.batch_size, arguments.width))
    train(WARM_UP_STEPS)
    start = time.perf_counter()
    train(arguments.steps)
    seconds = time.perf_counter() - start
    per_epoch = seconds / arguments.steps * ROWS / arguments.batch_size
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds_per_epoch": per_epoch, "memory_MiB": memory}))


if __name__ == "__main__":
    main()
