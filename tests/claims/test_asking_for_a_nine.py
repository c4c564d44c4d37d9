"""What "Asking for a nine" claims beyond its cells: from the table of its experiment."""

import math

from aeteach_book.evidence import Cause, OverSeeds

from aeteach import results


def value(model: str, seed: int, column: str) -> float:
    (row,) = results.read("conditional").where(model=model, seed=seed)
    return row[column]


@OverSeeds(
    "better-when-it-pays",
    "Even when it pays for the label in full, the conditional model is the better model of digits.",
    measured="loss of the VAE, less that of the conditional one and log 10 nats for the label",
    seeds=5,
    spread=(2.6, 3.63),
    within=0.01,
    false_at=0,
    table="conditional.csv",
)
def test_better_when_it_pays(seed: int) -> float:
    return value("VAE", seed, "loss") - value("CVAE", seed, "loss") - math.log(10)


@Cause(
    "the-code-forgets",
    "The code has *forgotten* the digit.",
    measured="per cent of the test digits whose class the nearest codes name",
    changed="the label told to encoder and decoder",
    seeds=5,
    before=(72.45, 77.76),
    after=(11.65, 13.38),
    within=0.01,
    table="conditional.csv",
)
def test_the_code_forgets(seed: int, changed: bool) -> float:
    return value("CVAE" if changed else "VAE", seed, "probe_neighbours")


@OverSeeds(
    "the-decoder-alone-is-enough",
    "With the label in the decoder alone, the code forgets nearly as much.",
    measured="per cent of the test digits whose class the nearest codes name (11 are ones)",
    seeds=5,
    spread=(13.01, 14.07),
    within=0.01,
    false_at=20,
    table="conditional.csv",
)
def test_the_decoder_alone_is_enough(seed: int) -> float:
    return value("CVAE, decoder only", seed, "probe_neighbours")


@OverSeeds(
    "asked-by-the-label",
    "Asked by the label, nearly every digit is read as the one that was asked for.",
    measured="per cent that are read so",
    seeds=5,
    spread=(99.73, 99.9),
    within=0.01,
    false_at=97.84,
    table="conditional.csv",
)
def test_asked_by_the_label(seed: int) -> float:
    return value("CVAE", seed, "readability")


@Cause(
    "told-more-is-sharper",
    "Whoever is told more has fewer\nimages left to average, and so the CVAE is sharper than the "
    "VAE.",
    measured="sharpness of generated digits, in grey levels a pixel",
    changed="the label told to encoder and decoder",
    seeds=5,
    before=(0.385, 0.397),
    after=(0.446, 0.447),
    within=0.001,
    table="conditional.csv",
)
def test_told_more_is_sharper(seed: int, changed: bool) -> float:
    return value("CVAE" if changed else "VAE", seed, "sharpness_generated")


@OverSeeds(
    "the-start-of-the-decoder",
    "Widen the start of the decoder, and the loss falls by more than 2 and the strokes sharpen, "
    "whichever way the encoder is told.",
    measured="by how much the loss falls, the smaller of both ways",
    seeds=3,
    spread=(2.1, 2.28),
    within=0.01,
    false_at=2,
    table="conditional.csv",
)
def test_the_start_of_the_decoder(seed: int) -> float:
    ways = {
        "ConvCVAE as reported": "ConvCVAE, wide decoder",
        "ConvCVAE, label planes": "ConvCVAE fixed",
    }
    for narrow, wide in ways.items():
        sharper = [value(model, seed, "sharpness_generated") for model in (narrow, wide)]
        assert sharper[0] < sharper[1]
    return min(value(n, seed, "loss") - value(w, seed, "loss") for n, w in ways.items())
