r"""What ails a variational autoencoder: one measurement for each common fault.

A loss curve seldom names a fault, because several faults bend it alike. Each test here changes one
thing and leaves the rest alone, so that its number has one cause: `examine` runs them all.

The loss is asked without the model. Fed with x_hat, mu and log_var made for the purpose, a loss
R + beta KL has gradients that are known:

    N dL/dmu = w mu,    N dL/dlog_var = w (exp(log_var) - 1) / 2,    N dL/dlogits = s (x_hat - x)

for a Bernoulli reconstruction, N images a batch. So w is the weight of a nat of KL and s that of a
nat of reconstruction, whatever was meant. The model is asked without the loss: how far its draws
scatter about mu, which of the encoder's weights feel x_hat, which grey levels it can reach.
"""

import copy
import math
import textwrap
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aeteach import _validate
from aeteach._exact import exact, own_precision
from aeteach._measure import call, moved, place_of
from aeteach._modes import modes_kept
from aeteach._random import seeded
from aeteach._wrapped import unwrapped
from aeteach.divergences import kl_to_standard_normal
from aeteach.likelihoods import NLL
from aeteach.models.base import Output

_PROBE = 11  # images a loss is asked about; prime, so that a batch size is not taken for a pixel
_IMAGES = 32  # whose draws are repeated
_DRAWS = 200  # of z an image: a median over 32 images has 1 % scatter, and 0.05 is allowed
_CHUNK = 50  # images measured at once by `vital_signs`, as many as in a training batch
_UNIFORM = (0.5, 12**-0.5)  # mean and standard deviation of torch.rand
_BINS = 24
_VISIBLE = 100  # roundings of mu that sigma must be larger than, for the noise to be seen in z

FINDINGS = (
    "not_finite",
    "reconstruction",
    "kl_sign",
    "kl_unused",
    "kl_formula",
    "reduction",
    "beta",
    "sigmoid",
    "range",
    "no_draw",
    "collapsed",
    "repeat",
    "noise",
    "spread",
    "gradient",
    "mode",
    "leak",
)


@dataclass(frozen=True)
class Finding:
    """One fault that a test has shown.

    Attributes:
        name: one of `FINDINGS`.
        says: the measured number, what it should be, and where to look.
    """

    name: str
    says: str


