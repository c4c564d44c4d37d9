"""Inpainting: against closed forms of the linear-Gaussian model, and what is refused."""

import itertools
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.neighbors import NearestNeighbors
from torch import nn

from aeteach import inpainting as ip
from aeteach.models import PCA, LinearAutoencoder, build

SIZE = 6
D = SIZE * SIZE


def normal_model(seed=0, d=3, c=0.05):
    """x = W z + m + noise of variance c: parameters, float64."""
    g = torch.Generator().manual_seed(seed)
    W = 0.3 * torch.randn(D, d, generator=g, dtype=torch.float64)
    m = 0.5 + 0.05 * torch.randn(D, generator=g, dtype=torch.float64)
    return W, m, c


class Exact(nn.Module):
    """The linear-Gaussian VAE whose q(z|x) is the posterior."""

    def __init__(self, W, m, c):
        super().__init__()
        self.W, self.m, self.c = W, m, c
        self.precision = W.T @ W / c + torch.eye(W.shape[1], dtype=torch.float64)

    def encode(self, x):
        return (
            torch.linalg.solve(self.precision, self.W.T @ (x.flatten(1).double() - self.m).T).T
            / self.c
        )

    def decode(self, z):
        return (z.double() @ self.W.T + self.m).float().view(-1, 1, SIZE, SIZE)

    def posterior(self, x):
        # With independent latents, so that a diagonal q is exact: W has orthogonal columns.
        variance = 1 / self.precision.diag()
        return self.encode(x), variance.log().expand(len(x), -1)


def conditional(W, m, c, images, mask):
    """E[x_h | x_o] and Cov from the joint covariance of all pixels: not the package's road."""
    S = W @ W.T + c * torch.eye(D, dtype=torch.float64)
    h, o = mask.flatten(), ~mask.flatten()
    gain = torch.linalg.solve(S[o][:, o], S[o][:, h]).T
    mean = m[h] + (images.flatten(1).double()[:, o] - m[o]) @ gain.T
    return mean, S[h][:, h] - gain @ S[o][:, h]


def pictures(n=5, seed=3):
    return torch.rand(n, 1, SIZE, SIZE, generator=torch.Generator().manual_seed(seed))


MASK = ip.hole(SIZE, (1, 4), (2, 5))


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("start", [0.0, 1.0, "noise"])
def test_the_climb_ends_at_the_conditional_mean_wherever_it_starts(seed, start):
    W, m, c = normal_model(seed)
    x = pictures()
    begin = pictures(1, 9)[0] if start == "noise" else start
    made = ip.inpaint(Exact(W, m, c), x, MASK, iterations=1500, start=begin)
    want, _ = conditional(W, m, c, x, MASK)
    got = made.images.flatten(1)[:, MASK.flatten()].double()
    assert (want - x.flatten(1)[:, MASK.flatten()]).abs().max() > 0.1
    torch.testing.assert_close(got, want, rtol=1e-4, atol=1e-5)


def test_it_gets_there_by_the_factor_of_the_largest_eigenvalue():
    W, m, c = normal_model()
    x = pictures()
    run = ip.inpaint(Exact(W, m, c), x, MASK, iterations=40, history=True)
    want, _ = conditional(W, m, c, x, MASK)
    away = [(s.flatten(1)[:, MASK.flatten()].double() - want).norm().item() for s in run.history]
    W_h = W[MASK.flatten()]
    A = W_h @ torch.linalg.solve(W.T @ W + c * torch.eye(3, dtype=torch.float64), W_h.T)
    factor = torch.linalg.eigvalsh(A)[-1].item()
    assert 0.1 < factor < 1
    assert away[12] / away[11] == pytest.approx(factor, rel=0.02)
    assert all(b < a for a, b in itertools.pairwise(away[:16]))


def test_one_iteration_is_the_model_asked_once():
    vae = build("vae", latent=2, size=SIZE, hidden=(8, 4))
    x = pictures()
    made = ip.inpaint(vae, x, MASK, iterations=1)
    black = x.clone()
    black[:, :, 1:4, 2:5] = 0
    with torch.no_grad():
        x_hat = vae.reconstruct(black)
    torch.testing.assert_close(made.x_hat, x_hat)
    torch.testing.assert_close(made.images[:, :, 1:4, 2:5], x_hat[:, :, 1:4, 2:5])


