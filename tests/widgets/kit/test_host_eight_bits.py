"""Weights with 8 bits: what they keep, what a figure shows with them, and what a page weighs."""

import base64
import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from aeteach import load
from aeteach.data import mnist
from aeteach.widgets import LatentPlane, Plane
from aeteach.widgets.kit.host import eight_bits, pack

NUMBERS = st.floats(-1e3, 1e3, width=32)


@settings(max_examples=50, deadline=None)
@given(arrays(np.float64, st.tuples(st.integers(1, 6), st.integers(1, 9)), elements=NUMBERS))
def test_a_number_is_off_by_at_most_half_a_step_of_its_row(matrix):
    steps, scales = eight_bits(matrix)
    off = np.abs(steps * scales.astype(float)[:, None] - matrix)
    largest = np.abs(matrix).max(axis=1, keepdims=True)
    assert (off <= largest / 254 * 1.001 + 1e-30).all()
    assert np.abs(steps.astype(int)).max() <= 127
    assert ((np.abs(steps).max(axis=1) == 127) | (largest[:, 0] < 1e-30)).all()


def test_a_row_of_zeros_stays_one():
    steps, scales = eight_bits([[0.0, 0.0], [1.0, -2.0]])
    assert steps.tolist() == [[0, 0], [64, -127]]
    assert scales.tolist() == pytest.approx([0, 2 / 127])


def test_the_packed_bytes_are_scales_then_steps():
    rng = np.random.default_rng(0)
    W, b = rng.normal(size=(3, 5)), rng.normal(size=3)
    manifest, data = pack({"W": W, "b": b}, {"W": "int8", "b": "float32"})
    assert manifest["W"] == {"shape": [3, 5], "dtype": "int8", "offset": 0}
    assert manifest["b"]["offset"] == 28  # 3 scales of 4 bytes, 15 steps, 1 to fill up
    scales = np.frombuffer(data, "<f4", 3)
    steps = np.frombuffer(data, np.int8, 15, 12).reshape(3, 5)
    assert np.abs(steps * scales[:, None] - W).max() <= np.abs(W).max() / 254 * 1.001
    assert np.frombuffer(data, "<f4", 3, 28) == pytest.approx(b)


def test_only_matrices_have_rows():
    with pytest.raises(ValueError, match=r"shape \(3,\); int8 packs matrices only"):
        pack({"b": [1.0, 2.0, 3.0]}, "int8")


def planes(light):
    images, labels, _ = mnist("test")
    models = [Plane(n, load(n)) for n in ("mlp-2", "vae-2")]
    return LatentPlane(models, images[:60], labels[:60], light=light)


def test_a_light_figure_shows_what_its_bytes_hold():
    figure = planes(light=True)
    entry = figure.manifest["d0/w3"]
    rows, columns = entry["shape"]
    scales = np.frombuffer(figure.weights, "<f4", rows, entry["offset"])
    steps = np.frombuffer(figure.weights, np.int8, rows * columns, entry["offset"] + 4 * rows)
    W = steps.reshape(rows, columns) * scales[:, None]
    used = figure._models[0].model.decoder[-2].weight.detach().view(32, 32, -1)[2:-2, 2:-2]
    assert used.reshape(rows, columns).numpy() == pytest.approx(W, abs=1e-7)
    assert figure.manifest["d0/w0"]["dtype"] == "float16"


def test_light_decoders_draw_nearly_the_same():
    """The docstring's numbers, on fewer points: and the models passed in stay as they were."""
    images = mnist("test").images[:500]
    pairs = zip(planes(light=True)._models, planes(light=False)._models, strict=True)
    for light, full in pairs:
        with torch.no_grad():
            z = full.model.encode(images)
            off = (light.model.decode(z) - full.model.decode(z)).abs()
        assert 0 < float(off.square().mean().sqrt()) < 0.003
        assert float(off.max()) < 0.15
    kept = load("mlp-2").decoder[-2].weight
    assert torch.equal(planes(light=False)._models[0].model.decoder[-2].weight, kept)


def test_two_light_decoders_weigh_half_in_the_page(monkeypatch):
    monkeypatch.setenv("AETEACH_HOST", "page")
    sizes = []
    for light in (False, True):
        text = planes(light).page_html()
        sizes.append(len(text.encode()))
        assert re.search(r'"\$bytes":"([^"]{1000})', text)
    saved = 2 * 784 * 128 - 2 * 784 * 4  # a byte a weight, less a scale a row
    assert sizes[0] - sizes[1] == pytest.approx(len(base64.b64encode(bytes(saved))), rel=0.01)
