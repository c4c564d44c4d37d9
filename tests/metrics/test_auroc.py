"""Outlier scores: the area under the ROC curve, the ink that was not rebuilt, -ELBO by image."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu
from sklearn.metrics import roc_auc_score
from torch.distributions import Bernoulli, Normal, kl_divergence

from aeteach import metrics
from aeteach.metrics import auroc
from aeteach.models import build

SCORES = st.lists(st.integers(-3, 3).map(float), min_size=2, max_size=30)


@given(SCORES, SCORES)
def test_the_area_is_that_of_scikit_learn_and_of_scipy(a, b):
    s, o = torch.tensor(a), torch.tensor(b)
    got = auroc.auroc(s, o).value
    assert got == pytest.approx(roc_auc_score([0] * len(a) + [1] * len(b), a + b))
    assert got == pytest.approx(mannwhitneyu(b, a).statistic / (len(a) * len(b)))
    assert auroc.auroc(o, s).value == pytest.approx(1 - got)
    assert auroc.auroc(2 * s + 7, 2 * o + 7).value == pytest.approx(got)


def test_the_standard_error_is_the_spread_over_fresh_samples():
    g = torch.Generator().manual_seed(0)
    runs = [
        auroc.auroc(torch.randn(60, generator=g), 1 + 2 * torch.randn(40, generator=g))
        for _ in range(1500)
    ]
    spread = np.std([r.value for r in runs])
    assert np.mean([r.standard_error for r in runs]) == pytest.approx(spread, rel=0.06)


def test_the_ends_of_the_scale():
    low, high = torch.tensor([0.0, 1.0]), torch.tensor([2.0, 3.0])
    assert auroc.auroc(low, high) == (1.0, 0.0)
    assert auroc.auroc(high, low) == (0.0, 0.0)
    assert auroc.auroc(low, low.clone()).value == 0.5
    same = torch.ones(5)
    assert auroc.auroc(same, same) == (0.5, 0.0)
    infinite = auroc.auroc(low, torch.tensor([float("inf"), 0.5]))
    assert infinite.value == 0.75


def test_unexplained_is_a_share_of_the_ink():
    g = torch.Generator().manual_seed(1)
    x, x_hat = torch.rand(2, 5, 1, 4, 4, generator=g)
    want = ((x - x_hat) ** 2).numpy().sum((1, 2, 3)) / (x.numpy() ** 2).sum((1, 2, 3))
    np.testing.assert_allclose(auroc.unexplained(x_hat, x), want, rtol=1e-5)
    zero = torch.zeros_like(x)
    assert torch.equal(auroc.unexplained(x, x), torch.zeros(5))
    torch.testing.assert_close(auroc.unexplained(zero, x), torch.ones(5))
    faint = torch.full((1, 1, 4, 4), 0.1)
    empty = torch.zeros(1, 1, 4, 4)
    got = auroc.unexplained(torch.cat([faint, empty]), torch.cat([empty, faint]))
    torch.testing.assert_close(got, torch.tensor([0.16, 0.16]))  # over at least 1
    got = auroc.unexplained(faint, empty, least=0.5)
    torch.testing.assert_close(got, torch.tensor([0.32]))


def test_the_elbo_terms_are_those_of_torch_distributions_image_by_image():
    vae = build("vae", latent=3, size=8, hidden=(16, 8)).eval()
    x = torch.rand(6, 1, 8, 8, generator=torch.Generator().manual_seed(2)).round()
    R, K = metrics.elbo_terms(vae, x, draws=400)
    with torch.no_grad():
        mu, log_var = vae.posterior(x)
        q = Normal(mu, (log_var / 2).exp())
        want_K = kl_divergence(q, Normal(0.0, 1.0)).sum(1)
        torch.manual_seed(7)
        z = q.sample((400,))
        p = torch.stack([Bernoulli(vae.decode(some)).log_prob(x) for some in z])
        want_R = -p.flatten(2).sum(2).mean(0)
    torch.testing.assert_close(K.float(), want_K, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(R.float(), want_R, rtol=5e-3, atol=0.05)
    cost = metrics.rate_distortion(vae, x, draws=3, seed=5)
    R, K = metrics.elbo_terms(vae, x, draws=3, seed=5)
    assert cost.reconstruction == pytest.approx(R.mean().item())
    assert cost.rate == pytest.approx(K.mean().item())
    assert cost.rate_error == pytest.approx(K.std().item() / 6**0.5)
    alone = metrics.elbo_terms(vae, x[:1])[1]  # one image has terms, though no standard error
    torch.testing.assert_close(alone, K[:1])


two = torch.tensor([0.0, 1.0])
REFUSED = [
    (lambda: auroc.auroc([1.0, 2.0], two), TypeError, "inliers must be a float tensor"),
    (lambda: auroc.auroc(two, torch.tensor([1, 2])), TypeError, "outliers must be floating point"),
    (lambda: auroc.auroc(two[:1], two), ValueError, "n >= 2"),
    (lambda: auroc.auroc(two, two[None]), ValueError, r"\(1, 2\)"),
    (lambda: auroc.auroc(two, torch.tensor([0.0, float("nan")])), ValueError, "holds NaN"),
    (lambda: auroc.unexplained(two[None], two), ValueError, "shape"),
    (lambda: auroc.unexplained(two[None].long(), two[None]), TypeError, "^x_hat must be"),
    (lambda: auroc.unexplained(two[None], two[None], least=0.0), ValueError, "least is 0.0"),
    (lambda: metrics.elbo_terms(build("mlp"), torch.rand(2, 1, 32, 32)), ValueError, "no mu"),
    (
        lambda: metrics.elbo_terms(build("vae"), torch.rand(2, 1, 32, 32), likelihood="poisson"),
        ValueError,
        "likelihood is 'poisson'",
    ),
]


@pytest.mark.parametrize(("call", "error", "message"), REFUSED)
def test_bad_input_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()
