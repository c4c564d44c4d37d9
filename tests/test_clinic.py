"""Every sick patient is recognised by its own finding, and the healthy ones have none."""

import copy
import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.distributions import Normal, kl_divergence

from aeteach.clinic import FINDINGS, examine, shared_images, vital_signs
from aeteach.likelihoods import NLL
from aeteach.losses import Elbo, WarmUpElbo, WithWeightPenalty
from aeteach.models.base import Output
from aeteach.models.vae import conv_vae, dense_vae

D, LATENT = 64, 3


def make_images(n=40, seed=0):
    return torch.rand(n, 1, 8, 8, generator=torch.Generator().manual_seed(seed)) ** 2


class Small(nn.Module):
    def __init__(self, seed=0, latent=LATENT):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.body = nn.Sequential(nn.Flatten(), nn.Linear(D, 12), nn.ReLU())
            self.mu, self.log_var = nn.Linear(12, latent), nn.Linear(12, latent)
            self.decoder = nn.Sequential(nn.Linear(latent, D), nn.Unflatten(1, (1, 8, 8)))
            with torch.no_grad():  # as after some training: sigma is not 1
                self.log_var.bias.uniform_(-3, -1)

    def draw(self, mu, log_var):
        return mu + torch.exp(log_var / 2) * torch.randn_like(mu)

    def decode(self, z):
        return torch.sigmoid(self.decoder(z))

    def forward(self, x):
        h = self.body(x)
        mu, log_var = self.mu(h), self.log_var(h)
        z = self.draw(mu, log_var)
        return Output(self.decode(z), z, mu, log_var)


def R(out, x):  # noqa: N802 - as in the text
    return F.binary_cross_entropy(out.x_hat, x, reduction="none").sum((1, 2, 3)).mean()


def K(out):  # noqa: N802
    q = Normal(out.mu, torch.exp(out.log_var / 2))
    return kl_divergence(q, Normal(0.0, 1.0)).sum(1).mean()


def negative_elbo(out, x):
    return R(out, x) + K(out)


class Twice(Small):
    def decode(self, z):
        return torch.sigmoid(super().decode(z))


class LogVarAsSigma(Small):
    def draw(self, mu, log_var):
        return mu + log_var * torch.randn_like(mu)


class VarianceAsSigma(Small):
    def draw(self, mu, log_var):
        return mu + torch.exp(log_var) * torch.randn_like(mu)


class Uniform(Small):
    def draw(self, mu, log_var):
        return mu + torch.exp(log_var / 2) * torch.rand_like(mu)


class NoDraw(Small):
    def draw(self, mu, log_var):
        return mu + 0 * log_var


class Detached(Small):
    def draw(self, mu, log_var):
        return super().draw(mu, log_var).detach()


class HalfDetached(Small):
    def draw(self, mu, log_var):
        return super().draw(mu, log_var.detach())


class FrozenDraw(Small):
    def draw(self, mu, log_var):
        torch.manual_seed(0)
        return super().draw(mu, log_var)


class FrozenGenerate(Small):
    def generate(self, n):
        torch.manual_seed(0)
        return self.decode(torch.randn(n, LATENT))


class Logits(Small):
    def decode(self, z):
        return 3 * self.decoder(z)


class Dropout(Small):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(*self.body, nn.Dropout(0.5))


class BatchNorm(Small):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(*self.body, nn.BatchNorm1d(12))


class Diverged(Small):
    def __init__(self):
        super().__init__()
        with torch.no_grad():
            self.log_var.bias.fill_(300.0)


class Collapsed(Small):
    """Its KL weighs nothing, so that sigma has shrunk below the rounding of mu."""

    def __init__(self, log_var=-40.0):
        super().__init__()
        nn.init.zeros_(self.log_var.weight)
        nn.init.constant_(self.log_var.bias, log_var)


class Generates(Small):
    def generate(self, n):
        return self.decode(torch.randn(n, LATENT))


def loss_of(reconstruction=R, kl=K):
    return lambda out, x: reconstruction(out, x) + kl(out)


def pixel_mean(out, x):
    return F.binary_cross_entropy(out.x_hat, x)


