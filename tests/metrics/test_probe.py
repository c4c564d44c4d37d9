"""The probe against scikit-learn, and what a code tells that only one kind of it finds."""

import math

import pytest
import torch
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from torch.nn.functional import one_hot

from aeteach.metrics import factors
from aeteach.metrics.probe import KINDS, probe, probe_accuracy


def normal(n=200, d=3, seed=0):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed))


def named(n=200, classes=3, seed=1):
    return torch.randint(classes, (n,), generator=torch.Generator().manual_seed(seed))


def clusters(n, seed, spread):
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(10, (n,), generator=generator)
    angle = labels * (2 * math.pi / 10)
    centre = torch.stack([angle.cos(), 7 * angle.sin()], dim=1)
    return centre + spread * torch.randn(n, 2, generator=generator), labels


def split(n, seed=0, held_out=0.2):
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    cut = round(held_out * n)
    return order[cut:], order[:cut]


# ---------------------------------------------------------------- classes


@pytest.mark.parametrize("spread", [0.2, 0.6])
@pytest.mark.parametrize("kind", KINDS)
def test_a_class_is_told_as_by_scikit_learn(kind, spread):
    (z, y), (held_out, answers) = clusters(600, 0, spread), clusters(400, 1, spread)
    ours = probe_accuracy(z, y, held_out, answers, kind=kind, k=15, penalty=1e-2)
    mean, sd = z.mean(0), z.std(0)
    theirs = {
        # its C weighs the summed loss, so C = 1 / (N penalty)
        "linear": LogisticRegression(C=1 / (600 * 1e-2), max_iter=2000),
        "neighbours": KNeighborsClassifier(15),
    }[kind].fit((z - mean) / sd, y)
    score = theirs.score((held_out - mean) / sd, answers)
    assert abs(ours - score) <= 2 / 400  # a tie or two may go another way
    assert 0.3 < ours < 1


def test_a_code_that_knows_nothing_is_guessed_and_one_that_knows_all_is_read():
    _, y = clusters(2000, 0, 0.2)
    noise = normal(2000, 2, 5)
    for kind in KINDS:
        guess = probe_accuracy(noise[:1000], y[:1000], noise[1000:], y[1000:], kind=kind)
        assert 0.05 < guess < 0.16
        told = one_hot(y, 10).float() + 0.01 * noise.mean(1, keepdim=True)
        assert probe_accuracy(told[:1000], y[:1000], told[1000:], y[1000:], kind=kind) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_dimension_that_never_moves_tells_nothing(kind):
    (z, y), (held_out, answers) = clusters(300, 0, 0.6), clusters(200, 1, 0.6)
    alone = probe_accuracy(z, y, held_out, answers, kind=kind)
    z, held_out = (torch.cat([x, torch.full((len(x), 1), 5.0)], 1) for x in (z, held_out))
    assert probe_accuracy(z, y, held_out, answers, kind=kind) == alone


def test_ten_codes_can_be_divided_and_nine_cannot():
    z, y = normal(10), torch.arange(10) % 2
    assert 0 <= probe(z, y, held_out=0.2).score <= 1
    with pytest.raises(ValueError, match="z holds 9 codes"):
        probe(z[:9], y[:9], held_out=0.2)


def test_neighbours_see_a_ring_that_no_straight_line_does():
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(1000) % 2
    radius = torch.where(y == 1, 3.0, 1.0) + 0.1 * torch.randn(1000, generator=generator)
    angle = 2 * math.pi * torch.rand(1000, generator=generator)
    z = torch.stack([radius * angle.cos(), radius * angle.sin()], dim=1)
    parts = z[:500], y[:500], z[500:], y[500:]
    assert probe_accuracy(*parts, kind="neighbours") > 0.99
    assert probe_accuracy(*parts, kind="linear") < 0.65


