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
