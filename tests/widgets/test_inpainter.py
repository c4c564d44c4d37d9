"""The inpainter's Python side: what it packs, what it computes, and what it refuses."""

import io
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from aeteach.inpainting import hole, inpaint
from aeteach.metrics import readability
from aeteach.models import VAE, ConvReader, DigitReader, Heads, LinearAutoencoder, build
from aeteach.widgets import Inpainter
from aeteach.widgets.kit.inputs import StateError
from tests.widgets.kit.test_network import run
from tests.widgets.small import vae


def reader(size: int = 32) -> DigitReader:
    made: Any = build("reader", size=size, seed=1)
    return made


def digits(size: int = 32, n: int = 4) -> tuple[Tensor, Tensor]:
    g = torch.Generator().manual_seed(0)
    return torch.randint(256, (n, 1, size, size), generator=g) / 255, torch.arange(n)


def small(**kwargs: Any) -> Inpainter:
    return Inpainter(vae(), *digits(), reader=reader(), **kwargs)


def unpack(figure: Inpainter) -> dict[str, Tensor]:
    found = {}
    for name, entry in figure.manifest.items():
        assert entry["dtype"] == "float16"
        count = int(np.prod(entry["shape"]))
        flat = np.frombuffer(figure.weights, "<f2", count, entry["offset"]).astype(np.float64)
        found[name] = torch.tensor(flat.reshape(entry["shape"]))
    return found


def test_what_is_packed_is_the_network_and_the_reader_to_three_digits() -> None:
    figure = small()
    arrays = unpack(figure)
    x, labels = digits()
    with torch.no_grad():
        mu = run(figure.network["encoder"], arrays, x.double(), "e")
        torch.testing.assert_close(mu.float(), vae().encode(x), rtol=5e-3, atol=5e-3)
        hidden = F.linear(x.double().flatten(1), arrays["reader/w0"], arrays["reader/b0"]).relu()
        logits = F.linear(hidden, arrays["reader/w1"], arrays["reader/b1"]).float()
        torch.testing.assert_close(logits, reader()(x), rtol=5e-3, atol=5e-3)
    with Image.open(io.BytesIO(figure.pictures)) as sheet:
        grey = np.asarray(sheet.convert("L")).reshape(32, 4, 32).swapaxes(0, 1) / 255
    np.testing.assert_allclose(grey, x[:, 0].numpy(), atol=1e-6)  # bytes come through exactly
    assert figure.labels == labels.tolist()
    assert figure.size == 32


def test_what_it_says_is_what_the_package_computes() -> None:
    figure = small(digit=2, top=4, left=9, side=7, iterations=5)
    x = digits()[0][[2]]
    mask = hole(32, (4, 11), (9, 16))
    assert torch.equal(figure.mask, mask)
    made = inpaint(vae(), x, mask, iterations=5, history=True)
    assert made.history is not None
    torch.testing.assert_close(figure.once, made.history[1, 0])
    torch.testing.assert_close(figure.filled, made.images[0])
    errors = [float(((s - x) ** 2).sum()) for s in (made.history[1], made.images)]
    assert figure.errors == pytest.approx(errors, rel=1e-5)
    seen = readability.read(torch.cat([made.history[1], made.images]), [reader()])
    assert list(figure.verdicts) == seen.verdict.tolist()
    figure.iterations = 1
    assert figure.errors[0] == figure.errors[1]
    assert repr(figure) == "Inpainter(digit=2, hole=7x7 at (4, 9), iterations=1)"


def test_a_hole_at_the_border_is_cut_off() -> None:
    figure = small(top=28, left=2, side=10)
    assert torch.equal(figure.mask, hole(32, (28, 32), (2, 12)))


def test_smaller_images_are_padded_for_the_reader() -> None:
    x, labels = digits(28)
    figure = Inpainter(vae("keras-vae"), x, labels, reader=reader(32))
    padded = F.pad(torch.stack([figure.once, figure.filled]), [2] * 4)
    assert list(figure.verdicts) == readability.read(padded, [reader(32)]).verdict.tolist()


