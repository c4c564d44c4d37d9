"""The drawing figure's Python side: what it packs, what it computes, and what it refuses."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from aeteach.data import as_mnist, ink
from aeteach.divergences import kl_to_standard_normal
from aeteach.metrics import readability
from aeteach.models import VAE, Autoencoder, ConvReader, DigitReader, MLPAutoencoder
from aeteach.models.cvae import PLANES, conv_cvae
from aeteach.models.mlp import mlp_decoder, mlp_encoder
from aeteach.models.vae import Heads, conv_vae, dense_vae
from aeteach.widgets import DrawDigit
from aeteach.widgets.draw_digit import DRAWN, rounded
from aeteach.widgets.kit.inputs import StateError
from tests.widgets.small import worn


def conditional() -> VAE:
    body = mlp_encoder(16, hidden=(32,), extra=10)
    decoder = mlp_decoder(2, hidden=(32,), extra=10)
    return VAE(body, Heads(16, 2), decoder, latent=2, classes=10)


def models() -> dict[str, nn.Module]:
    return {
        "AE": worn(lambda: MLPAutoencoder(2)),
        "VAE": worn(lambda: dense_vae(2), 1),
        "conv": worn(lambda: conv_vae(2), 2),
        "CVAE": worn(conditional, 3),
        "planes": worn(lambda: conv_cvae(2, label=PLANES, channels=4), 4),
        "decoder": worn(lambda: conv_cvae(2, channels=4, told=("decoder",)), 5),
    }


def digits(n: int = 40) -> tuple[torch.Tensor, torch.Tensor]:
    inner = torch.rand(n, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    return torch.nn.functional.pad((inner * 255).round() / 255, [2] * 4), torch.arange(n) % 10


def small(**kwargs: Any) -> DrawDigit:
    return DrawDigit(kwargs.pop("models", None) or models(), *digits(), **kwargs)


# ---------------------------------------------------------------- the weights that travel


def unpacked(figure: DrawDigit, name: str) -> np.ndarray:
    entry = figure.manifest[name]
    shape, offset = entry["shape"], entry["offset"]
    count = math.prod(shape)
    if entry["dtype"] == "int8":
        scales = np.frombuffer(figure.weights, "<f4", shape[0], offset)
        steps = np.frombuffer(figure.weights, np.int8, count, offset + 4 * shape[0])
        return steps.reshape(shape) * scales[:, None].astype(float)
    kind = {"float16": "<f2", "float32": "<f4"}[entry["dtype"]]
    return np.frombuffer(figure.weights, kind, count, offset).reshape(shape).astype(float)


def test_the_packed_dense_networks_compute_what_look_says() -> None:
    """NumPy with the bytes that travel, on the 28x28 pixels, against `look`'s torch on 32x32."""
    figure = small(eps=[0.7, -1.2])
    for name in ("AE", "VAE", "CVAE"):
        seen = figure.look(name)
        spec = next(s for s in figure.models if s["name"] == name)
        prefix = spec["prefix"]

        def walk(steps: Any, values: np.ndarray, part: str, prefix: str = prefix) -> np.ndarray:
            for step in steps:
                if step["op"] == "linear":
                    w, b = (unpacked(figure, f"{prefix}/{part}/{k}{step['at']}") for k in "wb")
                    values = w @ values + b
                elif step["op"] == "relu":
                    values = np.maximum(values, 0)
                elif step["op"] == "sigmoid":
                    values = 1 / (1 + np.exp(-values))
            return values

        label = np.eye(10)[seen.y] if seen.y is not None else np.zeros(0)
        x = seen.x[0, 0, 2:-2, 2:-2].double().numpy().ravel()
        features = walk(spec["encoder"], np.concatenate([x, label]), "e")
        mu = walk([{"op": "linear", "at": 0}], features, "mu") if spec["heads"] else features
        assert mu == pytest.approx(seen.mu[0].numpy(), abs=1e-4)
        z = mu
        if spec["heads"]:
            log_var = walk([{"op": "linear", "at": 0}], features, "lv")
            assert seen.log_var is not None
            assert log_var == pytest.approx(seen.log_var[0].numpy(), abs=1e-4)
            z = mu + np.exp(log_var / 2) * [0.7, -1.2]
        assert z == pytest.approx(seen.z[0].numpy(), abs=1e-4)
        x_hat = walk(spec["decoder"], np.concatenate([z, label]), "d")
        inner = seen.x_hat[0, 0, 2:-2, 2:-2].numpy().ravel()
        assert x_hat == pytest.approx(inner, abs=1e-4)
        assert float(seen.x_hat.sum()) == pytest.approx(float(inner.sum()), rel=1e-5)  # no frame
        assert ((x - x_hat) ** 2).sum() == pytest.approx(seen.squared_error, rel=1e-4)


