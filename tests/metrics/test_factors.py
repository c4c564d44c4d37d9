"""What latent dimensions mean, against numpy, scipy and scikit-learn."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from torch import nn

from aeteach._validate import plain
from aeteach.metrics.factors import by_shape, correlation, eta_squared, traverse, zeroing


def codes(n=200, d=3, seed=0):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed))


def kinds(n=200, classes=3, seed=1):
    return torch.randint(classes, (n,), generator=torch.Generator().manual_seed(seed))


def test_correlations_are_numpys():
    z, factors = codes(), torch.stack([kinds(seed=2), kinds(classes=9, seed=3)], 1)
    z[:, 0] += factors[:, 1]
    found = correlation(factors, z)
    full = np.corrcoef(factors.T.numpy(), z.T.numpy())
    np.testing.assert_allclose(found, full[:2, 2:], atol=1e-6)


@given(st.floats(0.1, 50), st.floats(-20, 20))
def test_a_straight_line_correlates_fully_whatever_its_scale(scale, shift):
    z = codes(50, 1)
    assert correlation(z * scale + shift, z).item() == pytest.approx(1, abs=1e-5)
    assert correlation(-z * scale + shift, z).item() == pytest.approx(-1, abs=1e-5)


def test_a_dimension_that_never_moves_correlates_with_nothing():
    z = codes()
    z[:, 1] = 2.0
    factors = kinds()[:, None]
    assert correlation(factors, z)[0, 1] == 0
    assert eta_squared(kinds(), z)[1] == 0


def test_eta_squared_is_the_anova_of_scipy():
    z, labels = codes(), kinds()
    z[:, 2] += labels
    found = eta_squared(labels, z)
    for i in range(3):
        groups = [z[labels == c, i].double().numpy() for c in range(3)]
        f = stats.f_oneway(*groups).statistic
        within = len(z) - 3
        assert found[i].item() == pytest.approx(2 * f / (2 * f + within), rel=1e-5)
    assert found[2] > 0.3 > found[0]


def test_eta_squared_does_not_care_how_the_classes_are_numbered():
    z, labels = codes(), kinds()
    z[:, 0] += (labels == 1).float()  # no order of the classes makes this a line
    renamed = torch.tensor([2, 0, 1])[labels]
    torch.testing.assert_close(eta_squared(labels, z), eta_squared(renamed, z))


def test_histograms_are_numpys():
    z, labels = codes(), kinds()
    found = by_shape(z, labels, bins=7)
    assert found.density.shape == (3, 3, 7)
    for c in range(3):
        for i in range(3):
            mine = z[labels == c, i].double().numpy()
            density, _ = np.histogram(mine, found.edges[i].numpy(), density=True)
            np.testing.assert_allclose(found.density[c, i], density, atol=1e-9)


def test_a_constant_dimension_has_a_histogram_too():
    found = by_shape(torch.ones(10, 1), kinds(10, 2), bins=4)
    assert found.density[:, 0].tolist() == [[4.0, 0, 0, 0]] * 2


class Two(nn.Module):
    """Codes are the two pixels; the decoder shows the second one at half its strength."""

    def __init__(self):
        super().__init__()
        self.drop = nn.Dropout(0.9)

    def encode(self, x):
        return x.flatten(1)

    def decode(self, z):
        return (self.drop(z) * torch.tensor([1.0, 0.5])).view(-1, 1, 1, 2)


def test_zeroing_costs_the_variance_that_a_dimension_carries():
    x = torch.rand(500, 1, 1, 2, generator=torch.Generator().manual_seed(0))
    found = zeroing(Two().train(), x)
    flat = x.flatten(1).double()
    first = flat[:, 0].var(correction=0)
    # (x - x/2)^2 becomes (x - m/2)^2
    second = ((flat[:, 1] - flat[:, 1].mean() / 2) ** 2 - (flat[:, 1] / 2) ** 2).mean()
    torch.testing.assert_close(found, torch.stack([first, second]), atol=1e-6, rtol=0)


def test_a_traversal_moves_one_dimension_alone():
    model = Two().train()
    z = torch.tensor([0.3, 0.8])
    found = traverse(model, z, 1, torch.linspace(-1, 1, 3))
    assert found.shape == (3, 1, 1, 2)
    torch.testing.assert_close(found[:, 0, 0, 0], torch.full((3,), 0.3))
    torch.testing.assert_close(found[:, 0, 0, 1], torch.tensor([-0.5, 0.0, 0.5]))
    assert z.tolist() == pytest.approx([0.3, 0.8])
    assert model.training


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda z, y: correlation(y, z), ValueError, r"factors is .* \(N, F\)"),
        (lambda z, y: correlation(torch.ones(200, 1), z), ValueError, "constant"),
        (
            lambda z, y: correlation(torch.stack([y.double(), y.double() * 1e200], 1), z),
            ValueError,
            "constant",
        ),
        (lambda z, y: correlation(y[:2, None], z[:2]), ValueError, "z holds 2 .*at least 3"),
        (lambda z, y: eta_squared(y * 0, z), ValueError, "at least two classes"),
        (lambda z, y: eta_squared(y.float(), z), TypeError, "int64"),
        (lambda z, y: by_shape(z, y * 2), ValueError, "no code belongs to class 1"),
        (lambda z, y: traverse(Two(), z, 0, [1.0]), ValueError, "one code"),
        (lambda z, y: traverse(Two(), z[0], 3, [1.0]), ValueError, "dimensions 0 to 2"),
        (lambda z, y: traverse(Two(), z[0], 0, []), ValueError, "values is empty"),
    ],
)
def test_bad_input_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call(codes(), kinds())


def test_more_histograms_than_memory_holds_are_refused(monkeypatch):
    monkeypatch.setattr(plain, "MAX_NUMBERS", 1000)
    z, y = codes(20, 30), torch.arange(20) % 2
    by_shape(z, y, bins=16)  # 960 numbers
    with pytest.raises(ValueError, match=r"^bins = 20 asks for"):
        by_shape(z, y, bins=20)
