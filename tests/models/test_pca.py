"""PCA against scikit-learn, what it refuses, and the linear autoencoder that finds it."""

import numpy as np
import pytest
import torch
from sklearn import decomposition

from aeteach import models
from aeteach.models import (
    PCA,
    count_parameters,
)


def test_scikit_learn_finds_the_same_components(images):
    ours = PCA(5, size=8).fit(images)
    theirs = decomposition.PCA(5).fit(images.flatten(1).double().numpy())
    np.testing.assert_allclose(ours.mean, theirs.mean_, rtol=1e-5)
    np.testing.assert_allclose(ours.variances[:5], theirs.explained_variance_, rtol=1e-5)
    np.testing.assert_allclose(
        ours.explained_variance[:5], theirs.explained_variance_ratio_, rtol=1e-5
    )
    signs = np.sign((ours.components.T.numpy() * theirs.components_).sum(1, keepdims=True))
    np.testing.assert_allclose(ours.components.T, theirs.components_ * signs, atol=1e-5)


def test_scikit_learn_rebuilds_the_same_images(images):
    ours = PCA(4, size=8).fit(images)(images)
    theirs = decomposition.PCA(4).fit(images.flatten(1).double().numpy())
    scores = theirs.transform(images.flatten(1).double().numpy())
    np.testing.assert_allclose(ours.z.abs(), np.abs(scores), atol=1e-5)
    np.testing.assert_allclose(
        ours.x_hat.flatten(1), theirs.inverse_transform(scores), rtol=0, atol=1e-5
    )


def test_the_covariance_does_not_depend_on_how_the_images_are_cut(images):
    many = images.repeat(60, 1, 1, 1)  # 12,000 images, more than one part
    once, often = PCA(3, size=8).fit(images), PCA(3, size=8).fit(many)
    torch.testing.assert_close(often.components, once.components, rtol=0, atol=1e-5)
    n = len(images)
    ratio = (1 / n) / (60 / (60 * n - 1)) * (n / (n - 1))  # 1/(N - 1) each, with other N
    torch.testing.assert_close(often.variances[:3] * ratio, once.variances[:3], rtol=1e-4, atol=0)


def test_components_are_orthonormal_and_their_largest_entry_is_positive(images):
    W = PCA(6, size=8).fit(images).components
    torch.testing.assert_close(W.T @ W, torch.eye(6), rtol=0, atol=1e-5)
    largest = W.gather(0, W.abs().argmax(0, keepdim=True))
    assert (largest > 0).all()


def test_variances_are_those_of_the_scores_and_add_up_to_the_total(images):
    pca = PCA(6, size=8).fit(images)
    torch.testing.assert_close(pca(images).z.var(0), pca.variances[:6], rtol=1e-4, atol=1e-7)
    total = images.flatten(1).var(0).sum()
    torch.testing.assert_close(pca.variances.sum(), total, rtol=1e-4, atol=0)
    torch.testing.assert_close(pca.explained_variance.sum(), torch.tensor(1.0))
    assert (pca.variances.diff() <= 0).all()


def test_all_components_together_lose_nothing(images):
    torch.testing.assert_close(PCA(64, size=8).fit(images)(images).x_hat, images, rtol=0, atol=1e-5)


def test_pca_has_nothing_to_train(images):
    assert count_parameters(PCA(2, size=8).fit(images)) == 0


def test_fitting_leaves_the_images_alone(images):
    before = images.clone()
    PCA(2, size=8).fit(images)
    assert torch.equal(images, before)


@pytest.mark.parametrize("use", ["forward", "encode", "decode"])
def test_pca_refuses_to_work_before_it_is_fitted(use, images):
    argument = torch.zeros(2, 3) if use == "decode" else images
    with pytest.raises(RuntimeError, match=r"call fit\(images\) first"):
        getattr(PCA(3, size=8), use)(argument)


@pytest.mark.parametrize(
    ("arrived", "error", "message"),
    [
        (lambda x: x[:3], ValueError, "3 images vary in at most 2 directions, and 3 were asked"),
        (lambda x: x[:1].repeat(9, 1, 1, 1), ValueError, "all 9 images are alike"),
        (lambda x: x * 255, ValueError, "divide grey levels by 255"),
        (lambda x: x.double(), TypeError, "must be float32"),
        (lambda x: x[:, 0], ValueError, r"must be \(N, 1, 8, 8\)"),
        (lambda x: x[..., :7], ValueError, r"must be \(N, 1, 8, 8\)"),
        (lambda x: x * torch.nan, ValueError, "NaN"),
        (lambda x: x[:0], ValueError, "empty"),
        (lambda x: x.numpy(), TypeError, "torch.as_tensor"),
    ],
)
def test_pca_refuses_images_it_cannot_use(arrived, error, message, images):
    pca = PCA(3, size=8)
    with pytest.raises(error, match=message):
        pca.fit(arrived(images))
    assert not pca.components.any()  # nothing half-fitted stays behind


def test_pca_refuses_more_components_than_pixels():
    with pytest.raises(ValueError, match="latent is 65; expected 1 to 64"):
        PCA(65, size=8)


@pytest.mark.parametrize("shape", [(4,), (2, 2), (2, 4), (2, 3, 1)])
def test_pca_refuses_scores_of_another_shape(shape, images):
    with pytest.raises(ValueError, match=r"z must be a float tensor \(N, 3\)"):
        PCA(3, size=8).fit(images).decode(torch.zeros(shape))


# ---------------------------------------------------------------- the chapter's claim


@pytest.mark.slow
@pytest.mark.parametrize("latent", [2, 10])
def test_the_shipped_linear_autoencoder_is_pca(latent, train_digits, test_digits):
    from aeteach import load, training
    from aeteach.metrics import principal_angles

    model = load(f"linear-{latent}")
    pca = PCA(latent).fit(train_digits)
    assert principal_angles(model.decoder_matrix, pca.components).max() < 2
    best = (pca(test_digits).x_hat - test_digits).square().flatten(1).sum(1).mean()
    assert training.evaluate(model, test_digits)["loss"] < 1.01 * best


def test_descent_on_a_small_linear_autoencoder_reaches_pca(blobs):
    from aeteach.metrics import principal_angles
    from aeteach.training import fit

    model = models.build("linear", latent=2, size=8, seed=0)
    fit(model, blobs, epochs=400, batch_size=64, lr=0.2, schedule="one_cycle", progress=False)
    assert principal_angles(model.decoder_matrix, PCA(2, size=8).fit(blobs).components).max() < 1
