"""Networks as people write them, of which tests make runs."""

from math import prod

import torch
from torch import Tensor, nn


class Normed(nn.Module):
    """A convolution with batch norm, and dropout."""

    def __init__(self, classes: int, image_shape: tuple[int, int, int], width: int = 4) -> None:
        super().__init__()
        channels, height, columns = image_shape
        self.layers = nn.Sequential(
            nn.Conv2d(channels, width, 3, padding=1),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Flatten(),
            nn.Dropout(0.3),
            nn.Linear(width * height * columns, classes),
        )

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.layers(x)
        return logits


class Wide(nn.Module):
    """Two large layers: almost all of its memory is parameters."""

    def __init__(self, classes: int, image_shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(),
            nn.Linear(prod(image_shape), 2000),
            nn.ReLU(),
            nn.Linear(2000, 3000),
            nn.ReLU(),
            nn.Linear(3000, classes),
        )

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.layers(x)
        return logits


class Drawing(nn.Module):
    """Draws in evaluation mode, too."""

    def __init__(self, classes: int, image_shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(prod(image_shape), classes))

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.layers(nn.functional.dropout(x, 0.2, training=True))
        return logits


class Untrained(nn.Module):
    """Has no parameters."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.classes = classes

    def forward(self, x: Tensor) -> Tensor:
        return torch.zeros(len(x), self.classes)
