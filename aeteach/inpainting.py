r"""Fill a hole in images: with a variational autoencoder, again and again, or without one.

A VAE that is asked once sees the hole as black ink and rebuilds that. Asked again and again, with
the known pixels put back each time, it forgets what stood in the hole: with draws this is a Markov
chain, alternately z given x and the hole given z; without, the climb of Besag's iterated
conditional modes. In a linear-Gaussian model either ends at the conditional mean of the hole.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from aeteach import _validate
from aeteach._exact import exact
from aeteach._measure import Place, call, images_of, measuring, moved
from aeteach._on_cpu import on_cpu
from aeteach.losses import squared_error
from aeteach.models import PCA

Noise = torch.Generator | None
_CHUNK = 500  # images at once: bounds the memory, not the result


class Inpainted(NamedTuple):
    """Images whose hole was filled.

    Attributes:
        images: the known pixels as they came, the hole filled, (N, 1, H, W).
        x_hat: the model's last reconstruction, hole and all, (N, 1, H, W).
        history: `images` before the first iteration and after each, (iterations + 1, N, 1, H, W);
            None where it was not asked for.
    """

    images: Tensor
    x_hat: Tensor
    history: Tensor | None


@on_cpu
def hole(
    size: int = 28, rows: tuple[int, int] = (10, 20), columns: tuple[int, int] = (10, 20)
) -> Tensor:
    """Return the mask of a rectangular hole, (size, size), bool: True where a pixel is missing.

    Args:
        size: height and width of the images in pixels.
        rows: the first row that is missing, and the first after it that is not, from 0.
        columns: likewise.

    Raises:
        TypeError: no whole numbers.
        ValueError: no pixel is missing, or some would lie outside the image.
    """
    size = _validate.count(size, "size", most=_validate.MAX_SIDE)
    mask = torch.zeros(size, size, dtype=torch.bool)
    mask[_from_to(rows, "rows", size), _from_to(columns, "columns", size)] = True
    return mask


def inpaint(
    model: nn.Module,
    images: Tensor,
    mask: Tensor,
    *,
    iterations: int = 30,
    sample: bool = False,
    start: float | Tensor = 0.0,
    generator: torch.Generator | int = 0,
    history: bool = False,
) -> Inpainted:
    r"""Fill a hole: encode, decode, put the known pixels back, and again.

    x_h <- decode(z)_h, with z = mu(x), or z ~ q(z|x) with `sample`; x_o stays as it came. One
    iteration is the model asked once. What `images` hold inside the hole is never looked at.

    The mean decode(z) is put into the hole, no draw of pixels from p(x|z). With `sample` and a q
    that is the true posterior, the z are then those of a chain whose noise comes from z alone.

    Args:
        model: with `encode` and `decode`; with `posterior` too for `sample`. Run in evaluation
            mode, and put back afterwards.
        images: x, (N, 1, H, W), float32 in [0, 1].
        mask: True where a pixel is missing, bool, (H, W) for one hole in all images, or
            (N, 1, H, W) for one in each.
        iterations: at least 1.
        sample: draw z in place of taking its mean.
        start: grey value in the hole at the beginning, or an image (1, H, W) to take it from.
        generator: of the draws, or its seed.
        history: keep what the images were after each iteration.

    Raises:
        TypeError, ValueError: images, mask or numbers out of range, or a model that cannot draw.

    Source: Rezende, Mohamed and Wierstra (2014), appendix F; with means, Besag (1986).
    """
    _validate.model(model, "encode", "decode")
    images = _validate.images(images).detach()
    missing = _check_mask(mask, images)
    iterations = _validate.count(iterations, "iterations")
    noise = _validate.generator(generator, "generator")
    if _validate.flag(sample, "sample") and not hasattr(model, "posterior"):
        raise ValueError(
            f"the model, a {type(model).__name__}, has no posterior to draw from: leave "
            "sample=False"
        )
    if _validate.flag(history, "history"):
        _validate.room((iterations + 1) * images.numel(), f"history of iterations = {iterations}")
    first = torch.where(missing, _start(start, images), images)
    parts = []
    with measuring(model) as place:
        for x, holes in zip(first.split(_CHUNK), missing.split(_CHUNK), strict=True):
            parts.append(
                _fill(model, place, x, holes, iterations, noise if sample else None, history)
            )
    filled, x_hat, steps = zip(*parts, strict=True)
    return Inpainted(
        torch.cat(filled), torch.cat(x_hat), torch.cat(steps, dim=1) if history else None
    )


def _fill(
    model: nn.Module,
    place: Place,
    x: Tensor,
    missing: Tensor,
    iterations: int,
    noise: Noise,
    history: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the images after the last step, its reconstruction, and the images at each step."""
    steps, x_hat = [x], x
    for _ in range(iterations):
        z = _code(model, moved(place, x), noise)
        x_hat = images_of(model, "decode", z=z).to(x)  # in the images' place and precision
        if x_hat.shape != x.shape:
            raise ValueError(
                f"the model's decode(z) gave {tuple(x_hat.shape)} for images {tuple(x.shape)}; "
                "expected the same shape"
            )
        x = torch.where(missing, x_hat, x)  # the known pixels stay
        if history:
            steps.append(x)
    return x, x_hat, torch.stack(steps)