def test_a_class_probe_beats_its_baseline_only_where_there_is_something_to_find():
    z, labels = normal(400), named(400)
    blind = probe(z, labels)
    assert abs(blind.score - blind.baseline) < 0.15
    z += 4 * one_hot(labels, 3)
    seeing = probe(z, labels)
    assert seeing.score > 0.95
    assert 0.25 < seeing.baseline < 0.5
    assert (seeing.kind, seeing.held_out) == ("linear", 80)


def test_the_baseline_is_the_class_that_is_commonest_where_the_probe_learns():
    y = torch.tensor([0] * 6 + [1] * 4)
    asked = normal(4, 1, 3), torch.tensor([1, 1, 1, 0])
    found = probe(normal(10, 1), y, held_out=asked, k=1)
    assert found.baseline == 0.25
    assert found.held_out == 4


def test_the_short_name_asks_the_same_question():
    (z, y), other = clusters(300, 0, 0.6), clusters(200, 1, 0.6)
    for kind in KINDS:
        full = probe(z, y, held_out=other, kind=kind)
        assert probe_accuracy(z, y, *other, kind=kind) == full.score


# ---------------------------------------------------------------- numbers


def test_a_line_is_told_by_least_squares_on_held_out_codes():
    z = normal(300)
    y = z @ torch.tensor([1.0, -2.0, 0.0]) + 0.5 * normal(300, 1, 7)[:, 0]
    train, test = split(300, seed=5)
    model = LinearRegression().fit(z[train].numpy(), y[train].numpy())
    expected = model.score(z[test].numpy(), y[test].numpy())
    assert probe(z, y, seed=5, penalty=0).score == pytest.approx(expected, abs=1e-6)
    found = probe(z, y, seed=5)
    assert found.score == pytest.approx(expected, abs=1e-4)  # the usual penalty does no harm
    assert (found.held_out, found.baseline) == (60, 0)


def test_the_penalty_is_that_of_ridge_regression():
    z, y = normal(300) * torch.tensor([1.0, 5, 0.1]), normal(300, 1, 4)[:, 0]
    y = y + z[:, 2] * 10
    train, test = split(300, seed=5)
    scaled = ((z - z[train].mean(0)) / z[train].std(0)).double().numpy()
    model = Ridge(alpha=0.3 * len(train)).fit(scaled[train], y[train].double().numpy())
    expected = model.score(scaled[test], y[test].double().numpy())
    assert probe(z, y, seed=5, penalty=0.3).score == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("kind", ["number", "class"])
def test_neighbours_are_scikit_learns_and_see_what_is_bent(kind):
    z = normal(300)
    ring = z.norm(dim=1)  # bent: no line finds it
    y = ring if kind == "number" else (ring > 1.6).long()
    train, test = split(300, seed=2)
    scaled = ((z - z[train].mean(0)) / z[train].std(0)).numpy()
    judge = KNeighborsRegressor(5) if kind == "number" else KNeighborsClassifier(5)
    judge.fit(scaled[train], y[train].numpy())
    expected = judge.score(scaled[test], y[test].numpy())
    found = probe(z, y, kind="neighbours", k=5, seed=2)
    assert found.score == pytest.approx(expected, abs=1e-6)
    assert found.score > probe(z, y, kind="linear", seed=2).score + 0.2


def test_neighbours_are_found_where_squares_of_distances_are_below_rounding():
    # Two clouds at -1 and 1, in each of which neighbours are 1e-9 apart: 1 + 1e-18 is 1.
    steps = torch.arange(100, dtype=torch.float64) * 1e-9
    z = torch.cat([steps - 1, steps + 1])[:, None]
    y = torch.arange(200.0)
    asked = z + 1e-10
    assert probe(z, y, held_out=(asked, y), kind="neighbours", k=1).score == 1


def test_codes_set_apart_beforehand_are_judged_as_they_are():
    z = normal(300)
    y = z[:, 0] + z[:, 1] ** 2
    train, test = split(300, seed=3)
    for kind in KINDS:
        own = probe(z, y, kind=kind, seed=3)
        given = probe(z[train], y[train], held_out=(z[test], y[test]), kind=kind)
        assert given.score == pytest.approx(own.score, abs=1e-9)


