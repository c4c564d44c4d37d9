"""The beta slider's Python side: what it packs, what it measures, and what it refuses."""

import io
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from aeteach import metrics
from aeteach.metrics import readability
from aeteach.models import VAE, LinearAutoencoder
from aeteach.models.vae import conv_vae
from aeteach.widgets import BetaSlider
from aeteach.widgets.kit.inputs import StateError
from aeteach.widgets.kit.network import decoder_network
from tests.widgets.small import worn


def model(seed: int = 0, latent: int = 3) -> VAE:
    """A VAE with weights, running means and variances as if it had been trained."""
    vae: VAE = worn(lambda: conv_vae(latent), seed)
    return vae


def digits(n: int = 40) -> tuple[torch.Tensor, torch.Tensor]:
    inner = torch.rand(n, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    return F.pad(inner, [2] * 4), torch.arange(n) % 10


def small(**kwargs: Any) -> BetaSlider:
    models = {4.0: model(1), 0.5: model(0), 1.0: model(2)}
    return BetaSlider(models, *digits(), **kwargs)


def unpack(figure: BetaSlider, name: str) -> np.ndarray:
    entry = figure.manifest[name]
    assert entry["dtype"] == "float32"
    count = int(np.prod(entry["shape"]))
    flat = np.frombuffer(figure.weights, "<f4", count, entry["offset"])
    return flat.reshape(entry["shape"])


def test_the_packed_decoder_is_torchs_with_the_normalisation_folded_in() -> None:
    made = model()
    a = {k: v.double() for k, v in decoder_network(made, "m").arrays.items()}
    z = torch.randn(20, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    x = (z @ a["m/w0"].T + a["m/b0"]).view(20, 3, 4, 4)
    for i in (1, 2, 3):
        x = F.conv_transpose2d(x, a[f"m/w{i}"], a[f"m/b{i}"], 2, 1, 1)
        x = x.relu() if i < 3 else x.sigmoid()
    expected = made.double().decode(z).detach()
    assert float(expected.std()) > 0.01
    torch.testing.assert_close(x, expected, rtol=1e-12, atol=1e-12)


def test_the_numbers_are_those_of_the_metrics() -> None:
    figure = small()
    x, labels = digits()
    assert [row["beta"] for row in figure.models] == [0.5, 1.0, 4.0]
    for seed, row in zip((0, 2, 1), figure.models, strict=True):
        made = model(seed)
        mu, log_var = metrics.posteriors(made, x)
        nats = metrics.kl_by_dimension(mu, log_var).numpy()
        order = row["order"]
        assert sorted(order) == [0, 1, 2]
        assert row["kl"] == sorted(row["kl"], reverse=True)
        np.testing.assert_allclose(row["kl"], nats[order], rtol=1e-6)
        np.testing.assert_allclose(row["variance"], np.var(mu.numpy(), 0, ddof=1)[order], rtol=1e-4)
        np.testing.assert_allclose(row["log_var"], log_var.mean(0).numpy()[order], rtol=1e-4)
        cost = metrics.rate_distortion(made, x, likelihood="squared_error", draws=40)
        assert row["rate"] == pytest.approx(cost.rate, rel=1e-6)
        assert row["bits"] == pytest.approx(cost.rate / np.log(2), rel=1e-6)
        assert row["rate"] == pytest.approx(sum(row["kl"]), rel=1e-6)
        assert row["distortion"] == pytest.approx(cost.reconstruction, rel=0.01)  # 40 draws and 1
        assert row["active"] == sum(v > 0.01 for v in row["variance"])
        assert row["informative"] == sum(v > 0.01 for v in row["kl"])
        with torch.no_grad():
            read = readability.score(made.reconstruct(x), labels).accuracy
        assert row["readability"] == pytest.approx(read)


def test_what_is_shown_is_what_torch_decodes() -> None:
    figure = small(place=2, digit=1, dimension=1, walk=-1.5)
    x, labels = digits()
    made = model(1)
    assert figure.labels == [0, 1, 2, 3, 4, 5]
    with torch.no_grad():
        mu = made.encode(x[:6])
        torch.testing.assert_close(figure.x_hat, made.decode(mu))
        z = mu[1].clone()
        z[figure.models[2]["order"][1]] -= 1.5
        torch.testing.assert_close(figure.walked, made.decode(z[None])[0])
        eps = torch.tensor(unpack(figure, "eps"))
        torch.testing.assert_close(figure.samples, made.decode(eps))
    np.testing.assert_allclose(unpack(figure, "mu2"), mu.numpy(), atol=1e-6)
    with Image.open(io.BytesIO(figure.pictures)) as sheet:
        grey = np.asarray(sheet.convert("L")).reshape(32, 6, 32).swapaxes(0, 1) / 255
    assert np.abs(grey - x[:6, 0].numpy()).max() <= 0.5 / 255 + 1e-6
    assert repr(figure) == "BetaSlider(models=3, beta=4)"
    assert labels[: len(figure.labels)].tolist() == figure.labels


def test_the_samples_are_the_same_draws_for_every_model_and_seed() -> None:
    a, b, c = small(), small(), small(seed=1)
    assert np.array_equal(unpack(a, "eps"), unpack(b, "eps"))
    assert not np.array_equal(unpack(a, "eps"), unpack(c, "eps"))


def test_a_dimension_the_decoder_ignores_changes_nothing() -> None:
    made: Any = model()
    with torch.no_grad():
        made.decoder[0].weight[:, 1] = 0
        for head in (made.heads.mu, made.heads.log_var):
            head.weight[1], head.bias[1] = 0, 0
    figure = BetaSlider({1.0: made, 2.0: model(1)}, *digits(), place=0, dimension=2, walk=3.0)
    row = figure.models[0]
    assert row["order"][2] == 1  # collapsed, so it carries least
    assert row["kl"][2] == row["variance"][2] == row["log_var"][2] == 0
    torch.testing.assert_close(figure.walked, figure.x_hat[0], rtol=0, atol=1e-6)
    figure.dimension = 0
    assert float((figure.walked - figure.x_hat[0]).abs().max()) > 1e-3


@pytest.mark.usefixtures("in_page")
def test_the_page_is_small_and_the_same_each_time() -> None:
    html = small().page_html()
    assert html == small().page_html()
    assert len(html) < 200_000


def two(**kwargs: Any) -> BetaSlider:
    return BetaSlider({1.0: model(0), 2.0: model(1)}, *digits(), **kwargs)


REFUSED: list[tuple[Any, str]] = [
    (lambda: BetaSlider({1.0: model()}, *digits()), "there are 1 models"),
    (lambda: BetaSlider({1.0: model(), 2.0: LinearAutoencoder(2)}, *digits()), "no VAE"),
    (lambda: BetaSlider({1.0: model(), 2.0: model(1, 4)}, *digits()), r"have \[3, 4\] latent"),
    (lambda: BetaSlider(images=digits()[0]), "pass both or neither"),
    (lambda: two(shown=[40]), "places of images, 0 to 39"),
    (lambda: two(shown=[]), "expected places"),
    (lambda: two(place=2), "place is 2; expected a whole number, 0 to 1, one of the models"),
    (lambda: two(digit=6), "digit is 6; expected a whole number, 0 to 5, one of the images"),
    (lambda: two(dimension=-1), "dimension is -1; expected a whole number, 0 to 2, a latent"),
    (lambda: two(walk=3.5), "walk is 3.5; expected -3 to 3"),
    (lambda: two(walk=float("nan")), "walk is nan"),
]


@pytest.mark.parametrize(("make", "message"), REFUSED)
def test_what_cannot_be_shown_is_refused_by_name(make: Any, message: str) -> None:
    with pytest.raises(StateError, match=message):
        make()


def test_a_refused_place_leaves_the_old_one() -> None:
    figure = two(place=1)
    with pytest.raises(StateError, match="place is 5"):
        figure.place = 5
    assert figure.place == 1
