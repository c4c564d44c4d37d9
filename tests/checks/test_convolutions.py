import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from aeteach import checks
from aeteach.checks._exercise import secret_of
from aeteach.models import ConvAutoencoder, count_parameters


def torch_size(n, k, s, p):
    return F.conv2d(torch.ones(1, 1, n, n), torch.ones(1, 1, k, k), stride=s, padding=p).shape[-1]


def counted_size(n, k, s, p):
    """Walk: no formula at all."""
    places, at = 0, -p
    while at + k <= n + p:
        places, at = places + 1, at + s
    return places


def torch_convolve(x, w, s, p):
    return F.conv2d(x[None, None], w[None, None], stride=s, padding=p)[0, 0]


def unfolded(x, w, s, p):
    columns = F.unfold(x[None, None].float(), tuple(w.shape), padding=p, stride=s)
    shape = [(n + 2 * p - k) // s + 1 for n, k in zip(x.shape, w.shape, strict=True)]
    return (w.flatten().float() @ columns[0]).reshape(shape)


def scipy_convolve(x, w, s, p):
    from scipy.signal import correlate2d

    return correlate2d(np.pad(x, p), w, mode="valid")[::s, ::s]


def windows(x, w, s, p):
    views = np.lib.stride_tricks.sliding_window_view(np.pad(x, p), w.shape)[::s, ::s]
    return np.einsum("ijab,ab->ij", views, w)


def tried(n, k, s, p):
    """Try them all in torch."""
    x = torch.ones(1, 1, counted_size(n, k, s, p), 1)
    for extra in range(s):
        y = F.conv_transpose2d(
            x, torch.ones(1, 1, k, 1), stride=(s, 1), padding=(p, 0), output_padding=(extra, 0)
        )
        if y.shape[2] == n:
            return extra
    return None


RIGHT = [
    ("conv_size", torch_size),
    ("conv_size", counted_size),
    ("conv_size", lambda n, k, s, p: int((n + 2 * p - k) / s) + 1),
    ("conv_size", lambda n, k, s, p: np.floor((n - k + 2 * p + s) / s)),
    ("conv_size", lambda n, k, s, p: torch.tensor((n + 2 * p - k) // s + 1)),
    ("convolve", torch_convolve),
    ("convolve", unfolded),
    ("convolve", scipy_convolve),
    ("convolve", windows),
    ("convolve", lambda *arguments: windows(*arguments).tolist()),
    ("conv_output_padding", tried),
    ("conv_output_padding", lambda n, k, s, p: (n + 2 * p - k) % s),
    ("conv_output_padding", lambda n, k, s, p: n - ((torch_size(n, k, s, p) - 1) * s - 2 * p + k)),
    ("conv_parameters", count_parameters(ConvAutoencoder(channels=4))),
    ("conv_parameters", torch.tensor(3725)),
    ("conv_parameters", 3725.0),
]


@pytest.mark.parametrize(("name", "answer"), RIGHT)
def test_a_right_answer_passes_in_any_form(name, answer):
    verdict = getattr(checks, name)(answer)
    assert verdict.passed, verdict.hint


def flip(w):
    return torch.flip(w, (0, 1))


# Written as a student would, not copied from the checker's own list.
WRONG = [
    ("conv_size", lambda n, k, s, p: (n + 2 * p - k) // s, "before its first step"),
    ("conv_size", lambda n, k, s, p: 1 + (n - k + p + p) / s, "not whole numbers"),
    ("conv_size", lambda n, k, s, p: -(-(n + 2 * p - k) // s) + 1, "hangs over the edge"),
    ("conv_size", lambda n, k, s, p: round((n + 2 * p - k) / s + 1e-9) + 1, "fits by half"),
    ("conv_size", lambda n, k, s, p: (n - k + p) // s + 1, "one side only"),
    ("conv_size", lambda n, k, s, p: torch_size(n, k, s, 0), "Where is the padding"),
    ("conv_size", lambda n, k, s, p: torch_size(n, k, 1, p), "for a stride of 1"),
    ("conv_size", lambda n, k, s, p: (n + 2 * p - (k - 1)) // s, "must not be divided"),
    ("conv_size", lambda n, k, s, p: n // s, "where are the kernel"),
    ("conv_size", lambda n, k, s, p: None, "returns nothing"),
    ("conv_size", 3, "expects the function itself"),
    ("convolve", lambda x, w, s, p: torch_convolve(x, flip(w), s, p), "180 degrees"),
    ("convolve", lambda x, w, s, p: windows(x, w, 1, p), "one pixel at a time"),
    ("convolve", lambda x, w, s, p: windows(x, w, s, 0), "padding is missing"),
    (
        "convolve",
        lambda x, w, s, p: torch_convolve(F.pad(x, (p, 0, p, 0)), w, s, 0),
        "on the left only",
    ),
    (
        "convolve",
        lambda x, w, s, p: windows(np.pad(x, p, mode="edge"), w, s, 0),
        "values at the border",
    ),
    ("convolve", lambda x, w, s, p: windows(x, w, s, p)[:-1, :-1], "one place later"),
    ("convolve", lambda x, w, s, p: torch_convolve(x, w, s, p) / w.numel(), "mean of the products"),
    ("convolve", lambda x, w, s, p: windows(x, 0 * w + 1, s, p), "without its weights"),
    ("convolve", lambda x, w, s, p: windows(x, w, s, p).T, "swapped"),
    ("convolve", lambda x, w, s, p: x, "has shape (7, 6); expected is shape (4, 4)"),
    ("conv_output_padding", lambda n, k, s, p: s - 1, "the largest"),
    ("conv_output_padding", lambda n, k, s, p: n % s, "leave unread"),
    ("conv_output_padding", lambda n, k, s, p: (n - k) % s, "was padded before"),
    ("conv_output_padding", lambda n, k, s, p: (n + p - k) % s, "on both sides"),
    ("conv_output_padding", lambda n, k, s, p: (k - n - 2 * p) % s, "one more window"),
    ("conv_output_padding", lambda n, k, s, p: 0, "the smallest of the sizes"),
    ("conv_output_padding", lambda n, k, s, p: 1, "Other strides"),
    ("conv_output_padding", torch_size, "size after the convolution"),
    (
        "conv_output_padding",
        lambda n, k, s, p: (torch_size(n, k, s, p) - 1) * s + k - 2 * p,
        "without output padding",
    ),
    ("conv_parameters", 3147, "with 2 channels"),
    ("conv_parameters", 3600, "batch normalisations are trained"),
    ("conv_parameters", 3629, "a factor and a shift"),
    ("conv_parameters", 3696, "biases are missing"),
    ("conv_parameters", 3749, "encoder's first two"),
    ("conv_parameters", 3701, "decoder's first two"),
    ("conv_parameters", 3821, "measured, not trained"),
    ("conv_parameters", 3677, "two trained numbers"),
    ("conv_parameters", 1852, "That is the encoder"),
    ("conv_parameters", 1873, "That is the decoder"),
    ("conv_parameters", 525, "nine weights"),
    ("conv_parameters", "many", "expects a number; it got str"),
]


@pytest.mark.parametrize(("name", "answer", "hint"), WRONG)
def test_a_wrong_answer_is_told_its_mistake(name, answer, hint):
    verdict = getattr(checks, name)(answer)
    assert not verdict.passed
    assert hint.lower() in verdict.hint.lower()


@pytest.mark.parametrize(
    ("exercise", "torch_twin"),
    [
        (checks.conv_size, torch_size),
        (
            checks.convolve,
            lambda x, w, s, p: torch_convolve(torch.tensor(x), torch.tensor(w), s, p),
        ),
        (checks.conv_output_padding, tried),
    ],
    ids=["size", "convolution", "output padding"],
)
def test_the_references_are_torch(exercise, torch_twin):
    secret = secret_of(exercise)
    for arguments in secret.task.inputs:
        np.testing.assert_allclose(
            secret.solutions[0](*arguments), torch_twin(*arguments), atol=1e-12
        )


def test_a_count_must_be_exact():
    assert not checks.conv_parameters(3724)
    assert not checks.conv_parameters(3725 + 1e-3)


def test_no_hint_contains_the_answer():
    functions = (checks.conv_size, checks.convolve, checks.conv_output_padding)
    hints = [m.hint for e in functions for m in secret_of(e).mistakes]
    hints += [hint for _, hint in secret_of(checks.conv_parameters)[1]]
    assert len(hints) > 30
    secret = re.compile(r"3,?725|//|%|2 ?\* ?p|2p|\+ ?1|modulo|remainder|floor", re.IGNORECASE)
    for hint in hints:
        assert not secret.search(hint), hint
