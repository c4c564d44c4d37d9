r"""The bottleneck as a channel: signal, noise, and the bits that get through.

A latent number z leaves the encoder, noise is added, and the decoder receives z + n with
n ~ N(0, v). The signal-to-noise ratio SNR = (power of z) / v says how clean the channel is. The
power is the variance: the mean of z is known on both sides and carries nothing.

What may be asked of it is in bits. If z is normal, the mutual information of z and z + n is
1/2 log2(1 + SNR) a dimension, the capacity of the channel. Of all z of one power the normal one
gets most through, so for any other the formula is an upper bound; `mutual_information` computes
what really arrives for two of them, by numerical integration.
"""

import math

import torch
from torch import Tensor

from aeteach import _validate
from aeteach._exact import exact
from aeteach._on_cpu import on_cpu

INPUTS = ("normal", "binary", "uniform")
_REACH = 12.0  # standard deviations of the noise beyond which its density is nothing
_STEPS = 40_001  # points of the integration


def db_to_ratio(db: float) -> float:
    """Return the ratio that so many decibels are: 10^(db / 10); 3 dB are about 2, 10 dB are 10.

    Args:
        db: ratio of two powers in decibels, finite.
    """
    db = _validate.number(db, "db", least=-300, most=300, hint="decibels, such as 10")
    return 10 ** (db / 10)


def ratio_to_db(ratio: float) -> float:
    """Return a ratio of two powers in decibels: 10 log10(ratio).

    Args:
        ratio: above 0, finite.
    """
    return 10 * math.log10(_validate.number(ratio, "ratio", above=0))


def signal_power(z: Tensor) -> Tensor:
    """Return the power of latent vectors, a dimension: the mean of their variances over the batch.

    Args:
        z: (N, d), floating point, N >= 2.

    Returns:
        Scalar, in squared units of z; divided by N, so that it is the power of this batch.

    Raises:
        TypeError, ValueError: not (N, d), not finite, or fewer than two rows.
    """
    _validate.latents(z, least=2)
    return z.var(0, correction=0).mean()


def noise_variance(z: Tensor, snr: float) -> Tensor:
    """Return the variance of the noise that leaves a signal-to-noise ratio: signal power / snr.

    It is one number for all dimensions: a dimension that varies more gets more through.

    Args:
        z: latent vectors, (N, d), N >= 2.
        snr: ratio of signal power to noise power, above 0; `db_to_ratio` makes it from decibels.

    Raises:
        TypeError, ValueError: as for `signal_power`, or a ratio out of range.
    """
    return signal_power(z) / _validate.number(snr, "snr", above=0)


def transmit(
    z: Tensor, variance: float | Tensor, *, seed: int | torch.Generator | None = None
) -> Tensor:
    r"""Send latent vectors through the channel: z + sqrt(variance) eps, eps ~ N(0, I).

    Args:
        z: (N, d), floating point.
        variance: of the noise, at least 0, in squared units of z; a number, or one a dimension.
        seed: of the noise, or a Generator; None takes torch's global one, as a model in training
            does.

    Raises:
        TypeError, ValueError: not (N, d), not finite, or a variance below 0.
    """
    _validate.latents(z)
    want = f"a variance of at least 0, or one for each of the {z.shape[1]} dimensions"
    v = _validate.numbers(variance, "variance", want, axes=1).to(z.device, z.dtype)
    if not bool(((v >= 0) & v.isfinite()).all()) or v.numel() not in (1, z.shape[1]):
        raise ValueError(f"variance is {_validate.say(variance)}; expected {want}")
    generator = None if seed is None else _validate.generator(seed)
    eps = torch.randn(z.shape, dtype=z.dtype, generator=generator, device="cpu")
    return z + v.sqrt() * eps.to(z.device)