def _code(model: nn.Module, x: Tensor, noise: Noise) -> Tensor:
    """Return the mean of q(z|x), or a draw from it."""
    if noise is None:
        return call(model, "encode", images=x)
    posterior = call(model, "posterior", images=x)
    try:
        mu, log_var = posterior
        sigma = torch.exp(log_var / 2).expand_as(mu)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(
            f"the model's posterior(images) gave {_validate.say(posterior)}; expected mu and "
            "log_var, two tensors of one shape"
        ) from error
    # Drawn as float32 on the CPU: a seed means the same on any device, in any precision.
    eps = torch.randn(mu.shape, generator=noise, dtype=torch.float32, device="cpu").to(mu)
    return mu + sigma * eps


def error_in_hole(filled: Tensor, images: Tensor, mask: Tensor) -> Tensor:
    """Return the squared error of each image, summed over the pixels of its hole, (N,).

    Divide by the number of these pixels for the mean squared error a pixel.

    Args:
        filled: (N, 1, H, W), any real numbers.
        images: what should be there, (N, 1, H, W), in [0, 1].
        mask: as for `inpaint`.

    Raises:
        TypeError, ValueError: images or mask out of range, or shapes that differ.
    """
    _validate.images(images)
    missing = _check_mask(mask, images)
    _validate.finite(filled, "filled")
    _validate.one_kind(filled=filled, images=images)
    if filled.shape != images.shape:
        raise ValueError(
            f"filled has shape {tuple(filled.shape)}, images {tuple(images.shape)}; expected the "
            "same: an image each"
        )
    nothing = images.new_zeros(())
    return squared_error(
        torch.where(missing, filled, nothing), torch.where(missing, images, nothing)
    )


def fill_by_mean(reference: Tensor, images: Tensor, mask: Tensor) -> Tensor:
    """Return images whose hole holds the mean image: what is known without looking.

    Args:
        reference: images to average, (M, 1, H, W), such as the training digits.
        images: x, (N, 1, H, W), float32 in [0, 1].
        mask: as for `inpaint`.

    Raises:
        TypeError, ValueError: images or mask out of range, or sizes that do not fit.
    """
    _check_reference(reference, images)
    return torch.where(_check_mask(mask, images), reference.mean(0), images)


def fill_by_neighbour(reference: Tensor, images: Tensor, mask: Tensor) -> Tensor:
    """Return images whose hole is copied from the reference nearest in the visible pixels.

    Args:
        reference: images to copy from, (M, 1, H, W), such as training digits.
        images: x, (N, 1, H, W), float32 in [0, 1].
        mask: one hole in all images, (H, W), bool.

    Raises:
        ValueError: a hole of its own for each image, which would take a search for each.
    """
    _check_reference(reference, images)
    missing = _one_hole(mask, images)
    seen = ~mask.flatten()
    known = reference.flatten(1)[:, seen]  # (M, visible)
    half = known.square().sum(1) / 2
    # The nearest has the largest a.b - |b|^2 / 2: |a - b|^2 without the |a|^2 that all share.
    places = [(x.flatten(1)[:, seen] @ known.T - half).argmax(1) for x in images.split(_CHUNK)]
    return torch.where(missing, reference[torch.cat(places)], images)


def fill_by_plane(pca: PCA, images: Tensor, mask: Tensor) -> Tensor:
    r"""Return images whose hole holds its mean given the visible pixels, by probabilistic PCA.

    x = W z + m + noise of variance c a pixel, z ~ N(0, I), W = U (Lambda - c I)^(1/2), and c the
    mean of the variances that the plane leaves out. With h the hole and o the visible pixels,

        E[x_h | x_o] = m_h + W_h (W_o^T W_o + c I)^-1 W_o^T (x_o - m_o).

    Args:
        pca: fitted, of the size of the images.
        images: x, (N, 1, H, W), float32 in [0, 1].
        mask: one hole in all images, (H, W), bool.

    Returns:
        (N, 1, H, W); in the hole, values a little outside [0, 1] are possible.

    Raises:
        ValueError: a hole of its own for each image, or sizes that do not fit.

    Source: Tipping and Bishop (1999), section 3; the conditional mean as for any normal vector.
    """
    _fitted(pca)
    _validate.images(images, size=pca.size)
    missing = _one_hole(mask, images)
    W, c = loadings(pca)
    x, lost = exact(images).flatten(1), mask.flatten()
    W, m, holes = W.to(x.device), exact(pca.mean).to(x.device), lost.to(x.device)
    W_o, W_h = W[~holes], W[holes]
    away = (x[:, ~holes] - m[~holes]) @ W_o  # W_o^T (x_o - m_o), (N, d)
    inner = W_o.T @ W_o + c * torch.eye(W.shape[1], dtype=W.dtype, device=W.device)
    # Where the noise is 0, visible pixels may leave part of z open: the smallest z then.
    z = away @ torch.linalg.pinv(inner, hermitian=True)
    values = m[holes] + z @ W_h.T
    filled = images.detach().flatten(1).clone()
    filled[:, lost] = values.to(filled)
    return torch.where(missing, filled.view_as(images), images)


