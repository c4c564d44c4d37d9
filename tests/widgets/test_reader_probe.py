"""The reader probe's Python side: torch's numbers, its state, and what it refuses."""

import numpy as np
import pytest
import torch
from torch import nn

from aeteach import models
from aeteach.metrics import readability
from aeteach.models import build
from aeteach.widgets import ReaderProbe, pack
from aeteach.widgets.kit.inputs import StateError
from aeteach.widgets.reader_probe import DIGITS, FARTHEST, SOURCES, Look, look, moved

SIZE = 32


def pictures(n: int, seed: int, low: float = 0.0) -> torch.Tensor:
    """Smooth blobs in the middle, so that moving them loses nothing up to 8 pixels."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.zeros(n, 1, SIZE, SIZE)
    x[..., 8:24, 8:24] = low + (1 - low) * torch.rand(n, 1, 16, 16, generator=generator)
    return x


def probe(**kwargs: object) -> ReaderProbe:
    sources = {"first": pictures(3, 1), "second": pictures(3, 2, low=-0.5)}
    return ReaderProbe(readability.readers()[0], pictures(3, 0), [4, 1, 9], sources, **kwargs)


def by_torch(x: np.ndarray, reader: nn.Module) -> Look:
    """The same look in torch, with autograd's gradient."""
    image = torch.tensor(x)[None, None].requires_grad_()
    reader = reader.double()
    logits = reader(image)[0]
    (verdict, second) = logits.topk(2).indices.tolist()
    gap = logits[verdict] - logits[second]
    (gradient,) = torch.autograd.grad(gap, image)
    argument = (gradient * image)[0, 0].detach()
    p = logits.softmax(0)
    entropy = torch.distributions.Categorical(probs=p).entropy() / np.log(2)
    rest = gap.item() - argument.sum().item()
    numbers = (logits.detach().numpy(), p.detach().numpy())
    return Look(*numbers, verdict, second, entropy.item(), argument.numpy(), rest)


def agree(got: Look, want: Look) -> float:
    """Return the largest difference of two looks; verdicts must be the same."""
    assert (got.verdict, got.second) == (want.verdict, want.second)
    pairs = [(got.logits, want.logits), (got.probabilities, want.probabilities)]
    pairs += [(got.entropy, want.entropy), (got.argument, want.argument), (got.rest, want.rest)]
    return max(float(np.abs(np.subtract(a, b)).max()) for a, b in pairs)


STATES = [
    {},
    {"digit": 1, "source": 1},
    {"digit": 2, "source": 2, "blend": 0.3},
    {"source": 2, "blend": 0.85, "right": 3, "down": -2},
    {"digit": 1, "right": -FARTHEST, "down": FARTHEST},
]


@pytest.mark.parametrize("state", STATES)
def test_the_numbers_are_those_of_torch(state: dict[str, float]) -> None:
    figure = probe(**state)
    reader = build("reader").eval()
    reader.load_state_dict(readability.readers()[0].state_dict())
    want = by_torch(figure.shown(), reader)
    assert agree(figure.look(), want) < 1e-9
    assert figure.verdict == want.verdict
    assert figure.probability == pytest.approx(want.probabilities.max(), abs=1e-9)
    assert figure.entropy == pytest.approx(want.entropy, abs=1e-9)


def test_the_argument_and_the_rest_are_the_whole_difference() -> None:
    seen = probe(digit=2, source=1, right=2).look()
    gap = seen.logits[seen.verdict] - seen.logits[seen.second]
    assert seen.argument.sum() + seen.rest == pytest.approx(gap, abs=1e-9)
    assert gap >= 0
    assert not seen.argument[:8].any()  # no ink, no argument


def test_a_blend_goes_from_the_original_to_the_reconstruction() -> None:
    original = pictures(3, 0)[1, 0].double().numpy()
    rebuilt = pictures(3, 1)[1, 0].half().double().numpy()
    for share in (0.0, 0.25, 1.0):
        figure = probe(digit=1, source=1, blend=share)
        want = original + share * (rebuilt - original)
        np.testing.assert_allclose(figure.shown(), want, atol=1e-12)
        error = share**2 * ((rebuilt - original) ** 2).sum()
        assert figure.squared_error == pytest.approx(error, abs=1e-9)
    assert probe(digit=1, source=0, blend=0.7).squared_error == 0


@pytest.mark.parametrize(("right", "down"), [(0, 0), (3, 0), (-3, 0), (0, 5), (2, -7), (8, 8)])
def test_moving_is_rolling_where_nothing_leaves(right: int, down: int) -> None:
    x = pictures(1, 4)[0, 0].numpy()
    np.testing.assert_array_equal(moved(x, right, down), np.roll(x, (down, right), (0, 1)))


