"""New images from a trained model. Where its codes are drawn decides what comes out.

Three places to draw from: the *prior* N(0, I), which a VAE was trained for
(`aeteach.metrics.coverage.generate`); a normal for each *class* (`aeteach.latent.draw_by_class`);
and, here, a *mixture* of normals fitted to the codes of images. The mixture asks nothing of the
training, so it serves a plain autoencoder too, whose codes lie where they like.
"""

from typing import Any, cast

import torch
from torch import Tensor, nn

from aeteach import _validate
from aeteach._exact import exact
from aeteach._measure import batches, call, images_of, measuring, moved, part_of
from aeteach.training.contract import check_examples

_CHUNK = 2000  # images at once: bounds the memory, not the result


class Mixture:
    """A mixture of normals with full covariances, fitted to the codes of a model.

    Ghosh et al. (2020) fit one to any autoencoder after its training. What `forward` calls z is
    fitted, so a VAE's codes are drawn once for each image: the mixture then follows q(z), the codes
    that the decoder was trained on. scikit-learn fits it.

    >>> model = aeteach.load("mlp-2")
    >>> mixture = Mixture(model, mnist("test").images[:500], components=10)
    >>> mixture.sample(3, seed=0).shape
    torch.Size([3, 1, 32, 32])

    Args:
        model: has `forward(x) -> Output` with z, and `decode(z)`.
        images: x, (N, C, H, W) or (N, F), as for `fit`; at least as many as there are components,
            of training data.
        components: normals in the mixture.
        seed: of the fit and of what the model draws.

    Attributes:
        weights: of the components, (K,), float64, adding up to 1.
        means: (K, d), float64.
        covariances: (K, d, d), float64.

    Raises:
        ImportError: scikit-learn is missing; names the extra to install.
        TypeError, ValueError: a model without codes, images that it cannot take, or fewer of them
            than components.
    """

    def __init__(
        self, model: nn.Module, images: Tensor, *, components: int = 10, seed: int = 0
    ) -> None:
        _validate.model(model, "decode")
        components = _validate.count(components, "components")
        seed = _validate.seed(seed)
        self.model = model
        z = _codes(model, images, seed)
        if len(z) < max(components, 2):
            raise ValueError(
                f"{len(z)} images cannot show where {components} components lie: pass more images, "
                "or ask for fewer components"
            )
        fitted = _gaussian_mixture()(components, random_state=seed % 2**32).fit(z.numpy())
        self.weights = torch.from_numpy(fitted.weights_)
        self.means = torch.from_numpy(fitted.means_)
        self.covariances = torch.from_numpy(fitted.covariances_)

    def codes(self, n: int, *, seed: int | torch.Generator) -> Tensor:
        """Return n codes drawn from the mixture, (n, d), float32.

        Args:
            n: how many.
            seed: a number, or a generator that is used up further with each call.

        Raises:
            TypeError, ValueError: no number, or no seed.
        """
        n = _validate.count(n, "n")
        _validate.room(n * self.means.shape[1], f"n = {n}")
        noise = _validate.generator(seed)
        which = torch.multinomial(self.weights, n, replacement=True, generator=noise)
        # Drawn on the CPU: a seed means the same on any device.
        eps = torch.randn(n, self.means.shape[1], 1, generator=noise, dtype=torch.float64)
        roots = torch.linalg.cholesky(self.covariances)
        return (self.means[which] + (roots[which] @ eps)[..., 0]).float()

    def sample(self, n: int, *, seed: int | torch.Generator) -> Tensor:
        """Return n new images, (n, C, H, W): codes from the mixture, decoded.

        Args:
            n: how many.
            seed: as for `codes`.

        Raises:
            TypeError, ValueError: as for `codes`.
        """
        z = self.codes(n, seed=seed)
        with measuring(self.model) as place:
            parts = [images_of(self.model, "decode", z=moved(place, p)) for p in z.split(_CHUNK)]
        return torch.cat(parts)


def _codes(model: nn.Module, images: Tensor, seed: int) -> Tensor:
    """Return the codes of images as a model's `forward` draws them, (N, d), float64, on the CPU."""
    check_examples(images, model)
    found = []
    with measuring(model, seed) as place:
        for batch in batches(place, _CHUNK, images=images):
            x = batch["images"]
            z = part_of(call(model, "forward", images=x), "z", len(x))
            found.append(exact(z).cpu())
    return torch.cat(found)


def _gaussian_mixture() -> Any:
    try:
        from sklearn.mixture import GaussianMixture
    except ImportError as missing:
        raise ImportError(
            "a mixture is fitted by scikit-learn, which is not installed: "
            "pip install 'aeteach[chapters]'"
        ) from missing
    return cast(Any, GaussianMixture)