def loadings(pca: PCA) -> tuple[Tensor, float]:
    """Return W (D, d), float64, and the noise variance c of probabilistic PCA.

    Args:
        pca: fitted, with at least one direction left out.

    Raises:
        TypeError, ValueError: no PCA, one that is not fitted, or one that leaves nothing out.

    Source: Tipping and Bishop (1999), equations 7 and 8.
    """
    _fitted(pca)
    d = pca.components.shape[1]
    variances = exact(pca.variances)
    if d == len(variances):
        raise ValueError(
            f"the pca has all {d} directions, so none is left to tell the noise from: lower latent"
        )
    c = float(variances[d:].mean())
    return exact(pca.components) * (variances[:d] - c).clamp(min=0).sqrt(), c


def _from_to(value: object, name: str, size: int) -> slice:
    """Return a range of rows or columns."""
    items = _validate.several(value, name, "two whole numbers, such as (10, 20)")
    if len(items) != 2:
        raise ValueError(f"{name} is {_validate.say(value)}; expected two whole numbers")
    first, end = (_validate.count(n, f"each of {name}", least=0) for n in items)
    if not first < end <= size:
        raise ValueError(
            f"{name} is ({first}, {end}); expected 0 <= first < end <= {size}: the hole goes "
            "from the first up to, and without, the second"
        )
    return slice(first, end)


def _one_hole(mask: Tensor, images: Tensor) -> Tensor:
    """Return the mask of one hole in all images as (N, 1, H, W)."""
    missing = _check_mask(mask, images)
    if mask.ndim != 2:
        raise ValueError(f"mask has shape {tuple(mask.shape)}; expected one hole for all, (H, W)")
    return missing


def _fitted(pca: PCA) -> None:
    """Refuse what is no PCA that was fitted."""
    _validate.record(pca, "pca", PCA, "such as PCA(2).fit(images)")
    _validate.model(pca, name="pca")
    pca.check_fitted()
    for name in ("mean", "components", "variances"):
        _validate.finite(getattr(pca, name), f"pca.{name}")


def _check_mask(mask: Tensor, images: Tensor) -> Tensor:
    """Return the mask as (N, 1, H, W), or say what does not fit."""
    _validate.mask(mask, "mask", "a bool tensor, True where a pixel is missing")
    _validate.one_device(mask=mask, images=images)
    if mask.shape not in (images.shape, images.shape[2:]):
        raise ValueError(
            f"mask has shape {tuple(mask.shape)}; expected {tuple(images.shape[2:])}, one hole for "
            f"all images, or {tuple(images.shape)}"
        )
    missing = mask.expand_as(images)
    share = missing.flatten(1).float().mean(1)
    if not bool((share > 0).all()):
        raise ValueError(
            "by the mask an image has no missing pixel: True marks those that are missing"
        )
    if not bool((share < 1).all()):
        raise ValueError(
            "by the mask an image has no known pixel, so there is nothing to go by: draw from the "
            "prior instead"
        )
    return missing


def _start(start: float | Tensor, images: Tensor) -> Tensor:
    value = _validate.numbers(start, "start", "grey values in [0, 1]").detach().to(images)
    if value.ndim and value.shape != images.shape[1:]:
        raise ValueError(
            f"start has shape {tuple(value.shape)}; expected a grey value, or one image "
            f"{tuple(images.shape[1:])}"
        )
    if not bool(((value >= 0) & (value <= 1)).all()):  # NaN fails this too
        raise ValueError("start must lie in [0, 1], as grey values do")
    return value


def _check_reference(reference: Tensor, images: Tensor) -> None:
    _validate.images(reference, "reference")
    _validate.images(images)
    if reference.shape[1:] != images.shape[1:]:
        raise ValueError(
            f"reference has images of {tuple(reference.shape[1:])}, images of "
            f"{tuple(images.shape[1:])}; expected the same size"
        )
    _validate.one_device(reference=reference, images=images)
