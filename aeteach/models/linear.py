"""The linear autoencoder: one matrix down, one matrix up, nothing else."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aeteach import _validate
from aeteach.models._arguments import check_codes, known_size, unflatten
from aeteach.models.base import Autoencoder


class LinearAutoencoder(Autoencoder):
    r"""z = W1 x + b1, x_hat = W2 z + b2: the best it can do is PCA.

    With `latent=2` on 32x32 images it has 5,122 parameters: 1024*2 + 2 down, 2*1024 + 1024 up.

    Args:
        latent: number of latent dimensions d, at least 1.
        size: height and width of the images in pixels, so x has D = size**2 numbers; or (H, W),
            (C, H, W), or (F,) for features.
        tied: decode with the transpose of the encoder's matrix, W2 = W1^T.

    Raises:
        TypeError: latent or size is not a whole number.
        ValueError: latent or size is less than 1, or images of another size arrive.
    """

    def __init__(
        self, latent: int = 2, *, size: int | tuple[int, ...] = 32, tied: bool = False
    ) -> None:
        one = _validate.shape(size)
        latent, pixels = _validate.count(latent, "latent"), math.prod(one)
        _validate.room(pixels * latent, f"latent = {latent}")
        tied = _validate.flag(tied, "tied")
        down = nn.Linear(pixels, latent)
        up: nn.Module = TiedLinear(down) if tied else nn.Linear(latent, pixels)
        super().__init__(
            nn.Sequential(nn.Flatten(), down),  # (N, 1, size, size) -> (N, d)
            nn.Sequential(up, *unflatten(one)),  # (N, d) -> (N, 1, size, size)
            sigmoid=False,
        )
        self.size, self.latent = known_size(size), latent

    def encode(self, x: Tensor) -> Tensor:
        """Return z = W1 x + b1, (N, d), of the images x (N, 1, size, size)."""
        return super().encode(x)

    @property
    def encoder_matrix(self) -> Tensor:
        """W1, (d, D): its rows span what the encoder looks at."""
        down = self.encoder[1]  # type: ignore[index]
        return down.weight

    @property
    def decoder_matrix(self) -> Tensor:
        """W2, (D, d): its columns span the plane every reconstruction lies in."""
        up = self.decoder[0]  # type: ignore[index]
        return up.matrix if isinstance(up, TiedLinear) else up.weight


class TiedLinear(nn.Module):
    """A linear layer that borrows the transpose of another layer's matrix; its bias is its own."""

    def __init__(self, source: nn.Linear) -> None:
        super().__init__()
        _validate.record(source, "source", nn.Linear)
        self._source = [source]  # in a list, so that the matrix is counted and saved only once
        self.bias = nn.Parameter(torch.zeros(source.in_features))

    @property
    def matrix(self) -> Tensor:
        """The borrowed matrix, transposed: (in_features, out_features) of the source."""
        return self._source[0].weight.T

    def forward(self, z: Tensor) -> Tensor:
        """Return W1^T z + b."""
        check_codes(self, z, self._source[0].out_features)
        return F.linear(z, self.matrix, self.bias)
