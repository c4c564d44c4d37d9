"""A digit from k components in Python: against a singular value decomposition, and refusals."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from aeteach.widgets import PcaDigit
from aeteach.widgets.pca_digit import Pca, principal_components, two_of_each


def images(n: int = 30, side: int = 6, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((n, 1, side, side)).astype(np.float32)


def small_digit(**kwargs: Any) -> PcaDigit:
    pca = principal_components(images(), 10)
    return PcaDigit(digits=images(4, seed=1), labels=[3, 1, 4, 1], pca=pca, **{"k": 2} | kwargs)


@pytest.mark.usefixtures("in_page")
def test_the_page_of_60000_digits_components_stays_under_600_kb() -> None:
    rng = np.random.default_rng(0)
    W = np.linalg.qr(rng.normal(size=(784, 100)))[0].T
    pca = Pca(rng.random(784), W, np.linspace(0, 0.9, 101))
    html = PcaDigit(digits=rng.random((20, 28, 28)), labels=np.arange(20) // 2, pca=pca).page_html()
    assert 200_000 < len(html) < 600_000


@pytest.mark.parametrize("shape", [(30, 1, 6, 6), (30, 6, 6), (30, 36)])
def test_principal_components_against_a_singular_value_decomposition(shape: tuple[int]) -> None:
    X = images().reshape(30, 36).astype(np.float64)
    pca = principal_components(images().reshape(shape), 12)
    _, s, Vt = np.linalg.svd(X - X.mean(0), full_matrices=False)
    np.testing.assert_allclose(pca.mean, X.mean(0), atol=1e-7)
    np.testing.assert_allclose(np.abs((pca.components * Vt[:12]).sum(1)), 1, atol=1e-6)
    np.testing.assert_allclose(pca.components @ pca.components.T, np.eye(12), atol=1e-10)
    np.testing.assert_allclose(pca.explained[1:], np.cumsum(s**2)[:12] / (s**2).sum(), atol=1e-6)
    assert pca.explained[0] == 0
    largest = pca.components[np.arange(12), np.abs(pca.components).argmax(1)]
    assert (largest > 0).all()


def test_principal_components_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = principal_components(images(), 5)
    monkeypatch.setattr("aeteach.widgets.pca_digit._CHUNK", 7)
    chunked = principal_components(torch.from_numpy(images()), 5)
    for a, b in zip(whole, chunked, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-10)


def test_the_squared_error_is_that_of_the_projection() -> None:
    figure = small_digit(k=3)
    pca = principal_components(images(), 10)
    for digit, k in [(0, 3), (2, 3), (2, 10), (1, 0)]:
        figure.set_trait("digit", digit)
        figure.set_trait("k", k)
        x = images(4, seed=1)[digit].ravel() - pca.mean
        kept = pca.components[:k] @ x
        assert figure.squared_error == pytest.approx(x @ x - kept @ kept)


def test_the_default_digits_are_mnist_two_of_each(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def mnist(split: str) -> tuple[np.ndarray, np.ndarray]:
        asked.append(split)
        return images(120, side=28), np.arange(120) % 10

    monkeypatch.setattr("aeteach.widgets.pca_digit._mnist", mnist)
    figure = PcaDigit(k=5)
    assert asked == ["train", "test"]
    assert figure.labels == [c for c in range(10) for _ in range(2)]
    assert figure.manifest["digits"]["shape"] == [20, 784]


def test_two_of_each_takes_the_first_in_the_order_of_the_classes() -> None:
    pictures, labels = two_of_each(np.arange(7)[:, None], [1, 0, 1, 1, 0, 0, 2])
    assert pictures.ravel().tolist() == [1, 4, 0, 2, 6]
    assert labels.tolist() == [0, 0, 1, 1, 2]


def with_nan() -> np.ndarray:
    bad = images()
    bad[2, 0, 1, 1] = np.nan
    return bad


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: principal_components(images() * 255), "divide bytes by 255"),
        (lambda: principal_components(with_nan()), "expected finite grey values"),
        (lambda: principal_components(images() - 0.5), r"expected finite grey values in \[0, 1\]"),
        (lambda: principal_components(np.zeros(5)), r"shape \(5,\); expected \(N, 1, H, W\)"),
        (lambda: principal_components(np.zeros((5, 3, 4, 4))), r"shape \(5, 3, 4, 4\)"),
        (lambda: principal_components(np.zeros((0, 4))), r"shape \(0, 4\)"),
        (lambda: principal_components(images(), 30), "30 images of 36 pixels have 1 to 29"),
        (lambda: principal_components(images(), 0), "k is 0"),
        (lambda: principal_components(np.ones((9, 4)), 2), "all images are the same"),
        (lambda: small_digit(k=11), "k is 11; expected a whole number, 0 to 10 components"),
        (lambda: small_digit(k=-1), "k is -1"),
        (lambda: small_digit(digit=4), "digit is 4; expected a whole number, 0 to 3"),
        (lambda: PcaDigit(images(), images(3)), "pass both or neither"),
        (
            lambda: PcaDigit(
                digits=images(2, 5), labels=[1, 2], pca=principal_components(images(), 3)
            ),
            "digits have 25 pixels, the components 36",
        ),
        (
            lambda: PcaDigit(digits=images(2), labels=[1], pca=principal_components(images(), 3)),
            r"labels have shape \(1,\); expected \(2,\)",
        ),
        (
            lambda: PcaDigit(
                digits=images(61), labels=[1] * 61, pca=principal_components(images(), 3)
            ),
            "there are 61 digits",
        ),
        (
            lambda: PcaDigit(
                digits=np.zeros((2, 8)), labels=[1, 2],
                pca=principal_components(images().reshape(30, 36)[:, :8], 3),
            ),
            "8 pixels, which is not a square",
        ),
    ],
)  # fmt: skip
def test_digits_that_cannot_be_shown_are_refused(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
