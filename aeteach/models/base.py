"""The contract every model of the book keeps: encode, decode, forward."""

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from torch import Tensor, nn

from aeteach import _validate
from aeteach.likelihoods import LIKELIHOODS
from aeteach.models._arguments import check_codes, check_images, check_parts, likelihood_of

if TYPE_CHECKING:
    from aeteach.weights import Card


class Output(NamedTuple):
    """What a model's `forward` returns: tensors by name, never a loss.

    Attributes:
        x_hat: reconstruction, (N, 1, H, W), in [0, 1] when the decoder ends in a sigmoid.
        z: latent vector that was decoded, (N, d).
        mu: mean of q(z|x), (N, d); None for a model that is not variational.
        log_var: logarithm of the variance of q(z|x), (N, d); None likewise.
        logits: what the decoder made, before its sigmoid, or of another likelihood, (N, k C, H, W)
            with k numbers for each of x; None where it is x_hat itself.
    """

    x_hat: Tensor
    z: Tensor
    mu: Tensor | None = None
    log_var: Tensor | None = None
    logits: Tensor | None = None


class Model(nn.Module):
    """What `aeteach.load` and `aeteach.models.build` return, so that a type checker knows it.

    A reader of digits or shapes has only `forward`. A conditional model takes the labels y last.

    Attributes:
        encode: images (N, 1, H, W) -> latent vectors (N, d).
        decode: latent vectors (N, d) -> images (N, 1, H, W).
        card: where a model comes from that `aeteach.load` returned; no other has one.
    """

    if TYPE_CHECKING:  # torch.jit.script would take these annotations for its own
        encode: Callable[..., Tensor]
        decode: Callable[..., Tensor]
        card: Card


class Autoencoder(Model):
    r"""Encode, then decode: z = f(x), x_hat = g(z).

    Any two modules make an autoencoder. A decoder that is meant to end in a sigmoid leaves it out
    and sets `sigmoid=True` here, so that a loss can use the logits, which are numerically safer.

    Args:
        encoder: maps (N, 1, H, W) to (N, d), or to (N, channels, h, w) for a channel bottleneck.
        decoder: maps what the encoder returns back to (N, 1, H, W).
        sigmoid: squash the decoder's output into (0, 1).
        likelihood: what the decoder's output says about x, one of `likelihoods.LIKELIHOODS`; by
            default "bernoulli" with a sigmoid and "gaussian" without. x_hat is its mean.

    Raises:
        ValueError: the decoder ends in a sigmoid of its own and another is asked for; or no such
            likelihood, or one that contradicts `sigmoid`.
    """

    # Shape of one example, the side alone if it is square and grey, where the model says so.
    size: int | tuple[int, ...] | None = None
    latent: int | None = None  # its latent dimensions, likewise

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        *,
        sigmoid: bool,
        likelihood: str | None = None,
    ) -> None:
        super().__init__()
        check_parts(encoder=encoder, decoder=decoder)
        if _validate.flag(sigmoid, "sigmoid") and _ends_in_sigmoid(decoder):
            raise ValueError(
                "the decoder ends in a sigmoid and sigmoid=True adds another, so x_hat would only "
                "reach from 0.5 to 0.73: leave the decoder's own out"
            )
        self.encoder = encoder
        self.decoder = decoder
        self.sigmoid = sigmoid
        self.likelihood = likelihood_of(sigmoid, likelihood)

    @property
    def unit(self) -> bool:
        """Whether its images are in [0, 1], as its likelihood says."""
        return LIKELIHOODS[self.likelihood].unit

    def encode(self, x: Tensor) -> Tensor:
        """Return the latent vectors (N, d) of the images x (N, 1, H, W)."""
        return self.encoder(check_images(self, x, self.size))

    def decode(self, z: Tensor) -> Tensor:
        """Return the images (N, 1, H, W) that the latent vectors z (N, d) stand for."""
        return self._x_hat(self.decoder(check_codes(self, z, self.latent)))

    def _x_hat(self, out: Tensor) -> Tensor:
        """Return the mean of p(x|z) from what the decoder made."""
        return LIKELIHOODS[self.likelihood].x_hat(out)

    def _logits(self, out: Tensor) -> Tensor | None:
        """Return what the decoder made, where it is not x_hat itself."""
        return None if self.likelihood == "gaussian" else out

    def forward(self, x: Tensor) -> Output:
        """Return the reconstruction of x and the latent vector it went through."""
        z = self.encode(x)
        out = self.decoder(z)
        return Output(x_hat=self._x_hat(out), z=z, logits=self._logits(out))


def _ends_in_sigmoid(module: nn.Module) -> bool:
    while isinstance(module, nn.Sequential) and len(module):
        module = module[-1]
    return isinstance(module, nn.Sigmoid)


def count_parameters(model: nn.Module) -> int:
    """Return how many numbers training can change.

    Args:
        model: any module.

    Raises:
        TypeError: no module.
    """
    _validate.record(model, "model", nn.Module)
    return sum(p.numel() for p in model.parameters() if p.requires_grad)
