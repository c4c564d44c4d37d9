import copy
import pickle

import numpy as np
import pytest
import torch
from sklearn import decomposition
from torch import nn

from aeteach import models
from aeteach.models import (
    PCA,
    Autoencoder,
    LinearAutoencoder,
    Output,
    build,
    count_parameters,
)
from aeteach.models.base import check_size

LINEAR = ("linear", "pca")  # the other models have files of tests of their own


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    """200 random 8x8 images whose pixels go together, in [0, 1]."""
    generator = torch.Generator().manual_seed(0)
    parts = torch.rand(6, 1, 8, 8, generator=generator)
    weights = torch.rand(200, 6, generator=generator) * torch.linspace(1, 0.2, 6)
    noise = 0.01 * torch.rand(200, 1, 8, 8, generator=generator)
    mixed = torch.einsum("nk,kchw->nchw", weights, parts) + noise
    return mixed / mixed.max()


def make(name: str, images: torch.Tensor, **arguments) -> nn.Module:
    model = build(name, seed=0, latent=3, size=8, **arguments)
    return model.fit(images) if isinstance(model, PCA) else model


# ---------------------------------------------------------------- contract


@pytest.mark.parametrize("name", LINEAR)
def test_a_linear_model_keeps_the_contract(name, images):
    model = make(name, images)
    output = model(images[:5])
    assert isinstance(output, Output)
    assert output.x_hat.shape == (5, 1, 8, 8)
    assert output.z.shape == (5, 3)
    torch.testing.assert_close(model.encode(images[:5]), output.z)
    torch.testing.assert_close(model.decode(output.z), output.x_hat)
    assert output.mu is None
    assert output.log_var is None
    assert output.logits is None


@pytest.mark.parametrize("name", LINEAR)
@pytest.mark.parametrize("n", [1, 2, 7])
def test_an_image_does_not_depend_on_the_others_of_its_batch(name, n, images):
    model = make(name, images)
    together = model(images[:7]).x_hat[:n]
    torch.testing.assert_close(model(images[:n]).x_hat, together, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", LINEAR)
@pytest.mark.parametrize(
    "shape", [(5, 1, 28, 28), (5, 1, 8, 9), (5, 3, 8, 8), (5, 64), (1, 8, 8), (0, 1, 8, 8), (5, 1)]
)
def test_images_of_another_shape_are_refused(name, shape, images):
    model = make(name, images)
    with pytest.raises(ValueError, match=r"made for images \(N, 1, 8, 8\)") as caught:
        model(torch.zeros(shape))
    assert str(shape) in str(caught.value)


@pytest.mark.parametrize("name", LINEAR)
@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"latent": 0}, ValueError),
        ({"latent": -1}, ValueError),
        ({"latent": 2.0}, TypeError),
        ({"latent": True}, TypeError),
        ({"latent": "2"}, TypeError),
        ({"size": 0}, ValueError),
        ({"size": 8.0}, TypeError),
    ],
)
def test_wrong_sizes_are_refused(name, arguments, error):
    with pytest.raises(error, match=next(iter(arguments))):
        build(name, **arguments)


def test_check_size_returns_what_it_was_given(images):
    assert check_size(images, 8) is images


# ---------------------------------------------------------------- build


def test_build_names_the_models_it_knows():
    with pytest.raises(ValueError, match=r"no model is called 'lineer'; known: conv, .*pca"):
        build("lineer")


def test_build_depends_on_the_seed_alone_and_leaves_the_global_state():
    torch.manual_seed(7)
    before = torch.get_rng_state()
    first = build("linear", seed=3, size=8)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(8)
    again, other = build("linear", seed=3, size=8), build("linear", seed=4, size=8)
    assert torch.equal(first.encoder_matrix, again.encoder_matrix)
    assert not torch.equal(first.encoder_matrix, other.encoder_matrix)


# ---------------------------------------------------------------- autoencoder


def test_a_sigmoid_squashes_the_decoder_and_keeps_the_logits():
    torch.manual_seed(0)
    encoder = nn.Sequential(nn.Flatten(), nn.Linear(16, 2))
    decoder = nn.Sequential(nn.Linear(2, 16), nn.Unflatten(1, (1, 4, 4)))
    model = Autoencoder(encoder, decoder, sigmoid=True)
    output = model(torch.rand(3, 1, 4, 4))
    assert output.logits is not None
    torch.testing.assert_close(output.x_hat, 1 / (1 + torch.exp(-output.logits)))
    torch.testing.assert_close(model.decode(output.z), output.x_hat)
    torch.testing.assert_close(decoder(output.z), output.logits)


def test_frozen_parameters_are_not_counted():
    layer = nn.Linear(3, 2)
    assert count_parameters(layer) == 8
    layer.bias.requires_grad_(False)
    assert count_parameters(layer) == 6


# ---------------------------------------------------------------- linear


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"latent": 2}, 5_122),  # the SimpleAEncoder with a bottleneck of 2
        ({"latent": 10}, 1024 * 10 + 10 + 10 * 1024 + 1024),
        ({"latent": 10, "size": 28}, 784 * 10 + 10 + 10 * 784 + 784),
        ({"latent": 2, "tied": True}, 1024 * 2 + 2 + 1024),
    ],
)
def test_parameters_are_as_many_as_counted_by_hand(arguments, expected):
    assert count_parameters(LinearAutoencoder(**arguments)) == expected