def test_only_large_matrices_get_8_bits() -> None:
    figure = small()
    eight = {n for n, e in figure.manifest.items() if e["dtype"] == "int8"}
    dense = {f"m{i}/{n}" for i in (0, 1) for n in ("e/w0", "d/w3")}
    assert eight == dense | {"m3/e/w0", "m3/d/w1", "reader/w0"}
    shapes = {n: figure.manifest[n]["shape"] for n in eight}
    assert shapes["m0/e/w0"] == [128, 784]
    assert shapes["m0/d/w3"] == [784, 128]
    assert shapes["m3/e/w0"] == [32, 794]  # the label stays
    assert shapes["reader/w0"] == [50, 784]
    assert figure.manifest["m2/e/w0"]["dtype"] == "float32"  # folded


def test_the_models_passed_in_stay_as_they_are() -> None:
    given = models()
    before = {n: [p.clone() for p in m.parameters()] for n, m in given.items()}
    figure = DrawDigit(given, *digits())
    figure.look()
    for name, model in given.items():
        after = list(model.parameters())
        assert all(torch.equal(a, b) for a, b in zip(after, before[name], strict=True))


def test_rounding_twice_changes_nothing() -> None:
    for model in models().values():
        once = rounded(model)
        twice = rounded(once)
        for a, b in zip(once.parameters(), twice.parameters(), strict=True):
            torch.testing.assert_close(a, b, rtol=1e-6, atol=1e-9)


# ---------------------------------------------------------------- the state


def test_look_is_what_the_models_say() -> None:
    figure = small(preset=-1, strokes=[[[0.3, 0.2], [0.6, 0.8]]])
    x = as_mnist(ink([[[0.3, 0.2], [0.6, 0.8]]]))
    reader = rounded(readability.readers()[0])
    drawing = readability.read(x, [reader]).probabilities[0, 0]
    for name, model in models().items():
        seen = figure.look(name)
        assert torch.equal(seen.x, x)
        torch.testing.assert_close(seen.drawing, drawing)
        made = rounded(model)
        told = () if seen.y is None else (torch.tensor([seen.y]),)
        with torch.no_grad():
            torch.testing.assert_close(seen.mu, made.encode(x, *told))
            expected = made.decode(seen.z, *told)[..., 2:-2, 2:-2]
        torch.testing.assert_close(seen.x_hat[..., 2:-2, 2:-2], expected)
        assert (seen.y is None) == (name in ("AE", "VAE", "conv"))
        if name == "AE":
            assert seen.log_var is None
            assert seen.kl is None
        else:
            assert seen.log_var is not None
            q = torch.distributions.Normal(seen.mu, (seen.log_var / 2).exp())
            p = torch.distributions.Normal(0.0, 1.0)
            kl = float(torch.distributions.kl_divergence(q, p).sum())
            assert seen.kl == pytest.approx(kl, rel=1e-5)
            assert float(kl_to_standard_normal(seen.mu, seen.log_var)) == pytest.approx(kl)
    assert figure.look("CVAE").y == int(drawing.argmax())
    figure.label = 3
    assert figure.look("CVAE").y == 3