def kl_log_var_as_sigma(out):
    return (out.log_var**2 - 1 - torch.log(out.log_var**2) + out.mu**2).sum(1).mean() / 2


SICK = {
    "wrong sign": (Small, loss_of(kl=lambda o: -K(o)), "kl_sign"),
    "KL not used": (Small, R, "kl_unused"),
    "KL detached": (Small, loss_of(kl=lambda o: K(o).detach()), "kl_unused"),
    "pixel mean": (Small, loss_of(pixel_mean), "reduction"),
    "KL mean": (Small, loss_of(kl=lambda o: K(o) / LATENT), "reduction"),
    "both means": (Small, loss_of(pixel_mean, lambda o: K(o) / LATENT), "reduction"),
    "KL summed over the batch": (Small, loss_of(kl=lambda o: K(o) * len(o.mu)), "reduction"),
    "R summed over the batch": (Small, loss_of(lambda o, x: R(o, x) * len(x)), "reduction"),
    "squared error, pixel mean": (Small, loss_of(lambda o, x: F.mse_loss(o.x_hat, x)), "reduction"),
    "formula": (Small, loss_of(kl=kl_log_var_as_sigma), "kl_formula"),
    "no mu in the KL": (
        Small,
        loss_of(kl=lambda o: (o.log_var.exp() - 1 - o.log_var).sum(1).mean() / 2),
        "kl_formula",
    ),
    "sigmoid in the loss": (
        Small,
        loss_of(lambda o, x: F.binary_cross_entropy_with_logits(o.x_hat, x, reduction="sum") / 9),
        "reconstruction",
    ),
    "arguments swapped": (
        Small,
        loss_of(lambda o, x: F.binary_cross_entropy(x, o.x_hat, reduction="sum") / len(x)),
        "reconstruction",
    ),
    "no x_hat": (Small, lambda o, x: K(o), "reconstruction"),
    "sigmoid twice": (Twice, negative_elbo, "sigmoid"),
    "logits for x_hat": (Logits, loss_of(lambda o, x: R(o, x)), "range"),
    "log_var as sigma": (LogVarAsSigma, negative_elbo, "spread"),
    "variance as sigma": (VarianceAsSigma, negative_elbo, "spread"),
    "uniform noise": (Uniform, negative_elbo, "noise"),
    "no draw": (NoDraw, negative_elbo, "no_draw"),
    "sigma collapsed": (Collapsed, negative_elbo, "collapsed"),
    "sigma underflows": (lambda: Collapsed(-300.0), negative_elbo, "collapsed"),
    "frozen draw": (FrozenDraw, negative_elbo, "repeat"),
    "frozen generate": (FrozenGenerate, negative_elbo, "repeat"),
    "detached": (Detached, negative_elbo, "gradient"),
    "log_var detached": (HalfDetached, negative_elbo, "gradient"),
    "dropout on": (Dropout, negative_elbo, "mode"),
    "batch norm on": (BatchNorm, negative_elbo, "mode"),
    "diverged": (Diverged, negative_elbo, "not_finite"),
}


@pytest.mark.parametrize(("model", "loss", "finding"), SICK.values(), ids=SICK)
def test_each_patient_has_its_own_finding_and_no_other(model, loss, finding):
    report = examine(model(), loss, make_images())
    assert report.names == (finding,)
    assert not report.healthy
    assert str(report).startswith(f"{finding}: ")


def test_every_finding_has_a_patient():
    assert {finding for *_, finding in SICK.values()} | {"leak", "beta"} == set(FINDINGS)


HEALTHY = {
    "by hand": (Small(), negative_elbo),
    "one dimension": (Small(latent=1), negative_elbo),
    "generates": (Generates(), negative_elbo),
    "dict": (Small(), lambda o, x: {"loss": negative_elbo(o, x), "kl": K(o)}),
    "loss divided by D": (Small(), lambda o, x: negative_elbo(o, x) / D),
    "elbo": (dense_vae(2, size=8), Elbo()),
    "free bits": (dense_vae(2, size=8), Elbo(free_bits=0.5)),
    "warm-up": (conv_vae(3, size=8), WarmUpElbo(warm_up=3)),
    "beta 30": (conv_vae(3, size=8), Elbo("squared_error", beta=30)),
    "gaussian": (dense_vae(4, size=8), Elbo("gaussian", variance=0.1)),
    "small sigma": (Collapsed(-18.0), negative_elbo),
    "double precision": (Collapsed(-34.0).double(), negative_elbo),
    "linear decoder": (Logits(), Elbo("squared_error")),
}