def information_rate(signal: Tensor | float, noise: Tensor | float, *, base: float = 2.0) -> Tensor:
    r"""Return R = sum_i 1/2 log(1 + var_z_i / var_noise_i), what the formula lets through.

    In bits a vector. It is the mutual information if the z_i are normal and independent; whatever
    else they are, it is at least that.

    Args:
        signal: var_z_i of the clean z, (d,) or a number, at least 0.
        noise: var_noise_i, (d,) or a number, above 0.
        base: of the logarithm: 2 for bits, e for nats.

    Returns:
        Scalar, float64.

    Raises:
        ValueError: a variance out of range, more than one axis, or shapes that do not fit.
    """
    s = exact(_validate.numbers(signal, "signal", "variances (d,), at least 0", axes=1))
    n = exact(_validate.numbers(noise, "noise", "variances (d,), above 0", axes=1))
    _validate.one_device(signal=s, noise=n)
    if not bool((s >= 0).all()):
        raise ValueError(f"signal goes down to {float(s.min()):g}; expected variances, at least 0")
    if not bool((n > 0).all()) or n.numel() not in (1, s.numel()):
        raise ValueError(
            f"noise is {_validate.say(noise)}, from {float(n.min()):g} on; expected one variance "
            f"above 0, or one for each of the {s.numel()} dimensions: without noise the rate has "
            "no bound"
        )
    base = _validate.number(base, "base", above=1, hint="2 for bits, math.e for nats")
    return _rate(s, n).sum() / (2 * math.log(base))


def capacity(snr: float, dimensions: int = 1) -> float:
    """Return the capacity of the channel, dimensions / 2 log2(1 + snr), in bits a vector.

    The most that any signal of this power gets through; a normal one does.

    Args:
        snr: ratio of signal power to noise power, above 0.
        dimensions: number d of independent uses, at least 1.

    Source: Shannon (1948), A mathematical theory of communication, theorem 17.
    """
    d = _validate.count(dimensions, "dimensions")
    return d / 2 * math.log2(1 + _validate.number(snr, "snr", above=0))


@on_cpu
def mutual_information(kind: str, snr: float) -> float:
    r"""Return the true mutual information of z and z + n in one dimension, in bits.

    I(z; z + n) = h(z + n) - h(n) with h the differential entropy and n ~ N(0, 1). The density of
    z + n is known for each kind, and h(z + n) is its integral, by the trapezoidal rule in float64
    (error below 1e-9 bits from -30 to 60 dB).

    Args:
        kind: of z: "normal", for which it is the capacity; "binary", +-a with equal
            probability, for which it is never above 1 bit; or "uniform", on [-a, a].
        snr: ratio of signal power to noise power, above 0, at most 1e6 (60 dB).

    Raises:
        ValueError: another kind, or a ratio out of range.

    Source: Cover and Thomas (2006), Elements of information theory, chapter 9.
    """
    _validate.choice(kind, "kind", INPUTS)
    hint = "for which the grid is made"
    snr = _validate.number(snr, "snr", above=0, most=1e6, hint=hint)
    if kind == "normal":
        return capacity(snr)
    # The density is even, so half the line is enough: from 0 to the edge and a little beyond.
    edge = math.sqrt(snr) if kind == "binary" else math.sqrt(3 * snr)
    y = torch.linspace(0, edge + _REACH, _STEPS, dtype=torch.float64)
    if kind == "binary":
        density = (_normal(y - edge) + _normal(y + edge)) / 2
    else:
        density = (torch.special.ndtr(y + edge) - torch.special.ndtr(y - edge)) / (2 * edge)
    surprise = -torch.where(density > 0, density, 1).log2()
    entropy = 2 * torch.trapezoid(density * surprise, y).item()
    return entropy - math.log2(2 * math.pi * math.e) / 2


def _normal(y: Tensor) -> Tensor:
    return torch.exp(-(y**2) / 2) / math.sqrt(2 * math.pi)


def _rate(signal: Tensor, noise: Tensor) -> Tensor:
    """Return log(1 + signal / noise), finite also where the ratio itself is not."""
    ratio = signal / noise
    return torch.where(ratio.isinf(), signal.log() - noise.log(), torch.log1p(ratio))
