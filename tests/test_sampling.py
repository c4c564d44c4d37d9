"""A mixture fitted to codes: against a planted one, and against what decode makes of its draws."""

import sys

import pytest
import torch
from torch import nn
from torch.testing import assert_close

import aeteach
from aeteach import models
from aeteach.data import mnist
from aeteach.sampling import Mixture

CENTRES = torch.tensor([[-4.0, 0.0], [3.0, 2.0]])
SHARE = 0.3  # of the second


class Through(nn.Module):
    """Its codes are its inputs, and it decodes them as they are."""

    def forward(self, x):
        return models.Output(x_hat=x, z=x)

    def decode(self, z):
        return z


@pytest.fixture(scope="module")
def planted():
    """4,000 points in two clouds, the second narrower and tilted."""
    g = torch.Generator().manual_seed(0)
    second = torch.rand(4000, generator=g) < SHARE
    eps = torch.randn(4000, 2, generator=g)
    tilted = eps @ torch.tensor([[0.5, 0.0], [0.4, 0.2]]).T
    return torch.where(second[:, None], CENTRES[1] + tilted, CENTRES[0] + eps)


def test_a_planted_mixture_is_found_and_drawn_from(planted):
    mixture = Mixture(Through(), planted, components=2, seed=1)
    order = mixture.means[:, 0].argsort()
    assert_close(mixture.means[order].float(), CENTRES, atol=0.1, rtol=0)
    assert_close(mixture.weights[order][1].item(), SHARE, atol=0.03, rtol=0)
    tilt = torch.tensor([[0.25, 0.2], [0.2, 0.2]], dtype=torch.float64)
    assert_close(mixture.covariances[order][1], tilt, atol=0.05, rtol=0)
    z = mixture.codes(20_000, seed=0)
    assert_close(z.mean(0), planted.mean(0), atol=0.1, rtol=0)
    assert_close(torch.cov(z.T), torch.cov(planted.T), atol=0.3, rtol=0)
    right = z[:, 0] > 0
    assert_close(right.float().mean().item(), SHARE, atol=0.03, rtol=0)
    assert_close(torch.cov(z[right].T).double(), tilt, atol=0.05, rtol=0)


def test_one_component_is_the_normal_of_the_codes(planted):
    mixture = Mixture(Through(), planted, components=1)
    assert_close(mixture.means[0], planted.double().mean(0))
    assert_close(
        mixture.covariances[0], torch.cov(planted.double().T, correction=0), atol=1e-5, rtol=0
    )


def test_images_are_codes_decoded_and_only_the_seed_decides():
    model = aeteach.load("vae-2").train()
    x = mnist("test").images[:300]
    torch.manual_seed(3)
    before = torch.get_rng_state()
    mixture = Mixture(model, x, components=5, seed=4)
    made = mixture.sample(4, seed=9)
    assert torch.equal(torch.get_rng_state(), before)
    assert model.training
    assert made.shape == (4, 1, 32, 32)
    assert not made.requires_grad
    with torch.no_grad():
        assert_close(made, model.eval().decode(mixture.codes(4, seed=9)))
    again = Mixture(model, x, components=5, seed=4)
    assert torch.equal(again.sample(4, seed=9), made)
    going_on = torch.Generator().manual_seed(9)
    assert torch.equal(mixture.sample(4, seed=going_on), made)
    assert not torch.equal(mixture.sample(4, seed=going_on), made)


def test_a_plain_autoencoder_has_no_prior_and_its_mixture_reads_better():
    """Its codes fill no N(0, I): a reader is surer of what the mixture gives."""
    model, reader = aeteach.load("mlp-2"), aeteach.load("reader-0")
    mixture = Mixture(model, mnist("test").images[:2000], components=20)
    with torch.no_grad():
        prior = model.decode(torch.randn(500, 2, generator=torch.Generator().manual_seed(0)))
        surest = [reader(x).softmax(1).amax(1).mean() for x in (mixture.sample(500, seed=0), prior)]
    assert surest[0] > surest[1]


def test_too_few_images_and_a_missing_library_are_named(planted, monkeypatch):
    with pytest.raises(ValueError, match="3 images cannot show where 10 components lie"):
        Mixture(Through(), planted[:3])
    monkeypatch.setitem(sys.modules, "sklearn.mixture", None)
    with pytest.raises(ImportError, match=r"pip install 'aeteach\[chapters\]'"):
        Mixture(Through(), planted)
