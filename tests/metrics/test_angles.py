import numpy as np
import pytest
import scipy.linalg
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from aeteach.metrics import principal_angles

SEEDS = st.integers(0, 2**32 - 1)


def subspace(D: int, d: int, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(D, d, generator=generator, dtype=torch.float64)


@st.composite
def pairs(draw):
    D = draw(st.integers(2, 12))
    a, b = draw(st.integers(1, D)), draw(st.integers(1, D))
    seed = draw(SEEDS)
    return subspace(D, a, seed), subspace(D, b, seed + 1)


@settings(deadline=None)
@given(pairs())
def test_scipy_agrees(pair):
    A, B = pair
    ours = principal_angles(A, B).numpy()
    theirs = np.rad2deg(scipy.linalg.subspace_angles(A.numpy(), B.numpy()))  # largest first
    assert ours.shape == (min(A.shape[1], B.shape[1]),)
    np.testing.assert_allclose(ours, theirs[::-1], atol=1e-5)


@settings(deadline=None)
@given(pairs())
def test_angles_are_sorted_between_0_and_90_and_symmetric(pair):
    A, B = pair
    angles = principal_angles(A, B)
    assert angles.dtype == torch.float64
    assert (angles >= 0).all()
    assert (angles <= 90).all()
    assert (angles.diff() >= -1e-6).all()
    torch.testing.assert_close(angles, principal_angles(B, A), rtol=0, atol=1e-6)


@settings(deadline=None)
@given(pairs(), SEEDS)
def test_the_basis_does_not_matter(pair, seed):
    A, B = pair
    d = A.shape[1]
    crooked = A @ (torch.linalg.qr(subspace(d, d, seed)).Q * torch.linspace(0.5, 20, d))
    torch.testing.assert_close(
        principal_angles(crooked, B), principal_angles(A, B), rtol=0, atol=1e-5
    )


@settings(deadline=None)
@given(pairs(), SEEDS)
def test_turning_both_changes_nothing(pair, seed):
    A, B = pair
    turn = torch.linalg.qr(subspace(len(A), len(A), seed)).Q.double()
    torch.testing.assert_close(
        principal_angles(turn @ A, turn @ B), principal_angles(A, B), rtol=0, atol=1e-5
    )


@settings(deadline=None)
@given(st.floats(0, 90), st.floats(0, 90))
def test_angles_built_by_hand_are_found(first, second):
    radians = torch.deg2rad(torch.tensor([first, second], dtype=torch.float64))
    A = torch.eye(5, dtype=torch.float64)[:, :2]
    B = torch.zeros(5, 2, dtype=torch.float64)
    B[[0, 1], [0, 1]] = radians.cos()
    B[[2, 3], [0, 1]] = radians.sin()
    expected = torch.tensor(sorted([first, second]), dtype=torch.float64)
    torch.testing.assert_close(principal_angles(A, B), expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("degrees", [1e-9, 1e-6, 44.999, 45.001, 89.999999])
def test_tiny_and_nearly_right_angles_keep_their_digits(degrees):
    """An arc cosine alone returns 0 for angles below 1e-6 degrees."""
    angle = torch.deg2rad(torch.tensor(degrees, dtype=torch.float64))
    A = torch.tensor([[1.0], [0.0]], dtype=torch.float64)
    B = torch.stack([angle.cos(), angle.sin()])[:, None]
    torch.testing.assert_close(
        principal_angles(A, B), torch.tensor([degrees], dtype=torch.float64), rtol=1e-7, atol=0
    )


def test_the_length_of_its_vectors_does_not_matter():
    A, B = subspace(7, 2, 0), subspace(7, 3, 1)
    scales = torch.tensor([1e200, 1e-200], dtype=torch.float64)  # their squares are inf and 0
    torch.testing.assert_close(principal_angles(A * scales, B * 1e-250), principal_angles(A, B))


def test_a_subspace_inside_another_has_angles_zero():
    B = subspace(9, 4, 0)
    assert principal_angles(B[:, :2] + B[:, 2:], B).max() < 1e-10


def test_weights_of_a_model_can_be_passed_as_they_are():
    layer = torch.nn.Linear(2, 30)
    angles = principal_angles(layer.weight, layer.weight)
    assert not angles.requires_grad
    assert angles.max() < 1e-4


def test_whole_numbers_are_taken_as_they_are():
    A = torch.tensor([[1, 0], [0, 1], [0, 0]])
    B = torch.tensor([[1, 0], [0, 1], [0, 1]])
    torch.testing.assert_close(
        principal_angles(A, B), torch.tensor([0.0, 45.0], dtype=torch.float64)
    )


@pytest.mark.parametrize(
    ("A", "B", "error", "message"),
    [
        (torch.ones(3), torch.eye(3), ValueError, r"A must be \(D, d\).*got \(3,\)"),
        (torch.eye(3), torch.ones(2, 3), ValueError, r"B must be .*got \(2, 3\).*transpose"),
        (torch.eye(3), torch.ones(3, 0), ValueError, r"B is empty, \(3, 0\)"),
        (torch.ones(0, 0), torch.ones(0, 0), ValueError, r"A is empty, \(0, 0\)"),
        (torch.eye(3), torch.eye(4), ValueError, "of A have 3 numbers and those of B 4"),
        (torch.eye(3) * torch.nan, torch.eye(3), ValueError, "A holds NaN or infinity"),
        (torch.eye(3), torch.eye(3) / 0, ValueError, "B holds NaN or infinity"),
        (torch.ones(3, 2), torch.eye(3), ValueError, "2 columns of A are dependent.*only 1"),
        (torch.eye(3), torch.zeros(3, 1), ValueError, "columns of B are dependent.*only 0"),
        (np.eye(3), torch.eye(3), TypeError, "A must be .* got numpy.ndarray: use torch.as_tensor"),
        (torch.eye(3), torch.eye(3) * 1j, TypeError, "B has dtype torch.complex64"),
    ],
)
def test_bad_input_is_refused(A, B, error, message):
    with pytest.raises(error, match=message):
        principal_angles(A, B)


def test_columns_that_differ_by_float32_rounding_are_dependent():
    generator = torch.Generator().manual_seed(0)
    column = torch.randn(50, 1, generator=generator)
    nearly = torch.cat([column, column / 3 * 7 + column * 1e-7], dim=1)
    with pytest.raises(ValueError, match="dependent"):
        principal_angles(nearly, column)
