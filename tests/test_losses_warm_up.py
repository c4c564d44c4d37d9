"""A KL weight that grows in training: the weight itself, what `fit` tells it, and resuming."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.distributions import Bernoulli, Normal, kl_divergence

from aeteach.losses import LOSSES, Elbo, WarmUpElbo, WithWeightPenalty
from aeteach.models import VAE, Heads, Output
from aeteach.models.mlp import mlp_decoder, mlp_encoder
from aeteach.training import evaluate, fit

N, BATCH = 64, 24  # three steps an epoch, the last of 16 images


def tiny():
    torch.manual_seed(0)
    return VAE(
        mlp_encoder(8, size=8, hidden=(16,)),
        Heads(8, 2),
        mlp_decoder(2, size=8, hidden=(16,)),
        latent=2,
        size=8,
    )


def outputs(seed=0, n=6, d=3):
    """Black-and-white images and what a model might make of them, float64."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(n, 1, 3, 4, generator=generator, dtype=torch.float64).round()
    logits = torch.randn(n, 1, 3, 4, generator=generator, dtype=torch.float64)
    mu, log_var = torch.randn(2, n, d, generator=generator, dtype=torch.float64)
    return x, logits, mu, log_var


def test_the_warm_up_takes_five_passes_unless_it_is_told_otherwise():
    weights = [WarmUpElbo(beta=2.0).weight(passes) for passes in (0, 1, 2.5, 5, 6)]
    assert weights == pytest.approx([0, 0.4, 1, 2, 2])


@given(st.floats(0.0, 20.0), st.floats(0.1, 10.0), st.floats(0.0, 4.0))
def test_the_weight_grows_in_a_line_and_stops_at_beta(passes, warm_up, beta):
    weight = WarmUpElbo(beta=beta, warm_up=warm_up).weight(passes)
    if passes >= warm_up:
        assert weight == beta
    else:
        assert weight == pytest.approx(beta * passes / warm_up)


@pytest.mark.parametrize("passes", [0.0, 1.0, 4.0, math.inf])
def test_the_terms_against_torch_s_distributions(passes):
    x, logits, mu, log_var = outputs()
    out = Output(torch.sigmoid(logits), mu, mu, log_var, logits)
    terms = WarmUpElbo(beta=2.0, warm_up=4.0)(out, x, passes)
    bce = -Bernoulli(logits=logits).log_prob(x).flatten(1).sum(1).mean()
    kl = kl_divergence(Normal(mu, (log_var / 2).exp()), Normal(0.0, 1.0)).sum(1).mean()
    torch.testing.assert_close(terms["reconstruction"], bce)
    torch.testing.assert_close(terms["kl"], kl)
    torch.testing.assert_close(terms["loss"], bce + 2 * min(1.0, passes / 4) * kl)


@pytest.mark.parametrize("free_bits", [0.0, 0.6])
def test_its_gradient_by_finite_differences(free_bits):
    x, logits, mu, log_var = outputs(seed=3)
    loss = WarmUpElbo(beta=1.5, warm_up=4.0, free_bits=free_bits)
    nats = kl_divergence(Normal(mu, (log_var / 2).exp()), Normal(0.0, 1.0)).mean(0)
    if free_bits:  # some dimensions below the floor, some above
        assert 0 < (nats < free_bits).sum() < 3

    def total(logits, mu, log_var):
        out = Output(torch.sigmoid(logits), mu, mu, log_var, logits)
        return loss(out, x, 1.0)["loss"]

    inputs = tuple(v.clone().requires_grad_() for v in (logits, mu, log_var))
    assert torch.autograd.gradcheck(total, inputs)


def test_free_bits_leave_a_dimension_below_the_floor_without_a_gradient():
    x, logits, mu, log_var = outputs(n=50, d=2)
    mu = mu * torch.tensor([0.05, 2.0])
    log_var = log_var * torch.tensor([0.01, 0.5])
    mu.requires_grad_()
    out = Output(torch.sigmoid(logits), mu, mu, log_var, logits)
    (gradient,) = torch.autograd.grad(Elbo(free_bits=0.5)(out, x)["loss"], mu)
    assert (gradient[:, 0] == 0).all()
    torch.testing.assert_close(gradient[:, 1], (mu / 50)[:, 1].detach())  # d KL_i / d mu = mu / N


