"""The network ``cnn``: small, and the example to copy for one of your own. It knows nothing of this project."""

import torch
from torch import Tensor, nn


class CNN(nn.Module):
    """Two convolutions, each halving height and width, and two linear layers: after LeNet-5 (LeCun et al., 1998)."""

    def __init__(
        self, classes: int, image_shape: tuple[int, int, int], channels: int, hidden: int, dropout: float
    ) -> None:
        """Draw the initial weights.

        Args:
            classes: how many; given by the data.
            image_shape: channels, height and width of an image; given by the data.
            channels: of the first convolution; the second has twice as many.
            hidden: units of the layer before the classes.
            dropout: share of those units that a training step leaves out.

        Raises:
            ValueError: images are too small to be halved twice.
        """
        super().__init__()
        colors, height, width = image_shape
        if min(height, width) < 4:
            raise ValueError("takes images of 4 x 4 pixels or more")
        self.features = nn.Sequential(
            nn.Conv2d(colors, channels, kernel_size=5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(channels, 2 * channels, kernel_size=5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(2),
        )
        self.classifier = nn.Sequential(
            nn.Linear(2 * channels * (height // 4) * (width // 4), hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, classes),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits, shape (N, classes), of scaled images, shape (N, channels, height, width)."""
        logits: Tensor = self.classifier(torch.flatten(self.features(x), start_dim=1))
        return logits
