"""The inpainting table: its cells, what a cell measures, and that settings make a key."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from aeteach import load, results, sweeps
from aeteach.data import Digits, mnist
from aeteach.inpainting import hole, inpaint
from aeteach.metrics import readability
from aeteach.sweeps import inpainting as module
from aeteach.sweeps import scores

SWEEP = sweeps.SWEEPS["inpainting"]


@pytest.fixture
def few(monkeypatch):
    """The first 60 test digits and 500 training digits."""

    def digits(split, size=32):
        images, labels, source = mnist(split, size=size)
        n = 60 if split == "test" else 500
        return Digits(images[:n], labels[:n], source)

    monkeypatch.setattr(scores, "all_digits", digits)
    monkeypatch.setattr(module, "_CHUNK", 40)


def cell(fill, seed=0):
    (found,) = [c for c in SWEEP.cells if c.columns["fill"] == fill and c.seed == seed]
    return found


def test_the_cells_are_baselines_without_a_seed_and_draws_with_three():
    rows = [(c.columns["model"], c.columns["fill"], c.seed) for c in SWEEP.cells]
    assert len(set(rows)) == len(rows)
    assert [r for r in rows if r[0] == "none"] == [("none", b, 0) for b in module.BASELINES]
    for name in module.MODELS:
        own = [r[1:] for r in rows if r[0] == name]
        assert own[:3] == [("whole", 0), ("once", 0), ("iterated", 0)]
        assert own[3:] == [(fill, seed) for fill in module.DRAWN for seed in (0, 1, 2)]
    assert len(set(SWEEP.cell_keys())) == len(rows)  # though recipes and seeds are shared


def test_settings_are_part_of_the_key_and_none_leave_it_as_it_was():
    first = SWEEP.cells[0]
    plain = replace(SWEEP, cells=(replace(first, settings={}),))
    named = replace(SWEEP, cells=(first,))
    other = replace(SWEEP, cells=(replace(first, settings={"fill": "another"}),))
    assert len({s.cell_keys()[0] for s in (plain, named, other)}) == 3


def test_the_reported_hole_lies_at_the_same_digits_whatever_the_padding():
    assert torch.equal(module.reported_hole(28), hole())
    assert torch.equal(module.reported_hole(32), F.pad(hole(), [2] * 4))
    assert int(module.reported_hole(32).sum()) == 100


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("fill", ["once", "iterated", "drawn"])
def test_a_row_is_what_the_model_makes_of_the_hole(fill, tmp_path):
    measured = module.measure_inpainting(cell(fill), tmp_path / "none")
    images, labels, _ = (v[:60] if torch.is_tensor(v) else v for v in mnist("test"))
    mask = module.reported_hole(32)
    model = load(cell(fill).settings["weights"])
    rounds = 1 if fill == "once" else module.ITERATIONS
    if fill == "drawn":
        made = [
            inpaint(model, x, mask, iterations=rounds, sample=True, generator=i).images
            for i, x in enumerate(images.split(40))
        ]
        filled = torch.cat(made)
    else:
        filled = inpaint(model, images, mask, iterations=rounds).images
    assert torch.equal(filled[:, :, ~mask], images[:, :, ~mask])
    error = ((filled - images) ** 2).flatten(1).sum(1)
    assert measured["digits"] == 60
    assert measured["missing"] == 100
    assert measured["error"] == pytest.approx(error.mean().item(), abs=1e-3)
    assert measured["pixel_error"] == pytest.approx(measured["error"] / 100, abs=1e-6)
    spread = error.std().item() / 60**0.5
    assert measured["error_standard_error"] == pytest.approx(spread, abs=1e-3)
    score = readability.score(filled, labels)
    assert measured["readability"] == pytest.approx(100 * score.accuracy, abs=1e-2)
    assert measured["readability_low"] < measured["readability"] < measured["readability_high"]


@pytest.mark.usefixtures("few")
def test_baselines_and_averages_order_as_they_must(tmp_path):
    rows = {
        fill: module.measure_inpainting(cell(fill), tmp_path / "none")
        for fill in (*module.BASELINES, "whole", "drawn", "drawn, averaged")
    }
    assert rows["whole"]["error"] < rows["drawn, averaged"]["error"] < rows["drawn"]["error"]
    assert rows["mean image"]["error"] < rows["nothing"]["error"]
    assert all(set(r) == set(rows["nothing"]) for r in rows.values())


def test_the_kept_table_is_whole_and_iterating_beats_asking_once():
    table = results.read("inpainting")
    assert len(table) == len(SWEEP.cells)
    assert set(table.column("digits")) == {10_000}
    for name in module.MODELS:
        own = table.where(model=name)
        once, again = (own.where(fill=f).rows[0] for f in ("once", "iterated"))
        apart = once["error"] - again["error"]
        assert apart > 5 * (once["error_standard_error"] + again["error_standard_error"])
        assert again["readability_low"] > once["readability_high"]