# ---------------------------------------------------------------- both


def test_the_unit_of_a_dimension_does_not_matter():
    (z, y), (held_out, answers) = clusters(300, 0, 0.5), clusters(300, 1, 0.5)
    scale = torch.tensor([1e-3, 50.0])
    for kind in KINDS:
        plain = probe_accuracy(z, y, held_out, answers, kind=kind)
        scaled = probe_accuracy(z * scale, y, held_out * scale, answers, kind=kind)
        assert abs(plain - scaled) <= 1 / 300


def test_a_dimension_that_stood_still_is_not_blown_up_when_it_moves():
    (z, y), (other, answers) = clusters(300, 0, 0.2), clusters(300, 1, 0.2)
    still = torch.full((300, 1), 0.1)  # its mean is not quite 0.1, by rounding
    for kind in KINDS:
        plain = probe(z, y, held_out=(other, answers), kind=kind).score
        more = torch.cat([z, still], 1), torch.cat([other, still + 1e-3 * normal(300, 1)], 1)
        found = probe(more[0], y, held_out=(more[1], answers), kind=kind).score
        assert found == pytest.approx(plain, abs=0.01)


def test_a_turned_code_keeps_its_probe_and_loses_its_correlation():
    z = normal(1000, 8)
    y = z[:, 0].clone()
    after = z @ torch.linalg.qr(normal(8, 8, 9)).Q
    assert factors.correlation(y[:, None], z).abs().max() > 0.999
    assert factors.correlation(y[:, None], after).abs().max() < 0.9
    assert probe(after, y).score == pytest.approx(probe(z, y).score, abs=1e-4)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"kind": "tree"}, ValueError, "expected one of 'linear', 'neighbours'"),
        ({"k": 0}, ValueError, "k must be at least 1"),
        ({"k": 21}, ValueError, "only 20 codes"),
        ({"kind": "linear", "penalty": -1.0}, ValueError, "penalty is -1.0"),
        ({"z": torch.zeros(20, 3)}, ValueError, r"held_out must be \(N, 3\)"),
        ({"labels": torch.zeros(19).long()}, ValueError, "each of the 20"),
        ({"labels": torch.zeros(20).long()}, ValueError, "all alike"),
        ({"labels": torch.zeros(20)}, TypeError, "int64"),
        ({"held_out": torch.full((5, 2), torch.nan)}, ValueError, "finite"),
        ({"held_out_labels": torch.zeros(5)}, TypeError, "held_out_labels must be int64"),
        (
            {"held_out_labels": torch.zeros(4).long()},
            ValueError,
            "one label for each of the 5 images, got 4",
        ),
    ],
)
def test_bad_input_is_refused(change, error, message):
    good = {
        "z": torch.randn(20, 2),
        "labels": torch.arange(20) % 10,
        "held_out": torch.randn(5, 2),
        "held_out_labels": torch.arange(5),
        "k": 3,
    }
    with pytest.raises(error, match=message):
        probe_accuracy(**(good | change))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda z, y: probe(z, y, held_out=1.0), "held_out is 1.0"),
        (lambda z, y: probe(z[:9], y[:9]), "at least 10"),
        (lambda z, y: probe(z[:20], y[:20], kind="neighbours"), "only 16 codes"),
        (lambda z, y: probe(z, y[:5]), "each of the 200 codes"),
        (lambda z, y: probe(z, y.int()), r"y.float\(\)"),
        (lambda z, y: probe(z, y * 0), "all alike"),
        (lambda z, y: probe(z, torch.ones(200)), "constant"),
        (lambda z, y: probe(z, y.float() * torch.nan), "finite"),
    ],
)
def test_a_factor_that_cannot_be_divided_is_refused(call, message):
    with pytest.raises((TypeError, ValueError), match=message):
        call(normal(), named())
