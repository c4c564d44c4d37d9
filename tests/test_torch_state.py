"""What the caller has set for torch as a whole changes no number of this package."""

import dataclasses
import functools
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

import aeteach
from aeteach import channel, clinic, conditional, inpainting, latent, losses, models, training
from aeteach.data import cube, examples, folder, mnist, shapes
from aeteach.data.spoilt import blur, reader_images
from aeteach.metrics.coverage import generate, nearest
from aeteach.metrics.readability import readability

IMAGES = torch.rand(24, 1, 32, 32, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(24) % 10
ASKED = torch.tensor([0, 1, 1])
CODES = torch.rand(24, 2, generator=torch.Generator().manual_seed(1))
SMALL = torch.rand(24, 1, 28, 28, generator=torch.Generator().manual_seed(2))


@pytest.fixture
def double() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def state(model: torch.nn.Module) -> dict[str, Tensor]:
    return model.state_dict()


def trained() -> list[float]:
    model = models.build("vae", seed=3)
    return training.fit(model, IMAGES, loss="elbo", epochs=2, progress=False).curve()


@functools.cache
def pictures() -> Path:
    """Return a folder with one picture."""
    made = Path(tempfile.mkdtemp())
    Image.new("RGB", (6, 5), "red").save(made / "a.png")
    return made


CASES: dict[str, Callable[[], Any]] = {
    "mnist": lambda: mnist("test", size=32).images,
    "shapes": lambda: shapes("test").images,
    "rectangles": lambda: shapes("test", rectangles=True).images,
    "cube": lambda: cube(50, seed=1),
    "reader_images": lambda: reader_images("test")[0],
    "folder": lambda: folder(pictures(), 4).images,
    "examples": lambda: examples(np.arange(6.0).reshape(2, 3)),
    "fit": trained,
    "evaluate": lambda: training.evaluate(aeteach.load("vae-2"), IMAGES, "elbo"),
    "generate": lambda: generate(aeteach.load("vae-2"), 5, 2, seed=1),
    "conditional": lambda: conditional.generate(aeteach.load("cvae"), LABELS, seed=1),
    "all_digits": lambda: conditional.all_digits(aeteach.load("cvae"), [0.5, -1.0]),
    "digit_grid": lambda: conditional.digit_grid(aeteach.load("cvae"), 3, 2),
    "grid": lambda: latent.grid(3, -1.0, 1.0),
    "draw_by_class": lambda: latent.draw_by_class(CODES, LABELS % 2, ASKED, seed=1, classes=2),
    "inpaint": lambda: inpainting.inpaint(
        aeteach.load("keras-vae"), SMALL[:4], inpainting.hole(), sample=True
    ),
    "readability": lambda: readability(aeteach.load("linear-2"), IMAGES, LABELS),
    "vital_signs": lambda: clinic.vital_signs(aeteach.load("vae-2"), IMAGES, IMAGES.flip(0)),
    "transmit": lambda: channel.transmit(CODES, 10.0, seed=1),
} | {f"build {name}": lambda name=name: state(models.build(name, seed=2)) for name in models.MODELS}


def plain(value: Any) -> Any:
    """Return tensors with their type, and everything else by what it says."""
    if isinstance(value, Tensor):
        return value.dtype, value.device, value.shape, value.detach().numpy().tobytes()
    if isinstance(value, dict):
        return {name: plain(part) for name, part in value.items()}
    if dataclasses.is_dataclass(value) or hasattr(value, "_asdict"):
        return plain(vars(value) if dataclasses.is_dataclass(value) else value._asdict())
    return repr(value)


@pytest.mark.parametrize("case", CASES)
def test_a_default_of_float64_changes_nothing(case: str, request: pytest.FixtureRequest) -> None:
    want = plain(CASES[case]())
    request.getfixturevalue("double")
    assert plain(CASES[case]()) == want


MEASURED = CASES | {
    "nearest": lambda: nearest(IMAGES[:8], IMAGES[8:]),
    "blur": lambda: blur(IMAGES, 1.0),
    "decode_mixture": lambda: conditional.decode_mixture(
        aeteach.load("cvae"), CODES, torch.eye(10)[LABELS]
    ),
    "examine": lambda: clinic.examine(aeteach.load("vae-2"), losses.Elbo(), IMAGES),
    "fit convolutions": lambda: training.fit(
        models.build("conv"), IMAGES, epochs=1, progress=False
    ).curve(),
}


@pytest.mark.parametrize("case", MEASURED)
def test_autocast_changes_nothing(case: str) -> None:
    want = plain(MEASURED[case]())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = plain(MEASURED[case]())
        assert torch.is_autocast_enabled("cpu")
    assert found == want


@pytest.mark.parametrize("case", ["mnist", "shapes", "cube", "folder", "examples"])
def test_data_lie_on_the_cpu_whatever_the_default_device(case: str) -> None:
    want = plain(CASES[case]())
    with torch.device("meta"):
        made = CASES[case]()
    assert plain(made) == want


@pytest.mark.parametrize("name", models.MODELS)
def test_a_model_is_drawn_on_the_cpu_and_put_on_the_default_device(name: str) -> None:
    want = {key: (value.shape, value.dtype) for key, value in state(models.build(name)).items()}
    with torch.device("meta"):
        made = models.build(name)
    assert {value.device.type for value in state(made).values()} == {"meta"}
    assert {key: (value.shape, value.dtype) for key, value in state(made).items()} == want


def test_a_model_made_in_inference_mode_can_be_trained() -> None:
    with torch.inference_mode():
        made = [models.build("vae", seed=3), aeteach.load("vae-2")]
    for model in made:
        assert not any(value.is_inference() for value in state(model).values())
        training.fit(model, IMAGES, loss="elbo", epochs=1, progress=False)


def test_several_gpus_bring_no_warning_and_keep_their_random_states(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The weights are drawn on the CPU: no other generator is read, seeded or put back.
    def touched(*_: Any) -> None:
        raise AssertionError("a GPU's random state was touched")

    monkeypatch.setattr(torch.cuda, "device_count", lambda: 8)
    for name in ("get_rng_state", "set_rng_state", "manual_seed_all", "manual_seed"):
        monkeypatch.setattr(torch.cuda, name, touched)
    before = torch.get_rng_state()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        models.build("linear", seed=1)
    assert torch.equal(torch.get_rng_state(), before)