def test_what_leaves_the_picture_is_lost() -> None:
    x = np.ones((6, 6))
    y = moved(x, 2, -1)
    assert y.sum() == 4 * 5
    assert not y[:, :2].any()
    assert not y[-1].any()


def test_the_state_follows_a_change() -> None:
    figure = probe()
    assert (figure.source, figure.right, figure.squared_error) == (0, 0, 0.0)
    before = figure.entropy
    figure.set_state({"digit": 2, "right": 4})
    assert figure.squared_error > 1
    assert figure.entropy != before
    assert repr(figure).startswith("ReaderProbe(digit=2, source='original', verdict=")


@pytest.mark.parametrize(
    "change",
    [
        {"digit": 3},
        {"digit": -1},
        {"source": 3},
        {"blend": 1.01},
        {"blend": float("nan")},
        {"right": FARTHEST + 1},
        {"down": -FARTHEST - 1},
    ],
)
def test_a_state_out_of_range_is_refused(change: dict[str, float]) -> None:
    figure = probe()
    before = figure.shown()
    with pytest.raises(StateError, match=f"{next(iter(change))} is .*; expected"):
        figure.set_state(change)
    np.testing.assert_array_equal(figure.shown(), before)
    with pytest.raises(StateError, match=f"{next(iter(change))} is .*; expected"):
        probe(**change)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"digits": pictures(2, 0)}, "belong together"),
        ({"labels": [1]}, "belong together"),
        ({"sources": {"a": pictures(2, 0)}}, "pass digits and labels, too"),
        ({"digits": pictures(2, 0), "labels": [1]}, r"labels have shape \(1,\); expected \(2,\)"),
        ({"digits": torch.zeros(2, 1, 28, 28), "labels": [1, 2]}, r"\(n, 1, 32, 32\)"),
        ({"digits": 255 * pictures(2, 0), "labels": [1, 2]}, "divide bytes by 255"),
        ({"digits": torch.zeros(13, 1, 32, 32), "labels": [0] * 13}, "at most 12"),
        (
            {"digits": pictures(2, 0), "labels": [1, 2], "sources": {"a": pictures(3, 0)}},
            "a has 3 pictures of 2 digits",
        ),
        ({"digits": torch.full((1, 1, 32, 32), torch.nan), "labels": [1]}, "NaN"),
    ],
)
def test_what_does_not_fit_is_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(StateError, match=message):
        ReaderProbe(**arguments)


def test_a_reader_of_other_layers_is_refused() -> None:
    for reader in (models.build("conv-reader"), nn.Linear(1024, 10)):
        with pytest.raises(
            TypeError, match=f"{type(reader).__name__}; the page runs a DigitReader"
        ):
            ReaderProbe(reader, pictures(1, 0), [1])


def test_a_reader_of_another_size_may_probe() -> None:
    reader = build("reader", size=10, hidden=3, seed=1).eval()
    figure = ReaderProbe(reader, torch.rand(2, 1, 10, 10), [0, 1], digit=1)
    rounded = {name: v.half().float() for name, v in reader.state_dict().items()}
    reader.load_state_dict(rounded)
    assert agree(figure.look(), by_torch(figure.shown(), reader)) < 1e-12


def test_equal_logits_are_told_apart_by_their_order() -> None:
    layers = {
        "W1": np.zeros((2, 4)),
        "b1": np.zeros(2),
        "W2": np.zeros((10, 2)),
        "b2": np.zeros(10),
    }
    seen = look(layers, np.ones((2, 2)))
    assert (seen.verdict, seen.second) == (0, 1)
    assert seen.entropy == pytest.approx(np.log2(10))


def test_the_page_shows_eight_test_digits_and_five_models(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AETEACH_HOST", "page")
    figure = ReaderProbe()
    assert figure.sources == ["original", *SOURCES]
    assert len(figure.labels) == len(DIGITS) == 8
    assert len(set(figure.labels)) >= 7
    assert len(figure.page_html()) < 500_000
    wrong = 0
    for digit, label in enumerate(figure.labels):
        figure.digit = digit
        wrong += figure.verdict != label
    assert 1 <= wrong <= 2  # among the originals one is hard


def test_the_weights_travel_without_a_loss() -> None:
    reader = readability.readers()[0]
    weight = reader.layers[2].weight.detach()
    manifest, block = pack({"W": weight})
    back = np.frombuffer(block, "<f2", offset=manifest["W"]["offset"]).reshape(weight.shape)
    np.testing.assert_array_equal(back.astype(np.float32), weight.numpy())
