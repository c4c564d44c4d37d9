import itertools
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from aeteach import _validate

GOOD = torch.rand(3, 1, 4, 5)


def spoil(value):
    x = GOOD.clone()
    x[1, 0, 2, 3] = value
    return x


@given(
    st.tuples(st.integers(1, 4), st.just(1), st.integers(1, 6), st.integers(1, 6)),
    st.floats(0, 1, width=32),
)
def test_good_images_come_back_as_they_are(shape, value):
    x = torch.full(shape, value)
    assert _validate.images(x) is x


def test_the_ends_of_the_range_are_inside_it():
    for value in (0.0, 1.0):
        assert (_validate.images(spoil(value)) == value).any()


@given(st.floats(allow_nan=True, allow_infinity=True, width=32).filter(lambda v: not 0 <= v <= 1))
def test_one_pixel_outside_the_range_is_enough(value):
    with pytest.raises(ValueError, match=r"^x (must be in \[0, 1\], got|holds NaN in 1 pixels)"):
        _validate.images(spoil(value), "x")


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (None, r"x must be a float32 tensor \(N, 1, H, W\) in \[0, 1\], got NoneType"),
        ([[1.0]], "got list: pass a tensor"),
        (np.zeros((1, 1, 2, 2), np.float32), r"got numpy.ndarray: use torch.as_tensor\(x\)"),
        (GOOD.double(), r"x must be float32 in \[0, 1\], got torch.float64: .*\.float\(\)$"),
        (GOOD.half(), r"got torch.float16: .*\.float\(\)$"),
        (GOOD.byte(), r"got torch.uint8: .*\.float\(\) / 255"),
        (GOOD.long(), r"got torch.int64: .*\.float\(\) / 255"),
        (GOOD.bool(), r"got torch.bool: .*\.float\(\)$"),
    ],
)
def test_images_of_a_wrong_type_are_refused(x, message):
    with pytest.raises(TypeError, match=message):
        _validate.images(x, "x")


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((3, 28, 28), r"x must be \(N, 1, H, W\), got \(3, 28, 28\): .*\.unsqueeze\(1\)"),
        ((1, 28, 28), r"got \(1, 28, 28\): .*\.unsqueeze\(0\)"),
        ((3, 784), r"got \(3, 784\): flat images"),
        ((3, 3, 28, 28), r"got \(3, 3, 28, 28\): 3 channels"),
        ((3, 28, 28, 1), r"got \(3, 28, 28, 1\): 28 channels"),
        ((784,), r"got \(784,\): N images, 1 channel"),
        ((), r"got \(\)"),
        ((1, 1, 1, 28, 28), r"got \(1, 1, 1, 28, 28\)"),
        ((0, 1, 28, 28), r"x is empty, \(0, 1, 28, 28\)"),
        ((2, 1, 0, 28), r"x is empty, \(2, 1, 0, 28\)"),
    ],
)
def test_images_of_a_wrong_shape_are_refused(shape, message):
    with pytest.raises(ValueError, match=message):
        _validate.images(torch.zeros(shape), "x")


def test_the_size_can_be_asked_for():
    x = torch.zeros(2, 1, 28, 28)
    assert _validate.images(x, size=28) is x
    with pytest.raises(ValueError, match=r"images must be \(N, 1, 32, 32\), got \(2, 1, 28, 28\)"):
        _validate.images(x, size=32)


def test_a_range_error_says_what_was_found_and_what_to_do():
    with pytest.raises(ValueError, match=r"got 0.* to 255: divide grey levels by 255"):
        _validate.images(spoil(255.0))
    with pytest.raises(ValueError, match=r"got -1 to .*: undo the scaling"):
        _validate.images(spoil(-1.0))
    with pytest.raises(ValueError, match=r"got 0.* to inf"):
        _validate.images(spoil(float("inf")))
    with pytest.raises(ValueError, match=r"images holds NaN in 1 pixels"):
        _validate.images(spoil(float("nan")))


def test_images_that_need_a_gradient_are_checked_without_touching_it():
    x = GOOD.clone().requires_grad_()
    assert _validate.images(x) is x
    assert x.grad is None


def test_good_labels_come_back_as_they_are():
    y = torch.tensor([0, 9, 5])
    assert _validate.labels(y) is y
    assert _validate.labels(y, 3) is y


