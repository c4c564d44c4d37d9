"""The exercises of *The clinic: what goes wrong*."""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from aeteach.checks._exercise import Exercise, Judged, Mistake, Quantity
from aeteach.checks._run import TooLong, call, silent
from aeteach.checks._trial import about_error

Array = NDArray[Any]
Draw = Callable[[Tensor, Tensor], Tensor]

# ---------------------------------------------------------------- the beta in force

beta_in_force = Quantity(
    "Both averaged",
    39.2,
    about="w/s for R averaged over 28 x 28 pixels and K over 20 dimensions.",
    praise="Two harmless means, and the KL weighs forty times what was written down.",
    mistakes=[
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
    ],
)

# ---------------------------------------------------------------- the loss


def _batches(rng: np.random.Generator) -> Iterator[tuple[Array, ...]]:
    for n, h, w, d in ((5, 4, 3, 2), (3, 6, 6, 4), (2, 2, 5, 3), (1, 3, 2, 2), (4, 4, 4, 4)):
        yield (
            rng.uniform(0.05, 0.95, (n, 1, h, w)),
            rng.uniform(0, 1, (n, 1, h, w)),
            rng.normal(size=(n, d)),
            rng.normal(-0.5, 0.9, (n, d)),
        )


def _loss(x_hat: Array, x: Array, mu: Array, log_var: Array) -> Any:
    R = -(x * np.log(x_hat) + (1 - x) * np.log(1 - x_hat)).sum(axis=(1, 2, 3)).mean()
    K = 0.5 * (np.exp(log_var) + mu**2 - 1 - log_var).sum(axis=1).mean()
    return R + K


def _bce(x_hat: Array, x: Array) -> Any:
    return -(x * np.log(x_hat) + (1 - x) * np.log(1 - x_hat))


def _kl(mu: Array, log_var: Array) -> Any:
    return (np.exp(log_var) - 1 - log_var + mu**2) / 2


def _sums(cost: Array) -> Any:
    return cost.sum(axis=(1, 2, 3)).mean()


repair_loss = Exercise(
    "Repair the loss",
    _loss,
    inputs=_batches,
    about="x_hat, x (N, 1, H, W), mu, log_var (N, d) -> negative ELBO, nats, mean over the batch.",
    praise="Sums over pixels and dimensions, a mean over images, and a plus between them.",
    mistakes=[
        Mistake(
            "The reconstruction is averaged over the pixels, and the KL has the wrong sign: two "
            "faults.",
            lambda p, x, m, v: _bce(p, x).mean() - _kl(m, v).sum(1).mean(),
        ),
        Mistake(
            "The reconstruction is averaged over the pixels, the KL is not.",
            lambda p, x, m, v: _bce(p, x).mean() + _kl(m, v).sum(1).mean(),
        ),
        Mistake(
            "The KL has the wrong sign: it is paid for.",
            lambda p, x, m, v: _sums(_bce(p, x)) - _kl(m, v).sum(1).mean(),
        ),
        Mistake(
            "The batch is added up in the reconstruction, and averaged in the KL.",
            lambda p, x, m, v: _bce(p, x).sum() + _kl(m, v).sum(1).mean(),
        ),
        Mistake(
            "The batch is added up. Average over the images, so that the loss does not depend on "
            "how many there are.",
            lambda p, x, m, v: _bce(p, x).sum() + _kl(m, v).sum(),
        ),
        Mistake(
            "Both terms are averaged, over pixels and over latent dimensions. The balance is still "
            "wrong.",
            lambda p, x, m, v: _bce(p, x).mean() + _kl(m, v).mean(),
        ),
        Mistake("There is no KL left.", lambda p, x, m, v: _sums(_bce(p, x))),
        Mistake(
            "x_hat is squashed once more: that loss wants logits.",
            lambda p, x, m, v: _loss(1 / (1 + np.exp(-p)), x, m, v),
        ),
        Mistake(
            "That is a squared error. The exercise asks for the binary cross-entropy.",
            lambda p, x, m, v: _sums((p - x) ** 2) + _kl(m, v).sum(1).mean(),
        ),
    ],
)

# ---------------------------------------------------------------- a test that convicts

_SOUND_TRIES, _SICK_TRIES = 60, 12
_FALSE_ALARMS, _POWER = 0.15, 0.8