def test_with_the_warm_up_over_it_is_the_elbo(blobs):
    model = tiny()
    plain = evaluate(model, blobs, Elbo(beta=3.0, free_bits=0.1))
    assert evaluate(model, blobs, WarmUpElbo(beta=3.0, free_bits=0.1, warm_up=9.0)) == plain


def test_training_tells_how_many_passes_were_made_before_the_step(blobs):
    told = []

    class Watch(WarmUpElbo):
        def __call__(self, output, x, passes=math.inf):
            told.append(passes)
            return super().__call__(output, x, passes)

    fit(
        tiny(),
        blobs,
        loss=Watch(),
        epochs=2,
        batch_size=BATCH,
        held_out=blobs[:8],
        progress=False,
    )
    each = [0, BATCH / N, 2 * BATCH / N]
    assert told == pytest.approx([*each, math.inf, *(1 + t for t in each), math.inf])


def test_the_loss_in_training_has_the_weight_of_its_step(blobs):
    loss = WarmUpElbo(beta=2.0, warm_up=2.0)
    history = fit(tiny(), blobs, loss=loss, epochs=4, batch_size=N, progress=False)
    for row, weight in zip(history.train, (0.0, 1.0, 2.0, 2.0), strict=True):
        assert row["loss"] == pytest.approx(row["reconstruction"] + weight * row["kl"])


def test_a_resumed_run_goes_on_with_the_right_weight(blobs, tmp_path):
    def run(epochs, checkpoint=None):
        model = tiny()
        history = fit(
            model,
            blobs,
            loss=WarmUpElbo(warm_up=4.0),  # a new object, as in a new process
            epochs=epochs,
            batch_size=BATCH,
            checkpoint=checkpoint,
            progress=False,
        )
        return history, model

    whole, model = run(5)
    run(2, tmp_path / "a.ckpt")
    resumed, again = run(5, tmp_path / "a.ckpt")
    assert resumed.train == whole.train
    for one, other in zip(model.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)


def test_a_checkpoint_of_another_warm_up_is_refused(blobs, tmp_path):
    arguments = {"epochs": 1, "progress": False, "checkpoint": tmp_path / "a.ckpt"}
    fit(tiny(), blobs, loss=WarmUpElbo(warm_up=4.0), **arguments)
    with pytest.raises(ValueError, match="another run"):
        fit(tiny(), blobs, loss=WarmUpElbo(warm_up=5.0), **arguments)


def test_a_scheduled_loss_may_also_be_labelled(blobs):
    told = []

    class Both:
        labelled = scheduled = True

        def __call__(self, logits, x, y, passes=math.inf):
            told.append((len(y), passes))
            return {"loss": nn.functional.cross_entropy(logits, y)}

    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    labels = torch.arange(N) % 10
    fit(model, blobs, loss=Both(), labels=labels, epochs=1, batch_size=N, progress=False)
    evaluate(model, blobs, Both(), labels=labels)
    assert told == [(N, 0.0), (N, math.inf)]


def test_a_weight_penalty_hands_the_schedule_on(blobs):
    model = tiny()
    loss = WithWeightPenalty(WarmUpElbo(warm_up=1.0), model, 1e-3)
    assert loss.scheduled
    assert not WithWeightPenalty(Elbo(), model, 1e-3).scheduled
    (row,) = fit(model, blobs, loss=loss, epochs=1, batch_size=N, progress=False).train
    assert row["loss"] == pytest.approx(row["reconstruction"] + row["penalty"])  # the KL is free


def test_it_has_a_name_and_refuses_what_is_no_warm_up():
    assert LOSSES["elbo_warm_up"] is WarmUpElbo
    for warm_up in (0.0, -1.0, math.inf, math.nan):
        with pytest.raises(ValueError, match="warm_up is"):
            WarmUpElbo(warm_up=warm_up)
    with pytest.raises(ValueError, match="beta is -1"):
        WarmUpElbo(beta=-1.0)
    for passes in (-0.5, math.nan):
        with pytest.raises(ValueError, match="passes is"):
            WarmUpElbo().weight(passes)