@pytest.mark.parametrize("tied", [False, True])
def test_the_linear_autoencoder_computes_its_formula(tied, images):
    model = build("linear", seed=1, latent=3, size=8, tied=tied)
    nn.init.normal_(model.decoder[0].bias)
    W1, b1 = model.encoder_matrix.detach().numpy(), model.encoder[1].bias.detach().numpy()
    W2, b2 = model.decoder_matrix.detach().numpy(), model.decoder[0].bias.detach().numpy()
    assert W1.shape == (3, 64)
    assert W2.shape == (64, 3)
    x = images[:4].flatten(1).numpy()
    z = x @ W1.T + b1
    output = model(images[:4])
    np.testing.assert_allclose(output.z.detach(), z, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(
        output.x_hat.detach().flatten(1), z @ W2.T + b2, rtol=1e-4, atol=1e-5
    )


def test_any_other_basis_of_the_code_gives_the_same_output(images):
    model = build("linear", seed=1, latent=3, size=8)
    before = model(images).x_hat
    T = torch.tensor([[2.0, 1, 0], [0, -1, 0.5], [1, 0, 1]])
    with torch.no_grad():
        model.encoder[1].weight.copy_(T @ model.encoder_matrix)
        model.encoder[1].bias.copy_(T @ model.encoder[1].bias)
        model.decoder[0].weight.copy_(model.decoder_matrix @ torch.linalg.inv(T))
    torch.testing.assert_close(model(images).x_hat, before, rtol=1e-4, atol=1e-5)


# ---------------------------------------------------------------- tied weights


@pytest.fixture
def tied() -> LinearAutoencoder:
    return build("linear", seed=2, latent=3, size=8, tied=True)


def assert_tied(model: LinearAutoencoder) -> None:
    """The decoder must follow whatever happens to the encoder's matrix."""
    with torch.no_grad():
        model.encoder[1].weight.add_(0.5)
    assert torch.equal(model.decoder_matrix, model.encoder_matrix.T)
    z = torch.ones(1, 3)
    expected = z @ model.encoder_matrix + model.decoder[0].bias
    torch.testing.assert_close(model.decode(z).flatten(1), expected)


def test_tied_weights_are_one_matrix(tied):
    assert_tied(tied)


def test_a_step_of_training_moves_both_sides(tied, images):
    before = tied.decoder_matrix.detach().clone()
    optimiser = torch.optim.SGD(tied.parameters(), lr=1e-2)
    (images - tied(images).x_hat).square().sum().backward()
    optimiser.step()
    assert not torch.equal(tied.decoder_matrix, before)
    assert_tied(tied)


def test_the_gradient_of_the_shared_matrix_is_the_sum_of_both_uses(tied, images):
    (images - tied(images).x_hat).square().sum().backward()
    W = tied.encoder_matrix.detach()
    down, up = W.clone().requires_grad_(), W.clone().requires_grad_()
    z = images.flatten(1) @ down.T + tied.encoder[1].bias.detach()
    x_hat = z @ up + tied.decoder[0].bias.detach()
    (images.flatten(1) - x_hat).square().sum().backward()
    torch.testing.assert_close(
        tied.encoder[1].weight.grad, down.grad + up.grad, rtol=1e-4, atol=1e-3
    )


def test_tied_weights_are_saved_once_and_loaded_for_both(tied, images):
    state = tied.state_dict()
    assert sorted(state) == ["decoder.0.bias", "encoder.1.bias", "encoder.1.weight"]
    other = build("linear", seed=9, latent=3, size=8, tied=True)
    other.load_state_dict(state)
    torch.testing.assert_close(other(images).x_hat, tied(images).x_hat)
    assert_tied(other)


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_a_copy_is_tied_to_itself_and_not_to_the_original(clone, tied, images):
    twin = clone(tied)
    torch.testing.assert_close(twin(images).x_hat, tied(images).x_hat)
    before = tied.encoder_matrix.detach().clone()
    assert_tied(twin)
    assert torch.equal(tied.encoder_matrix, before)
    assert_tied(tied)


def test_tied_weights_stay_tied_in_another_precision(tied):
    tied.double()
    assert tied.decoder_matrix.dtype == torch.float64
    assert torch.equal(tied.decoder_matrix, tied.encoder_matrix.T)


def test_untied_weights_do_not_follow():
    model = build("linear", seed=2, latent=3, size=8)
    before = model.decoder_matrix.detach().clone()
    with torch.no_grad():
        model.encoder[1].weight.add_(0.5)
    assert torch.equal(model.decoder_matrix, before)


@pytest.mark.parametrize("name", LINEAR)
def test_state_dict_restores_a_model(name, images):
    model, other = make(name, images), build(name, seed=5, latent=3, size=8)
    other.load_state_dict(model.state_dict())
    torch.testing.assert_close(other(images).x_hat, model(images).x_hat, rtol=0, atol=0)


# ---------------------------------------------------------------- PCA


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
    with pytest.raises(ValueError, match=r"z must be \(N, 3\)"):
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
