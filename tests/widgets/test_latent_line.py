"""The latent line's Python side: what it packs, what it says is near, and what it refuses."""

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import stats

from aeteach.models import VAE, LinearAutoencoder, build
from aeteach.weights import stored
from aeteach.widgets import LatentLine
from aeteach.widgets.kit.inputs import StateError
from aeteach.widgets.latent_line import FAR, NEAREST, STRIP


def model(latent: int = 1) -> VAE:
    """An untrained model whose weights float16 holds."""
    made = stored(build("keras-vae", latent=latent)).eval()
    assert isinstance(made, VAE)
    return made


def digits(n: int = 120) -> tuple[torch.Tensor, torch.Tensor]:
    g = torch.Generator().manual_seed(0)
    return torch.rand(n, 1, 28, 28, generator=g), torch.arange(n) % 10


def line(**kwargs: Any) -> LatentLine:
    return LatentLine(model(), *digits(), **kwargs)


def unpacked(figure: LatentLine, name: str) -> np.ndarray:
    entry = figure.manifest[name]
    kind = {"float32": "<f4", "float16": "<f2"}[entry["dtype"]]
    count = int(np.prod(entry["shape"]))
    flat = np.frombuffer(figure.weights, kind, count, entry["offset"])
    return flat.reshape(entry["shape"]).astype(np.float32)


def test_the_packed_decoder_is_torchs() -> None:
    made, figure = model(), line()
    a = {name: torch.tensor(unpacked(figure, name)) for name in figure.manifest if name != "codes"}
    assert sum(v.numel() for v in a.values()) == 65_089 - 64 * 7 * 7  # one latent number, not two
    z = torch.linspace(-3, 3, 13)[:, None]
    x = F.linear(z, a["decoder/w0"], a["decoder/b0"]).relu().view(-1, 64, 7, 7)
    for i in (1, 2, 3):
        last = i == 3
        x = F.conv_transpose2d(
            x, a[f"decoder/w{i}"], a[f"decoder/b{i}"], 2 - last, 1, int(not last)
        )
        x = x.sigmoid() if last else x.relu()
    with torch.no_grad():
        expected = made.decode(z)
    assert float(expected.std()) > 1e-3
    torch.testing.assert_close(x, expected, rtol=1e-5, atol=1e-6)


def test_the_codes_are_the_means_of_the_images() -> None:
    figure = line()
    with torch.no_grad():
        expected = model().encode(digits()[0])[:, 0]
    np.testing.assert_allclose(unpacked(figure, "codes"), expected, atol=1e-6)
    assert figure.labels == digits()[1].tolist()


def test_the_shares_are_those_of_the_nearest_codes() -> None:
    figure = line()
    figure.codes = torch.arange(-1.2, 1.2, 0.02)  # 120 codes
    figure.labels = [0] * 60 + [7] * 60
    for z, first in ((-1.0, 1.0), (1.0, 0.0), (-0.001, 0.5)):
        figure.z = z
        shares = figure.shares
        assert figure.nearest == NEAREST == 50
        assert float(shares.sum()) == pytest.approx(1)
        assert float(shares[0]) == pytest.approx(first, abs=0.021)
        assert float(shares[0] + shares[7]) == pytest.approx(1)


def test_few_images_are_all_near() -> None:
    figure = LatentLine(model(), *digits(20))
    assert figure.nearest == 20
    torch.testing.assert_close(figure.shares, torch.full((10,), 0.1))


def test_the_strip_has_equal_steps_of_z_or_of_probability() -> None:
    figure = line()
    steps = figure.strip_z.diff()
    assert len(figure.strip_z) == STRIP
    torch.testing.assert_close(steps, torch.full_like(steps, 2 * FAR / STRIP))
    figure.even = True
    below = stats.norm.cdf(figure.strip_z.numpy())
    np.testing.assert_allclose(np.diff(below), 1 / STRIP, atol=1e-6)
    assert below[0] == pytest.approx(0.5 / STRIP, abs=1e-6)
    with torch.no_grad():
        expected = model().decode(figure.strip_z[:, None])
    torch.testing.assert_close(figure.strip_x_hat, expected)


def test_what_is_decoded_belongs_to_the_cursor() -> None:
    figure = line(z=1.25)
    with torch.no_grad():
        expected = model().decode(torch.tensor([[1.25]]))[0]
    torch.testing.assert_close(figure.x_hat, expected)
    assert repr(figure) == "LatentLine(z=1.25, steps of z)"
    assert repr(line(even=True)) == "LatentLine(z=0.00, steps of probability)"


def test_the_page_is_small_and_the_same_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AETEACH_HOST", "page")
    html = line().page_html()
    assert html == line().page_html()
    assert len(html) < 264_000  # of which the still is 28,000


def broken() -> VAE:
    made = model()
    with torch.no_grad():
        next(made.parameters()).view(-1)[0] = torch.nan
    return made


REFUSED: list[tuple[Any, str]] = [
    (lambda: LatentLine(model(2), *digits()), "has 2 latent numbers; a line shows one"),
    (lambda: LatentLine(LinearAutoencoder(1, size=28), *digits()), "LinearAutoencoder, no VAE"),
    (lambda: LatentLine(broken(), *digits()), "NaN or infinity"),
    (lambda: LatentLine(model(), digits()[0]), "pass both or neither"),
    (lambda: LatentLine(model(), digits()[0], digits()[1][:5]), r"labels have shape \(5,\)"),
    (lambda: LatentLine(model(), digits()[0], digits()[1] + 1), "expected one digit, 0 to 9"),
    (lambda: line(z=4.0), "z is 4; expected -3.5 to 3.5, the ends of the line"),
    (lambda: line(z=float("nan")), "z is nan"),
]


@pytest.mark.parametrize(("make", "message"), REFUSED)
def test_what_cannot_be_shown_is_refused_by_name(make: Any, message: str) -> None:
    with pytest.raises(StateError, match=message):
        make()


def test_a_refused_cursor_leaves_the_old_one() -> None:
    figure = line(z=0.5)
    with pytest.raises(StateError, match="z is -9"):
        figure.z = -9
    assert figure.z == 0.5