@pytest.mark.parametrize(("model", "loss"), HEALTHY.values(), ids=HEALTHY)
def test_the_healthy_have_no_finding(model, loss):
    report = examine(model.eval(), loss, make_images())
    assert report.names == ()
    assert report.healthy
    assert str(report) == "no finding"


def test_training_mode_is_no_fault_where_it_changes_nothing():
    assert examine(Small().train(), negative_elbo, make_images()).healthy
    assert examine(conv_vae(3, size=8).train(), Elbo(), make_images()).names == ("mode",)


@pytest.mark.parametrize("model", [Dropout, BatchNorm])
def test_dropout_and_batch_norm_are_no_fault_in_evaluation_mode(model):
    report = examine(model().eval(), negative_elbo, make_images())
    assert report.healthy
    assert report.measured["mode_difference"] > 0.01


@settings(max_examples=25, deadline=None)
@given(
    beta=st.floats(0.01, 50).filter(lambda b: abs(b - 1) > 0.05),
    scale=st.sampled_from([1.0, 1 / D, 7.0]),
)
def test_the_weights_in_force_are_measured(beta, scale):
    def loss(out, x):
        return scale * (R(out, x) + beta * K(out))

    measured = examine(Small(), loss, make_images(), beta=beta).measured
    assert measured["kl_weight"] == pytest.approx(scale * beta, rel=1e-6)
    assert measured["pixel_weight"] == pytest.approx(scale, rel=1e-6)
    assert measured["balance"] == pytest.approx(beta, rel=1e-6)
    other = examine(Small(), loss, make_images(), beta=beta * math.e)
    assert other.names == ("beta",)


@pytest.mark.parametrize(("variance", "weight"), [(0.5, 1), (0.1, 5), (1, 0.5)])
def test_the_weight_of_a_pixel_is_in_units_of_the_squared_error(variance, weight):
    measured = examine(
        dense_vae(2, size=8), Elbo("gaussian", variance=variance), make_images()
    ).measured
    assert measured["squared_error"] == 1
    assert measured["pixel_weight"] == pytest.approx(weight, rel=1e-4)


def test_beta_zero_may_be_meant():
    assert examine(Small(), R, make_images(), beta=0).healthy
    assert examine(Small(), R, make_images(), beta=2).names == ("kl_unused",)


def test_a_penalty_on_the_weights_changes_nothing():
    model = dense_vae(2, size=8)
    assert examine(model, WithWeightPenalty(Elbo(), model, 0.1), make_images()).healthy


def test_measured_numbers_have_known_values():
    found = {n: examine(SICK[n][0](), SICK[n][1], make_images()).measured for n in SICK}
    assert found["wrong sign"]["kl_weight"] == pytest.approx(-1)
    assert found["KL not used"]["kl_weight"] == 0
    assert found["pixel mean"]["balance"] == pytest.approx(D)
    assert found["sigmoid twice"]["lowest"] == pytest.approx(0.5, abs=1e-6)
    assert found["sigmoid twice"]["highest"] == pytest.approx(1 / (1 + math.exp(-1)), abs=1e-3)
    assert found["log_var as sigma"]["log_var_ratio"] == pytest.approx(1, abs=0.03)
    assert found["uniform noise"]["noise_mean"] == pytest.approx(0.5, abs=0.02)
    assert found["uniform noise"]["noise_spread"] == pytest.approx(12**-0.5, abs=0.02)
    assert found["detached"]["encoder_reached"] == 0
    assert found["log_var detached"]["encoder_reached"] == pytest.approx(4 / 6)
    assert found["frozen generate"]["draws_repeat"] == 1
    healthy = examine(Small(), negative_elbo, make_images()).measured
    assert healthy["noise_spread"] == pytest.approx(1, abs=0.03)
    assert healthy["noise_mean"] == pytest.approx(0, abs=0.03)
    assert healthy["encoder_reached"] == 1
    assert healthy["mode_difference"] == healthy["draws_repeat"] == 0
    assert "shared" not in healthy


