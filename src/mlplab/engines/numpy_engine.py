"""The from-scratch engine: mlplab.scratch on the training data."""

from collections.abc import Sequence
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from mlplab.config import TrainConfig
from mlplab.data import Dataset
from mlplab.engines.base import EVALUATION_ROWS, Evaluation, MlpEngine, Probe, State
from mlplab.scratch.activations import ACTIVATIONS
from mlplab.scratch.losses import LOSSES
from mlplab.scratch.network import Layers, Network
from mlplab.scratch.optimizers import OPTIMIZERS
from mlplab.scratch.penalties import PENALTIES, Penalty
from mlplab.scratch.products import product


@final
class NumpyEngine(MlpEngine):
    """Forward, backward, penalty, update: everything in place, every buffer allocated once."""

    def __init__(self, settings: TrainConfig, dataset: Dataset, layers: Layers) -> None:
        dtype = np.dtype(settings.dtype)
        self._splits = dataset.splits
        self._network = Network(
            layers,
            ACTIVATIONS[settings.activation],
            dtype,
            max_rows=max(settings.batch_size, EVALUATION_ROWS),
            penalty=_penalty(settings),
        )
        self._loss = LOSSES[settings.loss]
        self._optimizer = OPTIMIZERS[settings.optimizer](self._network.parameters)
        self._batch_BI = np.empty((settings.batch_size, dataset.inputs), dtype)

    @property
    def device(self) -> str:
        return "cpu"

    def train_window(
        self, batches: Sequence[NDArray[np.int64]], learning_rates: Sequence[float]
    ) -> NDArray[np.float64]:
        losses = np.empty(len(batches))
        # Overflow leads to an infinite loss, which the training loop reports with its iteration.
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            for i, (rows_B, learning_rate) in enumerate(zip(batches, learning_rates, strict=True)):
                losses[i] = self._step(rows_B, learning_rate)
        return losses

    def _step(self, rows_B: NDArray[np.int64], learning_rate: float) -> float:
        network = self._network
        x_BI, labels_B = self._gather(rows_B)
        output_BK = network.forward(x_BI)
        loss = self._loss.forward(output_BK, labels_B)
        self._loss.backward(output_BK, labels_B)
        for index, gradient in network.backward(x_BI, output_BK):
            self._optimizer.step(index, gradient, learning_rate)
        return loss

    def _gather(self, rows_B: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[np.int64]]:
        train = self._splits["train"]
        # mode="clip" gathers straight into the buffer; the default would gather into a copy first.
        x_BI = np.take(train.images, rows_B, axis=0, out=self._batch_BI[: len(rows_B)], mode="clip")
        return x_BI, train.labels[rows_B]

    def probe(self, rows_B: NDArray[np.int64]) -> Probe:
        network = self._network
        x_BI, labels_B = self._gather(rows_B)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            output_BK = network.forward(x_BI)
            kept = [kept_BO.copy() for kept_BO in network.kept(len(rows_B))]  # backward overwrites them
            self._loss.forward(output_BK, labels_B)
            self._loss.backward(output_BK, labels_B)
            gradients = {
                index: product(gradient.a_BI.T, gradient.delta_BO, np.empty_like(gradient.theta_IO))
                for index, gradient in network.backward(x_BI, output_BK)
                if index < len(network.weights)
            }
        return Probe([gradients[layer] for layer in range(len(network.weights))], kept)

    def evaluate(self, split: str) -> Evaluation:
        images, labels = self._splits[split].images, self._splits[split].labels
        predictions = np.empty(len(labels), dtype=np.int64)
        total = 0.0
        with np.errstate(over="ignore", invalid="ignore"):
            for start in range(0, len(labels), EVALUATION_ROWS):
                chunk = slice(start, start + EVALUATION_ROWS)
                logits_BK = self._network.forward(images[chunk])
                logits_BK.argmax(axis=1, out=predictions[chunk])
                total += self._loss.forward(logits_BK, labels[chunk]) * len(labels[chunk])
        return Evaluation(total / len(labels), predictions, float(np.mean(predictions == labels)))

    def penalty(self) -> float:
        penalty = self._network.penalty
        return 0.0 if penalty is None else sum(map(penalty.value, self._network.weights))

    def layers(self) -> Layers:
        return [
            (W_IO.copy(), b_1O[0].copy())
            for W_IO, b_1O in zip(self._network.weights, self._network.biases, strict=True)
        ]

    def state(self) -> State:
        return {name: array.copy() for name, array in self._live_state().items()}

    def restore(self, state: State) -> None:
        for name, array in self._live_state().items():
            array[...] = state[name]

    def _live_state(self) -> State:
        parameters = {f"parameter.{i}": array for i, array in enumerate(self._network.parameters)}
        return {**parameters, **self._optimizer.state()}


def _penalty(settings: TrainConfig) -> Penalty | None:
    rule = PENALTIES[settings.penalty]
    return None if rule is None or settings.weight_decay == 0 else rule(settings.weight_decay)
