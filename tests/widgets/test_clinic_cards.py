"""The figure of *The clinic*: what it packs, what it says, what it refuses."""

import json

import numpy as np
import pytest
import torch

from aeteach.clinic import FINDINGS, Finding, Report, Vitals
from aeteach.widgets import Clinic
from aeteach.widgets.clinic_cards import BEDS, FAULTS, VIEWS, evidence
from aeteach.widgets.kit.inputs import StateError

MEASURED = {
    "kl_weight": 1.0,
    "balance": 1.0,
    "highest": 0.98,
    "noise_mean": 0.0,
    "log_var_ratio": 0.2,
    "draws_repeat": 0.0,
    "encoder_reached": 1.0,
    "mode_difference": 0.0,
    "shared": 0.0,
}
SICK = {
    "sign": {"kl_weight": -1.0},
    "kl_unused": {"kl_weight": 0.0},
    "pixel_mean": {"balance": 196.0},
    "detached": {"encoder_reached": 0.0},
    "sigmoid_twice": {"highest": 0.731},
    "log_var_as_sigma": {"log_var_ratio": 1.0},
    "uniform_noise": {"noise_mean": 0.5},
    "train_mode": {"mode_difference": 1.5},
    "leak": {"shared": 100.0},
    "frozen_seed": {"draws_repeat": 1.0},
}


def make_chart(seed=0, moments=3, n=2, d=3, size=5):
    """Random vital signs in their ranges."""
    g = torch.Generator().manual_seed(seed)

    def uniform(*shape):
        return torch.rand(*shape, generator=g)

    return [
        Vitals(
            50 * i,
            40 + 20 * uniform(2) / (1 + i),
            42 + 20 * uniform(2) / (1 + i),
            uniform(d),
            torch.softmax(uniform(24), 0),
            torch.softmax(uniform(24), 0),
            uniform(n, 1, size, size),
            uniform(2, n, 1, size, size),
        )
        for i in range(moments)
    ]


def make_report(name, **measured):
    findings = () if name == "healthy" else (Finding(FAULTS[name].finding, "found"),)
    return Report(findings, MEASURED | SICK.get(name, {}) | measured)


def make(names=BEDS, **kwargs):
    charts = {name: make_chart(i + 1) for i, name in enumerate(names)} | {"healthy": make_chart()}
    reports = {name: make_report(name) for name in charts}
    originals = {name: torch.rand(2, 1, 5, 5) for name in charts}
    return Clinic(charts, reports, originals, **kwargs)


def test_every_fault_has_a_bed_a_test_and_words():
    assert sorted(BEDS) == sorted(FAULTS) == sorted(SICK)
    assert len(FAULTS) >= 8
    for fault in FAULTS.values():
        assert fault.finding in FINDINGS
        assert len(fault.why) > 40
    assert len({f.label for f in FAULTS.values()}) == len(FAULTS)
    assert len({f.finding for f in FAULTS.values()}) == len(FAULTS)


def test_the_order_of_beds_gives_nothing_away():
    labels = sorted(f.label for f in FAULTS.values())
    assert [labels.index(FAULTS[n].label) for n in BEDS] != list(range(len(BEDS)))
    assert list(BEDS) != list(FAULTS)


@pytest.mark.parametrize("fault", FAULTS)
def test_evidence_states_the_number_and_what_was_needed(fault):
    own = evidence(fault, make_report(fault))
    healthy = evidence(fault, make_report("healthy"))
    assert own != healthy
    for sentence in (own, healthy):
        assert sentence.endswith(f"This fault needs {FAULTS[fault].needs}.")
    value = SICK[fault][FAULTS[fault].key]
    shown = {"frozen_seed": "yes", "sign": "\N{MINUS SIGN}1.00", "leak": "100"}
    shown |= {"sigmoid_twice": "0.73"}
    assert f" {shown.get(fault, f'{value:.3g}')}" in own.removesuffix(FAULTS[fault].needs + ".")


def test_a_number_that_is_missing_is_said_to_be():
    report = Report((), {})
    assert "can be measured any more" in evidence("sign", report)


def test_the_arrays_and_the_pictures_are_those_of_the_charts():
    figure = make()
    names = list(BEDS)
    assert len(figure.patients) == len(names)
    for place, name in enumerate(names):
        chart = make_chart(names.index(name) + 1)
        for key in ("seen", "unseen", "kl", "pixels", "noise"):
            entry = figure.manifest[f"p{place}.{key}"]
            length = int(np.prod(entry["shape"]))
            got = np.frombuffer(figure.weights, "<f4", length, entry["offset"])
            want = torch.stack([getattr(v, key) for v in chart]).numpy()
            assert entry["shape"] == list(want.shape)
            assert np.allclose(got.reshape(want.shape), want, rtol=1e-6)
        start, strip = figure.patients[place]["pictures"], 2 * 25
        for i, v in enumerate(chart):
            for j, images in enumerate((v.x_hat, *v.generated)):
                at = start + (1 + 3 * i + j) * strip
                got = np.frombuffer(figure.pictures, np.uint8, strip, at).reshape(5, 10)
                want = torch.cat(list(images[:, 0]), dim=1).numpy()  # side by side
                assert np.abs(got / 255 - want).max() <= 0.5 / 255 + 1e-6
    assert len(figure.pictures) == len(names) * (1 + 3 * 3) * 2 * 25