def test_causes_are_named():
    says = {
        n: examine(SICK[n][0](), SICK[n][1], make_images()).findings[0].says
        for n in ("log_var as sigma", "variance as sigma", "uniform noise", "pixel mean", "KL mean")
    }
    assert "log_var itself" in says["log_var as sigma"]
    assert "variance exp(log_var)" in says["variance as sigma"]
    assert "rand was taken for randn" in says["uniform noise"]
    assert "64, the number of pixels" in says["pixel mean"]
    assert "1/3, one over the latent" in says["KL mean"]


def test_images_trained_on_are_counted():
    images = make_images()
    training = torch.cat([make_images(seed=1), images[:7]])
    report = examine(Small(), negative_elbo, images, training_images=training)
    assert report.names == ("leak",)
    assert "7 of the 40" in str(report)
    assert max(map(len, str(report).splitlines())) <= 84
    assert shared_images(images, training) == 7
    clean = examine(Small(), negative_elbo, images, training_images=make_images(seed=1))
    assert clean.healthy
    assert clean.measured["shared"] == 0


def test_two_faults_are_two_findings_in_their_order():
    class Both(Twice, Uniform):
        pass

    report = examine(Both(), loss_of(kl=lambda o: -K(o)), make_images())
    assert report.names == ("kl_sign", "sigmoid", "noise")


@pytest.mark.parametrize("model", [BatchNorm, Dropout, FrozenGenerate])
def test_the_model_and_the_random_state_are_left_alone(model):
    patient = model().train()
    patient(make_images()).x_hat.sum().backward()
    before = copy.deepcopy(patient.state_dict())
    gradients = [p.grad.clone() if p.grad is not None else None for p in patient.parameters()]
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first = examine(patient, negative_elbo, make_images())
    vital_signs(patient.eval(), make_images(), make_images(seed=1))
    assert torch.equal(torch.rand(3), expected)
    patient.train()
    assert all(torch.equal(v, before[k]) for k, v in patient.state_dict().items())
    for p, g in zip(patient.parameters(), gradients, strict=True):
        assert (g is None and p.grad is None) or torch.equal(p.grad, g)
    assert examine(patient, negative_elbo, make_images()).measured == first.measured


def test_a_model_or_a_loss_of_another_kind_is_refused():
    class Plain(Small):
        def forward(self, x):
            out = super().forward(x)
            return Output(out.x_hat, out.z)

    with pytest.raises(ValueError, match="no mu, log_var"):
        examine(Plain(), negative_elbo, make_images())
    with pytest.raises(ValueError, match="the loss returned \\(11,\\)"):
        examine(Small(), lambda o, x: (o.x_hat - x).flatten(1).sum(1), make_images())
    with pytest.raises(ValueError, match="the loss returned dict"):
        examine(Small(), lambda o, x: {"total": R(o, x)}, make_images())
    with pytest.raises(ValueError, match="at least 2"):
        examine(Small(), negative_elbo, make_images(1))
    with pytest.raises(ValueError, match="beta is -1"):
        examine(Small(), negative_elbo, make_images(), beta=-1)
    with pytest.raises(ValueError, match="same channels, height and width"):
        shared_images(make_images(), torch.rand(3, 1, 9, 9))


@pytest.mark.parametrize("likelihood", NLL)
def test_a_model_of_another_likelihood_is_not_judged_as_a_bernoulli_one(likelihood):
    model = dense_vae(2, size=4, hidden=(5,), likelihood=likelihood)
    with pytest.raises(ValueError, match=f"model makes '{likelihood}'"):
        examine(model, Elbo(reconstruction=likelihood), torch.rand(4, 1, 4, 4))