def test_noise_moves_z_by_sigmas() -> None:
    figure = small(eps=[1.0, -2.0])
    seen = figure.look("VAE")
    assert seen.log_var is not None
    steps = (seen.z - seen.mu) / (seen.log_var / 2).exp()
    assert steps[0].tolist() == pytest.approx([1, -2], rel=1e-4)
    alone = figure.look("AE")
    assert torch.equal(alone.z, alone.mu)


def test_presets_are_the_first_digit_of_each_class_then_strokes() -> None:
    figure = small()
    x, _ = digits()
    for i in (0, 7):
        figure.preset = i
        seen = figure.look("AE").x
        assert float((seen - as_mnist(x[i, 0])).abs().max()) < 1e-6
    figure.preset = 11
    assert torch.equal(figure.drawing(), ink(list(DRAWN.values())[1]))
    figure.strokes = [[[0.1, 0.1], [0.1, 0.9]]]
    both = torch.maximum(ink(list(DRAWN.values())[1]), ink(figure.strokes))
    assert torch.equal(figure.drawing(), both)
    figure.preset, figure.strokes = -1, []
    with pytest.raises(ValueError, match="holds no ink"):
        figure.look()


def test_the_plane_holds_nearly_all_codes() -> None:
    figure = small()
    x, y = digits()
    for spec, model in zip(figure.models, models().values(), strict=True):
        told = (y,) if spec["classes"] else ()
        with torch.no_grad():
            z = rounded(model).encode(x, *told)
        inside = (z > torch.tensor(spec["low"])) & (z < torch.tensor(spec["high"]))
        assert float(inside.float().mean()) > 0.9


def leaky() -> Autoencoder:
    encoder = nn.Sequential(nn.Flatten(), nn.Linear(1024, 2), nn.LeakyReLU())
    return Autoencoder(encoder, mlp_decoder(2), sigmoid=True)


def grouped() -> Autoencoder:
    encoder = nn.Sequential(nn.Conv2d(1, 2, 3, dilation=2), nn.Flatten(), nn.Linear(2 * 28 * 28, 2))
    return Autoencoder(encoder, mlp_decoder(2), sigmoid=True)


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (lambda: small(models={"AE": worn(leaky)}), StateError, "there is a LeakyReLU among"),
        (lambda: small(models={"AE": worn(grouped)}), StateError, "no dilation and no groups"),
        (lambda: small(models={"b": worn(lambda: MLPAutoencoder(3))}), StateError, "two numbers"),
        (lambda: small(models={"r": DigitReader()}), TypeError, "'r' is a DigitReader"),
        (lambda: DrawDigit({}, *digits()), StateError, "there is no model"),
        (lambda: DrawDigit(models(), digits()[0]), StateError, "pass both or neither"),
        (lambda: small(reader=ConvReader()), TypeError, "runs a DigitReader only"),
        (lambda: small(preset=14), StateError, "preset is 14; expected a whole number, -1 to 13"),
        (lambda: small(label=10), StateError, "label is 10; expected a whole number, -1 to 9"),
        (lambda: small(model="GAN"), StateError, "model is 'GAN'; there are AE, VAE"),
        (lambda: small(eps=[0.0, 3.5]), StateError, "two numbers from -3 to 3"),
        (lambda: small(eps=[0.0, math.nan]), StateError, "two numbers from -3 to 3"),
        (lambda: small(eps=[0.0]), StateError, "two numbers from -3 to 3"),
        (lambda: small(strokes=[[[0.5, 1.5]]]), StateError, "two numbers from 0 to 1"),
        (lambda: small(strokes=[0.5]), StateError, "no lists of points"),
        (lambda: small().look("GAN"), StateError, "there is no model 'GAN'"),
    ],
)
def test_what_cannot_be_shown_is_refused_by_name(
    make: Any, kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        make()


# ---------------------------------------------------------------- the page


def test_the_default_figure_leaves_room_on_its_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AETEACH_HOST", "page")
    figure = DrawDigit()
    html = figure.page_html()
    print(f"{len(html.encode()):,} bytes")
    assert 600_000 < len(html.encode()) < 930_000  # the page itself takes 50,000
    assert html == DrawDigit().page_html()
    assert repr(figure) == "DrawDigit(AE, VAE, CVAE)"