@dataclass(frozen=True)
class Report:
    """What the tests found and measured; print it.

    Attributes:
        findings: the faults, in the order of `FINDINGS`; empty for a healthy model.
        measured: name -> number. "kl_weight" is w and "pixel_weight" s of this module's formulas,
            "balance" w / s, "squared_error" 1 if the reconstruction is one (which may leave
            [0, 1]), "lowest" and "highest" the grey levels that x_hat reaches,
            "noise_mean" and "noise_spread" the mean and standard deviation of (z - mu) / sigma,
            "log_var_ratio" the standard deviation of z divided by |log_var|,
            "encoder_reached" the share of the encoder's tensors with a gradient from x_hat,
            "mode_difference" how far mu moves between the two modes, in standard deviations of
            mu, "draws_repeat" 1 if two draws are equal, "shared" images also trained on. A number
            that could not be measured is missing.
    """

    findings: tuple[Finding, ...]
    measured: dict[str, float]

    @property
    def healthy(self) -> bool:
        """Whether no test found a fault."""
        return not self.findings

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the findings."""
        return tuple(f.name for f in self.findings)

    def __str__(self) -> str:
        if self.healthy:
            return "no finding"
        lines = [f"{f.name}: {f.says}" for f in self.findings]
        return "\n".join(textwrap.fill(line, 84, subsequent_indent="    ") for line in lines)

    __repr__ = __str__


class Vitals(NamedTuple):
    """What a chart at a patient's bed shows at one moment of training.

    Attributes:
        step: batches so far.
        seen: reconstruction and KL of the training images, (2,), nats an image.
        unseen: the same of held-out images.
        kl: KL of each latent dimension, (d,), nats, training images.
        pixels: share of the pixels of x_hat in 24 equal bins from 0 to 1, (24,).
        noise: share of (z - mu) / sigma in 24 equal bins from -3 to 3, (24,); what lies beyond is
            in the last bin of its side.
        x_hat: reconstructions of the first few training images, (n, 1, H, W).
        generated: images from random z, two calls, (2, n, 1, H, W).
    """

    step: int
    seen: Tensor
    unseen: Tensor
    kl: Tensor
    pixels: Tensor
    noise: Tensor
    x_hat: Tensor
    generated: Tensor


def examine(
    model: nn.Module,
    loss: Callable[..., Any],
    images: Tensor,
    *,
    training_images: Tensor | None = None,
    beta: float | None = None,
    seed: int = 0,
) -> Report:
    r"""Run one convicting test for each common fault on a VAE and its loss.

    The model is copied first: its weights, mode and gradients stay as they are, and so does the
    global random state. Only "mode" judges the mode that the model came in.

    Args:
        model: a VAE: `forward(x)` returns an `Output` with mu and log_var, `decode(z)` returns
            images. If it has `generate(n)`, that is called twice as well.
        loss: `loss(output, x)`, a scalar tensor or a dict of which "loss" is one; its KL is in
            closed form, from mu and log_var.
        images: x, (N, C, H, W), float32 in [0, 1], N >= 2, held out from training.
        training_images: what the model was trained on, of the same shape, to look for copies.
        beta: weight of the KL that was meant, at least 0. If left out, 1 is supposed where a
            reduction could explain the balance, and otherwise nothing is.
        seed: of all draws.

    Returns:
        Report: its findings, and every number measured.

    Raises:
        TypeError, ValueError: images out of range, a model that is not variational, or one of a
            likelihood that is neither "bernoulli" nor "gaussian", a loss that is no scalar, or a
            negative beta.
    """
    _validate.model(model, "decode")
    if (has := getattr(unwrapped(model), "likelihood", None)) in NLL:
        raise ValueError(
            f"the model makes {has!r}, and losses are asked here about outputs of 'bernoulli' and "
            "'gaussian' alone: examine the same bodies with one of these"
        )
    _validate.function(loss, "loss", "a loss(output, x), which gives a scalar tensor")
    beta = None if beta is None else _validate.number(beta, "beta", least=0)
    _check(images, training_images)
    measured: dict[str, float] = {}
    with own_precision(), _seeded(seed, model), torch.enable_grad():
        found = _ask_all(_copy(model), loss, images, beta, model.training, measured)
    if training_images is not None:
        measured["shared"] = float(shared_images(images, training_images))
        found += _leak(measured["shared"], len(images))
    order = sorted(found, key=lambda f: FINDINGS.index(f.name))
    return Report(tuple(order), measured)


def vital_signs(
    model: nn.Module,
    seen: Tensor,
    unseen: Tensor,
    *,
    step: int = 0,
    pictures: int = 4,
    seed: int = 0,
) -> Vitals:
    r"""Measure a VAE at one moment of training, in the mode it is in.

    The mode is left to the caller, for a wrong one is a fault to be seen: call `model.eval()`
    before and `model.train()` after. Reconstruction is the binary cross-entropy of x_hat, summed
    over pixels. Images pass in batches of 50, in their order.

    Args:
        model: a VAE with `decode`, or with `generate(n)`, which is then used for random images.
        seen: training images, (N, 1, H, W), float32 in [0, 1].
        unseen: held-out images, same height and width.
        step: batches so far, for the record.
        pictures: how many images to keep.
        seed: of the draws; the global random state is left alone.

    Raises:
        TypeError, ValueError: images out of range, or a model that is not variational.
    """
    can_generate = callable(getattr(model, "generate", None))
    _validate.model(model, *(() if can_generate else ("decode",)))
    _validate.images(seen, "seen")
    _validate.images(unseen, "unseen")
    if seen.shape[2:] != unseen.shape[2:]:
        raise ValueError(
            f"seen are {tuple(seen.shape[2:])}, unseen {tuple(unseen.shape[2:])}; expected the "
            "same height and width"
        )
    step = _validate.count(step, "step", least=0, most=_validate.MAX_SEED)
    pictures = _validate.count(pictures, "pictures")
    with own_precision(), _seeded(seed, model), modes_kept(model), torch.no_grad():
        seen, unseen = (moved(place_of(model), x) for x in (seen, unseen))
        out, other = (_healthy(_outputs(model, x)) for x in (seen, unseen))
        drawn = [_random_images(model, out, pictures) for _ in range(2)]
    sigma = torch.exp(_log_var(out) / 2)
    eps = ((out.z - _mu(out)) / sigma).clamp(-2.999, 2.999)
    return Vitals(
        step,
        _costs(out, seen),
        _costs(other, unseen),
        kl_to_standard_normal(out.mu, _log_var(out), per_dimension=True).mean(0),
        _shares(out.x_hat, 0, 1),
        _shares(eps, -3, 3),
        out.x_hat[:pictures],
        torch.stack(drawn),
    )


def shared_images(images: Tensor, others: Tensor) -> int:
    """Count the images that are also, pixel by pixel, among the others.

    Args:
        images: (N, C, H, W), float32 in [0, 1], the held-out ones.
        others: (M, C, H, W), such as the training images.

    Raises:
        TypeError, ValueError: images out of range, or of different sizes.
    """
    _validate.images(images, colour=True)
    _validate.images(others, "others", colour=True)
    if images.shape[1:] != others.shape[1:]:
        raise ValueError(
            f"images are {tuple(images.shape[1:])}, others {tuple(others.shape[1:])}; expected the "
            "same channels, height and width, or no two can be equal: bring them to one size"
        )
    known = set(_bytes(others))
    return sum(x in known for x in _bytes(images))


def _bytes(images: Tensor) -> Iterator[bytes]:
    """Yield what tells images apart; -0 is 0."""
    return (x.numpy().tobytes() for x in images.detach().cpu() + 0.0)


def _ask_all(
    model: nn.Module,
    loss: Callable[..., Any],
    images: Tensor,
    beta: float | None,
    came_training: bool,
    measured: dict[str, float],
) -> list[Finding]:
    """Run the tests of a model that is a copy, in the order of what they need."""
    if not all(bool(w.isfinite().all()) for w in model.state_dict().values()):
        return [_NOT_FINITE]
    x = moved(place_of(model), images)
    x = x.clone() if x.is_inference() else x  # gradients are asked for here
    out = _outputs(model, x[:_IMAGES])
    found = _ask_loss(loss, out, x, beta, measured)
    if not _finite(out):
        return [*found, _NOT_FINITE]
    found += _ask_decoder(model, out, x, measured)
    found += _ask_draws(model, x[:_IMAGES], measured)
    found += _ask_gradient(model, x[:_PROBE], measured)
    return found + _ask_mode(model, came_training, x, measured)


# ---------------------------------------------------------------- the loss, without the model


def _ask_loss(
    loss: Callable[..., Any],
    out: Output,
    images: Tensor,
    beta: float | None,
    measured: dict[str, float],
) -> list[Finding]:
    """Measure w and s, and judge the KL's formula, sign and weight."""
    x = exact(images[:_PROBE])
    d = _mu(out).shape[1]
    pixels, squared = _pixel_weight(loss, x, d, out.logits is not None)
    measured["squared_error"] = float(squared)
    by_mu, by_log_var, straight = _kl_weights(loss, x, d, out.logits is not None)
    measured["kl_weight"] = by_mu
    found = []
    if pixels is None:
        found.append(_RECONSTRUCTION)
    else:
        measured["pixel_weight"] = pixels
        measured["balance"] = by_mu / pixels
    if not straight or not math.isclose(by_mu, by_log_var, rel_tol=0.01, abs_tol=1e-9):
        found.append(
            Finding(
                "kl_formula",
                f"the gradient by mu speaks for a KL of weight {by_mu:.3g}, that by log_var for "
                f"{by_log_var:.3g}, or for none; they should agree. Does the formula take log_var "
                "for sigma or for the variance? KL = (exp(log_var) - 1 - log_var + mu^2) / 2",
            )
        )
    elif abs(by_mu) < 1e-9:
        if beta != 0:
            found.append(_UNUSED)
    elif by_mu < 0:
        found.append(
            Finding(
                "kl_sign",
                f"the loss falls by {-by_mu:.3g} for each nat of KL; it should rise. Training will "
                "drive the KL to infinity: add the KL, do not subtract it",
            )
        )
    elif pixels is not None:
        found += _judge_balance(by_mu, pixels, beta, d, x)
    return found


