"""Autoencoders whose latent vector passes a noisy channel on its way to the decoder."""

import torch
from torch import Tensor, nn

from aeteach import _validate
from aeteach.models._arguments import check_codes
from aeteach.models.base import Autoencoder, Output
from aeteach.models.conv import MOST, wide_conv_decoder, wide_conv_encoder
from aeteach.models.mlp import dense, mlp_decoder, mlp_encoder, start_large

POINT = (1, 1, 3)  # a point in space as the smallest image: one channel, one row, three pixels


class LatentNoise(nn.Module):
    r"""Add normal noise to z: of a stated variance, or of the variance signal power / snr.

    With `snr`, the power is that of the batch in training, and gradients flow through it: an
    encoder that spreads its codes out raises the noise along, so it cannot escape. In evaluation
    it is the running mean over the batches of training, so that one image is treated like many.

    Args:
        variance: of the noise, at least 0, in squared units of z.
        snr: ratio of signal power to noise power, above 0; one of the two is given.
        momentum: weight of the newest batch in the running mean.
    """

    power: Tensor

    def __init__(
        self, *, variance: float | None = None, snr: float | None = None, momentum: float = 0.05
    ) -> None:
        super().__init__()
        if (variance is None) == (snr is None):
            raise ValueError(
                f"variance is {variance!r} and snr {snr!r}; expected exactly one of them: the "
                "noise is stated, or follows the signal"
            )
        if variance is not None:
            variance = _validate.number(variance, "variance", least=0)
        if snr is not None:
            snr = _validate.number(snr, "snr", above=0, hint="a ratio, as 10.0 for 10 dB")
        self.fixed = variance
        self.snr = snr
        self.momentum = _validate.number(momentum, "momentum", above=0, most=1)
        # One number, stored with the weights; 1 until training has seen a batch.
        self.register_buffer("power", torch.ones(()))

    def variance(self, z: Tensor) -> Tensor:
        """Return the variance of the noise that is added to z (N, d), a scalar."""
        check_codes(self, z)
        if self.snr is None:
            return torch.as_tensor(self.fixed, dtype=z.dtype, device=z.device)
        if not self.training:
            return self.power.to(z.dtype) / self.snr
        if len(z) < 2:
            raise ValueError(
                f"z holds {len(z)} code, and a batch of one has no power: train with at least 2 "
                "images a step"
            )
        power = z.var(0, correction=0).mean()
        self.power.lerp_(power.detach().to(self.power.dtype), self.momentum)
        return power / self.snr

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Return z with noise, (N, d), and the variance of the noise."""
        variance = self.variance(z)
        return z + variance.sqrt() * torch.randn_like(z), variance

    def extra_repr(self) -> str:
        """Say which noise this is, for a printed model."""
        return f"variance={self.fixed}" if self.snr is None else f"snr={self.snr:g}"


class NoisyAutoencoder(Autoencoder):
    r"""Encode, add noise to the code, decode: z = f(x) + n, x_hat = g(z), n ~ N(0, v I).

    The noise is a channel and no trick of training: `forward` adds it in evaluation too. `encode`
    and `reconstruct` do not: they give the clean code f(x) and g(f(x)).

    With `variational` the output also has mu = f(x) and log_var = log v: q(z|x) = N(f(x), v I),
    which is all that a loss with a KL needs. The variance is then the same for every
    image and dimension, and the KL can set the scale of the codes and nothing else.

    Args:
        encoder: maps images to z, (N, d).
        decoder: maps z to images, before the sigmoid if there is one.
        noise: the channel.
        sigmoid: squash the decoder's output into (0, 1).
        variational: return mu and log_var as well.
    """

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        noise: LatentNoise,
        *,
        sigmoid: bool,
        variational: bool = False,
    ) -> None:
        super().__init__(encoder, decoder, sigmoid=sigmoid)
        self.noise = _validate.record(noise, "noise", LatentNoise)
        self.variational = _validate.flag(variational, "variational")

    def reconstruct(self, x: Tensor) -> Tensor:
        """Return the reconstruction of x by its clean code."""
        return self.decode(self.encode(x))

    def forward(self, x: Tensor) -> Output:
        """Return the reconstruction of x by a code with noise, and that code."""
        mu = self.encode(x)
        z, variance = self.noise(mu)
        out = self.decoder(z)
        x_hat, logits = self._x_hat(out), self._logits(out)
        if not self.variational:
            return Output(x_hat, z, logits=logits)
        return Output(x_hat, z, mu, variance.log().expand_as(mu), logits)


def noisy_mlp(
    latent: int = 10,
    *,
    variance: float = 0.04,
    hidden: tuple[int, ...] = (2000, 2000, 2000),
    dropout: float = 0.2,
    size: int = 28,
) -> NoisyAutoencoder:
    """Return fully connected layers size^2 - hidden - d and back around a channel of stated noise.

    They start with the weights of `start_large`, as layers this deep need.

    Args:
        latent: number of latent dimensions d, at least 1.
        variance: of the noise; 0.04 is a standard deviation of 0.2.
        hidden: widths of the encoder's layers; the decoder has them in reverse.
        dropout: share of each hidden layer's numbers set to 0 in training.
        size: height and width of the images in pixels.
    """
    _validate.count(latent, "latent")
    hidden = _validate.counts(hidden, "hidden", least=0)
    noise = LatentNoise(variance=variance)
    model = NoisyAutoencoder(
        start_large(mlp_encoder(latent, size=size, hidden=hidden, dropout=dropout)),
        start_large(mlp_decoder(latent, size=size, hidden=hidden[::-1], dropout=dropout)),
        noise,
        sigmoid=True,
    )
    model.size, model.latent = size, latent
    return model


def noisy_conv(
    latent: int = 6, *, variance: float = 5.0, width: int = 16, size: int = 32
) -> NoisyAutoencoder:
    """Return convolutions around a channel of stated noise: the body of `wide_conv_vae`.

    Args:
        latent: number of latent dimensions d, at least 1.
        variance: of the noise, in squared units of z.
        width: channels of the first convolution; the others have twice as many.
        size: height and width of the images in pixels, a multiple of 8.
    """
    _validate.count(latent, "latent", most=MOST)
    noise = LatentNoise(variance=variance)
    encoder, features = wide_conv_encoder(width, size=size)
    model = NoisyAutoencoder(
        nn.Sequential(*encoder, nn.Linear(features, latent)),
        wide_conv_decoder(latent, width, size=size),
        noise,
        sigmoid=True,
    )
    model.size, model.latent = size, latent
    return model


def noisy_points(
    latent: int = 2,
    *,
    snr: float = 100.0,
    variational: bool = False,
    hidden: tuple[int, ...] = (64, 64, 64),
) -> NoisyAutoencoder:
    """Return an autoencoder of points in space whose codes pass a channel of a stated SNR.

    A point is an image of one row and three pixels, (N, 1, 1, 3), so that everything made for
    images serves it too; there is no sigmoid, for a point is no grey value.

    Args:
        latent: number of latent dimensions d, at least 1; more than 3 is no bottleneck, but with
            noise still of use.
        snr: ratio of signal power to noise power (not decibels).
        variational: return mu and log_var, for a loss with a KL.
        hidden: widths of the encoder's layers, with ReLU; the decoder has them in reverse.
    """
    _validate.count(latent, "latent")
    variational = _validate.flag(variational, "variational")
    hidden = _validate.counts(hidden, "hidden", least=0)
    noise = LatentNoise(snr=snr)
    model = NoisyAutoencoder(
        nn.Sequential(nn.Flatten(), *dense(3, *hidden, latent)),
        nn.Sequential(*dense(latent, *hidden[::-1], 3), nn.Unflatten(1, POINT)),
        noise,
        sigmoid=False,
        variational=variational,
    )
    model.size, model.latent = POINT[1:], latent
    return model
