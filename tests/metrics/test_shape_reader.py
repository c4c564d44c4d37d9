"""The shape reader: what it accepts, how sure it is, and the boxes it measures."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.stats import binomtest

from aeteach.data import mnist, shapes
from aeteach.data.spoilt import NONE
from aeteach.metrics import shape_reader
from tests.pretend_gpu import GPU, on_gpu


@pytest.fixture(scope="module")
def held_out():
    return shape_reader.held_out()


@pytest.mark.slow
def test_it_knows_every_kind_of_shape_it_was_not_trained_on(held_out):
    images, labels = held_out
    assert (shape_reader.read(images).shape == labels).double().mean() > 0.99
    for rectangles in (False, True):
        found = shapes("test", rectangles=rectangles)
        read = shape_reader.read(found.images)
        assert (read.shape == found.factors[:, 0]).double().mean() > 0.995
        assert read.accepted.double().mean() > 0.98
        # The same images with the margin that makes them 32x32.
        padded = torch.nn.functional.pad(found.images, (2, 2, 2, 2))
        assert torch.equal(shape_reader.read(padded).shape, read.shape)


def test_what_is_no_shape_is_not_accepted(held_out):
    images, labels = held_out
    assert shape_reader.recognisable(images[labels == NONE]).share < 0.01
    generator = torch.Generator().manual_seed(0)
    noise = torch.rand(500, 1, 28, 28, generator=generator)
    assert shape_reader.recognisable(noise).share < 0.01
    for grey in (0.0, 0.5):  # all white is a rectangle, as wide as the image
        assert shape_reader.recognisable(torch.full((1, 1, 28, 28), grey)).share == 0


def test_digits_which_it_never_saw_are_seldom_accepted():
    digits = mnist("test", size=28).images[:1000]
    assert shape_reader.recognisable(digits).share < 0.03


def test_a_stricter_rule_accepts_fewer(held_out):
    images, _ = held_out
    shares = [shape_reader.recognisable(images, confidence=c).share for c in (0.5, 0.9, 0.999)]
    assert shares == sorted(shares, reverse=True)
    read = shape_reader.read(images, confidence=0.7)
    best = read.probabilities[:, :NONE].amax(1)
    assert torch.equal(read.accepted, (best >= 0.7) & (read.shape != NONE))
    torch.testing.assert_close(read.probabilities.sum(1), torch.ones(len(images)))
    assert torch.equal(read.confidence, read.probabilities.max(1).values)


def test_it_is_calibrated(held_out):
    images, labels = held_out
    probabilities = shape_reader.read(images).probabilities
    assert shape_reader.calibration_error(probabilities, labels) < 0.01


def test_the_calibration_error_is_the_definition():
    generator = torch.Generator().manual_seed(0)
    p = torch.randn(400, 4, generator=generator).softmax(1)
    labels = torch.randint(4, (400,), generator=generator)
    confidence, answer = p.double().max(1)
    total = 0.0
    for b in range(10):
        inside = [i for i in range(400) if b / 10 <= confidence[i] < (b + 1) / 10]
        if inside:
            right = np.mean([float(answer[i] == labels[i]) for i in inside])
            total += len(inside) / 400 * abs(right - np.mean([confidence[i] for i in inside]))
    assert shape_reader.calibration_error(p, labels, bins=10) == pytest.approx(total, abs=1e-6)
    certain = torch.eye(4)[labels]
    assert shape_reader.calibration_error(certain, labels) == 0


def test_the_last_bin_holds_the_certain_and_no_other():
    p = torch.tensor([[0.0, 1.0], [0.15, 0.85], [0.92, 0.08]])
    # One image a bin: certain and wrong, right at 0.85, right at 0.92 in the bin of the first.
    error = shape_reader.calibration_error(p, torch.tensor([0, 1, 0]), bins=10)
    assert error == pytest.approx((abs(-1 + 0.08) + 0.15) / 3, abs=1e-6)


def test_labels_on_another_device_are_refused():
    with on_gpu(double=True):
        p = torch.eye(2).to(GPU)
        with pytest.raises((TypeError, ValueError), match="device"):
            shape_reader.calibration_error(p, torch.tensor([0, 1]))


def test_the_temperature_is_scipys_and_finds_the_one_that_was_put_in():
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(5000, 4, generator=generator)
    labels = torch.multinomial((logits / 2.5).softmax(1), 1, generator=generator)[:, 0]
    found = shape_reader.temperature(logits, labels)
    assert found == pytest.approx(2.5, rel=0.06)
    rows = np.arange(5000)

    def cost(t):
        scaled = logits.double().numpy() / t
        return -(scaled[rows, labels] - np.log(np.exp(scaled).sum(1))).mean()

    assert found == pytest.approx(minimize_scalar(cost, bounds=(0.1, 10)).x, rel=1e-3)


@given(st.integers(1, 3000), st.data())
def test_the_interval_is_scipys(n, data):
    k = data.draw(st.integers(0, n))
    found = shape_reader.wilson(k, n)
    expected = binomtest(k, n).proportion_ci(method="wilson")
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-9)
    assert found.low <= found.share <= found.high


def test_a_share_prints_itself():
    assert str(shape_reader.wilson(75, 100)) == "75.0% [65.7%, 82.5%] of 100"


@pytest.mark.parametrize("rectangles", [False, True])
def test_boxes_are_the_factors_the_shapes_were_drawn_from(rectangles):
    found = shapes("test", rectangles=rectangles)
    sizes = found.factors[:, 3:] if rectangles else found.factors[:, [3, 3]]
    box = torch.stack(shape_reader.boxes(found.images), dim=1)
    assert torch.equal(box, torch.cat([found.factors[:, 1:3], sizes], 1))


def test_where_nothing_is_bright_there_is_no_box():
    dark = torch.full((1, 1, 28, 28), 0.4)
    assert [v.item() for v in shape_reader.boxes(dark)] == [-1] * 4
    assert [v.item() for v in shape_reader.boxes(dark, threshold=0.3)] == [0, 0, 28, 28]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: shape_reader.read(x[:, :, :20]), ValueError, "28, 28"),
        (lambda x: shape_reader.read(x * 255), ValueError, r"\[0, 1\]"),
        (lambda x: shape_reader.read(x, confidence=0.0), ValueError, "confidence is 0.0"),
        (lambda x: shape_reader.read(x, confidence=1.5), ValueError, "confidence is 1.5"),
        (lambda x: shape_reader.boxes(x, threshold=1.0), ValueError, "threshold is 1.0"),
        (lambda x: shape_reader.boxes(x, threshold=-0.5), ValueError, "threshold is -0.5"),
        (
            lambda x: shape_reader.temperature(torch.eye(9, 4), torch.full((9,), 4)),
            ValueError,
            "labels must be from 0 to 3",
        ),
        (lambda x: shape_reader.wilson(3, 2), ValueError, "successes must be at most 2, got 3"),
        (lambda x: shape_reader.wilson(1, 2, math.nan), ValueError, "confidence"),
        (lambda x: shape_reader.wilson(0, 0), ValueError, "n must be at least 1"),
    ],
)
def test_bad_input_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call(torch.ones(2, 1, 28, 28))