def _judge_balance(
    kl_weight: float, pixel_weight: float, beta: float | None, d: int, x: Tensor
) -> list[Finding]:
    """Look for a number of pixels, dimensions or images in w / s, where none belongs."""
    balance = kl_weight / pixel_weight
    ratio = balance / (beta or 1.0)
    D, n = x[0].numel(), len(x)
    causes = {
        float(D): f"{D}, the number of pixels: the reconstruction is averaged over pixels",
        1 / d: f"1/{d}, one over the latent dimensions: the KL is averaged over them",
        D / d: f"{D}/{d}: both terms are averaged, each over its own count",
        float(n): f"{n}, the batch size: the KL is summed over the batch, the other averaged",
        1 / n: f"1/{n}, one over the batch: the reconstruction is summed over the batch",
    }
    for factor, cause in causes.items():
        if math.isclose(ratio, factor, rel_tol=0.01) and not math.isclose(factor, 1, rel_tol=0.01):
            says = (
                f"a nat of KL weighs {balance:.4g} times a nat of reconstruction, off by {cause}. "
                "Sum over pixels and over latent dimensions, average over the batch alone"
            )
            return [Finding("reduction", says)]
    meant = beta is None or any(math.isclose(v, beta, rel_tol=0.01) for v in (balance, kl_weight))
    if meant:
        return []
    says = f"a nat of KL weighs {balance:.4g}, and {beta:.4g} was meant: is beta used, and once?"
    return [Finding("beta", says)]