def test_the_chain_has_the_conditional_mean_and_the_spread_that_its_noise_gives_it():
    W, m, c = normal_model()
    Q, _ = torch.linalg.qr(W)
    W = Q * torch.tensor([1.2, 0.9, 0.6], dtype=torch.float64)  # orthogonal columns: q is exact
    x = pictures(1).expand(4000, -1, -1, -1)
    made = ip.inpaint(Exact(W, m, c), x, MASK, iterations=60, sample=True, generator=5)
    lost = MASK.flatten()
    got = made.images.flatten(1)[:, lost].double()
    want, _ = conditional(W, m, c, x[:1], MASK)
    # u' = W_h M^-1 W_h^T u + const + W_h s, s ~ N(0, c M^-1): a linear recursion
    M = W.T @ W + c * torch.eye(3, dtype=torch.float64)
    W_h = W[lost]
    A = W_h @ torch.linalg.solve(M, W_h.T)
    step = c * A
    spread = step.clone()
    for _ in range(500):
        spread = A @ spread @ A.T + step
    error = (spread.diag() / len(got)).sqrt()
    assert ((got.mean(0) - want[0]).abs() < 4.5 * error).all()
    torch.testing.assert_close(
        got.T.cov(), spread, rtol=0.15, atol=0.05 * spread.diag().max().item()
    )
    assert spread.diag().min() > 1e-4


def test_draws_depend_on_the_seed_and_on_nothing_else():
    vae = build("vae", latent=2, size=SIZE, hidden=(8, 4))
    with torch.no_grad():
        vae.decoder[0].weight.mul_(20)  # so that z matters to an untrained model
    x = pictures()

    def run(generator):
        return ip.inpaint(vae, x, MASK, iterations=3, sample=True, generator=generator).images

    state = torch.get_rng_state()
    torch.testing.assert_close(run(1), run(1), rtol=0, atol=0)
    torch.testing.assert_close(run(1), run(torch.Generator().manual_seed(1)), rtol=0, atol=0)
    assert not torch.equal(run(1), run(2))
    assert torch.equal(state, torch.get_rng_state())


@given(
    st.integers(0, 4), st.integers(1, 6), st.integers(0, 4), st.integers(1, 6), st.integers(1, 4)
)
def test_known_pixels_stay_and_what_stood_in_the_hole_is_never_looked_at(a, b, e, f, rounds):
    mask = ip.hole(SIZE, (a, min(a + b, SIZE - 1)), (e, min(e + f, SIZE)))
    vae = build("vae", latent=2, size=SIZE, hidden=(8, 4))
    x = pictures(3)
    other = torch.where(mask, 1 - x, x)
    made = ip.inpaint(vae, x, mask, iterations=rounds, history=True)
    again = ip.inpaint(vae, other, mask, iterations=rounds)
    assert torch.equal(made.images[:, :, ~mask], x[:, :, ~mask])
    assert torch.equal(made.images, again.images)
    assert made.history.shape == (rounds + 1, *x.shape)
    assert torch.equal(made.history[-1], made.images)
    assert (made.history[0][:, :, mask] == 0).all()
    assert again.history is None


def test_many_images_and_holes_of_their_own(monkeypatch):
    vae = build("vae", latent=2, size=SIZE, hidden=(8, 4))
    x = pictures(7)
    each = torch.rand(x.shape, generator=torch.Generator().manual_seed(4)) < 0.3
    each[:, 0, 0, 0], each[:, 0, 5, 5] = True, False
    whole = ip.inpaint(vae, x, each, iterations=3, history=True)
    monkeypatch.setattr(ip, "_CHUNK", 3)
    parts = ip.inpaint(vae, x, each, iterations=3, history=True)
    for a, b in zip(whole, parts, strict=True):
        torch.testing.assert_close(a, b)
    alone = ip.inpaint(vae, x[[2]], each[[2]], iterations=3).images
    torch.testing.assert_close(alone, whole.images[[2]])