def test_vital_signs_are_sums_and_shares():
    model, seen, unseen = Small().eval(), make_images(), make_images(60, seed=1)
    signs = vital_signs(model, seen, unseen, step=7, pictures=3, seed=2)
    assert signs.step == 7
    with torch.no_grad(), torch.random.fork_rng():
        torch.manual_seed(2)
        out = model(seen)  # 40 images, one batch
        others = [model(x) for x in unseen.split(50)]
    assert signs.seen.tolist() == pytest.approx([R(out, seen).item(), K(out).item()], rel=1e-5)
    kl = sum(K(o).item() * len(o.mu) for o in others) / 60
    assert signs.unseen[1].item() == pytest.approx(kl, rel=1e-5)
    assert signs.kl.shape == (LATENT,)
    assert signs.kl.sum().item() == pytest.approx(K(out).item(), rel=1e-5)
    for shares in (signs.pixels, signs.noise):
        assert shares.shape == (24,)
        assert shares.sum().item() == pytest.approx(1, abs=1e-5)
    expected = torch.histogram(out.x_hat.flatten(), 24, range=(0.0, 1.0)).hist / out.x_hat.numel()
    assert torch.allclose(signs.pixels, expected)
    assert torch.equal(signs.x_hat, out.x_hat[:3])
    assert signs.generated.shape == (2, 3, 1, 8, 8)
    assert not torch.equal(*signs.generated)


def test_vital_signs_keep_the_mode_and_show_a_frozen_generator():
    model = BatchNorm().train()
    images = make_images()
    vital_signs(model, images, images)
    assert model.training
    assert torch.equal(*vital_signs(FrozenGenerate(), images, images).generated)


def test_images_need_not_be_square():
    """Wider than high, with a body that takes any size."""

    class Any(nn.Module):
        def forward(self, x):
            mu = x.mean((2, 3)).expand(-1, 2)
            z = mu + torch.randn_like(mu)
            x_hat = torch.sigmoid(z.mean(1).view(-1, 1, 1, 1)).expand_as(x)
            return Output(x_hat, z, mu, torch.zeros_like(mu))

        def decode(self, z):
            return torch.sigmoid(z.mean(1).view(-1, 1, 1, 1)).expand(-1, 1, 20, 28)

    wide = torch.rand(5, 1, 20, 28, generator=torch.Generator().manual_seed(0))
    signs = vital_signs(Any(), wide, wide)
    assert signs.x_hat.shape == (4, 1, 20, 28)
    assert signs.kl.tolist() == pytest.approx([float(wide.mean((2, 3)).square().mean()) / 2] * 2)
    with pytest.raises(ValueError, match=r"seen are \(20, 28\), unseen \(28, 20\)"):
        vital_signs(Any(), wide, wide.transpose(2, 3))


def test_part_of_sigma_may_have_collapsed():
    """What can be seen is judged, and what cannot is not: no dimension is taken for no draw."""
    model = Small()
    with torch.no_grad():
        model.log_var.weight[0], model.log_var.bias[0] = 0, -60
    report = examine(model, negative_elbo, make_images())
    assert report.healthy
    assert report.measured["noise_spread"] == pytest.approx(1, abs=0.05)


def test_minus_0_is_0():
    black = torch.zeros(1, 1, 8, 8)
    assert shared_images(-black, black) == 1


def test_a_broken_loss_or_output_is_named():
    def other(**parts):
        class Other(Small):
            def forward(self, x):
                return super().forward(x)._replace(**parts)

        return Other()

    x = make_images()
    with pytest.raises(ValueError, match=r"the loss cannot take .* KeyError: 'what'"):
        examine(Small(), lambda o, x: {}["what"], x)
    with pytest.raises(ValueError, match="the loss is nan for a made-up output"):
        examine(Small(), lambda o, x: R(o, x) * math.nan, x)
    with pytest.raises(ValueError, match=r"gave z \(2, 9\) for images"):
        examine(other(z=torch.zeros(2, 9)), negative_elbo, x)
    with pytest.raises(TypeError, match="gave 'many' for mu"):
        vital_signs(other(mu="many"), x, x)
    with pytest.raises(ValueError, match="x_hat runs from 2 to 2"):
        vital_signs(other(x_hat=torch.full_like(x, 2)), x, x)
    with pytest.raises(ValueError, match="holds NaN or infinity"):
        vital_signs(Diverged(), x, x)
