"""Golden values on all 70,000 digits, to the digits they were published with."""

import pytest
import torch

import aeteach
from aeteach.data import mnist
from aeteach.losses import squared_error
from aeteach.metrics import principal_angles
from aeteach.models import PCA, count_parameters

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def full():
    train, test = mnist("train", size=28), mnist("test", size=28)
    if train.is_sample:
        pytest.skip("the published values are for the full digits; only the sample is here")
    return PCA(100, size=28).fit(train.images), test.images


def truncated(pca, k):
    small = PCA(k, size=28)
    small.mean.copy_(pca.mean)
    small.components.copy_(pca.components[:, :k])
    return small


@pytest.mark.parametrize(
    ("k", "percent", "error"),
    [
        (2, "16.80", "0.05567"),
        (10, "48.81", "0.03407"),
        (30, "73.05", "0.01769"),
        (50, "82.46", "0.01149"),
        (100, "91.46", "0.00562"),
    ],
)
def test_pca_on_the_digits(full, k, percent, error):
    pca, test = full
    assert f"{100 * pca.explained_variance[:k].sum():.2f}" == percent
    per_image = squared_error(truncated(pca, k)(test).x_hat, test).double().mean()
    assert f"{per_image / 784:.5f}" == error
    if k == 30:  # Hinton and Salakhutdinov (2006), supporting online material
        assert f"{per_image:.2f}" == "13.87"


def test_the_mean_alone_and_the_components_for_90_95_and_99_percent(full):
    pca, test = full
    mean_error = (test.flatten(1) - pca.mean).square().double().mean()
    assert f"{mean_error:.5f}" == "0.06747"
    share = pca.explained_variance.double().cumsum(0)
    assert [int((share < p).sum()) + 1 for p in (0.90, 0.95, 0.99)] == [87, 154, 331]


def test_the_reported_linear_autoencoder_has_5122_parameters():
    assert count_parameters(aeteach.load("linear-2")) == 5122


@pytest.mark.parametrize("latent", [2, 10])
def test_the_trained_linear_autoencoder_is_pca(latent, train_digits, test_digits):
    model, pca = aeteach.load(f"linear-{latent}"), PCA(latent).fit(train_digits)
    largest = principal_angles(model.decoder_matrix.detach(), pca.components).max()
    with torch.no_grad():
        ours, best = (squared_error(m(test_digits).x_hat, test_digits).mean() for m in (model, pca))
    print(f"{latent}: {largest:.2f} degrees, {ours:.3f} against {best:.3f}")
    assert largest < 2
    assert ours / best == pytest.approx(1, abs=0.01)