def test_by_default_it_shows_shipped_weights_and_test_digits() -> None:
    figure = Inpainter()
    assert figure.labels == [7, 2, 0, 4, 9, 5, 3, 8]
    assert figure.size == 32
    assert figure.errors[1] < figure.errors[0]
    assert figure.verdicts == (7, 7)


def test_the_page_is_the_same_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AETEACH_HOST", "page")
    html = small().page_html()
    assert html == small().page_html()
    assert len(html) < 300_000


class Odd(nn.Module):
    """Heads that no page knows."""


def odd_heads() -> VAE:
    return VAE(nn.Flatten(), Odd(), nn.Flatten(), latent=2, size=32)


def grouped() -> VAE:
    body = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Conv2d(4, 4, 3, groups=2), nn.Flatten())
    return VAE(body, Heads(4 * 28 * 28, 2), nn.Linear(2, 1024), latent=2)


def silu() -> VAE:
    body = nn.Sequential(nn.Flatten(), nn.SiLU())
    return VAE(body, Heads(1024, 2), nn.Linear(2, 1024), latent=2)


REFUSED: list[tuple[Any, str]] = [
    (lambda: Inpainter(LinearAutoencoder(2), *digits()), "takes a VAE"),
    (lambda: Inpainter(vae("conv-vae"), digits()[0]), "belong together"),
    (lambda: Inpainter(odd_heads(), *digits()), "no linear layer called mu"),
    (lambda: Inpainter(grouped(), *digits()), "no dilation and no groups"),
    (lambda: Inpainter(silu(), *digits()), "there is a SiLU among"),
    (lambda: Inpainter(vae(), *digits(28)), "of the model's size"),
    (lambda: Inpainter(vae(), *digits(n=13)), "1 to 12"),
    (lambda: Inpainter(vae(), digits()[0] * 255, digits()[1]), "leave"),
    (lambda: Inpainter(vae(), digits()[0], digits()[1][:2]), "one an image"),
    (lambda: Inpainter(vae(), *digits(), reader=reader(28)), "the reader knows 28"),
    (lambda: small(digit=4), "digit is 4; expected a whole number, 0 to 3"),
    (lambda: small(top=31), "top is 31; expected a whole number, 0 to 30"),
    (lambda: small(left=-1), "left is -1"),
    (lambda: small(side=1), "side is 1; expected a whole number, 2 to 31"),
    (lambda: small(iterations=0), "iterations is 0; expected a whole number, 1 to 60"),
]


@pytest.mark.parametrize(("call", "message"), REFUSED, ids=[m for _, m in REFUSED])
def test_what_the_page_cannot_show_is_refused(call: Any, message: str) -> None:
    with pytest.raises(StateError, match=message):
        call()


def test_a_reader_of_another_kind_is_refused() -> None:
    with pytest.raises(TypeError, match="runs a DigitReader only"):
        Inpainter(vae(), *digits(), reader=ConvReader())


def test_a_reader_of_larger_images_is_given_black_around_them() -> None:
    arrays = unpack(Inpainter(vae(), *digits(), reader=reader(36)))
    x, _ = digits()
    hidden = F.linear(x.double().flatten(1), arrays["reader/w0"], arrays["reader/b0"]).relu()
    logits = F.linear(hidden, arrays["reader/w1"], arrays["reader/b1"]).float()
    torch.testing.assert_close(logits, reader(36)(F.pad(x, [2] * 4)), rtol=5e-3, atol=5e-3)


def test_a_refused_value_leaves_the_old_one() -> None:
    figure = small(side=5)
    with pytest.raises(StateError, match="side is 40; expected a whole number, 2 to 31 pixels"):
        figure.side = 40
    assert figure.side == 5