def test_the_mode_is_put_back_and_evaluation_is_used():
    vae = build("conv-vae", latent=2)
    x = torch.rand(4, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    vae.train()
    before = vae.encoder[1].running_mean.clone()
    made = ip.inpaint(vae, x, ip.hole(32), iterations=2)
    assert vae.training
    assert torch.equal(before, vae.encoder[1].running_mean)
    alone = ip.inpaint(vae, x[:1], ip.hole(32), iterations=2).images
    torch.testing.assert_close(made.images[:1], alone)  # in training mode, neighbours would count
    assert not made.images.requires_grad


def test_the_error_in_the_hole_is_a_sum_over_its_pixels():
    x, filled = pictures(4), pictures(4, 8)
    want = ((x - filled).numpy()[:, 0, 1:4, 2:5] ** 2).sum((1, 2))
    np.testing.assert_allclose(ip.error_in_hole(filled, x, MASK).numpy(), want, rtol=1e-6)


# ---------------------------------------------------------------- without a network


def test_the_mean_image_fills_the_hole_and_nothing_else():
    reference, x = pictures(9, 1), pictures(3)
    filled = ip.fill_by_mean(reference, x, MASK)
    assert torch.equal(filled[:, :, ~MASK], x[:, :, ~MASK])
    want = reference.numpy().mean(0)[:, MASK.numpy()]
    np.testing.assert_allclose(filled[1][:, MASK].numpy(), want, rtol=1e-6)


def test_the_neighbour_is_the_one_scikit_learn_finds(monkeypatch):
    monkeypatch.setattr(ip, "_CHUNK", 4)
    reference, x = pictures(200, 1), pictures(11)
    filled = ip.fill_by_neighbour(reference, x, MASK)
    seen = ~MASK.flatten().numpy()
    search = NearestNeighbors(n_neighbors=1).fit(reference.flatten(1).numpy()[:, seen])
    places = search.kneighbors(x.flatten(1).numpy()[:, seen], return_distance=False)[:, 0]
    assert len(set(places)) > 3
    want = torch.where(MASK, reference[torch.as_tensor(places)], x)
    assert torch.equal(filled, want)


def test_the_plane_gives_the_conditional_mean_of_probabilistic_pca():
    g = torch.Generator().manual_seed(0)
    z = torch.randn(400, 4, generator=g)
    X = 0.5 + 0.06 * z @ torch.randn(4, D, generator=g) + 0.02 * torch.randn(400, D, generator=g)
    images = X.clamp(0, 1).view(-1, 1, SIZE, SIZE)
    pca = PCA(3, size=SIZE).fit(images)
    W, c = ip.loadings(pca)
    # Tipping and Bishop: the model's covariance keeps the first d variances and averages the rest
    S = W @ W.T + c * torch.eye(D, dtype=torch.float64)
    values = torch.linalg.eigvalsh(S).flip(0)
    torch.testing.assert_close(values[:3], pca.variances[:3].double(), rtol=1e-5, atol=0)
    rest = pca.variances[3:].double().mean()
    torch.testing.assert_close(values[3:], rest.expand(D - 3), rtol=1e-5, atol=0)
    want, _ = conditional(W, pca.mean.double(), c, images[:6], MASK)
    got = ip.fill_by_plane(pca, images[:6], MASK)
    torch.testing.assert_close(
        got.flatten(1)[:, MASK.flatten()].double(), want, rtol=1e-5, atol=1e-6
    )
    assert torch.equal(got[:, :, ~MASK], images[:6][:, :, ~MASK])


# ---------------------------------------------------------------- refused


def vae():
    return build("vae", latent=2, size=SIZE, hidden=(8, 4))


NONE, ALL = torch.zeros(SIZE, SIZE, dtype=torch.bool), torch.ones(SIZE, SIZE, dtype=torch.bool)
REFUSED = [
    (lambda: ip.inpaint(vae(), pictures() * 255, MASK), ValueError, "images"),
    (lambda: ip.inpaint(vae(), pictures(), MASK.float()), TypeError, "mask must be a bool"),
    (lambda: ip.inpaint(vae(), pictures(), [True]), TypeError, "got list"),
    (lambda: ip.inpaint(vae(), pictures(), MASK[:5]), ValueError, r"mask has shape \(5, 6\)"),
    (lambda: ip.inpaint(vae(), pictures(), NONE), ValueError, "no missing pixel"),
    (lambda: ip.inpaint(vae(), pictures(), ALL), ValueError, "no known pixel"),
    (lambda: ip.inpaint(vae(), pictures(), MASK, iterations=0), ValueError, "iterations must be"),
    (lambda: ip.inpaint(vae(), pictures(), MASK, start=2.0), ValueError, r"start must lie in"),
    (
        lambda: ip.inpaint(vae(), pictures(), MASK, start=float("nan")),
        ValueError,
        "start holds NaN",
    ),
    (
        lambda: ip.inpaint(vae(), pictures(), MASK, start=torch.zeros(3, 3)),
        ValueError,
        r"start has shape \(3, 3\)",
    ),
    (
        lambda: ip.inpaint(LinearAutoencoder(2, size=SIZE), pictures(), MASK, sample=True),
        ValueError,
        "no posterior to draw from",
    ),
    (lambda: ip.inpaint(vae(), pictures(), MASK, generator=-1), ValueError, "generator must be"),
    (lambda: ip.hole(6, (4, 4)), ValueError, r"rows is \(4, 4\)"),
    (lambda: ip.hole(6, (0, 2), (3, 9)), ValueError, r"columns is \(3, 9\)"),
    (lambda: ip.error_in_hole(pictures(2), pictures(3), MASK), ValueError, "filled has shape"),
    (
        lambda: ip.fill_by_mean(torch.rand(2, 1, 4, 4), pictures(), MASK),
        ValueError,
        "expected the same size",
    ),
    (
        lambda: ip.fill_by_neighbour(pictures(), pictures(), MASK.expand(5, 1, 6, 6)),
        ValueError,
        "one hole for all",
    ),
    (
        lambda: ip.fill_by_plane(
            PCA(2, size=SIZE).fit(pictures(20)), pictures(), MASK.expand(5, 1, 6, 6)
        ),
        ValueError,
        "one hole for all",
    ),
]


@pytest.mark.parametrize(("call", "error", "message"), REFUSED, ids=[m for _, _, m in REFUSED])
def test_bad_input_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_a_model_that_is_no_module_of_ours_still_works():
    """Whatever module has `encode` and `decode` can be asked."""
    model = nn.Module()
    model.encode = lambda x: x.flatten(1)[:, :2]
    model.decode = lambda z: z.mean(1).view(-1, 1, 1, 1).expand(-1, 1, SIZE, SIZE)
    x = pictures(2)
    made = ip.inpaint(model, x, MASK, iterations=1)
    want = x.flatten(1)[:, :2].mean(1)
    torch.testing.assert_close(made.images[:, 0, 2, 3], want)
    with pytest.raises(TypeError, match=r"model is a types\.SimpleNamespace; expected"):
        ip.inpaint(SimpleNamespace(encode=model.encode, decode=model.decode), x, MASK)


@pytest.mark.parametrize("sample", [False, True])
def test_a_model_in_double_precision_fills_the_same(sample):
    """The draws are the same numbers, and what comes back has the precision of the images."""
    x, model = pictures(3), build("vae", size=SIZE, latent=2, hidden=(8,))
    single = ip.inpaint(model, x, MASK, iterations=2, sample=sample, history=True)
    double = ip.inpaint(model.double(), x, MASK, iterations=2, sample=sample, history=True)
    assert double.images.dtype == double.x_hat.dtype == double.history.dtype == torch.float32
    torch.testing.assert_close(double.history, single.history)
    known = ~MASK.expand_as(x)
    assert torch.equal(double.images[known], x[known])


def test_a_hole_is_filled_by_the_plane_where_the_noise_is_0():
    """Few images, all of them on the plane: the visible pixels fix the hole, or leave z open."""
    x = pictures(4)
    pca = PCA(3, size=SIZE).fit(x)
    assert float(pca.variances[3:].abs().max()) < 1e-12
    torch.testing.assert_close(ip.fill_by_plane(pca, x, MASK), x, rtol=0, atol=1e-3)
    all_but_one = torch.ones(SIZE, SIZE, dtype=torch.bool)
    all_but_one[0, 0] = False
    assert bool(ip.fill_by_plane(pca, x, all_but_one).isfinite().all())


def test_loadings_need_a_direction_that_is_left_out():
    with pytest.raises(ValueError, match="fit"):
        ip.loadings(PCA(2, size=SIZE))
    with pytest.raises(ValueError, match="all 36 directions, so none is left"):
        ip.loadings(PCA(36, size=SIZE).fit(pictures(50)))
