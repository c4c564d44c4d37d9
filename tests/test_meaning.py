"""What latent dimensions mean, against numpy, scipy and scikit-learn."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.linear_model import LinearRegression
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from torch import nn

from aeteach import meaning


def codes(n=200, d=3, seed=0):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed))


def kinds(n=200, classes=3, seed=1):
    return torch.randint(classes, (n,), generator=torch.Generator().manual_seed(seed))


def test_correlations_are_numpys():
    z, factors = codes(), torch.stack([kinds(seed=2), kinds(classes=9, seed=3)], 1)
    z[:, 0] += factors[:, 1]
    found = meaning.correlation(factors, z)
    full = np.corrcoef(factors.T.numpy(), z.T.numpy())
    np.testing.assert_allclose(found, full[:2, 2:], atol=1e-6)


@given(st.floats(0.1, 50), st.floats(-20, 20))
def test_a_straight_line_correlates_fully_whatever_its_scale(scale, shift):
    z = codes(50, 1)
    assert meaning.correlation(z * scale + shift, z).item() == pytest.approx(1, abs=1e-5)
    assert meaning.correlation(-z * scale + shift, z).item() == pytest.approx(-1, abs=1e-5)


def test_a_dimension_that_never_moves_correlates_with_nothing():
    z = codes()
    z[:, 1] = 2.0
    factors = kinds()[:, None]
    assert meaning.correlation(factors, z)[0, 1] == 0
    assert meaning.eta_squared(kinds(), z)[1] == 0


def test_eta_squared_is_the_anova_of_scipy():
    z, labels = codes(), kinds()
    z[:, 2] += labels
    found = meaning.eta_squared(labels, z)
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
    torch.testing.assert_close(meaning.eta_squared(labels, z), meaning.eta_squared(renamed, z))


def split(n, seed=0, held_out=0.2):
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    cut = round(held_out * n)
    return order[cut:], order[:cut]


def test_the_linear_probe_is_least_squares_on_held_out_codes():
    z = codes(300)
    y = z @ torch.tensor([1.0, -2.0, 0.0]) + 0.5 * codes(300, 1, 7)[:, 0]
    train, test = split(300, seed=5)
    model = LinearRegression().fit(z[train].numpy(), y[train].numpy())
    found = meaning.probe(z, y, seed=5)
    assert found.score == pytest.approx(model.score(z[test].numpy(), y[test].numpy()), abs=1e-4)
    assert found.held_out == 60
    assert found.baseline == 0


@pytest.mark.parametrize("kind", ["number", "class"])
def test_the_nearest_probe_is_scikit_learns(kind):
    z = codes(300)
    ring = z.norm(dim=1)  # bent: no line finds it
    y = ring if kind == "number" else (ring > 1.6).long()
    train, test = split(300, seed=2)
    mean, sd = z[train].mean(0), z[train].std(0, correction=0)
    scaled = ((z - mean) / sd).numpy()
    judge = KNeighborsRegressor(5) if kind == "number" else KNeighborsClassifier(5)
    judge.fit(scaled[train], y[train].numpy())
    expected = judge.score(scaled[test], y[test].numpy())
    found = meaning.probe(z, y, kind="nearest", seed=2)
    assert found.score == pytest.approx(expected, abs=1e-6)
    assert found.score > meaning.probe(z, y, kind="linear", seed=2).score + 0.2


def test_a_class_probe_beats_its_baseline_only_where_there_is_something_to_find():
    z, labels = codes(400), kinds(400)
    blind = meaning.probe(z, labels)
    assert abs(blind.score - blind.baseline) < 0.15
    z[:, :3] += 4 * nn.functional.one_hot(labels, 3)
    seeing = meaning.probe(z, labels)
    assert seeing.score > 0.95
    assert 0.25 < seeing.baseline < 0.5


def test_a_turned_code_keeps_its_probe_and_loses_its_correlation():
    z = codes(1000, 8)
    y = z[:, 0].clone()
    turn = torch.linalg.qr(codes(8, 8, 9)).Q
    before, after = z, z @ turn
    assert meaning.correlation(y[:, None], before).abs().max() > 0.999
    assert meaning.correlation(y[:, None], after).abs().max() < 0.9
    assert meaning.probe(after, y).score == pytest.approx(meaning.probe(before, y).score, abs=1e-4)


def test_histograms_are_numpys():
    z, labels = codes(), kinds()
    found = meaning.by_shape(z, labels, bins=7)
    assert found.density.shape == (3, 3, 7)
    for c in range(3):
        for i in range(3):
            mine = z[labels == c, i].double().numpy()
            density, _ = np.histogram(mine, found.edges[i].numpy(), density=True)
            np.testing.assert_allclose(found.density[c, i], density, atol=1e-9)


def test_a_constant_dimension_has_a_histogram_too():
    found = meaning.by_shape(torch.ones(10, 1), kinds(10, 2), bins=4)
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
    found = meaning.zeroing(Two().train(), x)
    flat = x.flatten(1).double()
    first = flat[:, 0].var(correction=0)
    # (x - x/2)^2 becomes (x - m/2)^2
    second = ((flat[:, 1] - flat[:, 1].mean() / 2) ** 2 - (flat[:, 1] / 2) ** 2).mean()
    torch.testing.assert_close(found, torch.stack([first, second]), atol=1e-6, rtol=0)


def test_a_traversal_moves_one_dimension_alone():
    model = Two().train()
    z = torch.tensor([0.3, 0.8])
    found = meaning.traverse(model, z, 1, torch.linspace(-1, 1, 3))
    assert found.shape == (3, 1, 1, 2)
    torch.testing.assert_close(found[:, 0, 0, 0], torch.full((3,), 0.3))
    torch.testing.assert_close(found[:, 0, 0, 1], torch.tensor([-0.5, 0.0, 0.5]))
    assert z.tolist() == pytest.approx([0.3, 0.8])
    assert model.training


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda z, y: meaning.correlation(y, z), ValueError, r"expected \(N, F\)"),
        (lambda z, y: meaning.correlation(torch.ones(200, 1), z), ValueError, "constant"),
        (lambda z, y: meaning.correlation(y[:2, None], z[:2]), ValueError, "fewer than 3"),
        (lambda z, y: meaning.eta_squared(y * 0, z), ValueError, "at least two classes"),
        (lambda z, y: meaning.eta_squared(y.float(), z), TypeError, "int64"),
        (lambda z, y: meaning.probe(z, y, kind="mlp"), ValueError, "linear, nearest"),
        (lambda z, y: meaning.probe(z, y, held_out=1.0), ValueError, "held_out is 1.0"),
        (lambda z, y: meaning.probe(z[:9], y[:9]), ValueError, "at least 10"),
        (lambda z, y: meaning.probe(z, y[:5]), ValueError, "each of the 200 codes"),
        (lambda z, y: meaning.probe(z, y.int()), ValueError, r"y.float\(\)"),
        (lambda z, y: meaning.probe(z, torch.ones(200)), ValueError, "constant"),
        (lambda z, y: meaning.by_shape(z, y * 2), ValueError, "each needs at least one"),
        (lambda z, y: meaning.traverse(Two(), z, 0, [1.0]), ValueError, "one code"),
        (lambda z, y: meaning.traverse(Two(), z[0], 3, [1.0]), ValueError, "dimensions 0 to 2"),
        (lambda z, y: meaning.traverse(Two(), z[0], 0, []), ValueError, "values has shape"),
    ],
)
def test_bad_input_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call(codes(), kinds())
