"""The latent figures' Python side: what they pack, what they measure, and what they refuse."""

import io
import json
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torch import nn

from aeteach.metrics import readability
from aeteach.models import Autoencoder, ConvAutoencoder, ConvReader, DigitReader, LinearAutoencoder
from aeteach.models.mlp import MLPAutoencoder, mlp_decoder, mlp_encoder
from aeteach.widgets import ClassMedians, LatentPlane, Plane
from aeteach.widgets.kit.atlas import atlas
from aeteach.widgets.kit.inputs import StateError
from aeteach.widgets.kit.network import decoder_network, network
from aeteach.widgets.kit.reader import reader_network
from aeteach.widgets.latent_plane import some_of_each


def seeded(make: Any, seed: int = 0) -> Any:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return make()


def model(latent: int = 2, seed: int = 0) -> MLPAutoencoder:
    made: MLPAutoencoder = seeded(lambda: MLPAutoencoder(latent), seed)
    with torch.no_grad():
        for p in made.parameters():
            p.mul_(3).copy_(p.half().float())  # as if trained and stored
    return made


def digits(n: int = 40, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    inner = torch.rand(n, 1, 28, 28, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.pad(inner, [2] * 4), torch.arange(n) % 10


def small_plane(count: int = 1, **kwargs: Any) -> LatentPlane:
    planes = [Plane(f"model {i}", model(seed=i)) for i in range(count)]
    x, labels = digits()
    return LatentPlane(planes, x, labels, **kwargs)


def small_medians(**kwargs: Any) -> ClassMedians:
    x, labels = digits()
    return ClassMedians({d: model(d, d) for d in (2, 3)}, x, labels, **kwargs)


@pytest.fixture
def in_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AETEACH_HOST", "page")


# ---------------------------------------------------------------- the atlas


def unpacked(png: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(png)) as image:
        image.verify()
    with Image.open(io.BytesIO(png)) as image:
        return np.asarray(image.convert("L")) / 255


@given(
    n=st.integers(1, 30),
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    columns=st.integers(1, 8),
    bits=st.sampled_from([1, 2, 4, 8]),
)
def test_pillow_reads_every_image_where_it_belongs(
    n: int, height: int, width: int, columns: int, bits: int
) -> None:
    images = np.random.default_rng(n).random((n, height, width))
    sheet = unpacked(atlas(images, columns=columns, bits=bits))
    columns = min(columns, n)
    for i, image in enumerate(images):
        top, left = i // columns * height, i % columns * width
        found = sheet[top : top + height, left : left + width]
        assert np.abs(found - image).max() <= 0.5 / (2**bits - 1) + 1e-9


def test_an_atlas_of_bytes_is_exact_and_clips() -> None:
    images = np.arange(256).reshape(1, 16, 16) / 255
    assert np.array_equal(unpacked(atlas(images)), images[0])
    assert np.array_equal(
        unpacked(atlas(images * 3 - 1)), np.round(255 * (images * 3 - 1).clip(0, 1))[0] / 255
    )


@pytest.mark.parametrize(
    ("images", "options", "message"),
    [
        (np.zeros((3, 3)), {}, r"images have shape \(3, 3\)"),
        (np.zeros((2, 3, 4, 4)), {}, r"expected \(N, H, W\)"),
        (np.full((1, 2, 2), np.nan), {}, "NaN"),
        (np.zeros((1, 2, 2)), {"bits": 3}, "knows 1, 2, 4, 8"),
    ],
)
def test_what_no_atlas_holds_is_refused(images: Any, options: Any, message: str) -> None:
    with pytest.raises(StateError, match=message):
        atlas(images, **options)


# ---------------------------------------------------------------- the plane


@pytest.mark.parametrize("margin", [0, 1, 2])
def test_the_decoder_is_packed_without_its_frame(margin: int) -> None:
    made = model()
    net = decoder_network(made, "d0", margin)
    arrays = net.arrays
    side = 32 - 2 * margin
    assert net.steps[-2:] == [{"op": "reshape", "shape": [1, side, side]}, {"op": "sigmoid"}]
    z = torch.randn(5, 2, generator=torch.Generator().manual_seed(3)) * 3
    out = z
    for i in range(4):
        out = out @ arrays[f"d0/w{i}"].T + arrays[f"d0/b{i}"]
        out = out.relu() if i < 3 else out.sigmoid()
    inner = slice(margin, 32 - margin)
    expected = made.decode(z)[:, 0, inner, inner].flatten(1)
    torch.testing.assert_close(out, expected, rtol=1e-5, atol=1e-6)
    frame = 1024 - side**2
    assert sum(a.numel() for a in arrays.values()) == 142_624 - frame * 129


def test_the_frame_of_a_convolution_is_cut_off() -> None:
    made = ConvAutoencoder(2, latent=2).eval()
    for margin, cut in ((0, []), (2, [{"op": "crop", "margin": 2}])):
        steps = decoder_network(made, "d", margin).steps
        assert steps == [*network(made.decoder, "d").steps, *cut, {"op": "sigmoid"}]


def test_the_reader_is_packed_as_if_the_frame_were_black() -> None:
    reader = seeded(DigitReader).eval()
    arrays = reader_network(reader, 2).arrays
    x, _ = digits()
    hidden = (x[:, 0, 2:-2, 2:-2].flatten(1) @ arrays["reader/w0"].T + arrays["reader/b0"]).relu()
    logits = hidden @ arrays["reader/w1"].T + arrays["reader/b1"]
    torch.testing.assert_close(logits, reader(x), rtol=1e-5, atol=1e-6)


def test_the_point_its_image_and_its_verdict_are_torchs() -> None:
    figure = small_plane(2, z=None)
    for cursor in ([0.0, 0.0], [1.0, 0.25], [0.3, 0.9]):
        figure.cursor = cursor
        for i, z in enumerate(figure.z):
            plane = figure.planes[i]
            expected = [
                low + c * (high - low)
                for low, high, c in zip(plane["low"], plane["high"], cursor, strict=True)
            ]
            assert z.tolist() == pytest.approx(expected, abs=1e-5)
            x_hat = model(seed=i).decode(z[None])[0].detach()
            assert torch.equal(figure.x_hat[i][:, 2:-2, 2:-2], x_hat[:, 2:-2, 2:-2])
            assert float(figure.x_hat[i].sum()) == pytest.approx(
                float(x_hat[:, 2:-2, 2:-2].sum()), rel=1e-5
            )
        read = readability.read(figure.x_hat, [readability.readers()[0]]).probabilities[0]
        torch.testing.assert_close(figure.probabilities, read)


def test_the_plane_holds_nearly_all_codes_and_the_cursor_starts_among_them() -> None:
    figure = small_plane()
    z = model().encode(digits()[0])
    (plane,) = figure.planes
    low, high = torch.tensor(plane["low"]), torch.tensor(plane["high"])
    assert ((z > low) & (z < high)).float().mean() > 0.9
    torch.testing.assert_close(figure.z[0], z.median(0).values, rtol=1e-4, atol=1e-5)


def test_planes_with_the_same_corners_share_z() -> None:
    x, labels = digits()
    planes = [Plane(f"m{i}", model(seed=i), low=(-3, -3), high=(3, 3)) for i in (0, 1)]
    figure = LatentPlane(planes, x, labels, z=(1.5, -0.75))
    assert figure.z[0].tolist() == figure.z[1].tolist() == [1.5, -0.75]
    assert figure.cursor == [0.75, 0.375]


def test_codes_may_be_given() -> None:
    x, labels = digits()
    codes = torch.randn(40, 2, generator=torch.Generator().manual_seed(0))
    figure = LatentPlane([Plane("given", model(), codes=codes)], x, labels)
    offset = figure.manifest["z0"]["offset"]
    stored = np.frombuffer(figure.weights, "<f4", 80, offset).reshape(40, 2)
    assert np.array_equal(stored, codes.numpy())


def test_the_shipped_frame_is_black_enough_to_leave_out() -> None:
    """The docstring's claim, on the test digits themselves."""
    from aeteach import load
    from aeteach.data import mnist

    x = mnist("test").images
    with torch.no_grad():
        x_hat = load("mlp-2")(x).x_hat
    inner = torch.nn.functional.pad(x_hat[..., 2:-2, 2:-2], [2] * 4)
    frame = float((x_hat - inner).max())
    reader = [readability.readers()[0]]
    full, cut = (readability.read(i, reader) for i in (x_hat, inner))
    moved = float((full.probabilities - cut.probabilities).abs().max())
    print(f"frame at most {frame:.2g}, probabilities move by at most {moved:.2g}")
    assert float(x[..., 0, :].max()) == float(x[..., 1].max()) == 0
    assert 0 < frame < 0.005
    assert moved < 1e-3
    assert torch.equal(full.digits, cut.digits)


@pytest.mark.usefixtures("in_page")
def test_the_default_figures_leave_room_on_their_page() -> None:
    assert 400_000 < len(LatentPlane().page_html()) < 560_000
    assert 40_000 < len(ClassMedians().page_html()) < 80_000


@pytest.mark.usefixtures("in_page")
@pytest.mark.parametrize("make", [small_plane, lambda: small_plane(2), small_medians])
def test_the_same_figure_gives_the_same_html(make: Any) -> None:
    assert make().page_html() == make().page_html()


def test_some_of_each_takes_the_first_in_their_order() -> None:
    labels = torch.tensor([1, 0, 1, 1, 0, 2, 0])
    images = torch.arange(7).float().view(7, 1, 1, 1)
    chosen, names = some_of_each(images, labels, each=2)
    assert chosen.flatten().tolist() == [0, 1, 2, 4, 5]
    assert names.tolist() == [1, 0, 1, 0, 2]


def silu() -> Plane:
    body = nn.Sequential(nn.Linear(2, 1024), nn.SiLU(), nn.Unflatten(1, (1, 32, 32)))
    return Plane("silu", Autoencoder(mlp_encoder(2), body, sigmoid=True))


def no_sigmoid() -> Plane:
    return Plane("bare", Autoencoder(mlp_encoder(2), mlp_decoder(2), sigmoid=False))


REFUSED: list[tuple[Any, type[Exception], str]] = [
    (lambda: LatentPlane([silu()], *digits()), StateError, "there is a SiLU among the layers"),
    (lambda: LatentPlane([no_sigmoid()], *digits()), StateError, "has no sigmoid at the end"),
    (
        lambda: LatentPlane([Plane("line", LinearAutoencoder(2))], *digits()),
        StateError,
        "LinearAutoencoder has no sigmoid",
    ),
    (
        lambda: LatentPlane([Plane("three", model(3))], *digits()),
        StateError,
        r"codes of 'three' have shape \(40, 3\); expected \(40, 2\)",
    ),
    (lambda: LatentPlane([], *digits()), StateError, "there are 0 planes"),
    (lambda: small_plane(3), StateError, "there are 3 planes"),
    (lambda: LatentPlane(digits=digits()[0]), StateError, "pass both or neither"),
    (
        lambda: LatentPlane([Plane("m", model(), low=(3, 3), high=(3, 3))], *digits()),
        StateError,
        r"goes from \[3.0, 3.0\] to \[3.0, 3.0\]; expected low < high",
    ),
    (lambda: small_plane(z=(1e6, 0)), StateError, "expected two numbers within the plane"),
    (lambda: small_plane(reader=ConvReader()), TypeError, "runs a DigitReader only"),
    (lambda: small_plane(cursor=[0.5, 1.5]), StateError, "two numbers from 0 to 1"),
    (lambda: small_plane(cursor=[0.5, float("nan")]), StateError, "two numbers from 0 to 1"),
    (lambda: small_plane(zoom=3), StateError, "zoom is 3; expected one of 1, 2, 4, 8, 16, 32"),
    (lambda: small_medians(b=4), StateError, r"b is 4; the models have \[2, 3\]"),
    (lambda: small_medians(digit=10), StateError, "digit is 10; expected 0 to 9"),
    (lambda: ClassMedians({}, *digits()), StateError, "there is no model"),
    (lambda: ClassMedians({4: model(3)}, *digits()), StateError, "the model given for b = 4"),
    (lambda: ClassMedians(labels=digits()[1]), StateError, "pass both or neither"),
    (lambda: ClassMedians({2: model()}, *digits(9)), ValueError, "no code belongs to class 9"),
]


@pytest.mark.parametrize(("make", "kind", "message"), REFUSED)
def test_what_cannot_be_shown_is_refused_by_name(
    make: Any, kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        make()


def test_a_refused_cursor_leaves_the_old_one() -> None:
    figure = small_plane(cursor=[0.25, 0.75])
    with pytest.raises(StateError):
        figure.cursor = [2.0, 0.0]
    assert figure.cursor == [0.25, 0.75]
    assert repr(figure) == "LatentPlane(planes=1, cursor=(0.25, 0.75))"


# ---------------------------------------------------------------- the medians


def test_medians_quartiles_images_and_verdicts_are_numpys_and_torchs() -> None:
    figure = small_medians()
    x, labels = digits()
    sheet = unpacked(figure.pictures)
    assert [row["b"] for row in figure.models] == [2, 3]
    for place, row in enumerate(figure.models):
        made = model(row["b"], row["b"])
        z = made.encode(x).detach().numpy()
        for name, q in (("low", 25), ("median", 50), ("high", 75)):
            expected = [np.percentile(z[labels == c], q, axis=0) for c in range(10)]
            np.testing.assert_allclose(row[name], expected, rtol=1e-4, atol=1e-5)
        x_hat = made.decode(torch.tensor(row["median"])).detach()
        shown = sheet[32 * place : 32 * (place + 1)].reshape(32, 10, 32).swapaxes(0, 1)
        assert np.abs(shown - x_hat[:, 0].numpy()).max() <= 0.5 / 255 + 1e-6
        read = readability.read(x_hat).probabilities.mean(0)
        np.testing.assert_allclose(row["probabilities"], read, atol=1e-6)


def test_the_state_of_the_medians_is_plain_json() -> None:
    figure = small_medians(b=3, digit=7)
    assert json.loads(json.dumps(figure.models)) == figure.models
    assert repr(figure) == "ClassMedians(b=3, digit=7)"
