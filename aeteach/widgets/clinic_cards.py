"""Ten broken VAEs in their beds: look at the symptoms, name the fault, be told what refutes you."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import traitlets as t
from numpy.typing import ArrayLike, NDArray

from aeteach.clinic import Report, Vitals
from aeteach.widgets.kit.host import PackedFigure, pack
from aeteach.widgets.kit.inputs import StateError, read_array
from aeteach.widgets.kit.traits import OneOf, WholeWithin

VIEWS = ("reconstruction", "kl", "dimensions", "pixels", "noise")
_CURVES = ("seen", "unseen", "kl", "pixels", "noise")  # of Vitals, a row a moment


class Fault(NamedTuple):
    """A fault that can be chosen as a diagnosis.

    Attributes:
        finding: name of the finding of `aeteach.clinic.examine` that convicts.
        label: the diagnosis in words.
        key: number of the report that decides.
        what: what this number is.
        needs: what it would be, were the fault present.
        why: how the fault makes its symptoms; said of a right diagnosis.
    """

    finding: str
    label: str
    key: str
    what: str
    needs: str
    why: str


_WEIGHT = "A nat of KL weighs, in the loss,"
FAULTS = {
    "sign": Fault(
        "kl_sign",
        "The KL is subtracted",
        "kl_weight",
        _WEIGHT,
        "less than 0",
        "The further q moves from the prior, the lower the loss: the KL explodes.",
    ),
    "kl_unused": Fault(
        "kl_unused",
        "The KL is computed and not used",
        "kl_weight",
        _WEIGHT,
        "0",
        "A plain autoencoder: good reconstructions, a KL that climbs, bad random digits.",
    ),
    "pixel_mean": Fault(
        "reduction",
        "The reconstruction is averaged over pixels",
        "balance",
        "Measured in nats of reconstruction, a nat of KL weighs",
        "the number of pixels",
        "The KL outweighs everything: all dimensions on the prior, the same grey digit for all.",
    ),
    "detached": Fault(
        "gradient",
        "z is cut off from the encoder",
        "encoder_reached",
        "The share of the encoder's tensors that feel x_hat is",
        "less than 1",
        "The encoder hears the KL alone and goes to the prior. The plots are those of an averaged "
        "reconstruction; only the measurement tells the two apart.",
    ),
    "sigmoid_twice": Fault(
        "sigmoid",
        "A sigmoid is applied twice",
        "highest",
        "However far out z is, x_hat reaches at most",
        "0.73 or less",
        "No pixel is below one half. So x_hat is grey, z is of no use, and the KL is zero.",
    ),
    "log_var_as_sigma": Fault(
        "spread",
        "log_var is taken for sigma",
        "log_var_ratio",
        "The standard deviation of z, divided by |log_var|, is",
        "1",
        "With log_var near 0 the draws have no noise and the KL asks for nothing: better "
        "reconstruction for fewer nats, which is too good to be true.",
    ),
    "uniform_noise": Fault(
        "noise",
        "The noise is rand, not randn",
        "noise_mean",
        "The mean of (z - mu) / sigma is",
        "0.5",
        "The histogram of the noise is a block from 0 to 1 in place of a bell around 0.",
    ),
    "train_mode": Fault(
        "mode",
        "Measured in training mode",
        "mode_difference",
        "Between the two modes, in standard deviations, mu moves by",
        "more than 0",
        "Held-out digits lie sorted by class, and batch normalisation removes what they share. It "
        "looks like overfitting and is not.",
    ),
    "leak": Fault(
        "leak",
        "Held-out digits were trained on",
        "shared",
        "The number of held-out digits that were trained on is",
        "above 0",
        "Held out and training fall together, where the control shows a gap.",
    ),
    "frozen_seed": Fault(
        "repeat",
        "A seed is set inside generate",
        "draws_repeat",
        "Two calls gave the same numbers:",
        "yes",
        "Curves as healthy as can be, and the same random digits in every call.",
    ),
}
# Not the order of the chapter, nor that of the diagnoses.
BEDS = (
    "detached", "frozen_seed", "log_var_as_sigma", "leak", "sigmoid_twice", "kl_unused",
    "train_mode", "pixel_mean", "uniform_noise", "sign",
)  # fmt: skip


def evidence(fault: str, report: Report) -> str:
    """Return the sentence that convicts or refutes: what was measured, and what the fault needs.

    Args:
        fault: one of `FAULTS`.
        report: of the patient.
    """
    key, what, needs = FAULTS[fault].key, FAULTS[fault].what, FAULTS[fault].needs
    value = report.measured.get(key)
    if value is None:
        return f"{what} nothing that can be measured any more. This fault needs {needs}."
    return f"{what} {_text(key, value)}. This fault needs {needs}."


def _text(key: str, value: float) -> str:
    if key == "draws_repeat":
        return "yes" if value else "no"
    text = f"{value:.0f}" if key == "shared" or abs(value) >= 100 else f"{value:.2f}"
    return text.replace("-0.00", "0.00").replace("-", "\N{MINUS SIGN}")


class Clinic(PackedFigure):
    """Show the charts of broken VAEs, let the reader name each fault, and answer with evidence.

    Args:
        charts: patient -> its vital signs, at least two moments; "healthy" for the control, the
            others named as in `FAULTS`, at least one.
        reports: patient -> what `examine` found; the patient's own fault must be among it.
        originals: patient -> the training images (n, 1, H, W) that the pictures rebuild.
        controls: patient -> the chart to compare it with, where that is not "healthy".

    Attributes:
        patient: bed, from 0.
        moment: place in the patient's chart, from 0; a shorter chart shows its last one.
        view: which plot: "reconstruction", "kl", "dimensions", "pixels" or "noise".
        control: whether the healthy control is drawn too.
        guesses: for each bed, the diagnoses chosen so far, from 0, until the right one.
        looked: the diagnosis whose evidence is shown, -1 to 9; -1 for none.

    Raises:
        ValueError: an unknown patient, charts that do not fit each other or are not finite, or a
            report that does not find the patient's fault.
    """

    _module = "clinic_cards"
    pictures = t.Bytes(b"").tag(sync=True)  # grey levels 0 to 255, a byte a pixel
    patients = t.List(t.Dict()).tag(sync=True)
    diagnoses = t.List(t.Dict()).tag(sync=True)
    shape = t.List(t.Int()).tag(sync=True)  # pictures in a row, height, width
    patient = WholeWithin(0, 0, lambda clinic: len(clinic.patients) - 1)
    moment = WholeWithin(0, 0, lambda clinic: max(len(p["steps"]) for p in clinic.patients) - 1)
    view = OneOf(*VIEWS)
    control = t.Bool(True).tag(sync=True)
    guesses = t.List(t.List(t.Int())).tag(sync=True)
    looked = WholeWithin(-1, -1, len(FAULTS) - 1)

    def __init__(
        self,
        charts: Mapping[str, Sequence[Vitals]],
        reports: Mapping[str, Report],
        originals: Mapping[str, ArrayLike],
        *,
        controls: Mapping[str, Sequence[Vitals]] | None = None,
        **kwargs: Any,
    ) -> None:
        names = _check_names(charts, reports, originals)
        order = sorted(FAULTS, key=lambda name: FAULTS[name].label)
        others = {**dict.fromkeys(names, charts["healthy"]), **(controls or {})}
        shape = _shape(originals[names[0]])
        arrays: dict[str, NDArray[np.float64]] = {}
        block, patients = bytearray(), []
        for place, name in enumerate(names):
            _check_chart(name, charts[name], shape)
            arrays |= _arrays(f"p{place}", charts[name]) | _arrays(f"c{place}", others[name])
            patients.append(
                {
                    "fault": order.index(name),
                    "steps": [int(v.step) for v in charts[name]],
                    "controlSteps": [int(v.step) for v in others[name]],
                    "pictures": len(block),
                    "evidence": [evidence(fault, reports[name]) for fault in order],
                }
            )
            block += _bytes(originals[name], shape)
            for moment in charts[name]:
                block += _bytes(moment.x_hat, shape) + _bytes(moment.generated, shape, 2)
        manifest, weights = pack(arrays, "float32")
        state = {
            "alt": (
                f"{len(names)} broken variational autoencoders, one in each bed. For each: its "
                "reconstruction and KL over training, its KL per dimension, the grey levels of "
                "x_hat, the noise in z, reconstructions and random digits, beside a healthy "
                "control. The reader chooses a diagnosis and is told which measurement confirms "
                "or refutes it."
            ),
            "weights": weights,
            "manifest": manifest,
            "pictures": bytes(block),
            "patients": patients,
            "diagnoses": [{"label": FAULTS[n].label, "why": FAULTS[n].why} for n in order],
            "shape": list(shape),
            "moment": len(charts[names[0]]) - 1,
            "guesses": [[] for _ in names],
        }
        super().__init__(**state | kwargs)

    @property
    def solved(self) -> int:
        """How many patients have their right diagnosis."""
        return sum(p["fault"] in g for p, g in zip(self.patients, self.guesses, strict=True))

    @property
    def at_first(self) -> int:
        """How many had it at the first guess."""
        return sum(g[:1] == [p["fault"]] for p, g in zip(self.patients, self.guesses, strict=True))

    @t.validate("guesses")
    def _check_guesses(self, proposal: Any) -> list[list[int]]:
        value = [[int(g) for g in bed] for bed in proposal["value"]]
        good = len(value) == len(self.patients) and all(
            len(set(bed)) == len(bed) and all(0 <= g < len(FAULTS) for g in bed) for bed in value
        )
        if not good:
            raise StateError(
                f"guesses is {value}; expected {len(self.patients)} lists, one a bed, of different "
                f"diagnoses 0 to {len(FAULTS) - 1}"
            )
        return value

    def __repr__(self) -> str:
        return f"Clinic(patients={len(self.patients)}, solved={self.solved})"


def _check_names(
    charts: Mapping[str, Any], reports: Mapping[str, Report], originals: Mapping[str, Any]
) -> list[str]:
    """Return the patients in the order of their beds, or say who is unknown or wrongly reported."""
    unknown = sorted(set(charts) - set(FAULTS) - {"healthy"})
    names = [name for name in BEDS if name in charts]
    if unknown or "healthy" not in charts or not names:
        raise StateError(
            f"charts are of {sorted(charts)}; expected 'healthy' and at least one of "
            f"{sorted(FAULTS)}"
        )
    for name in names:
        if name not in reports or name not in originals:
            raise StateError(f"{name} has a chart, but no report or no original images: pass both")
        if FAULTS[name].finding not in reports[name].names:
            raise StateError(
                f"the report of {name} finds {list(reports[name].names)}; expected "
                f"{FAULTS[name].finding!r} among it: was the model trained with this fault?"
            )
    return names


def _shape(images: ArrayLike) -> tuple[int, int, int]:
    shape = np.shape(images)
    if len(shape) != 4 or shape[1] != 1 or 0 in shape:
        raise StateError(f"originals have shape {shape}; expected (n, 1, H, W), n at least 1")
    return shape[0], shape[2], shape[3]


def _check_chart(name: str, chart: Sequence[Vitals], shape: tuple[int, int, int]) -> None:
    if len(chart) < 2:
        raise StateError(f"the chart of {name} has {len(chart)} moments; expected at least 2")
    n, height, width = shape
    for moment in chart:
        if tuple(moment.x_hat.shape) != (n, 1, height, width):
            raise StateError(
                f"the chart of {name} has pictures {tuple(moment.x_hat.shape)}; expected "
                f"{(n, 1, height, width)}, as its originals"
            )


def _arrays(prefix: str, chart: Sequence[Vitals]) -> dict[str, NDArray[np.float64]]:
    """Return the curves of a chart, one row a moment."""
    return {
        f"{prefix}.{key}": read_array(f"{prefix}.{key}", np.stack([getattr(v, key) for v in chart]))
        for key in _CURVES
    }


def _bytes(images: ArrayLike, shape: tuple[int, int, int], calls: int = 1) -> bytes:
    """Return images as grey levels, each row of pictures side by side, (H, n W) a row."""
    n, height, width = shape
    grey = read_array("pictures", np.asarray(images))
    if grey.size != calls * n * height * width or grey.min() < 0 or grey.max() > 1:
        raise StateError(
            f"pictures have shape {grey.shape} and run from {grey.min():g} to {grey.max():g}; "
            f"expected {calls} times {(n, 1, height, width)} in [0, 1]"
        )
    strips = grey.reshape(calls, n, height, width).transpose(0, 2, 1, 3)  # (calls, H, n, W)
    return np.round(255 * strips).astype(np.uint8).tobytes()