@pytest.mark.parametrize(
    ("y", "error", "message"),
    [
        ([1, 2], TypeError, "y must be an int64 tensor .*, got list"),
        (torch.tensor([1.0, 2.0]), TypeError, r"got torch.float32: use y.long\(\)"),
        (torch.tensor([True, False]), TypeError, "got torch.bool"),
        (torch.tensor([1, 2], dtype=torch.uint8), TypeError, "got torch.uint8"),
        (torch.eye(10).long(), ValueError, r"must be \(N,\), got \(10, 10\): use .argmax\(1\)"),
        (torch.tensor(3), ValueError, r"must be \(N,\), got \(\)"),
        (torch.tensor([], dtype=torch.int64), ValueError, "y is empty"),
        (torch.tensor([0, 10]), ValueError, "y must be from 0 to 9, got 0 to 10"),
        (torch.tensor([-1, 3]), ValueError, "y must be from 0 to 9, got -1 to 3"),
    ],
)
def test_bad_labels_are_refused(y, error, message):
    with pytest.raises(error, match=message):
        _validate.labels(y, name="y")


def test_labels_must_be_as_many_as_images_and_from_the_classes():
    y = torch.tensor([0, 1, 2])
    with pytest.raises(ValueError, match="one label for each of the 4 images, got 3"):
        _validate.labels(y, 4)
    with pytest.raises(ValueError, match="from 0 to 1, got 0 to 2"):
        _validate.labels(y, classes=2)


def test_good_latents_come_back_as_they_are():
    z = torch.randn(4, 2)
    assert _validate.latents(z) is z
    assert _validate.latents(z.double(), d=2).dtype == torch.float64


@pytest.mark.parametrize(
    ("z", "error", "message"),
    [
        (None, TypeError, r"z must be a float tensor \(N, d\), got NoneType"),
        (torch.zeros(2, 2).long(), TypeError, r"got torch.int64: use z.float\(\)"),
        (torch.zeros(2), ValueError, r"z must be \(N, d\), got \(2,\)$"),
        (torch.zeros(2, 2, 4, 4), ValueError, r"got \(2, 2, 4, 4\); .*z.flatten\(1\)"),
        (torch.zeros(0, 2), ValueError, r"z is empty, \(0, 2\)"),
        (torch.tensor([[0.0, float("nan")], [1, 1]]), ValueError, "1 of its 2 rows hold NaN"),
        (torch.tensor([[float("inf"), 0.0]]), ValueError, "1 of its 1 rows hold NaN or infinity"),
    ],
)
def test_bad_latents_are_refused(z, error, message):
    with pytest.raises(error, match=message):
        _validate.latents(z)


def test_latents_must_have_the_dimension_asked_for():
    with pytest.raises(ValueError, match=r"z must be \(N, 3\), got \(4, 2\)"):
        _validate.latents(torch.zeros(4, 2), d=3)


def test_counts():
    assert _validate.count(1) == 1
    assert _validate.count(0, least=0) == 0
    for n in (True, 1.0, "1", None, np.float64(1)):
        with pytest.raises(TypeError, match=r"k must be a whole number \(int\), got "):
            _validate.count(n, "k")
    with pytest.raises(ValueError, match="k must be at least 2, got 1"):
        _validate.count(1, "k", least=2)


def test_a_path_may_begin_with_the_home_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert _validate.path("~/run.ckpt", "p") == tmp_path / "run.ckpt"
    assert _validate.path(Path("~"), "p") == tmp_path
    assert _validate.path("a~/b", "p") == Path("a~/b")


def test_seeds_and_generators():
    assert _validate.seed(0) == 0
    assert _validate.seed(2**63 - 1) == 2**63 - 1
    with pytest.raises(ValueError, match=r"seed must be at most 2\*\*63 - 1, got"):
        _validate.seed(2**63)
    with pytest.raises(ValueError, match="seed must be at least 0, got -1"):
        _validate.generator(-1)
    with pytest.raises(TypeError, match="seed must be a whole number"):
        _validate.generator(None)
    ours = torch.Generator()
    assert _validate.generator(ours) is ours
    assert _validate.generator(7).initial_seed() == 7


@pytest.mark.parametrize(
    "value", [{1, 2}, {1: 2}, "12", b"12", np.array(5), torch.zeros(2), 5, None]
)
def test_what_has_no_items_in_an_order_is_refused(value):
    with pytest.raises(TypeError, match=r"^names is .*; expected some"):
        _validate.several(value, "names", "some")


def test_an_iterator_that_never_ends_is_refused():
    with pytest.raises(ValueError, match=r"names has more than 10.6 items; expected some"):
        _validate.several(itertools.count(), "names", "some")
    assert _validate.several(iter("ab"), "names", "some") == ("a", "b")


@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
def test_finite_numbers_whose_sum_overflows_are_finite_and_opposite_infinities_are_not(kind):
    large = torch.full((3,), torch.finfo(kind).max, dtype=kind)
    assert _validate.finite(large, "x") is large
    both = torch.tensor([math.inf, -math.inf, 1.0], dtype=kind)
    with pytest.raises(ValueError, match="2 of its 3 numbers"):
        _validate.finite(both, "x")
