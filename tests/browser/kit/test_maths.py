"""The mathematics that figures share, against NumPy: covariance, eigenvectors, angles."""

import numpy as np
import pytest

from tests.browser.conftest import Agree, Call


def clouds(count: int = 40) -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    shapes = rng.normal(size=(count, 2, 2))
    return [rng.normal(size=(int(rng.integers(3, 60)), 2)) @ A + A[0] for A in shapes]


def test_covariance_and_mean(call: Call, agree: Agree) -> None:
    data = clouds()
    got = call(
        "maths",
        """a[0].map((p) => { const S = m.covariance2(p, 0);
            return [...m.mean2(p), S.xx, S.xy, S.yy]; })""",
        [c.tolist() for c in data],
    )
    S = [np.cov(c, rowvar=False, ddof=0) for c in data]
    agree(got, [[*c.mean(0), s[0, 0], s[0, 1], s[1, 1]] for c, s in zip(data, S, strict=True)])
    # The sample covariance where nothing is said.
    got = call("maths", "a[0].map((p) => m.covariance2(p).xy)", [c.tolist() for c in data])
    agree(got, [np.cov(c, rowvar=False)[0, 1] for c in data])


def test_eigenvalues_and_eigenvectors(call: Call, agree: Agree) -> None:
    matrices = [np.cov(c, rowvar=False) for c in clouds()]
    matrices += [np.diag([2.0, 1.0]), np.diag([1.0, 2.0]), np.eye(2), np.zeros((2, 2))]
    got = call(
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
def test_an_axis_angle_lies_between_0_and_180(call: Call, angle: float, wrapped: float) -> None:
    assert call("maths", "m.wrap180(a[0])", angle) == wrapped


def test_a_matrix_times_a_vector_and_its_quadratic_form(call: Call, agree: Agree) -> None:
    rng = np.random.default_rng(2)
    matrices = [A + A.T for A in rng.normal(size=(20, 2, 2))]
    vectors = rng.normal(size=(20, 2))
    got = call(
        "maths",
        """a[0].map(([xx, xy, yy], i) => [
            ...m.times({ xx, xy, yy }, a[1][i]), m.quadratic({ xx, xy, yy }, a[1][i]),
        ])""",
        [[S[0, 0], S[0, 1], S[1, 1]] for S in matrices],
        vectors.tolist(),
    )
    agree(got, [[*S @ u, u @ S @ u] for S, u in zip(matrices, vectors, strict=True)])


def test_a_direction_and_the_angle_of_its_axis(call: Call, agree: Agree) -> None:
    angles = np.array([-170.0, -90, -1, 0, 12, 30, 90, 135, 179, 200, 350])
    found = call("maths", "a[0].map(m.direction)", angles.tolist())
    agree(found, np.stack([np.cos(np.radians(angles)), np.sin(np.radians(angles))], 1))
    back = call("maths", "a[0].map(([x, y]) => m.axisAngle(3 * x, 3 * y))", found)
    away = np.abs(np.array(back) - angles % 180)
    agree(np.minimum(away, 180 - away), 0 * angles)
    assert all(0 <= angle < 180 for angle in back)


@pytest.mark.parametrize(
    ("x", "inside"), [(-3, -1), (-1, -1), (0.5, 0.5), (2, 2), (7, 2), (-1e300, -1)]
)
def test_a_number_is_kept_between_two(call: Call, x: float, inside: float) -> None:
    assert call("maths", "m.clamp(a[0], -1, 2)", x) == inside
