"""Asking for a digit and walking: against decode itself, digit by digit."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.testing import assert_close

from aeteach import conditional, latent, models
from aeteach.likelihoods import LIKELIHOODS

Y = torch.tensor([9, 0, 9, 4])


@pytest.fixture(scope="module")
def model():
    made = models.build("cvae", size=8, seed=1).eval()
    with torch.no_grad():  # so that z and y matter before any training
        for layer in made.decoder:
            if hasattr(layer, "weight"):
                layer.weight.mul_(2)
    return made


def test_a_digit_is_decoded_from_the_prior_and_the_label(model):
    made = conditional.generate(model, Y, seed=3)
    z = torch.randn(4, 2, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        assert_close(made, model.decode(z, Y))
    assert made.shape == (4, 1, 8, 8)
    assert not made.requires_grad


def test_two_calls_differ_unless_the_caller_says_so(model):
    generator = torch.Generator().manual_seed(0)
    first, second = (conditional.generate(model, Y, seed=generator) for _ in range(2))
    assert not torch.equal(first, second)
    assert torch.equal(first, conditional.generate(model, Y, seed=0))
    assert torch.equal(*(conditional.generate(model, Y, seed=5) for _ in range(2)))
    assert not torch.equal(first, conditional.generate(model, Y, seed=5))


def test_the_global_random_state_is_neither_used_nor_moved(model):
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = conditional.generate(model, Y, seed=0)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    assert torch.equal(conditional.generate(model, Y, seed=0), first)


def test_the_codes_come_from_a_standard_normal(model):
    seen = []
    hook = model.decoder.register_forward_pre_hook(lambda decoder, told: seen.append(told[0]))
    n = 40_000
    conditional.generate(model, torch.full((n,), 7), seed=0)
    hook.remove()
    z, weights = torch.cat(seen).split((2, 10), dim=1)
    assert len(z) == n
    assert_close(z.mean(0), torch.zeros(2), rtol=0, atol=5 / n**0.5)
    assert_close(torch.cov(z.T), torch.eye(2), rtol=0, atol=5 * (2 / n) ** 0.5)
    assert bool((weights.argmax(1) == 7).all())


def test_ten_digits_of_one_code(model):
    made = conditional.all_digits(model, [0.5, -1.0])
    with torch.no_grad():
        for digit in range(10):
            alone = model.decode(torch.tensor([[0.5, -1.0]]), torch.tensor([digit]))
            assert_close(made[digit], alone[0])
    assert (made[0] - made[1]).abs().max() > 1e-3


def test_a_grid_of_one_digit_stands_as_the_axes_say(model):
    made = conditional.digit_grid(model, 4, n=3)
    assert made.shape == (9, 1, 8, 8)
    y = torch.tensor([4])
    with torch.no_grad():
        assert_close(made[0], model.decode(torch.tensor([[-3.0, 3.0]]), y)[0])  # top left
        assert_close(made[5], model.decode(torch.tensor([[3.0, 0.0]]), y)[0])  # middle right
        assert_close(made[8], model.decode(torch.tensor([[3.0, -3.0]]), y)[0])


def test_the_grid_over_3_and_3_is_refused(model):
    with pytest.raises(ValueError, match=r"did you mean -3 to 3\?"):
        conditional.digit_grid(model, 4, low=3, high=3)


@given(st.integers(2, 5), st.integers(1, 4), st.integers(0, 1000))
def test_a_walk_meets_every_station_and_mixes_between(stations, n, seed):
    model = models.build("cvae", size=8, seed=1).eval()
    generator = torch.Generator().manual_seed(seed)
    z = torch.randn(stations, 2, generator=generator)
    y = torch.randint(10, (stations,), generator=generator)
    made = conditional.walk(model, z, y, n)
    assert made.shape == ((stations - 1) * n + 1, 1, 8, 8)
    with torch.no_grad():
        assert_close(made[::n], model.decode(z, y))
        t = 1 / n  # the first step of the first leg, by hand
        weights = torch.zeros(1, 10)
        weights[0, y[0]] += 1 - t
        weights[0, y[1]] += t
        code = (1 - t) * z[:1] + t * z[1:2]
        by_hand = torch.sigmoid(model.decoder(torch.cat([code, weights], dim=1)))
    assert_close(made[1:2], by_hand)


def test_a_walk_holds_what_it_is_told_to_hold(model):
    a, b = torch.tensor([-1.0, 2.0]), torch.tensor([1.5, 0.0])
    style = conditional.walk(model, torch.stack([a, b]), torch.tensor([3, 3]), n=4)
    with torch.no_grad():
        assert_close(style, model.decode(latent.interpolate(a, b, 5), torch.full((5,), 3)))
    digit = conditional.walk(model, torch.stack([a, a]), torch.tensor([3, 8]), n=4)
    ten = conditional.all_digits(model, a)
    assert_close(digit[0], ten[3])
    assert_close(digit[-1], ten[8])
    assert (digit[2] - (ten[3] + ten[8]) / 2).abs().max() > 1e-4  # not a fade of two images


def test_a_one_hot_mixture_is_the_label_and_gradients_flow_through_a_mixture(model):
    z = torch.randn(4, 2, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert_close(conditional.decode_mixture(model, z, torch.eye(10)[Y]), model.decode(z, Y))
    weights = torch.full((4, 10), 0.1, requires_grad=True)
    conditional.decode_mixture(model, z, weights).sum().backward()
    assert weights.grad.abs().sum() > 0


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_images_are_the_means_of_the_likelihood(likelihood):
    per_value = LIKELIHOODS[likelihood].per_value
    told = models.VAE(
        nn.Sequential(nn.Flatten(), nn.Linear(16 + 10, 3)),
        models.Heads(3, 2),
        nn.Sequential(nn.Linear(2 + 10, 16 * per_value), nn.Unflatten(1, (per_value, 4, 4))),
        latent=2,
        size=4,
        classes=10,
        likelihood=likelihood,
    )
    z, y = torch.tensor([[0.5, -1.0]]).repeat(10, 1), torch.arange(10)
    expected = told.decode(z, y).detach()
    assert expected.shape == (10, 1, 4, 4)
    assert_close(conditional.all_digits(told, z[0]), expected)
    one_hot = torch.eye(10)
    assert_close(conditional.decode_mixture(told, z, one_hot).detach(), expected)


def test_the_mode_of_the_model_is_left_alone():
    made = models.build("conv-cvae", size=8, label="planes").train()
    statistics = [b.clone() for b in made.buffers()]
    first = conditional.generate(made, Y, seed=0)
    assert made.training
    assert all(torch.equal(a, b) for a, b in zip(statistics, made.buffers(), strict=True))
    assert torch.equal(conditional.generate(made.eval(), Y, seed=0), first)


Z = torch.zeros(2, 2)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda m: conditional.generate(m, Y, seed=-1), ValueError, "seed must be at least 0"),
        (lambda m: conditional.generate(m, Y, seed=None), TypeError, "seed must be a whole"),
        (lambda m: conditional.generate(m, Y + 5, seed=0), ValueError, "from 0 to 9"),
        (lambda m: conditional.generate(m, 9, seed=0), TypeError, "int64 tensor"),
        (lambda m: conditional.all_digits(m, [1.0]), ValueError, r"z must be \(N, 2\)"),
        (lambda m: conditional.all_digits(m, [1.0, float("nan")]), ValueError, "z holds NaN"),
        (lambda m: conditional.digit_grid(m, 10), ValueError, "digit must be at most 9"),
        (lambda m: conditional.walk(m, Z[:1], Y[:1], 3), ValueError, "at least 2"),
        (lambda m: conditional.walk(m, Z, Y, 3), ValueError, "each of the 2"),
        (lambda m: conditional.walk(m, Z, Y[:2], 0), ValueError, "n must be at least 1"),
        (lambda m: conditional.decode_mixture(m, Z, torch.ones(2, 10)), ValueError, "sum to 1"),
        (
            lambda m: conditional.decode_mixture(m, Z, 2 * torch.eye(10)[:2] - 0.1),
            ValueError,
            "at least 0",
        ),
        (lambda m: conditional.decode_mixture(m, Z, torch.eye(10)), ValueError, "10 rows for 2"),
    ],
)
def test_bad_input_is_refused(model, call, error, message):
    with pytest.raises(error, match=message):
        call(model)


def test_a_model_that_is_not_told_the_label_is_refused():
    for untold in (models.build("vae", size=8), models.build("cvae", size=8, told="encoder")):
        with pytest.raises(TypeError, match="not told a label"):
            conditional.generate(untold, Y, seed=0)
    with pytest.raises(ValueError, match="3 latent numbers"):
        conditional.digit_grid(models.build("cvae", size=8, latent=3), 1)


def test_codes_drawn_by_class_have_the_moments_of_their_class():
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(400) % 2
    z = torch.randn(400, 2, generator=generator) @ torch.tensor([[2.0, 0.0], [1.0, 0.5]])
    z = z + 5 * labels[:, None]
    n = 40_000
    drawn = latent.draw_by_class(z, labels, torch.arange(2 * n) % 2, seed=1)
    for c in (0, 1):
        own, made = z[labels == c], drawn[c::2]
        cov = torch.cov(own.T)
        assert_close(made.mean(0), own.mean(0), rtol=0, atol=5 * float(cov.max() / n) ** 0.5)
        assert_close(torch.cov(made.T), cov, rtol=0, atol=6 * float(cov.max()) * (2 / n) ** 0.5)
    again = latent.draw_by_class(z, labels, torch.arange(2 * n) % 2, seed=1)
    assert torch.equal(again, drawn)


def test_a_class_with_too_few_codes_has_no_normal():
    z, labels = torch.randn(4, 2), torch.tensor([0, 0, 0, 1])
    with pytest.raises(ValueError, match="class 1 has 1 codes"):
        latent.draw_by_class(z, labels, torch.tensor([1]), seed=0)
    assert latent.draw_by_class(z, labels, torch.tensor([0]), seed=0).shape == (1, 2)
