r"""Checkers for the exercises of *The clinic: what goes wrong*."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from aeteach.checks._engine import Exercise, Mistake, Quantity, Verdict, agree

__all__ = ["beta_in_force", "name_the_fault", "repair_loss", "sound_draw"]

Array = NDArray[Any]
Draw = Callable[[Tensor, Tensor], Tensor]


def beta_in_force(answer: Any) -> Verdict:
    """Check w/s for R averaged over 28 x 28 pixels and K over 20 dimensions."""
    return _IN_FORCE.check(answer)


def repair_loss(answer: Callable[..., Any]) -> Verdict:
    """Check a function (x_hat, x, mu, log_var) -> negative ELBO, nats, batch mean."""
    return _LOSS.check(answer)


def sound_draw(answer: Callable[[Draw], Any]) -> Verdict:
    """Check a test: given a function draw(mu, log_var) -> z, True if its draws are sound."""
    if not callable(answer):
        return Verdict(_TEST, False, "The checker expects your function, without calling it.")
    try:
        verdicts = {name: _as_bool(answer(_seeded(draw))) for name, (draw, _) in _DRAWS.items()}
    except _NoVerdict as error:
        return Verdict(_TEST, False, str(error))
    except Exception as error:  # whatever the answer raises is shown to its author
        return Verdict(_TEST, False, f"Your test raised {type(error).__name__}: {error}")
    if not verdicts["sound"]:
        return Verdict(_TEST, False, _DRAWS["sound"][1])
    missed = [name for name, verdict in verdicts.items() if verdict and name != "sound"]
    if missed:
        hint = _DRAWS[missed[0]][1]
        more = f" ({len(missed)} of {len(_DRAWS) - 1} sick draws pass your test.)"
        return Verdict(_TEST, False, hint + more)
    return Verdict(_TEST, True, "The sound draw passes, and all six sick ones are convicted.")


def name_the_fault(answer: Mapping[str, str]) -> Verdict:
    """Check the faults of the charts A, B, C and D: {"A": name, ...}."""
    if not isinstance(answer, Mapping) or set(answer) != set(_CHARTS):
        return Verdict(_WARDS, False, 'Expected {"A": ..., "B": ..., "C": ..., "D": ...}.')
    unknown = [f for f in answer.values() if f not in _NAMES]
    if unknown:
        known = ", ".join(_NAMES)
        return Verdict(_WARDS, False, f"{unknown[0]!r} is no fault of the list: {known}.")
    wrong = [(chart, answer[chart]) for chart in sorted(_CHARTS) if answer[chart] != _CHARTS[chart]]
    if not wrong:
        return Verdict(_WARDS, True, "Four charts, four convictions, and no curve was needed.")
    chart, fault = wrong[0]
    hint = _REFUTED.get((chart, fault), _GENERAL[chart])
    return Verdict(_WARDS, False, f"Chart {chart}: {hint} ({4 - len(wrong)} of 4 are right.)")


# ---------------------------------------------------------------- the beta in force

_IN_FORCE = Quantity(
    name="Both averaged",
    right=39.2,
    mistakes=(
        (784.0, "That forgets the KL, which is divided by something as well."),
        (0.05, "That forgets the reconstruction, which is divided by something as well."),
        (20.0, "That is what the KL was divided by, alone."),
        (1 / 784, "That is the weight of the reconstruction, not what the KL weighs against it."),
        (1.0, "That was written down. Which beta is in force?"),
        (20 / 784, "Upside down: how much does a nat of KL weigh, counted in nats of R?"),
        (15_680.0, "You multiplied the two counts. One term is divided by each: which way round?"),
        (196 / 20, "That is for images of the size used in this chapter."),
        (196 / 4, "These are the numbers of this chapter's models, not of the exercise."),
        (784 / 4, "The latent space is another one in this exercise."),
    ),
    praise="Two harmless means, and the KL weighs forty times what was written down.",
)

# ---------------------------------------------------------------- the loss


def _bce(x_hat: Array, x: Array) -> Array:
    """Return the cross-entropy of every pixel."""
    p, q = np.asarray(x_hat, dtype=float), np.asarray(x, dtype=float)
    return -(q * np.log(p) + (1 - q) * np.log(1 - p))


def _sums(cost: Array) -> Any:
    return cost.sum(axis=(1, 2, 3)).mean()


def _kl(mu: Array, log_var: Array) -> Array:
    return (np.exp(log_var) - 1 - log_var + mu**2) / 2


def _loss(r: Callable[..., Any], k: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x_hat, x, mu, log_var: r(x_hat, x) + k(np.asarray(mu), np.asarray(log_var))


def _right_r(x_hat: Array, x: Array) -> Any:
    return _sums(_bce(x_hat, x))


def _right_k(mu: Array, log_var: Array) -> Any:
    return _kl(mu, log_var).sum(1).mean()


def _minus_k(mu: Array, log_var: Array) -> Any:
    return -_right_k(mu, log_var)


def _mean_r(x_hat: Array, x: Array) -> Any:
    return _bce(x_hat, x).mean()


def _loss_inputs() -> list[tuple[Array, ...]]:
    rng = np.random.default_rng(3)
    return [
        (
            rng.uniform(0.05, 0.95, (n, 1, h, w)).astype(np.float32),
            rng.uniform(0, 1, (n, 1, h, w)).astype(np.float32),
            rng.normal(size=(n, d)).astype(np.float32),
            rng.normal(-0.5, 0.7, (n, d)).astype(np.float32),
        )
        for n, h, w, d in ((5, 4, 3, 2), (3, 6, 6, 4))
    ]


def _squashed(p: Array) -> Array:
    return 1 / (1 + np.exp(-np.asarray(p, dtype=float)))


_LOSS = Exercise(
    name="Repair the loss",
    right=_loss(_right_r, _right_k),
    inputs=_loss_inputs(),
    mistakes=(
        Mistake(
            "The reconstruction is averaged over the pixels, and the KL has the wrong sign: two "
            "faults.",
            _loss(_mean_r, _minus_k),
        ),
        Mistake(
            "The reconstruction is averaged over the pixels, the KL is not.",
            _loss(_mean_r, _right_k),
        ),
        Mistake("The KL has the wrong sign: it is paid for.", _loss(_right_r, _minus_k)),
        Mistake(
            "The batch is added up in the reconstruction, and averaged in the KL.",
            _loss(lambda p, q: _bce(p, q).sum(), _right_k),
        ),
        Mistake(
            "The batch is added up. Average over the images, so that the loss does not depend on "
            "how many there are.",
            _loss(lambda p, q: _bce(p, q).sum(), lambda m, v: _kl(m, v).sum()),
        ),
        Mistake(
            "The KL is averaged over the latent dimensions.",
            _loss(_right_r, lambda m, v: _kl(m, v).mean()),
        ),
        Mistake(
            "Both terms are averaged, over pixels and over latent dimensions. The balance is still "
            "wrong.",
            _loss(_mean_r, lambda m, v: _kl(m, v).mean()),
        ),
        Mistake("There is no KL left.", _loss(_right_r, lambda m, v: 0.0)),
        Mistake(
            "The KL lacks its factor of one half.",
            _loss(_right_r, lambda m, v: 2 * _right_k(m, v)),
        ),
        Mistake(
            "The KL takes log_var for the variance somewhere.",
            _loss(_right_r, lambda m, v: ((v - 1 - v + m**2) / 2).sum(1).mean()),
        ),
        Mistake(
            "x_hat is squashed once more: that loss wants logits.",
            _loss(lambda p, q: _sums(_bce(_squashed(p), q)), _right_k),
        ),
        Mistake(
            "That is a squared error. The exercise asks for the binary cross-entropy.",
            _loss(lambda p, q: _sums((np.asarray(p, float) - q) ** 2), _right_k),
        ),
    ),
    praise="Sums over pixels and dimensions, a mean over images, and a plus between them.",
    same=lambda got, want: agree(got, want, 1e-4),  # an answer in float32 counts as right
)

# ---------------------------------------------------------------- a test that convicts

_TEST = "A test that convicts"


class _NoVerdict(Exception):  # noqa: N818 - a signal inside this module, never seen outside
    pass


def _as_bool(verdict: Any) -> bool:
    if isinstance(verdict, bool | np.bool_):
        return bool(verdict)
    if isinstance(verdict, Tensor) and verdict.dtype == torch.bool and verdict.numel() == 1:
        return bool(verdict)
    kind = type(verdict).__name__
    raise _NoVerdict(f"Your test returned {kind} {verdict!r:.40}; expected True or False.")


def _seeded(draw: Draw) -> Draw:
    """Give a draw its own noise, so that the verdict on a test does not depend on luck."""
    generator = torch.Generator().manual_seed(7)

    def call(mu: Tensor, log_var: Tensor) -> Tensor:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(torch.randint(2**31, (1,), generator=generator)))
            return draw(torch.as_tensor(mu), torch.as_tensor(log_var))

    return call


def _frozen(mu: Tensor, log_var: Tensor) -> Tensor:
    eps = torch.randn(mu.shape, generator=torch.Generator().manual_seed(0), dtype=mu.dtype)
    return mu + torch.exp(log_var / 2) * eps


_DRAWS: dict[str, tuple[Draw, str]] = {
    "sound": (
        lambda mu, log_var: mu + torch.exp(log_var / 2) * torch.randn_like(mu),
        "Your test convicts a sound draw. Random numbers scatter: leave some room, draw more, and "
        "compare with sigma, which need not be 1.",
    ),
    "no noise": (
        lambda mu, log_var: mu + 0 * log_var,
        "A draw that returns mu itself passes your test. Does z scatter at all?",
    ),
    "log_var": (
        lambda mu, log_var: mu + log_var * torch.randn_like(mu),
        "A draw with log_var in place of sigma passes your test. Look at how far z scatters.",
    ),
    "variance": (
        lambda mu, log_var: mu + torch.exp(log_var) * torch.randn_like(mu),
        "A draw with the variance in place of sigma passes your test. At which log_var do you "
        "look? At 0 the two are the same.",
    ),
    "uniform": (
        lambda mu, log_var: mu + torch.exp(log_var / 2) * torch.rand_like(mu) * 12**0.5,
        "A draw with uniform noise, stretched to the right spread, passes your test. Where is the "
        "middle of its draws?",
    ),
    "forgets mu": (
        lambda mu, log_var: torch.exp(log_var / 2) * torch.randn_like(mu),
        "A draw that forgets mu passes your test. Which mu do you give it?",
    ),
    "frozen": (
        _frozen,
        "A draw with a seed inside passes your test. What would a second call show?",
    ),
}

# ---------------------------------------------------------------- four charts

_WARDS = "Name the fault"
_NAMES = (
    "pixel mean",
    "KL unused",
    "KL sign",
    "detached",
    "variance for sigma",
    "log_var for sigma",
    "training mode",
    "leak",
)
_CHARTS = {
    "A": "pixel mean",
    "B": "detached",
    "C": "variance for sigma",
    "D": "training mode",
}
_REFUTED = {
    ("A", "KL unused"): "the KL has a weight of 1, so it is used.",
    ("A", "KL sign"): "the weight of the KL is positive. Look at the other weight: what is 1 "
    "divided by it?",
    ("A", "detached"): "the encoder does hear from x_hat. Compare the two weights.",
    ("B", "pixel mean"): "both weights are equal, so nothing was averaged that should not be.",
    ("B", "KL unused"): "an unused KL would be large, and its weight 0.",
    ("B", "KL sign"): "with the wrong sign the KL would explode.",
    ("C", "log_var for sigma"): "then z would scatter by the size of log_var, which is almost 4.",
    ("C", "detached"): "nothing here speaks of gradients. Work out sigma from log_var.",
    ("D", "leak"): "none of these images was trained on, and a leak would not care for the order.",
}
_GENERAL = {
    "A": "compare the two weights. Which count is hidden in their ratio?",
    "B": "what does it mean if no weight of the encoder has a gradient from x_hat?",
    "C": "work out sigma from log_var, and compare it with the scatter.",
    "D": "a mean over images cannot depend on their order. When do images talk to each other?",
}
