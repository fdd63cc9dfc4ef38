"""The alternatives to mlplab, each in its own idiom. Only the process that times one imports it."""

from itertools import pairwise

import numpy as np

from benchmarks.problem import ROWS, Problem, Train


def scikit_learn(problem: Problem) -> Train:
    """MLPClassifier, one epoch per call of partial_fit (its shuffled pass over the rows that it is given)."""
    from sklearn.neural_network import MLPClassifier

    solver = {"sgd": {"solver": "sgd", "momentum": 0.0, "nesterovs_momentum": False}, "adam": {"solver": "adam"}}
    name = {"sigmoid": "logistic"}.get(problem.activation, problem.activation)
    model = MLPClassifier(
        problem.sizes[1:-1],
        activation=name,
        batch_size=problem.batch_size,
        learning_rate_init=problem.learning_rate,
        alpha=0.0,
        random_state=0,
        **solver[problem.optimizer],
    )
    classes = np.arange(10)

    def train(steps: int) -> None:
        rows = min(steps * problem.batch_size, ROWS)
        model.partial_fit(problem.images[:rows], problem.labels[:rows], classes=classes)

    return train


def _torch_model(problem: Problem) -> "torch.nn.Sequential":  # noqa: F821
    import torch

    f = {"relu": torch.nn.ReLU, "sigmoid": torch.nn.Sigmoid, "tanh": torch.nn.Tanh}[problem.activation]
    torch.manual_seed(0)
    modules: list[torch.nn.Module] = []
    for fan_in, fan_out in pairwise(problem.sizes):
        modules += [torch.nn.Linear(fan_in, fan_out), f()]
    return torch.nn.Sequential(*modules[:-1])


def _torch_optimizer(parameters, problem: Problem) -> "torch.optim.Optimizer":  # noqa: F821
    import torch

    kind = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}[problem.optimizer]
    return kind(parameters, lr=problem.learning_rate)


def torch_loop(problem: Problem, compiled: bool = False) -> Train:
    """The loop of PyTorch's tutorials on tensors that are in memory, batches by indexing."""
    import torch

    model = _torch_model(problem)
    update = _torch_optimizer(model.parameters(), problem)
    forward = torch.compile(model) if compiled else model
    images, labels = torch.from_numpy(problem.images), torch.from_numpy(problem.labels)
    loss_of = torch.nn.CrossEntropyLoss()

    def train(steps: int) -> None:
        for rows in problem.batches(steps):
            index = torch.from_numpy(rows)
            update.zero_grad()
            loss = loss_of(forward(images[index]), labels[index])
            loss.backward()
            update.step()
            loss.item()

    return train


def torch_compile(problem: Problem) -> Train:
    """The same with torch.compile."""
    return torch_loop(problem, compiled=True)


def torch_dataloader(problem: Problem) -> Train:
    """The same with TensorDataset and DataLoader, shuffling."""
    import torch
    from torch.utils.data import DataLoader, TensorDataset

    model = _torch_model(problem)
    update = _torch_optimizer(model.parameters(), problem)
    tensors = TensorDataset(torch.from_numpy(problem.images), torch.from_numpy(problem.labels))
    loader = DataLoader(tensors, batch_size=problem.batch_size, shuffle=True, drop_last=True)
    loss_of = torch.nn.CrossEntropyLoss()

    def train(steps: int) -> None:
        for step, (x, y) in enumerate(loader):
            if step == steps:
                break
            update.zero_grad()
            loss = loss_of(model(x), y)
            loss.backward()
            update.step()
            loss.item()

    return train


def lightning(problem: Problem) -> Train:
    """A LightningModule and a Trainer without logger, checkpoints or progress bar."""
    import logging

    from mlplab.data.acquire import torchvision_datasets

    torchvision_datasets()  # Lightning imports torchvision: with a CPU-only torch it needs this help
    import lightning as pl
    import torch
    from torch.utils.data import DataLoader, TensorDataset

    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)

    class Module(pl.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.model, self.loss_of = _torch_model(problem), torch.nn.CrossEntropyLoss()

        def training_step(self, batch, _):
            return self.loss_of(self.model(batch[0]), batch[1])

        def configure_optimizers(self):
            return _torch_optimizer(self.parameters(), problem)

    tensors = TensorDataset(torch.from_numpy(problem.images), torch.from_numpy(problem.labels))
    loader, module = DataLoader(tensors, batch_size=problem.batch_size, shuffle=True, drop_last=True), Module()

    def train(steps: int) -> None:
        pl.Trainer(
            max_steps=steps, max_epochs=1, accelerator="cpu", logger=False, enable_checkpointing=False,
            enable_progress_bar=False, enable_model_summary=False,
        ).fit(module, loader)  # fmt: skip

    return train


def jax_scan(problem: Problem) -> Train:
    """One jitted lax.scan over the batches of a window of 200, gradients by jax.grad; Adam by its formula."""
    import jax
    import jax.numpy as jnp

    f = {"relu": jax.nn.relu, "sigmoid": jax.nn.sigmoid, "tanh": jnp.tanh}[problem.activation]
    images, labels = jnp.asarray(problem.images), jnp.asarray(problem.labels)
    parameters = [(jnp.asarray(W), jnp.asarray(b)) for W, b in problem.layers()]
    zeros = jax.tree.map(jnp.zeros_like, parameters)

    def loss_of(parameters, x, y):
        for W, b in parameters[:-1]:
            x = f(x @ W + b)
        logits = x @ parameters[-1][0] + parameters[-1][1]
        return -jnp.mean(jax.nn.log_softmax(logits)[jnp.arange(len(y)), y])

    def sgd(state, gradient):
        parameters, *rest = state
        return (jax.tree.map(lambda p, g: p - problem.learning_rate * g, parameters, gradient), *rest)

    def adam(state, gradient):
        parameters, m, v, t = state
        t = t + 1
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, gradient)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, gradient)

        def update(p, m, v):
            return p - problem.learning_rate * (m / (1 - 0.9**t)) / (jnp.sqrt(v / (1 - 0.999**t)) + 1e-8)

        return jax.tree.map(update, parameters, m, v), m, v, t

    rule = {"sgd": sgd, "adam": adam}[problem.optimizer]

    @jax.jit
    def window(state, rows):
        def step(state, rows_B):
            loss, gradient = jax.value_and_grad(loss_of)(state[0], images[rows_B], labels[rows_B])
            return rule(state, gradient), loss

        return jax.lax.scan(step, state, rows)

    state = (parameters, zeros, zeros, jnp.float32(0))

    def train(steps: int) -> None:
        nonlocal state
        batches = problem.batches(steps)
        for start in range(0, steps, 100):
            state, losses = window(state, jnp.asarray(np.stack(batches[start : start + 100])))
        losses.block_until_ready()

    return train
