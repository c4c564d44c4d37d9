"""The variational autoencoder: one class, its bodies and its condition passed in.

A VAE, a convolutional VAE and a conditional VAE differ in what is passed to `VAE`, not in code.
"""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aeteach import _validate
from aeteach.models._arguments import (
    check_codes,
    check_images,
    check_parts,
    decoded_size,
    known_size,
)
from aeteach.models.base import Autoencoder, Output
from aeteach.models.conv import (
    MOST,
    conv_sides,
    flat_conv_decoder,
    flat_conv_encoder,
    wide_conv_decoder,
    wide_conv_encoder,
)
from aeteach.models.mlp import HIDDEN, mlp_decoder, mlp_encoder, start_large

ENCODER, DECODER = "encoder", "decoder"


class Heads(nn.Module):
    """Two linear layers side by side: features (N, features) -> mu and log_var, each (N, d).

    Neither ends in anything: a mean may be any number, and so may the logarithm of a variance.

    Args:
        features: numbers that the encoder's body ends in.
        latent: number of latent dimensions d.
    """

    def __init__(self, features: int, latent: int) -> None:
        super().__init__()
        _validate.count(latent, "latent")
        _validate.room(_validate.count(features, "features") * latent, f"features = {features}")
        self.mu = nn.Linear(features, latent)
        self.log_var = nn.Linear(features, latent)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return mu and log_var of q(z|x)."""
        check_codes(self, features, self.mu.in_features, "features")
        return self.mu(features), self.log_var(features)


class VAE(Autoencoder):
    r"""Encode to a distribution q(z|x) = N(mu, sigma^2), draw z from it, decode the draw.

    **Drawn or mean?** `forward` draws z, in training and in evaluation mode alike, because every
    bound on log p(x) is an average over draws: with z = mu the reconstruction term would come out
    too low and -ELBO would be no bound. `encode` and `reconstruct` do not draw: `encode`
    returns mu, one point an image, and `reconstruct` returns decode(mu), the reconstruction that
    is looked at and read. So -ELBO is measured on `forward`, readability on `reconstruct`. The
    noise comes from torch's global generator, which `fit` and `evaluate` seed.

    **Condition.** With `classes`, every method takes the labels y last. The one-hot label is
    appended to the flat image, (N, H W + classes), and to z, (N, d + classes), or to one of the
    two: `told` says which. The bodies must be made for these widths (`extra=classes`).

    Args:
        encoder: its body; maps images (N, 1, size, size), or (N, size size + classes) if the
            encoder is told the label, to features (N, features).
        heads: maps features to mu and log_var, each (N, d), such as `Heads`.
        decoder: its body; maps z (N, d), or (N, d + classes), to logits (N, 1, size, size), or
            to x_hat itself without `sigmoid`.
        latent: number of latent dimensions d, at least 1.
        size: height and width of the images in pixels; or (H, W), (C, H, W), or (F,) for features.
        sigmoid: squash the decoder's output into (0, 1); by default as the likelihood says.
        likelihood: what the decoder's output says about x; see `Autoencoder`.
        classes: number of labels; 0 for a model without a condition.
        told: who is told the label, where there are classes: "encoder", "decoder" or both.

    Raises:
        TypeError, ValueError: a number out of range, images of another size, or labels that are
            missing, not wanted, or no labels.

    Source: Kingma and Welling (2014); with a condition, Sohn, Lee and Yan (2015).
    """

    latent: int
    size: Any  # a side or a shape; what draws square pictures takes it for a side

    def __init__(
        self,
        encoder: nn.Module,
        heads: nn.Module,
        decoder: nn.Module,
        *,
        latent: int,
        size: int | tuple[int, ...] = 32,
        sigmoid: bool | None = None,
        likelihood: str | None = None,
        classes: int = 0,
        told: Sequence[str] = (ENCODER, DECODER),
    ) -> None:
        if sigmoid is None:
            sigmoid = likelihood in (None, "bernoulli")
        super().__init__(encoder, decoder, sigmoid=sigmoid, likelihood=likelihood)
        check_parts(heads=heads)
        self.heads = heads
        self.latent = _validate.count(latent, "latent")
        self.size = known_size(size)
        self.classes = _validate.count(classes, "classes", least=0, most=_validate.MAX_CLASSES)
        self.told = check_told(told) if classes else ()

    def posterior(self, x: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return mu and log_var of q(z|x), or of q(z|x, y), each (N, d).

        Args:
            x: images, (N, 1, size, size), in [0, 1].
            y: labels, (N,), int64, of a conditional model.
        """
        check_images(self, x, self.size)
        return self.heads(self.encoder(self._tell(ENCODER, x, y)))

    def encode(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """Return mu, (N, d): the one point that stands for each image. Nothing is drawn."""
        return self.posterior(x, y)[0]

    def decode(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """Return the images (N, 1, size, size) that the latent vectors z (N, d) stand for."""
        check_codes(self, z, self.latent)
        return self._x_hat(self.decoder(self._tell(DECODER, z, y)))

    def reconstruct(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """Return decode(mu), (N, 1, size, size): the reconstruction with nothing drawn."""
        return self.decode(self.encode(x, y), y)

    def forward(self, x: Tensor, y: Tensor | None = None) -> Output:
        """Draw z from q(z|x) and decode it, in training and in evaluation mode alike."""
        mu, log_var = self.posterior(x, y)
        z = mu + torch.exp(log_var / 2) * torch.randn_like(mu)  # sigma = exp(log_var / 2)
        out = self.decoder(self._tell(DECODER, z, y))
        return Output(self._x_hat(out), z, mu, log_var, self._logits(out))

    def _tell(self, who: str, values: Tensor, y: Tensor | None) -> Tensor:
        """Append the one-hot label to what the encoder or the decoder is given."""
        self._check_labels(y, len(values))
        if y is None or who not in self.told:
            return values
        one_hot = F.one_hot(y, self.classes).to(values.dtype)  # (N, classes)
        return torch.cat([values.flatten(1), one_hot], dim=1)

    def _check_labels(self, y: Tensor | None, n: int) -> None:
        if y is None and self.classes:
            raise ValueError(
                f"labels are missing: this model is conditional on {self.classes} classes; pass y, "
                f"int64 ({n},), last"
            )
        if y is not None and not self.classes:
            raise ValueError("labels came, but this model has no condition: leave y out")
        if y is not None:
            _validate.labels(y, n, "y", self.classes)


def dense_vae(
    latent: int = 2,
    *,
    size: int | tuple[int, ...] = 32,
    hidden: tuple[int, ...] = HIDDEN,
    last_relu: bool = False,
    dropout: float = 0.0,
    large_start: bool = False,
    likelihood: str = "bernoulli",
) -> VAE:
    r"""Return a VAE of fully connected layers: size^2 - hidden - (mu, log_var), and back.

    By default 1024-128-64-32, ReLU between and none after the 32, two heads 32-d; then
    d-32-64-128-1024 and a sigmoid. With `size=28, hidden=(400,), last_relu=True` it is the
    784-400-d of the literature.

    Args:
        latent: number of latent dimensions d, at least 1.
        size: height and width of the images in pixels.
        hidden: widths of the encoder's body, at least one; the decoder has them in reverse.
        last_relu: a ReLU before the heads. Without one, the last layer of the body and the heads
            are one linear map that passes a narrow place.
        dropout: share of each hidden layer's numbers set to 0 in training, those before the heads
            included where they have a ReLU.
        large_start: begin with the weights of `start_large`, which deep bodies need.
        likelihood: see `Autoencoder`; "gaussian" for features of any range.
    """
    latent = _validate.count(latent, "latent")
    made = decoded_size(size, likelihood)
    last_relu = _validate.flag(last_relu, "last_relu")
    large_start = _validate.flag(large_start, "large_start")
    *between, features = hidden = _validate.counts(hidden, "hidden")
    body = mlp_encoder(features, size=size, hidden=tuple(between), dropout=dropout)
    if last_relu:
        body = nn.Sequential(*body, nn.ReLU(), *([nn.Dropout(dropout)] if dropout else []))
    decoder = mlp_decoder(latent, size=made, hidden=hidden[::-1], dropout=dropout)
    if large_start:
        body, decoder = start_large(body), start_large(decoder)
    return VAE(
        body,
        Heads(features, latent),
        decoder,
        latent=latent,
        size=size,
        likelihood=likelihood,
    )


def mlp_vae(
    latent: int = 20,
    *,
    hidden: int = 400,
    size: int | tuple[int, ...] = 28,
    likelihood: str = "bernoulli",
) -> VAE:
    """Return the VAE most often reported: size^2 - hidden - d, one hidden layer with ReLU each way.

    Args:
        latent: number of latent dimensions d, at least 1.
        hidden: width of the hidden layers.
        size: height and width of the images in pixels, or a shape as for `VAE`.
        likelihood: see `Autoencoder`.
    """
    width = _validate.count(hidden, "hidden")
    return dense_vae(latent, size=size, hidden=(width,), last_relu=True, likelihood=likelihood)


def conv_vae(
    latent: int = 2, *, size: int | tuple[int, ...] = 32, likelihood: str = "bernoulli"
) -> VAE:
    """Return the convolutional autoencoder's bodies around two heads.

    The last convolution has d channels, so on 32x32 images the heads see 16 d numbers; a linear
    layer spreads z over as many again.

    Args:
        latent: number of latent dimensions d, and of channels at the narrowest, at least 1.
        size: height and width of the images in pixels, a multiple of 8; or (H, W) or (C, H, W),
            each side from 8.
        likelihood: see `Autoencoder`.
    """
    latent = _validate.count(latent, "latent", most=MOST)
    height, width = conv_sides(size)[-1]
    made = decoded_size(size, likelihood)
    return VAE(
        flat_conv_encoder(latent, size=size),
        Heads(latent * height * width, latent),
        flat_conv_decoder(latent, latent, size=made),
        latent=latent,
        size=size,
        likelihood=likelihood,
    )


def wide_conv_vae(
    latent: int = 6,
    *,
    width: int = 16,
    size: int | tuple[int, ...] = 32,
    likelihood: str = "bernoulli",
) -> VAE:
    """Return a VAE of wider convolutions whose number of channels does not follow the latent.

    Args:
        latent: number of latent dimensions d, at least 1.
        width: channels of the first convolution; the others have twice as many.
        size: as for `conv_vae`.
        likelihood: see `Autoencoder`.
    """
    latent = _validate.count(latent, "latent", most=MOST)
    encoder, features = wide_conv_encoder(width, size=size)
    return VAE(
        encoder,
        Heads(features, latent),
        wide_conv_decoder(latent, width, size=decoded_size(size, likelihood)),
        latent=latent,
        size=size,
        likelihood=likelihood,
    )


def check_told(told: Sequence[str]) -> tuple[str, ...]:
    """Return who is told the label, as names: "encoder", "decoder" or both.

    Raises:
        TypeError, ValueError: nobody, or another name.
    """
    want = "who is told the label, 'encoder', 'decoder' or both"
    names = (told,) if isinstance(told, str) else _validate.several(told, "told", want)
    for name in names:
        _validate.choice(name, "told", (ENCODER, DECODER), "who is told the label, of")
    return names
