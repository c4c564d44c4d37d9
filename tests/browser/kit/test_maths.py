"""The figures' JavaScript against NumPy and torch, number by number, in Chromium.

Each test records the largest difference it saw (`pytest -rP` prints it).
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import ArrayLike
from playwright.sync_api import Browser, Page
from torch import nn

from aeteach.widgets.kit.host import pack
from aeteach.widgets.linear_loss import tied_loss, white_points
from aeteach.widgets.pca_axis import axis_stats
from aeteach.widgets.pca_digit import principal_components
from tests.browser.driver import call_module

Agree = Callable[..., None]


@pytest.fixture(scope="module")
def page(browser: Browser) -> Any:
    # One page for all: these tests evaluate functions and leave nothing behind.
    page = browser.new_page()
    yield page
    page.close()


@pytest.fixture
def agree(record_property: Callable[[str, object], None]) -> Agree:
    """Assert that two arrays differ by less than a bound, and record the largest difference."""

    def check(actual: ArrayLike, expected: ArrayLike, bound: float = 1e-12) -> None:
        a, b = np.asarray(actual, dtype=np.float64), np.asarray(expected, dtype=np.float64)
        assert a.shape == b.shape
        assert a.size > 0
        worst = float(np.abs(a - b).max())
        record_property("largest_difference", worst)
        print(f"{a.size} numbers, largest difference {worst:.2e}")
        assert worst < bound  # NaN fails this too

    return check


def clouds(count: int = 40) -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    shapes = rng.normal(size=(count, 2, 2))
    return [rng.normal(size=(int(rng.integers(3, 60)), 2)) @ A + A[0] for A in shapes]


def test_covariance_and_mean(page: Page, agree: Agree) -> None:
    data = clouds()
    got = call_module(
        page,
        "maths",
        """a[0].map((p) => { const S = m.covariance2(p, 0);
            return [...m.mean2(p), S.xx, S.xy, S.yy]; })""",
        [c.tolist() for c in data],
    )
    S = [np.cov(c, rowvar=False, ddof=0) for c in data]
    agree(got, [[*c.mean(0), s[0, 0], s[0, 1], s[1, 1]] for c, s in zip(data, S, strict=True)])


def test_eigenvalues_and_eigenvectors(page: Page, agree: Agree) -> None:
    matrices = [np.cov(c, rowvar=False) for c in clouds()]
    matrices += [np.diag([2.0, 1.0]), np.diag([1.0, 2.0]), np.eye(2), np.zeros((2, 2))]
    got = call_module(
        page,
        "maths",
        "a[0].map(([xx, xy, yy]) => m.eigen2({ xx, xy, yy }))",
        [[S[0, 0], S[0, 1], S[1, 1]] for S in matrices],
    )
    agree([e["values"] for e in got], [np.linalg.eigvalsh(S)[::-1] for S in matrices])
    for S, e in zip(matrices, got, strict=True):
        vectors = np.array(e["vectors"])
        agree(vectors @ vectors.T, np.eye(2))
        agree(S @ vectors.T, vectors.T * e["values"])
        assert 0 <= e["angle"] < 180


@pytest.mark.parametrize(
    ("angle", "wrapped"), [(0, 0), (180, 0), (-1, 179), (365, 5), (-180, 0), (-1e-20, 0), (540, 0)]
)
def test_an_axis_angle_lies_between_0_and_180(page: Page, angle: float, wrapped: float) -> None:
    assert call_module(page, "maths", "m.wrap180(a[0])", angle) == wrapped


def test_captured_and_residual_variance(page: Page, agree: Agree) -> None:
    cases = [(c, 9.7 * i % 180) for i, c in enumerate(clouds())]
    got = call_module(
        page,
        "pca_axis",
        "a[0].map(([p, t]) => m.axisStats(p, t))",
        [(c.tolist(), t) for c, t in cases],
    )
    agree(
        [[g["captured"], g["residual"], g["total"], g["share"], *g["mean"]] for g in got],
        [
            [*(s := axis_stats(c, t)), sum(s), s.captured / sum(s), *c.mean(0)]
            for c, t in cases
        ],
    )  # fmt: skip


def test_projections_on_the_axis(page: Page, agree: Agree) -> None:
    for i, cloud in enumerate(clouds(8)):
        angle = 23.0 * i % 180
        u = np.array([np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))])
        expected = cloud.mean(0) + (cloud - cloud.mean(0)) @ np.outer(u, u)
        agree(
            call_module(page, "pca_axis", "m.project(a[0], a[1])", cloud.tolist(), angle), expected
        )


def test_snap_to_pca_finds_the_first_principal_component(page: Page, agree: Agree) -> None:
    data = clouds()
    angles = call_module(
        page, "pca_axis", "a[0].map((p) => m.pcaAngle(p))", [c.tolist() for c in data]
    )
    for cloud, angle in zip(data, angles, strict=True):
        first = np.linalg.svd(cloud - cloud.mean(0))[2][0]
        agree(axis_stats(cloud, angle).captured, np.linalg.eigvalsh(np.cov(cloud.T))[-1])
        assert (
            abs(np.cos(np.deg2rad(angle)) * first[1] - np.sin(np.deg2rad(angle)) * first[0]) < 1e-9
        )


def covariances() -> list[tuple[float, float, float, np.ndarray]]:
    cases = []
    for sd1, sd2, angle in [
        (1.5, 0.6, 30),
        (0.4, 1.9, 170),
        (1, 1, 45),
        (2, 0.3, 0),
        (1.2, 1.1, 90),
    ]:
        t = np.deg2rad(angle)
        R = np.array([[np.cos(t), -np.sin(t)], [np.sin(t), np.cos(t)]])
        cases.append((sd1, sd2, angle, R @ np.diag([sd1**2, sd2**2]) @ R.T))
    return cases


def weights_to_try() -> np.ndarray:
    return np.random.default_rng(2).uniform(-1.6, 1.6, size=(30, 2))


def test_the_loss_surface(page: Page, agree: Agree) -> None:
    white = white_points()
    for sd1, sd2, angle, S in covariances():
        got = call_module(
            page,
            "linear_loss",
            """((S) => ({ S, data: m.dataOf(a[3], a[0], a[1], a[2]),
                loss: a[4].map((w) => m.lossAt(S, w)),
                gradient: a[4].map((w) => m.gradientAt(S, w)),
                step: a[4].map((w) => m.stepFrom(S, w)) }))(m.covarianceOf(a[0], a[1], a[2]))""",
            sd1,
            sd2,
            angle,
            white.tolist(),
            weights_to_try().tolist(),
        )
        data = np.array(got["data"])
        agree(data.T @ data / len(data), S)
        agree([got["S"]["xx"], got["S"]["xy"], got["S"]["yy"]], [S[0, 0], S[0, 1], S[1, 1]])
        # The definition, over the points themselves, and its gradient by automatic differentiation.
        w = torch.tensor(weights_to_try(), requires_grad=True)
        x = torch.tensor(data)
        x_hat = (x @ w.T)[:, :, None] * w  # (points, weights, 2): w w^T x
        loss = ((x[:, None, :] - x_hat) ** 2).sum(2).mean(0)
        loss.sum().backward()
        agree(got["loss"], loss.detach())
        agree(got["loss"], [tied_loss(S, v) for v in weights_to_try()])
        agree(got["gradient"], w.grad)
        agree(got["step"], (w - 0.05 / np.trace(S) * w.grad).detach())


def test_the_critical_points_are_what_the_map_says(page: Page) -> None:
    for sd1, sd2, angle, S in covariances():
        points = call_module(
            page,
            "linear_loss",
            "m.criticalPoints(m.covarianceOf(a[0], a[1], a[2]))",
            sd1,
            sd2,
            angle,
        )
        assert len(points) == 5
        matrix = torch.tensor(S)

        def loss(w: torch.Tensor, S: torch.Tensor = matrix) -> torch.Tensor:
            return torch.trace(S) - 2 * w @ S @ w + (w @ w) * (w @ S @ w)

        for point in points:
            w = torch.tensor(point["w"], dtype=torch.float64)
            gradient = torch.autograd.functional.jacobian(loss, w)
            curvature = torch.linalg.eigvalsh(torch.autograd.functional.hessian(loss, w))
            assert gradient.abs().max() < 1e-9
            if point["kind"] == "maximum":
                assert (curvature < -1e-9).all()
            elif point["kind"] == "saddle":
                assert curvature[0] < -1e-9 < 1e-9 < curvature[1]
            else:  # along a ring of minima, for equal spreads, the loss is flat
                assert (curvature > (-1e-9 if sd1 == sd2 else 1e-9)).all()


def test_every_step_from_the_map_lowers_the_loss_and_stays_where_python_follows(
    page: Page,
) -> None:
    got = call_module(
        page,
        "linear_loss",
        """(() => { let farthest = 0, rises = 0;
            for (const sd1 of [0.3, 1, 2]) for (const sd2 of [0.3, 1.1, 2])
                for (let t = 0; t < 180; t += 30) {
                    const S = m.covarianceOf(sd1, sd2, t);
                    for (let i = -8; i <= 8; i++) for (let j = -8; j <= 8; j++) {
                        let w = [i / 5, j / 5];
                        for (let k = 0; k < 60; k++) {
                            const next = m.stepFrom(S, w);
                            if (m.lossAt(S, next) > m.lossAt(S, w) + 1e-12) rises++;
                            farthest = Math.max(farthest, Math.abs(next[0]), Math.abs(next[1]));
                            w = next;
                        }
                    }
                }
            return { farthest, rises }; })()""",
    )
    assert 1 < got["farthest"] < 2  # what LinearLoss accepts as w
    assert got["rises"] == 0


def test_angle_to_the_first_eigenvector(page: Page, agree: Agree) -> None:
    for sd1, sd2, angle, S in covariances():
        if sd1 == sd2:
            continue  # every direction is an eigenvector
        u = np.linalg.eigh(S)[1][:, -1]
        w = weights_to_try()
        got = call_module(
            page,
            "linear_loss",
            "a[3].map((w) => m.angleToFirst(m.covarianceOf(a[0], a[1], a[2]), w))",
            sd1,
            sd2,
            angle,
            w.tolist(),
        )
        cosine = np.abs(w @ u) / np.linalg.norm(w, axis=1)
        agree(got, np.rad2deg(np.arccos(np.minimum(cosine, 1))), 1e-5)  # arccos is coarse near 0


def test_contour_lines_lie_on_their_level(page: Page) -> None:
    # f(x, y) = x + 2 y is linear, so every piece must lie on the level exactly.
    pieces = call_module(
        page,
        "linear_loss",
        """m.contour(
            Float64Array.from({ length: 64 }, (_, i) => (i % 8) + 2 * (i >> 3)), 8, 9.5)""",
    )
    ends = np.array(pieces).reshape(-1, 2)
    assert len(ends) > 10
    np.testing.assert_allclose(ends[:, 0] + 2 * ends[:, 1], 9.5, atol=1e-12)


def test_all_float16_bit_patterns(page: Page) -> None:
    got = np.array(call_module(page, "weights", "Array.from(m.halfTable())"))
    expected = np.arange(65_536, dtype=np.uint16).view(np.float16).astype(np.float64)
    np.testing.assert_array_equal(got, expected)
    number = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(got[number]), np.signbit(expected[number]))
    assert np.isinf(got).sum() == 2
    assert np.isnan(got).sum() == 2 * 1023


@pytest.mark.parametrize("dtype", ["float16", "float32", {"b": "float32"}])
@pytest.mark.parametrize("start", [0, 1, 3])
def test_tensors_come_out_as_they_were_packed(page: Page, dtype: Any, start: int) -> None:
    rng = np.random.default_rng(0)
    arrays = {"a": rng.normal(size=(3, 5)), "b": rng.normal(size=7), "c": np.float64(2.5)}
    manifest, block = pack(arrays, dtype)
    got = call_module(
        page,
        "weights",
        """m.tensors({ get: (key) => key === "manifest" ? a[0]
            : new DataView(Uint8Array.from(a[1]).buffer, a[2], a[3]) })""",
        manifest,
        [*([255] * start), *block, 255],  # a view into the middle of a message, as in Jupyter
        start,
        len(block),
    )
    for name, array in arrays.items():
        assert got[name]["shape"] == list(np.shape(array))
        stored = np.asarray(array).astype(manifest[name]["dtype"]).astype(np.float64).ravel()
        np.testing.assert_array_equal(got[name]["data"], stored)


def tensor(x: torch.Tensor) -> dict[str, Any]:
    return {"shape": list(x.shape), "data": x.detach().flatten().tolist()}


def test_linear_layer(page: Page, agree: Agree) -> None:
    torch.manual_seed(0)
    layer = nn.Linear(37, 11, dtype=torch.float64)
    x = torch.randn(37, dtype=torch.float64)
    arguments = x.tolist(), tensor(layer.weight), tensor(layer.bias)
    agree(call_module(page, "layers", "m.linear(a[0], a[1], a[2])", *arguments), layer(x).detach())
    agree(
        call_module(page, "layers", "m.linear(a[0], a[1])", *arguments), (layer.weight @ x).detach()
    )


@pytest.mark.parametrize("name", ["relu", "sigmoid", "softplus"])
def test_nonlinearities_also_far_from_zero(page: Page, agree: Agree, name: str) -> None:
    x = torch.tensor([*np.linspace(-40, 40, 401), -800, 800, -0.0], dtype=torch.float64)
    expected = getattr(torch.nn.functional, name)(x)
    if name == "softplus":
        expected = torch.logaddexp(x, torch.zeros_like(x))  # torch's own is linear beyond 20
    agree(call_module(page, "layers", f"m.{name}(a[0])", x.tolist()), expected, 1e-14)
    assert np.isnan(call_module(page, "layers", f"m.{name}([NaN])")).all()


@pytest.mark.parametrize(
    ("channels", "out", "kernel", "stride", "padding", "size"),
    [
        (1, 4, 3, 2, 1, (9, 8)),
        (3, 2, 3, 1, 0, (6, 7)),
        (2, 5, 5, 3, 2, (11, 11)),
        (1, 1, 1, 1, 0, (2, 2)),
    ],
)
def test_convolution(
    page: Page, agree: Agree, channels: int, out: int, kernel: int, stride: int, padding: int,
    size: tuple[int, int],
) -> None:  # fmt: skip
    torch.manual_seed(1)
    layer = nn.Conv2d(channels, out, kernel, stride, padding, dtype=torch.float64)
    x = torch.randn(channels, *size, dtype=torch.float64)
    expected = layer(x[None])[0]
    got = call_module(
        page, "layers", "m.conv2d(a[0], a[1], a[2], a[3])",
        tensor(x), tensor(layer.weight), tensor(layer.bias), {"stride": stride, "padding": padding},
    )  # fmt: skip
    assert got["shape"] == list(expected.shape)
    agree(got["data"], expected.detach().flatten())


@pytest.mark.parametrize(
    ("channels", "out", "kernel", "stride", "padding", "extra", "size"),
    [
        (2, 3, 3, 2, 1, 1, (4, 5)),
        (3, 1, 3, 1, 0, 0, (5, 4)),
        (1, 2, 5, 3, 2, 2, (4, 4)),
        (4, 4, 2, 2, 0, 0, (3, 3)),
    ],
)
def test_transposed_convolution(
    page: Page, agree: Agree, channels: int, out: int, kernel: int, stride: int, padding: int,
    extra: int, size: tuple[int, int],
) -> None:  # fmt: skip
    torch.manual_seed(2)
    layer = nn.ConvTranspose2d(
        channels, out, kernel, stride, padding, output_padding=extra, dtype=torch.float64
    )
    x = torch.randn(channels, *size, dtype=torch.float64).relu()  # zeros take a shortcut
    expected = layer(x[None])[0]
    got = call_module(
        page, "layers", "m.convTranspose2d(a[0], a[1], a[2], a[3])",
        tensor(x), tensor(layer.weight), tensor(layer.bias),
        {"stride": stride, "padding": padding, "outputPadding": extra},
    )  # fmt: skip
    assert got["shape"] == list(expected.shape)
    agree(got["data"], expected.detach().flatten())


@pytest.mark.parametrize("transposed", [False, True])
def test_folded_batch_norm_as_the_module_describes(
    page: Page, agree: Agree, transposed: bool
) -> None:
    torch.manual_seed(3)
    conv = (nn.ConvTranspose2d if transposed else nn.Conv2d)(2, 4, 3, 2, 1, dtype=torch.float64)
    norm = nn.BatchNorm2d(4, dtype=torch.float64)
    network = nn.Sequential(conv, norm)
    for _ in range(5):  # running statistics that are not 0 and 1
        network(3 + 2 * torch.randn(8, 2, 6, 6, dtype=torch.float64))
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    network.eval()
    assert norm.running_var is not None
    assert norm.running_mean is not None
    assert conv.bias is not None
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    along_output = [1, -1, 1, 1] if transposed else [-1, 1, 1, 1]
    weight = conv.weight * scale.reshape(along_output)
    bias = (conv.bias - norm.running_mean) * scale + norm.bias
    x = torch.randn(2, 6, 6, dtype=torch.float64)
    got = call_module(
        page,
        "layers",
        "m[a[3]](a[0], a[1], a[2], { stride: 2, padding: 1 })",
        tensor(x),
        tensor(weight),
        tensor(bias),
        "convTranspose2d" if transposed else "conv2d",
    )
    agree(got["data"], network(x[None])[0].detach().flatten())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("m.linear([1, 2], { shape: [1, 3], data: [1, 2, 3] })", "x has 2 numbers, W takes 3"),
        (
            "m.conv2d({ shape: [2, 3, 3], data: [] }, { shape: [1, 1, 3, 3], data: [] })",
            r"x is \(2,3,3\), the weight takes \(1, height, width\)",
        ),
        (
            "m.convTranspose2d({ shape: [3, 3], data: [] }, { shape: [1, 1, 3, 3], data: [] })",
            r"x is \(3,3\)",
        ),
    ],
)
def test_layers_refuse_shapes_that_do_not_fit(page: Page, call: str, message: str) -> None:
    with pytest.raises(Exception, match=message):
        call_module(page, "layers", call)


def test_a_digit_rebuilt_from_its_components(page: Page, agree: Agree) -> None:
    rng = np.random.default_rng(4)
    images = rng.random((60, 8, 8)) ** 2
    pca = principal_components(images, 20)
    x = rng.random(64)
    got = call_module(
        page,
        "pca_digit",
        """{ z: m.scores(a[0], a[1], a[2]), errors: m.errorCurve(a[0], a[1], a[2]),
            images: a[3].map((k) => m.rebuild(m.scores(a[0], a[1], a[2]), a[1], a[2], k)) }""",
        x.tolist(),
        pca.mean.tolist(),
        tensor(torch.tensor(pca.components.copy())),
        [0, 1, 7, 20],
    )
    z = pca.components @ (x - pca.mean)
    agree(got["z"], z)
    hats = [pca.mean + z[:k] @ pca.components[:k] for k in range(21)]
    agree(got["images"], [hats[k] for k in (0, 1, 7, 20)])
    agree(got["errors"], [((x - hat) ** 2).sum() for hat in hats])


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("m.number(-1.5)", "−1.50"),
        ("m.number(-0.001)", "0.00"),
        ("m.number(2, 0)", "2"),
        ("m.number(NaN)", "–"),
        ("m.number(-Infinity)", "–"),
        ("m.roundUp(2.4)", 3),
        ("m.roundUp(70)", 70),
        ("m.roundUp(0)", 1),
        ("m.roundUp(0.0011)", 0.0015),
    ],
)
def test_numbers_as_text(page: Page, call: str, expected: object) -> None:
    assert call_module(page, "kit", call) == expected


@pytest.mark.parametrize(
    ("low", "high"), [(0, 100), (-1.6, 1.6), (3.2, 3.9), (-5e-3, 2e-3), (0, 7)]
)
def test_ticks_are_round_and_within_the_axis(page: Page, low: float, high: float) -> None:
    got = call_module(page, "kit", "m.ticks(a[0], a[1], 5)", low, high)
    values = np.array(got["values"])
    steps = np.diff(values)
    assert 3 <= len(values) <= 12
    assert values.min() >= low - 1e-12
    assert values.max() <= high + 1e-12
    mantissa = steps[0] / 10 ** np.floor(np.log10(steps[0]))
    assert min(abs(mantissa - m) for m in (1, 2, 5, 10)) < 1e-6
    np.testing.assert_allclose(np.round(values, got["digits"]), values, atol=1e-12)
