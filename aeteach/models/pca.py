"""PCA with the contract of an autoencoder: fitted by an eigendecomposition, not by descent."""

import torch
from torch import Tensor

from aeteach import _validate
from aeteach._exact import where_exact
from aeteach.models._arguments import check_codes, check_images
from aeteach.models.base import Model, Output


class PCA(Model):
    r"""z = W^T (x - m), x_hat = W z + m, with W the first d eigenvectors of the covariance.

    It is an nn.Module, so that it can be saved, moved and judged like the trained models, but it
    has nothing to train: `fit` fills its buffers in one step.

    Args:
        latent: number of principal components d, at least 1.
        size: height and width of the images in pixels.

    Raises:
        TypeError: latent or size is not a whole number.
        ValueError: latent or size out of range, or images of another size arrive.
        NotFittedError: a ValueError; images or scores arrive before `fit`.
    """

    unit = True  # its images are in [0, 1]

    def __init__(self, latent: int = 2, *, size: int = 32) -> None:
        super().__init__()
        pixels = _validate.count(size, "size", most=_validate.MAX_SIDE) ** 2
        if _validate.count(latent, "latent") > pixels:
            raise ValueError(f"latent is {latent}; expected 1 to {pixels}, the pixels of an image")
        _validate.room(pixels * latent, f"latent = {latent}")
        self.size = size
        self.mean: Tensor
        self.components: Tensor
        self.variances: Tensor
        self.register_buffer("mean", torch.zeros(pixels))
        self.register_buffer("components", torch.zeros(pixels, latent))
        self.register_buffer("variances", torch.zeros(pixels))

    def fit(self, images: Tensor) -> "PCA":
        """Take mean, eigenvectors and all eigenvalues from images.

        The covariance is summed in float64 and divided by N - 1. Fewer images than pixels are
        decomposed themselves, by a thin singular value decomposition, which gives the same in a
        fraction of the time. Each component's sign is fixed so that its entry of largest
        magnitude is positive.

        Args:
            images: x, (N, 1, size, size), float32 in [0, 1], with N > d.

        Raises:
            TypeError: not a float32 tensor.
            ValueError: another shape or range, NaN, too few images, or all of them alike.
        """
        X = _validate.images(images, size=self.size).flatten(1)  # (N, D)
        d = self.components.shape[1]
        if len(X) <= d:
            raise ValueError(
                f"{len(X)} images vary in at most {len(X) - 1} directions, and {d} were asked "
                f"for: pass more than {d} images, or lower latent"
            )
        if torch.equal(X, X[:1].expand_as(X)):
            raise ValueError(f"all {len(X)} images are alike: no direction has any variance")
        X = where_exact(X)
        mean = X.mean(0, dtype=torch.float64)
        if len(X) < len(mean):
            variances, vectors = _thin(X - mean)
        else:
            variances, vectors = _full(X, mean)
        vectors = vectors[:, :d]  # (D, d), largest first
        largest = vectors.gather(0, vectors.abs().argmax(0, keepdim=True))  # (1, d)
        self.mean.copy_(mean)
        self.components.copy_(vectors * largest.sign())
        self.variances.copy_(variances.clamp(min=0))
        return self

    @property
    def explained_variance(self) -> Tensor:
        """Share of the training variance along each of the D directions, largest first, (D,).

        Raises:
            NotFittedError: before `fit`.
        """
        self.check_fitted()
        return self.variances / self.variances.sum()

    def encode(self, x: Tensor) -> Tensor:
        """Return the scores z (N, d): coordinates of x along the components."""
        self.check_fitted()
        return (check_images(self, x, self.size).flatten(1) - self.mean) @ self.components

    def decode(self, z: Tensor) -> Tensor:
        """Return the point of the PCA plane that the scores z (N, d) stand for, as images."""
        self.check_fitted()
        check_codes(self, z, self.components.shape[1])
        return (z @ self.components.T + self.mean).unflatten(1, (1, self.size, self.size))

    def forward(self, x: Tensor) -> Output:
        """Project x onto the plane."""
        z = self.encode(x)
        return Output(x_hat=self.decode(z), z=z)

    def check_fitted(self) -> None:
        """Refuse to answer before `fit`.

        Raises:
            NotFittedError: there are no components.
        """
        if not self.components.any():  # a fitted component has length 1
            raise NotFittedError(
                "this PCA has no components yet: call fit(images) first, pca = PCA(2).fit(images)"
            )


class NotFittedError(ValueError, RuntimeError):
    """A PCA was asked before it was fitted."""


def _full(X: Tensor, mean: Tensor) -> tuple[Tensor, Tensor]:
    """Return all eigenvalues, largest first, and eigenvectors (D, D) of the covariance."""
    scatter = mean.new_zeros(len(mean), len(mean))  # (D, D)
    for part in X.split(5000):  # a float64 copy of everything would take half a gigabyte
        centred = part - mean
        scatter += centred.T @ centred
    variances, vectors = torch.linalg.eigh(scatter / (len(X) - 1))  # ascending
    return variances.flip(0), vectors.flip(1)


def _thin(centred: Tensor) -> tuple[Tensor, Tensor]:
    """Return the same of fewer images than pixels: N eigenvectors, and D values, the rest 0."""
    n, D = centred.shape
    _, singular, transposed = torch.linalg.svd(centred, full_matrices=False)  # descending
    variances = centred.new_zeros(D)
    variances[:n] = singular**2 / (n - 1)
    return variances, transposed.T