def _pixel_weight(
    loss: Callable[..., Any], x: Tensor, d: int, logits: bool
) -> tuple[float | None, bool]:
    """Return s, None if x is not the best x_hat, and whether it counts squared errors."""
    slopes = []
    for level in (0.0, 2.0):
        leaf = torch.full_like(x, level, requires_grad=True)
        gradient = _gradients(loss, x, d, leaf, logits)[0] * len(x)
        miss = (torch.sigmoid(leaf) - x).detach()
        slope = (gradient * miss).sum() / (miss**2).sum()
        if not _near(gradient, slope * miss) or slope <= 0:
            return None, False
        slopes.append(float(slope))
    # d(x_hat - x)^2 / dlogits = 2 (x_hat - x) x_hat (1 - x_hat): 0.5 (x_hat - x) at x_hat = 0.5
    squared = math.isclose(slopes[1] / slopes[0], 4 * 0.88080 * 0.11920, rel_tol=0.01)
    return (2 * slopes[0] if squared else slopes[0]), squared


def _kl_weights(
    loss: Callable[..., Any], x: Tensor, d: int, logits: bool
) -> tuple[float, float, bool]:
    """Return w as told by mu and by log_var, and whether the gradients follow the formula."""
    _, by_mu, by_log_var, mu, log_var = _gradients(loss, x, d, torch.zeros_like(x), logits)
    weights, straight = [], True
    for gradient, formula in ((by_mu, mu), (by_log_var, (torch.exp(log_var) - 1) / 2)):
        slope = (gradient * formula).sum() * len(x) / (formula**2).sum()
        straight &= _near(gradient * len(x), slope * formula)
        weights.append(float(slope))
    return weights[0], weights[1], straight