def _frozen(mu: Tensor, log_var: Tensor) -> Tensor:
    eps = torch.randn(mu.shape, generator=torch.Generator().manual_seed(0), dtype=mu.dtype)
    return mu + torch.exp(log_var / 2) * eps


def _sound(mu: Tensor, log_var: Tensor) -> Tensor:
    return mu + torch.exp(log_var / 2) * torch.randn_like(mu)


_SICK: dict[str, tuple[Draw, str]] = {
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


def _given_numbers(draw: Draw) -> Draw:
    """Let a draw take arrays and numbers, too."""
    return lambda mu, log_var: draw(
        torch.as_tensor(mu) * torch.ones(()), torch.as_tensor(log_var) * torch.ones(())
    )


def _convictions(test: Callable[[Draw], Any], draw: Draw, tries: int, seconds: float) -> list[bool]:
    """Return what a test says of a draw, with a seed for each try, as often as there is time.

    Raises:
        ValueError: the test returned something else than True or False.
    """
    found: list[bool] = []
    start = time.monotonic()
    for seed in range(tries):
        if found and time.monotonic() - start > seconds:
            break
        torch.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002 - a test may draw numbers of its own
        with silent():
            verdict = call(test, (_given_numbers(draw),), 2.0)
        known = isinstance(verdict, bool | np.bool_) or (
            isinstance(verdict, Tensor | np.ndarray)
            and np.asarray(verdict).dtype == bool
            and np.asarray(verdict).size == 1
        )
        if not known:
            kind = type(verdict).__name__
            raise ValueError(f"Your test returned {kind} {verdict!r:.40}; expected True or False.")
        found.append(not bool(verdict))
    return found


def _judge_test(answer: Any) -> str | None:
    if not callable(answer):
        return "The checker expects your function, without calling it: no parentheses."
    try:
        alarms = _convictions(answer, _sound, _SOUND_TRIES, 0.6)
        if sum(alarms) > _FALSE_ALARMS * len(alarms):
            return (
                f"Your test convicts a sound draw, in {sum(alarms)} of {len(alarms)} tries. Random "
                "numbers scatter: leave some room, draw more, and compare with sigma, which need "
                "not be 1."
            )
        missed = []
        for draw, hint in _SICK.values():
            found = _convictions(answer, draw, _SICK_TRIES, 0.15)
            if sum(found) < _POWER * len(found):
                missed.append(hint)
    except ValueError as error:
        if str(error).startswith("Your test returned"):
            return str(error)
        return about_error(error)
    except TooLong:
        return "Your test did not come to an end. Is there a loop that never stops?"
    except Exception as error:  # whatever the answer raises is shown to its author
        return about_error(error)
    if missed:
        return f"{missed[0]} ({len(missed)} of {len(_SICK)} sick draws pass your test.)"
    return None


sound_draw = Judged(
    "A test that convicts",
    _judge_test,
    about="a test: given a function draw(mu, log_var) -> z, True if its draws are sound. It may "
    "convict a sound draw in at most 15 of 100 tries, and must convict a sick one in at least 80.",
    praise="The sound draw passes, and all six sick ones are convicted, with many seeds.",
)

# ---------------------------------------------------------------- four charts

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


def _judge_charts(answer: Any) -> str | None:
    if not isinstance(answer, Mapping) or set(answer) != set(_CHARTS):
        return 'Expected {"A": ..., "B": ..., "C": ..., "D": ...}, a fault for each chart.'
    unknown = [f for f in answer.values() if not isinstance(f, str) or f not in _NAMES]
    if unknown:
        return f"{unknown[0]!r:.60} is no fault of the list: {', '.join(_NAMES)}."
    wrong = [(chart, answer[chart]) for chart in sorted(_CHARTS) if answer[chart] != _CHARTS[chart]]
    if not wrong:
        return None
    chart, fault = wrong[0]
    hint = _REFUTED.get((chart, fault), _GENERAL[chart])
    return f"Chart {chart}: {hint} ({4 - len(wrong)} of 4 are right.)"


name_the_fault = Judged(
    "Name the fault",
    _judge_charts,
    about='the faults of the charts A, B, C and D: {"A": name, ...}.',
    praise="Four charts, four convictions, and no curve was needed.",
)