def test_a_patient_may_have_a_control_of_its_own():
    own = make_chart(99, moments=4)
    figure = make(controls={"leak": own})
    place = BEDS.index("leak")
    assert figure.patients[place]["controlSteps"] == [0, 50, 100, 150]
    assert figure.patients[0]["controlSteps"] == [0, 50, 100]
    entry = figure.manifest[f"c{place}.kl"]
    got = np.frombuffer(figure.weights, "<f4", 12, entry["offset"])
    assert np.allclose(got, torch.stack([v.kl for v in own]).numpy().ravel(), rtol=1e-6)


def test_the_score_counts_right_diagnoses_and_first_guesses():
    figure = make()
    faults = [p["fault"] for p in figure.patients]
    assert sorted(faults) == list(range(len(FAULTS)))
    guesses = [[] for _ in faults]
    guesses[0] = [faults[0]]
    guesses[1] = [faults[0], faults[1]]
    guesses[2] = [faults[0]]
    figure.guesses = guesses
    assert (figure.solved, figure.at_first) == (2, 1)
    assert repr(figure) == "Clinic(patients=10, solved=2)"
    for place, p in enumerate(figure.patients):
        assert figure.diagnoses[p["fault"]]["label"] == FAULTS[BEDS[place]].label
        assert len(p["evidence"]) == len(FAULTS)


def test_some_patients_alone_make_a_figure():
    figure = make(("leak", "sign"))
    assert [BEDS.index(n) for n in ("leak", "sign")] == sorted(
        BEDS.index(n) for n in ("leak", "sign")
    )
    assert len(figure.patients) == 2
    labels = [figure.diagnoses[p["fault"]]["label"] for p in figure.patients]
    assert labels == [FAULTS["leak"].label, FAULTS["sign"].label]


def test_the_page_is_small_and_the_same_each_time(monkeypatch):
    monkeypatch.setenv("AETEACH_HOST", "page")
    torch.manual_seed(0)
    one = make().page_html()
    torch.manual_seed(0)
    assert one == make().page_html()
    assert len(one) < 200_000
    assert "aria-label" in one
    json.dumps(make().patients)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("patient", -1),
        ("patient", 10),
        ("moment", 3),
        ("moment", -1),
        ("view", "x-ray"),
        ("looked", 10),
        ("looked", -2),
        ("guesses", [[]]),
        ("guesses", [[0, 0]] + [[]] * 9),
        ("guesses", [[10]] + [[]] * 9),
    ],
)
def test_a_state_that_cannot_be_shown_is_refused(name, value):
    figure = make()
    kept = getattr(figure, name)
    with pytest.raises(StateError, match=name):
        setattr(figure, name, value)
    assert getattr(figure, name) == kept


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_is_accepted(view):
    assert make(view=view).view == view


def build(charts=None, reports=None, originals=None):
    good = {"sign": make_chart(1), "healthy": make_chart()}
    charts = good if charts is None else charts
    reports = {n: make_report(n) for n in good} if reports is None else reports
    originals = {n: torch.rand(2, 1, 5, 5) for n in good} if originals is None else originals
    return Clinic(charts, reports, originals)


def test_charts_that_do_not_fit_are_refused():
    chart = make_chart(1)
    assert build() is not None
    with pytest.raises(StateError, match="expected 'healthy'"):
        build(charts={"sign": chart})
    with pytest.raises(StateError, match="expected 'healthy'"):
        build(charts={"flu": chart, "healthy": chart})
    with pytest.raises(StateError, match="expected 'healthy'"):
        build(charts={"healthy": chart})
    with pytest.raises(StateError, match="no report"):
        build(reports={})
    with pytest.raises(StateError, match="expected 'kl_sign' among it"):
        build(reports={"sign": Report((), MEASURED)})
    with pytest.raises(StateError, match="1 moments"):
        build(charts={"sign": chart[:1], "healthy": chart})
    with pytest.raises(StateError, match="originals have shape"):
        build(originals={"sign": torch.rand(2, 5, 5)})
    with pytest.raises(StateError, match="as its originals"):
        build(originals={"sign": torch.rand(2, 1, 6, 6)})
    with pytest.raises(StateError, match="in \\[0, 1\\]"):
        build(originals={"sign": 3 * torch.ones(2, 1, 5, 5)})
    broken = [chart[0], chart[1]._replace(kl=torch.full((3,), torch.nan))]
    with pytest.raises(StateError, match=r"p0\.kl holds NaN"):
        build(charts={"sign": broken, "healthy": chart})
