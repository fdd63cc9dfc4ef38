"""The engines of mlplab, the floor that they cannot beat, and the loop of the course reports."""

from collections.abc import Callable

import numpy as np

from benchmarks.problem import Problem, Train


def floor(problem: Problem) -> Train:
    """The eleven matrix products of a step and nothing else: what no implementation on this BLAS can beat."""
    weights = [W for W, _ in problem.layers()]
    gradients = [np.empty_like(W) for W in weights]
    x = problem.images[: problem.batch_size].copy()
    outputs = [np.empty((len(x), size), np.float32) for size in problem.sizes[1:]]
    deltas = [np.full((len(x), size), 1e-3, np.float32) for size in problem.sizes[1:]]

    def train(steps: int) -> None:
        for _ in range(steps):
            a = x
            for W, out in zip(weights, outputs, strict=True):
                a = np.matmul(a, W, out=out)
            for layer in reversed(range(len(weights))):
                a = outputs[layer - 1] if layer else x
                np.matmul(a.T, deltas[layer], out=gradients[layer])
                if layer:
                    np.matmul(deltas[layer], weights[layer].T, out=deltas[layer - 1])

    return train


def naive(problem: Problem) -> Train:
    """The loop of the course reports: float64, one-hot targets, a new array for every intermediate result."""
    f, derivative = {
        "sigmoid": (lambda z: 1 / (1 + np.exp(-z)), lambda a: a * (1 - a)),
        "tanh": (np.tanh, lambda a: 1 - a**2),
        "relu": (lambda z: np.maximum(0, z), lambda a: (a > 0).astype(float)),
    }[problem.activation]
    layers = problem.layers("float64")
    images, targets = problem.images.astype(np.float64), np.eye(10)[problem.labels]

    def train(steps: int) -> None:
        for rows in problem.batches(steps):
            a = [images[rows]]
            for W, b in layers[:-1]:
                a.append(f(a[-1] @ W + b))
            z = a[-1] @ layers[-1][0] + layers[-1][1]
            e = np.exp(z - z.max(axis=1, keepdims=True))
            p, y = e / e.sum(axis=1, keepdims=True), targets[rows]
            _ = -np.mean(np.sum(y * np.log(p + 1e-12), axis=1))
            delta = (p - y) / len(rows)
            for layer in reversed(range(len(layers))):
                W, b = layers[layer]
                gradient_W, gradient_b = a[layer].T @ delta, delta.sum(axis=0)
                if layer:
                    delta = (delta @ W.T) * derivative(a[layer])
                layers[layer] = (W - problem.learning_rate * gradient_W, b - problem.learning_rate * gradient_b)

    return train


def ours(engine: str) -> Callable[[Problem], Train]:
    """Return the builder for an engine of mlplab, trained window by window as in the training loop."""

    def build(problem: Problem) -> Train:
        from hydra import compose, initialize_config_dir

        from mlplab import engines
        from mlplab.app import composition
        from mlplab.data import Dataset, Scaling, Split
        from mlplab.paths import PROJECT_ROOT

        composition.register()
        with initialize_config_dir(str(PROJECT_ROOT / "conf"), version_base="1.3"):
            overrides = [
                f"engine={engine}", f"activation={problem.activation}", f"optimizer={problem.optimizer}",
                f"batch_size={problem.batch_size}", f"hidden_sizes={list(problem.sizes[1:-1])}", "device=cpu",
            ]  # fmt: skip
            settings = composition.read_config(compose("train", overrides))
        split = Split(problem.images, problem.labels)
        dataset = Dataset("benchmark", "", ("local", {}), Scaling(1), 10, split, split, None)
        bound = engines.build(settings, dataset, np.random.default_rng(0))

        def train(steps: int) -> None:
            batches = problem.batches(steps)
            for start in range(0, steps, 200):
                window = batches[start : start + 200]
                bound.train_window(window, [problem.learning_rate] * len(window))

        return train

    return build
