"""The class medians' Python side: NumPy's percentiles, torch's images, and what is refused."""

import json
from typing import Any

import numpy as np
import pytest
import torch

from aeteach.metrics import readability
from aeteach.widgets import ClassMedians
from aeteach.widgets.kit.inputs import StateError
from tests.widgets.kit.test_atlas import unpacked
from tests.widgets.small import framed_digits, mlp


def small_medians(**kwargs: Any) -> ClassMedians:
    x, labels = framed_digits()
    return ClassMedians({d: mlp(d, d) for d in (2, 3)}, x, labels, **kwargs)


# ---------------------------------------------------------------- the medians


def test_medians_quartiles_images_and_verdicts_are_numpys_and_torchs() -> None:
    figure = small_medians()
    x, labels = framed_digits()
    sheet = unpacked(figure.pictures)
    assert [row["b"] for row in figure.models] == [2, 3]
    for place, row in enumerate(figure.models):
        made = mlp(row["b"], row["b"])
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


@pytest.mark.usefixtures("in_page")
def test_the_default_figure_leaves_room_on_its_page() -> None:
    assert 40_000 < len(ClassMedians().page_html()) < 94_000


@pytest.mark.usefixtures("in_page")
def test_the_same_figure_gives_the_same_html() -> None:
    assert small_medians().page_html() == small_medians().page_html()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: small_medians(b=4), r"b is 4; the models have \[2, 3\]"),
        (lambda: small_medians(digit=10), "digit is 10; expected a whole number, 0 to 9"),
        (lambda: ClassMedians({}, *framed_digits()), "there is no model"),
        (lambda: ClassMedians({4: mlp(3)}, *framed_digits()), "the model given for b = 4"),
        (lambda: ClassMedians(labels=framed_digits()[1]), "pass both or neither"),
    ],
)
def test_what_cannot_be_shown_is_refused_by_name(make: Any, message: str) -> None:
    with pytest.raises(StateError, match=message):
        make()


def test_a_class_without_an_image_is_named() -> None:
    with pytest.raises(ValueError, match="no code belongs to class 9"):
        ClassMedians({2: mlp()}, *framed_digits(9))