def _gradients(
    loss: Callable[..., Any], x: Tensor, d: int, leaf: Tensor, logits: bool
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Return the gradients by logits, mu and log_var for made-up outputs, and mu and log_var."""
    shape = (len(x), d)
    # Far from the prior, so that free bits do not hide the KL.
    mu = torch.rand(shape, dtype=x.dtype, device=x.device) * 2 + 2
    mu = (mu * torch.sign(torch.randn_like(mu))).requires_grad_()
    log_var = (torch.rand_like(mu) + 0.5).requires_grad_()
    leaf = leaf.detach().clone().requires_grad_()
    output = Output(torch.sigmoid(leaf), mu.detach(), mu, log_var, leaf if logits else None)
    total = _total(_asked(loss, output, x))
    leaves = (leaf, mu, log_var)
    found: tuple[Tensor | None, ...] = (None, None, None)
    if total.requires_grad:
        found = torch.autograd.grad(total, leaves, allow_unused=True)
    g = [torch.zeros_like(v) if f is None else f for v, f in zip(leaves, found, strict=True)]
    return g[0], g[1], g[2], mu.detach(), log_var.detach()


def _asked(loss: Callable[..., Any], output: Output, x: Tensor) -> Any:
    try:
        return loss(output, x)
    except Exception as error:
        raise ValueError(
            f"the loss cannot take an Output and x, {_validate.say(x)}: "
            f"{type(error).__name__}: {str(error)[:300]}"
        ) from error


def _total(terms: Any) -> Tensor:
    total = terms["loss"] if isinstance(terms, dict) and "loss" in terms else terms
    if not isinstance(total, Tensor) or total.numel() != 1:
        what = tuple(total.shape) if isinstance(total, Tensor) else type(total).__name__
        raise ValueError(
            f"the loss returned {what}; expected one scalar tensor, or a dict with one under "
            "'loss': average over the batch"
        )
    if not bool(total.isfinite().all()):
        raise ValueError(
            f"the loss is {total.item():g} for a made-up output whose numbers are moderate; "
            "expected a finite number: look for a logarithm of 0 or an overflow in it"
        )
    return total.reshape(())


def _near(got: Tensor, want: Tensor) -> bool:
    """Tell whether two gradients agree to 1 %, measured by length."""
    return bool((got - want).norm() <= 0.01 * want.norm() + 1e-12)


# ---------------------------------------------------------------- the model, without the loss


def _ask_decoder(
    model: nn.Module, out: Output, images: Tensor, measured: dict[str, float]
) -> list[Finding]:
    """See which grey levels x_hat reaches, for these images and for z far out."""
    with torch.no_grad():
        # Ever farther out: a logit of either sign gets large, if the decoder lets it.
        far = [call(model, "decode", z=torch.randn_like(out.z) * k) for k in (1, 10, 100)]
    both = torch.cat([out.x_hat, *far]).detach()
    low, high = (float(v) for v in both.aminmax())
    measured["lowest"], measured["highest"] = low, high
    squashed = low >= 0.5 - 1e-6 and high <= 1 / (1 + math.exp(-1)) + 1e-6
    if squashed and float(images.min()) < 0.4:
        says = (
            f"x_hat runs from {low:.3f} to {high:.3f}, however far out z is; a sigmoid of a number "
            "in [0, 1] lies in [0.5, 0.731]. Two sigmoids in a row: take one away"
        )
        return [Finding("sigmoid", says)]
    if (low < -1e-6 or high > 1 + 1e-6) and not measured["squared_error"]:
        says = (
            f"x_hat runs from {low:.3g} to {high:.3g}; expected [0, 1]: end the decoder in a "
            "sigmoid, or were logits returned for x_hat?"
        )
        return [Finding("range", says)]
    return []


def _ask_draws(model: nn.Module, images: Tensor, measured: dict[str, float]) -> list[Finding]:
    """Draw z again and again for the same images, and compare its scatter with sigma."""
    with torch.no_grad():
        outs = [model(images) for _ in range(_DRAWS)]
    z = exact(torch.stack([o.z for o in outs]))  # (draws, N, d)
    mu, log_var = exact(outs[0].mu), exact(outs[0].log_var)
    sigma = torch.exp(log_var / 2)
    # A sigma below the rounding of mu leaves no trace in z: what is drawn there cannot be judged.
    seen = sigma > _VISIBLE * torch.finfo(outs[0].mu.dtype).eps * mu.abs()
    if not bool(seen.any()):
        measured["draws_repeat"] = float(_generates_the_same(model))
        return [_collapsed(sigma), *([_REPEAT] if measured["draws_repeat"] else [])]
    z, mu, log_var, sigma = z[:, seen], mu[seen], log_var[seen], sigma[seen]
    spread = z.std(0)
    measured["noise_mean"] = float(((z - mu) / sigma).mean())
    measured["noise_spread"] = float((spread / sigma).median())
    measured["log_var_ratio"] = float((spread / log_var.abs().clamp(min=1e-30)).median())
    measured["draws_repeat"] = float(torch.equal(z[0], z[1]) or _generates_the_same(model))
    if torch.equal(z, mu.expand_as(z)):
        return [_NO_DRAW]
    if measured["draws_repeat"]:
        return [_REPEAT]
    return _judge_scatter(measured, float((spread / sigma**2).median()))


def _collapsed(sigma: Tensor) -> Finding:
    return Finding(
        "collapsed",
        f"sigma is {float(sigma.median()):.2g} in the median, below the rounding of mu, so z is "
        "mu whatever is drawn and the code cannot be judged. Is the KL given too little weight?",
    )


def _judge_scatter(measured: dict[str, float], variance_ratio: float) -> list[Finding]:
    """Name the noise, or what was taken for sigma, from the scatter of z."""
    mean, spread = measured["noise_mean"], measured["noise_spread"]
    if abs(mean) > 0.05 * max(1.0, spread):
        uniform = abs(mean - _UNIFORM[0]) < 0.05 and abs(spread - _UNIFORM[1]) < 0.05
        cause = "rand was taken for randn" if uniform else "is something added to the noise?"
        says = (
            f"(z - mu) / sigma has mean {mean:.2f} and standard deviation {spread:.2f}; expected "
            f"0 and 1: {cause}"
        )
        return [Finding("noise", says)]
    if abs(spread - 1) <= 0.05:
        return []
    cause = "something other than sigma multiplies the noise"
    if math.isclose(measured["log_var_ratio"], 1, abs_tol=0.05):
        cause = "log_var itself was taken for sigma"
    elif math.isclose(variance_ratio, 1, abs_tol=0.05):
        cause = "the variance exp(log_var) was taken for sigma"
    says = f"z scatters {spread:.2g} sigma about mu; expected 1: {cause}. sigma = exp(log_var / 2)"
    return [Finding("spread", says)]


def _generates_the_same(model: nn.Module) -> bool:
    make = getattr(model, "generate", None)
    if make is None:
        return False
    with torch.no_grad():
        first, second = (call(model, "generate", n=2) for _ in range(2))  # type: ignore[arg-type]
        return torch.equal(first, second)


def _ask_gradient(model: nn.Module, x: Tensor, measured: dict[str, float]) -> list[Finding]:
    """See which of the encoder's tensors x_hat depends on."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    out = model(x)
    encoder = _reached(out.mu.sum() + out.log_var.sum(), parameters)
    if not any(encoder):
        return []  # nothing to train, so nothing to reach
    by_x_hat = _reached(out.x_hat.sum(), parameters)
    count = sum(encoder)
    reached = sum(a and b for a, b in zip(encoder, by_x_hat, strict=True))
    measured["encoder_reached"] = reached / count
    if reached == count:
        return []
    says = (
        f"x_hat has a gradient by {reached} of the encoder's {count} tensors; expected all. "
        "Something between mu, log_var and z cuts the trail: detach, no_grad, sample, .data?"
    )
    return [Finding("gradient", says)]


def _reached(value: Tensor, parameters: list[nn.Parameter]) -> list[bool]:
    if not value.requires_grad:
        return [False] * len(parameters)
    found = torch.autograd.grad(value, parameters, retain_graph=True, allow_unused=True)
    return [g is not None for g in found]


def _ask_mode(
    model: nn.Module, came_training: bool, images: Tensor, measured: dict[str, float]
) -> list[Finding]:
    """Compare mu in the two modes; dropout and batch normalisation make them differ."""
    x = images[:_CHUNK]
    with torch.no_grad():
        calm = model(x).mu
        moved = model.train()(x).mu
    model.eval()
    difference = float((moved - calm).norm() / (calm - calm.mean(0)).norm().clamp(min=1e-12))
    measured["mode_difference"] = difference
    if not came_training or difference < 1e-5:
        return []
    says = (
        f"mu moves by {difference:.2g} of its scatter between the two modes, and the model came in "
        "training mode: dropout or batch normalisation is at work. Call model.eval() to measure"
    )
    return [Finding("mode", says)]


def _leak(shared: float, n: int) -> list[Finding]:
    if not shared:
        return []
    says = (
        f"{shared:.0f} of the {n} images were trained on; expected 0. Every loss on them is too "
        "good: split first, then train"
    )
    return [Finding("leak", says)]


# ---------------------------------------------------------------- small parts


def _seeded(seed: int, model: nn.Module) -> AbstractContextManager[None]:
    """A seed of one's own; the global random states are put back afterwards."""
    return seeded(_validate.seed(seed), place_of(model).device)


def _copy(model: nn.Module) -> nn.Module:
    """Return a copy of the model in evaluation mode."""
    try:
        return copy.deepcopy(model).eval()
    except Exception as error:
        raise ValueError(
            f"the model, a {type(model).__name__}, cannot be copied: {str(error)[:300]}"
        ) from error


def _outputs(model: nn.Module, images: Tensor) -> Output:
    """Return what the model makes of all images, 50 at a time, or say why it is no VAE."""
    with torch.no_grad():
        parts = [call(model, "forward", images=x) for x in images.split(_CHUNK)]
    first = parts[0]
    names = ("x_hat", "z", "mu", "log_var")
    missing = [n for n in names if getattr(first, n, None) is None]
    if missing:
        raise ValueError(
            f"the model's output has no {', '.join(missing)}; expected x_hat, z, mu and log_var, "
            "as aeteach.models.Output names them: is it a variational autoencoder?"
        )
    x_hat, z, mu, log_var = (_joined(parts, name) for name in names)
    for name, value, shape in (
        ("x_hat", x_hat, images.shape),
        ("mu", mu, (len(images), *mu.shape[1:2])),
        ("z", z, mu.shape),
        ("log_var", log_var, mu.shape),
    ):
        if value.shape != shape:
            raise ValueError(
                f"the model's forward gave {name} {tuple(value.shape)} for images "
                f"{tuple(images.shape)} and mu {tuple(mu.shape)}; expected {tuple(shape)}"
            )
    logits = getattr(first, "logits", None)
    return Output(x_hat, z, mu, log_var, None if logits is None else _joined(parts, "logits"))


def _joined(parts: list[Output], name: str) -> Tensor:
    """Return a tensor of the outputs of all batches."""
    values = [getattr(part, name) for part in parts]
    for value in values:
        if not isinstance(value, Tensor) or not value.is_floating_point() or not value.ndim:
            raise TypeError(
                f"the model's forward gave {_validate.say(value)} for {name}; expected a float "
                "tensor with a row for each image"
            )
    return torch.cat(values)


def _healthy(out: Output) -> Output:
    """Return the output if its costs can be told."""
    if not _finite(out):
        raise ValueError(
            "the model's x_hat, z, mu or exp(log_var) holds NaN or infinity, so there is nothing "
            "to measure: its training has diverged"
        )
    low, high = (float(v) for v in out.x_hat.aminmax())
    if low < 0 or high > 1:
        raise ValueError(
            f"the model's x_hat runs from {low:g} to {high:g}; expected [0, 1], as a sigmoid gives"
        )
    return out


def _finite(out: Output) -> bool:
    """Tell whether everything is finite and exp(log_var) is as well."""
    values = [out.x_hat, out.z, out.mu, torch.exp(_log_var(out))]
    return all(bool(v.isfinite().all()) for v in values if v is not None)


def _mu(out: Output) -> Tensor:
    assert out.mu is not None  # _outputs has seen to it
    return out.mu


def _log_var(out: Output) -> Tensor:
    assert out.log_var is not None  # _outputs has seen to it
    return out.log_var


def _costs(out: Output, x: Tensor) -> Tensor:
    reconstruction = F.binary_cross_entropy(out.x_hat, x, reduction="none").flatten(1).sum(1)
    kl = kl_to_standard_normal(out.mu, _log_var(out))
    return torch.stack([reconstruction.mean(), kl.mean()])


def _random_images(model: nn.Module, out: Output, n: int) -> Tensor:
    if callable(getattr(model, "generate", None)):
        return _validate.made(call(model, "generate", n=n), "generate(n)", n)  # type: ignore[arg-type]
    z = torch.randn(n, out.z.shape[1], device=out.z.device, dtype=out.z.dtype)
    return _validate.made(call(model, "decode", z=z), "decode(z)", n)


def _shares(values: Tensor, low: float, high: float) -> Tensor:
    return torch.histc(values.float(), _BINS, low, high) / values.numel()


def _check(images: Tensor, training_images: Tensor | None) -> None:
    if len(_validate.images(images, colour=True)) < 2:
        raise ValueError("images holds 1 image; the tests need at least 2")
    if training_images is None:
        return
    _validate.images(training_images, "training_images", colour=True)
    if images.shape[1:] != training_images.shape[1:]:
        raise ValueError(
            f"images are {tuple(images.shape[1:])}, training_images "
            f"{tuple(training_images.shape[1:])}; expected the same channels, height and width"
        )


_NOT_FINITE = Finding(
    "not_finite",
    "x_hat, z, mu or exp(log_var) holds NaN or infinity, so the model itself cannot be tested: "
    "has its loss diverged?",
)
_RECONSTRUCTION = Finding(
    "reconstruction",
    "the loss is not smallest where x_hat = x, or does not depend on x_hat. Are the arguments "
    "swapped, or is x_hat squashed a second time (binary_cross_entropy_with_logits wants logits)?",
)
_UNUSED = Finding(
    "kl_unused",
    "the loss has no gradient by mu and log_var of its own: the KL has weight 0, and the model is "
    "a plain autoencoder. Was the weighted KL added to the loss?",
)
_NO_DRAW = Finding("no_draw", "z equals mu: nothing is drawn. z = mu + sigma * eps")
_REPEAT = Finding(
    "repeat",
    "two draws gave the same numbers; expected new noise in every call. Is a seed set inside "
    "forward or generate? Set it once, at the start of the program",
)
