"""Every public function of the package with one good call, and what each argument is.

`CASES` has one entry a function, method or class that is made with arguments; `names()` collects
them from the modules, so that a new one without an entry is found. An entry is called once, when it
is needed, and gives the arguments by name, each as an `Arg`: a good value and its kind, for which
`bad_inputs.KINDS` knows what is bad. What starts with `fine` says which bad input is none here, and
why.
"""

import copy
import functools
import importlib
import inspect
import json
import pkgutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

import aeteach
from aeteach import losses, models, recipes, results, scoreboard, sweeps, toy, weights
from aeteach.data.cube import cube
from aeteach.diffusion import Humps, schedule
from aeteach.metrics import coverage, readability
from aeteach.models import Output
from aeteach.sampling import Mixture
from aeteach.training import History

# What is not asked here, by the beginning of its name, and who asks it.
ELSEWHERE = {
    "checks": "an answer may be anything and gets a verdict: the tests of the checkers",
    "widgets": "figures, whose arguments are the data of one picture: the tests of the widgets",
    "training.checkpoint": "inside of `fit`: the tests of training",
    "training.best": "the same",
    "training.contract": "the same",
    "training.fingerprint": "the same",
    "architecture": "inside of `save` and `load`: its own tests",
    "cli": "words of a command line: the tests of the command line",
    "study": "trains on a folder of pictures: its own tests",
    "htr": "another name of metrics.readability",
    "sweeps.autoencoders.measure": "called by the engine alone, with a cell of its own table",
    "sweeps.conditional.measure": "the same",
    "sweeps.cube.measure": "the same",
    "sweeps.inpainting.measure": "the same",
    "sweeps.shapes.measure": "the same",
    "sweeps.vae.measure": "the same",
    "sweeps.records": "files of the engine: the tests of the sweeps",
    "sweeps.trained": "called by the measures alone",
    "sweeps.scores.readability": "two scores into four columns, called by the measures alone",
}


class Arg(NamedTuple):
    """A good value of an argument.

    Attributes:
        value: what is passed in the good call.
        kind: key of `bad_inputs.KINDS`.
        fine: {bad input: why it is none for this argument}.
    """

    value: Any
    kind: str
    fine: dict[str, str] = {}  # noqa: RUF012 - never changed


class Case(NamedTuple):
    """One function.

    Attributes:
        call: the function, with keyword arguments only.
        arguments: good values.
        draws: it takes random numbers from torch's global generator, as it says.
        infinite: its results may be infinite, as it says.
        slow: a good call takes seconds, and other tests make it.
    """

    call: Callable[..., Any]
    arguments: dict[str, Arg]
    draws: bool = False
    infinite: bool = False
    slow: bool = False

    @property
    def good(self) -> dict[str, Any]:
        """The arguments of the good call; a generator begins anew each time."""
        return {name: _anew(argument.value) for name, argument in self.arguments.items()}


def _anew(value: Any) -> Any:
    return torch.Generator().manual_seed(0) if isinstance(value, torch.Generator) else value


CASES: dict[str, Callable[[], Case]] = {}


def names() -> dict[str, Any]:
    """Return every public function, method and class that takes arguments, by its full name."""
    found: dict[str, Any] = {}
    for info in pkgutil.walk_packages(aeteach.__path__, "aeteach."):
        name = info.name.removeprefix("aeteach.")
        if any(part.startswith("_") for part in name.split(".")) or _elsewhere(name):
            continue
        module = importlib.import_module(info.name)
        for key, value in vars(module).items():
            if key.startswith("_") or getattr(value, "__module__", None) != info.name:
                continue
            if inspect.isclass(value):
                found |= {f"{name}.{key}{rest}": part for rest, part in _of_class(value).items()}
            elif callable(value) and _arguments(value):
                found[f"{name}.{key}"] = value
    return {name: value for name, value in found.items() if not _elsewhere(name)}


def _of_class(kind: type) -> dict[str, Any]:
    """Return a class that checks what it is made of, and its methods that take arguments."""
    if issubclass(kind, Exception):
        return {}
    checked = "__post_init__" in vars(kind) or not hasattr(kind, "__dataclass_fields__")
    made = "__init__" in vars(kind) and checked and not issubclass(kind, tuple)
    found: dict[str, Any] = {"": kind} if made and _arguments(kind) else {}
    for key, value in vars(kind).items():
        public = not key.startswith("_") or key == "__call__"
        if public and inspect.isfunction(value) and len(inspect.signature(value).parameters) > 1:
            found[f".{key}"] = value
    return found


def _arguments(call: Callable[..., Any]) -> bool:
    return bool(inspect.signature(call).parameters)


def _elsewhere(name: str) -> bool:
    return any(name == key or name.startswith((f"{key}.", f"{key}_")) for key in ELSEWHERE)


@functools.cache
def case(name: str) -> Case:
    """Return the case of a function."""
    return CASES[name]()


def _entry(
    name: str,
    make: Callable[[], dict[str, Arg]],
    on: Callable[[], Any] | None = None,
    *,
    draws: bool = False,
    infinite: bool = False,
    slow: bool = False,
    adapt: Callable[[Any], Any] = lambda call: call,
) -> None:
    """Add a case; `on` makes the object whose method it is.

    `adapt` gives the arguments names where the function has none for them (`*widths`).
    """

    def build() -> Case:
        module, _, rest = _home(name)
        owner: Any = None
        value: Any = module
        for part in rest.split("."):
            owner, value = value, getattr(value, part)
        if inspect.isclass(owner):
            assert on is not None, f"{name} is a method: say on what"
            value = functools.partial(value, on())
        return Case(adapt(value), make(), draws, infinite, slow)

    assert name not in CASES, f"{name} is there twice"
    CASES[name] = build


def _home(name: str) -> tuple[Any, str, str]:
    """Return the module that a full name begins with, its name, and what is left."""
    parts = name.split(".")
    for n in range(len(parts) - 1, 0, -1):
        module = "aeteach." + ".".join(parts[:n])
        with suppress(ModuleNotFoundError):
            return importlib.import_module(module), module, ".".join(parts[n:])
    raise LookupError(name)


# ---------------------------------------------------------------- good values

LEFT_OUT = "it may be left out"
GLOBAL = "then it draws from torch's global generator"
ONE = "it may be one"
FAR = "it is above everything"
PLACES = {
    "none": LEFT_OUT,
    "text": "it is the name of a folder",
    "not_there": "it need not be there",
    "a_file": "nothing is written there yet",
}
WHOLE = "whole numbers are numbers"
OVER = "the warm-up is over"
PRECISE = "it is run in float64, and so draws other numbers"
KL = "a KL may be infinite"
UNSEEN = ("grey_levels", "not_square", "three_channels", "nan_inside", "inf_inside")
NO = "it is there to be called like other losses, and what it shows is not looked at"
CALLED = {
    f"gives_{what}": "it is called later, on an output" for what in ("text", "none", "nan", "three")
}
SIZES = dict.fromkeys(("row_more", "one_row"), "there may be any number of them")
FREE = SIZES | {"column_more": "and of any dimension"}
MORE = {key: FREE[key] for key in ("row_more", "column_more")}
WIDER = {"column_more": FREE["column_more"]}
SHAPED = SIZES | {"not_square": "they may be of any shape"}

N, SIZE, D = 20, 16, 2


def _random(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def _images(n: int = N, size: int = SIZE, seed: int = 0) -> Tensor:
    """Return images that are smooth and nowhere alike, in [0, 1]."""
    small = _random(n, 1, 4, 4, seed=seed)
    return nn.functional.interpolate(small, size=size, mode="bilinear").contiguous()


def images(n: int = N, size: int = SIZE, seed: int = 0, **fine: str) -> Arg:
    return Arg(_images(n, size, seed), "images", fine)


def codes(n: int = N, d: int = D, seed: int = 0, **fine: str) -> Arg:
    return Arg(2 * _random(n, d, seed=seed) - 1, "codes", fine)


def labels(n: int = N, classes: int = 10, **fine: str) -> Arg:
    return Arg(torch.arange(n) % classes, "labels", fine)


def floats(value: Tensor, **fine: str) -> Arg:
    """A float tensor of another shape."""
    return Arg(value, "floats", fine)


def numbers(value: Any, **fine: str) -> Arg:
    """Numbers in whatever holds them: a list, an array, a tensor, one number."""
    return Arg(value, "numbers", fine)


def number(value: float, **fine: str) -> Arg:
    return Arg(value, "number", fine)


def count(value: int, **fine: str) -> Arg:
    return Arg(value, "count", fine)


def seed(value: int = 0, **fine: str) -> Arg:
    return Arg(value, "seed", fine)


def flag(value: bool = True, **fine: str) -> Arg:
    return Arg(value, "flag", fine)


def choice(value: str, **fine: str) -> Arg:
    return Arg(value, "choice", fine)


def text(value: str, **fine: str) -> Arg:
    return Arg(value, "text", fine)


def path(value: Any, **fine: str) -> Arg:
    return Arg(value, "path", fine)


def model(value: nn.Module, **fine: str) -> Arg:
    return Arg(value, "model", fine)


def part(value: nn.Module, **fine: str) -> Arg:
    """A part of a model, which may be any module: it is run later."""
    return Arg(value, "part", fine)


def function(value: Any, **fine: str) -> Arg:
    return Arg(value, "function", fine)


def other(value: Any, **fine: str) -> Arg:
    """Anything else: a record, a list of names, a distribution."""
    return Arg(value, "other", fine)


def _decoded(per_value: int) -> dict[str, Arg]:
    """What a decoder makes, so many numbers a value, and 8-bit grey levels."""
    grey = (_random(N, 3, seed=1) * 255).round() / 255
    return {"made": floats(_random(N, 3 * per_value), **SIZES), "x": floats(grey)}


def _npy() -> Path:
    """A file with two rows of three numbers."""
    file = Path(tempfile.mkdtemp()) / "x.npy"
    np.save(file, np.arange(6, dtype=np.float32).reshape(2, 3))
    return file


def _pictures() -> Path:
    """Return a new folder with one picture."""
    from PIL import Image

    made = Path(tempfile.mkdtemp())
    Image.new("RGB", (6, 5), "red").save(made / "a.png")
    return made


def vae(classes: int = 0, told: Any = ("encoder", "decoder")) -> models.VAE:
    """Return a small VAE; its weights depend on nothing."""
    extra = {who: classes * (who in told) for who in ("encoder", "decoder")}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return models.VAE(
            nn.Sequential(nn.Flatten(), nn.Linear(SIZE**2 + extra["encoder"], 8)),
            models.Heads(8, D),
            nn.Sequential(
                nn.Linear(D + extra["decoder"], SIZE**2), nn.Unflatten(1, (1, SIZE, SIZE))
            ),
            latent=D,
            size=SIZE,
            classes=classes,
            told=told,
        )


def autoencoder() -> nn.Module:
    return models.build("mlp", latent=D, size=SIZE, hidden=(8,))


def _copy(value: Any) -> Any:
    """A model to be trained, or whatever came in its place."""
    return copy.deepcopy(value) if isinstance(value, nn.Module) else value


def conv() -> nn.Module:
    return models.build("conv", size=SIZE).eval()


def pca() -> models.PCA:
    return models.PCA(D, size=SIZE).fit(_images())


def _output(n: int = N) -> Output:
    x = _images(n, seed=1).clamp(0.01, 0.99)
    z = 2 * _random(n, D) - 1
    return Output(x, z, z, z / 2, x.logit())


_entry("channel.db_to_ratio", lambda: {"db": number(10.0)})
_entry("channel.ratio_to_db", lambda: {"ratio": number(10.0)})
_entry("channel.signal_power", lambda: {"z": codes(**MORE)})
_entry("channel.noise_variance", lambda: {"z": codes(**MORE), "snr": number(10.0)})
_entry(
    "channel.transmit",
    lambda: {
        "z": codes(float64="its noise is drawn in float64", **FREE),
        "variance": numbers(0.5),
        "seed": seed(none=GLOBAL, generator=ONE),
    },
)
_entry(
    "channel.information_rate",
    lambda: {"signal": numbers([1.0, 2.0]), "noise": numbers([0.5, 0.5]), "base": number(2.0)},
)
_entry("channel.capacity", lambda: {"snr": number(10.0), "dimensions": count(2)})
_entry("channel.mutual_information", lambda: {"kind": choice("binary"), "snr": number(10.0)})

_entry(
    "clinic.examine",
    lambda: {
        "model": model(vae(), nan_weights="it is a finding", in_float64="other draws"),
        "loss": function(losses.Elbo(reconstruction="bernoulli")),
        "images": images(row_more=SIZES["row_more"]),
        "training_images": images(seed=1, none=LEFT_OUT, **SIZES),
        "beta": number(1.0, none=LEFT_OUT),
        "seed": seed(),
    },
)
_entry(
    "clinic.vital_signs",
    lambda: {
        "model": model(vae(), in_float64="other draws"),
        "seen": images(**SIZES),
        "unseen": images(seed=1, **SIZES),
        "step": count(0),
        "pictures": count(4),
        "seed": seed(),
    },
)
_entry(
    "clinic.shared_images", lambda: {"images": images(**SIZES), "others": images(seed=1, **SIZES)}
)

_entry(
    "conditional.generate",
    lambda: {"model": model(vae(10)), "y": labels(**SIZES), "seed": seed(generator=ONE)},
)
_entry("conditional.all_digits", lambda: {"model": model(vae(10)), "z": numbers([0.5, 0.25])})
_entry(
    "conditional.digit_grid",
    lambda: {
        "model": model(vae(10)),
        "digit": count(3),
        "n": count(3),
        "low": number(-3.0),
        "high": number(3.0),
    },
)
_entry(
    "conditional.walk",
    lambda: {"model": model(vae(10)), "z": codes(3), "y": labels(3), "n": count(2)},
)
_entry(
    "conditional.decode_mixture",
    lambda: {
        "model": model(vae(10)),
        "z": codes(),
        "weights": floats(_random(N, 10).softmax(1)),
    },
)

_entry("data.cube.cube", lambda: {"n": count(5), "seed": seed(generator=ONE)})
_entry("data.cube.surface_distance", lambda: {"points": floats(cube(5, 0), **SIZES)})
_entry(
    "data.drawing.as_mnist", lambda: {"drawing": floats(_images(2, 40), **SIZES), "size": count(32)}
)
_entry(
    "data.drawing.ink",
    lambda: {
        "strokes": other([[[0.2, 0.2], [0.8, 0.8]]]),
        "side": count(28),
        "radius": number(0.04),
    },
)
_entry("data.drawing.checked_stroke", lambda: {"stroke": other([[0.2, 0.2], [0.8, 0.8]])})
_entry("data.mnist.mnist", lambda: {"split": choice("test"), "size": count(28)})
_entry("data.mnist.fill", lambda: {"progress": flag(False)})
_entry(
    "data.shapes.shapes",
    lambda: {"split": choice("test", none=LEFT_OUT), "seed": seed(), "rectangles": flag(False)},
)
_entry(
    "data.own.folder",
    lambda: {"path": path(_pictures()), "size": count(4), "grey": flag()},
)
_entry(
    "data.own.examples",
    lambda: {
        "data": floats(
            _random(3, 5),
            **SHAPED,
            **dict.fromkeys(("int64", "uint8", "bool"), "it becomes float32, as it says"),
            **dict.fromkeys(("axis_more", "column_more"), "another shape is other data"),
            **dict.fromkeys(("array", "three_numbers"), "one axis more would be a batch"),
        )
    },
)
_entry("data.own.mapped", lambda: {"path": path(_npy())})
_entry("data.shapes.raster", lambda: {"shape": choice("circle"), "side": count(7)})
_entry("data.spoilt.reader_images", lambda: {"split": choice("test"), "seed": seed()}, slow=True)
_entry("data.spoilt.blur", lambda: {"images": images(3, **SHAPED), "sigma": number(1.0)})

_entry("diffusion.schedule", lambda: {"steps": count(5)})
_entry("diffusion.noise_added", lambda: {"signal": numbers(schedule(5))})
_entry(
    "diffusion.forward",
    lambda: {"x_0": numbers(_random(5).double()), "a_t": numbers(torch.tensor(0.5).double())},
)
_entry(
    "diffusion.backward",
    lambda: {
        "x_0": numbers(_random(5).double()),
        "x_t": numbers(_random(5).double()),
        "a_before": numbers(torch.tensor(0.8).double()),
        "a_t": numbers(torch.tensor(0.5).double()),
    },
)
_entry("diffusion.Humps", lambda: {"centres": numbers((-1.0, 1.0)), "sd": number(0.5)})
_entry(
    "sampling.Mixture",
    lambda: {
        "model": model(vae()),
        "images": images(**SIZES),
        "components": count(2),
        "seed": seed(),
    },
)
for _name in ("codes", "sample"):
    _entry(
        f"sampling.Mixture.{_name}",
        lambda: {"n": count(5), "seed": seed(generator=ONE)},
        lambda: Mixture(vae(), _images(), components=2),
    )
_entry(
    "diffusion.Humps.sample",
    lambda: {"n": count(5), "generator": seed(none=GLOBAL, generator=ONE)},
    Humps,
)
_entry(
    "diffusion.Humps.log_density",
    lambda: {"x": numbers(_random(5).double()), "a_t": numbers(0.5)},
    Humps,
)
for _name in ("start", "decoder"):
    _entry(
        f"diffusion.Humps.{_name}",
        lambda before=_name == "decoder": {
            "x_t": numbers(_random(5).double()),
            **({"a_before": numbers(torch.tensor(0.8).double())} if before else {}),
            "a_t": numbers(torch.tensor(0.5).double()),
        },
        Humps,
    )
_entry(
    "diffusion.elbo_terms",
    lambda: {
        "data": other(Humps()),
        "signal": numbers(schedule(3)),
        "x_0": numbers(_random(4).double()),
    },
)
_entry("diffusion.average_terms", lambda: {"data": other(Humps()), "signal": numbers(schedule(3))})


def _distribution(n: int = 4, k: int = 3, start: int = 0) -> Arg:
    return numbers(_random(n, k, seed=start).softmax(1))


def _normals(*which: str) -> dict[str, Arg]:
    return {name: numbers(_random(4, D, seed=i)) for i, name in enumerate(which)}


def _base() -> dict[str, Arg]:
    return {"base": number(2.0)}


_entry("divergences.surprise", lambda: {"p": numbers(_random(4, 3)), **_base()}, infinite=True)
_entry("divergences.entropy", lambda: {"p": _distribution(), **_base()})
for _name in ("cross_entropy", "kl"):
    _entry(
        f"divergences.{_name}",
        lambda: {"p": _distribution(), "q": _distribution(start=1), **_base()},
        infinite=True,
    )
_entry(
    "divergences.kl_normal",
    lambda: {
        **_normals("mu_q", "log_var_q", "mu_p", "log_var_p"),
        "per_dimension": flag(),
        **_base(),
    },
    infinite=True,
)
_entry(
    "divergences.kl_to_standard_normal",
    lambda: {**_normals("mu", "log_var"), "per_dimension": flag(), **_base()},
    infinite=True,
)
_entry(
    "divergences.kl_monte_carlo",
    lambda: {
        "log_q": function(torch.distributions.Normal(torch.zeros(2), 1.0)),
        "log_p": function(torch.distributions.Normal(torch.ones(2), 1.0)),
        "samples": count(100),
        "generator": other(torch.Generator().manual_seed(0), generator="it is another"),
        **_base(),
    },
    infinite=True,
)
_entry(
    "divergences.nats_to_bits",
    lambda: {"nats": numbers(1.5, inf=KL, endless=KL, inf_inside=KL)},
    infinite=True,
)


def _gradient(**more: str) -> dict[str, Arg]:
    return {
        "mu": floats(_random(D)),
        "log_var": floats(_random(D, seed=1)),
        "eps": floats(_random(N, D, seed=2), **SIZES, **more),
    }


def _squares(z: Tensor) -> Tensor:
    return z.square().sum(1)


_entry(
    "gradients.reparameterize",
    lambda: _gradient(axis_more="axes of draws lead", axis_less="one draw"),
)
_entry("gradients.pathwise", lambda: {"f": function(_squares), **_gradient()})
_entry(
    "gradients.score_function",
    lambda: {"f": function(_squares), **_gradient(), "baseline": number(0.5)},
)
_entry(
    "gradients.average",
    lambda: {
        "per_draw": floats(
            _random(N, D), three_numbers="draws", axis_less="draws", row_more="more draws"
        )
    },
)
_entry("gradients.quadratic_pathwise", lambda: {"m": number(1.0), "sigma": number(0.5)})
_entry(
    "gradients.quadratic_score",
    lambda: {
        "m": number(1.0),
        "sigma": number(0.5),
        "baseline": number(0.5),
        "dimensions": count(3),
    },
)
_entry(
    "gradients.best_baseline",
    lambda: {"m": number(1.0), "sigma": number(0.5), "dimensions": count(3)},
)


def _mask() -> Arg:
    mask = torch.zeros(SIZE, SIZE, dtype=torch.bool)
    mask[4:8, 4:8] = True
    return Arg(mask, "mask")


_entry(
    "inpainting.hole",
    lambda: {"size": count(SIZE), "rows": other((4, 8)), "columns": other((4, 8))},
)
_entry(
    "inpainting.inpaint",
    lambda: {
        "model": model(vae()),
        "images": images(**SIZES),
        "mask": _mask(),
        "iterations": count(2),
        "sample": flag(),
        "start": numbers(0.5),
        "generator": seed(generator=ONE),
        "history": flag(),
    },
)
_entry(
    "inpainting.error_in_hole",
    lambda: {"filled": floats(_images(seed=1)), "images": images(), "mask": _mask()},
)
for _name in ("fill_by_mean", "fill_by_neighbour"):
    _entry(
        f"inpainting.{_name}",
        lambda: {
            "reference": images(seed=1, **SIZES),
            "images": images(**SIZES),
            "mask": _mask(),
        },
    )
_entry(
    "inpainting.fill_by_plane",
    lambda: {"pca": model(pca()), "images": images(**SIZES), "mask": _mask()},
)
_entry("inpainting.loadings", lambda: {"pca": model(pca())})

_entry("latent.bounds", lambda: {"z": codes(**FREE), "share": number(0.9)})
_entry("latent.grid", lambda: {"n": count(3), "low": numbers(-2.0), "high": numbers(2.0)})
for _name in ("class_quartiles", "class_medians"):
    _entry(
        f"latent.{_name}",
        lambda: {
            "z": codes(column_more=FREE["column_more"]),
            "labels": labels(),
            "classes": count(10),
        },
    )
_entry(
    "latent.draw_by_class",
    lambda: {
        "z": codes(),
        "labels": labels(classes=3),
        "y": labels(5, classes=3, **SIZES),
        "seed": seed(generator=ONE),
        "classes": count(3),
    },
)
_entry(
    "latent.interpolate",
    lambda: {
        "a": floats(_random(3), three_numbers="three numbers are a point"),
        "b": floats(_random(3, seed=1), three_numbers="three numbers are a point"),
        "n": count(5),
    },
)
_entry("latent.nearest_code", lambda: {"points": codes(4, seed=1, **SIZES), "z": codes(**SIZES)})


def _pair(first: str, second: str) -> dict[str, Arg]:
    return {first: floats(_images(seed=1).clamp(0.01, 0.99)), second: floats(_images())}


_entry("losses.squared_error", lambda: _pair("x_hat", "x"))
_entry(
    "losses.gaussian_nll",
    lambda: {**_pair("x_hat", "x"), "variance": number(0.5), "constant": flag()},
)
_entry("likelihoods.learned_gaussian_nll", lambda: _decoded(2), infinite=True)
_entry("likelihoods.continuous_bernoulli_nll", lambda: _decoded(1))
_entry("likelihoods.discretised_logistic_nll", lambda: _decoded(2))
_entry("likelihoods.categorical_nll", lambda: _decoded(256))
_entry("losses.NegativeLogLikelihood", lambda: {"reconstruction": choice("continuous_bernoulli")})
_entry(
    "losses.NegativeLogLikelihood.__call__",
    lambda: {"output": other(_output()), "x": images()},
    lambda: losses.NegativeLogLikelihood("continuous_bernoulli"),
)
_entry("losses.bernoulli_nll", lambda: _pair("logits", "x"))
_entry("losses.bernoulli_nll_from_x_hat", lambda: _pair("x_hat", "x"), infinite=True)
_entry(
    "losses.Elbo",
    lambda: {
        "reconstruction": choice("gaussian"),
        "beta": number(1.0),
        "free_bits": number(0.1),
        "variance": number(0.5),
    },
)
_entry(
    "losses.WarmUpElbo",
    lambda: {
        "reconstruction": choice("gaussian"),
        "beta": number(1.0),
        "free_bits": number(0.1),
        "variance": number(0.5),
        "warm_up": number(3.0),
    },
)
_entry(
    "losses.WarmUpElbo.weight",
    lambda: {"passes": number(1.5, inf=OVER, endless=OVER)},
    losses.WarmUpElbo,
)
_entry(
    "losses.MmdLoss",
    lambda: {
        "reconstruction": choice("bernoulli"),
        "weight": number(2.0),
        "prior_sd": number(1.0),
        "kernel": choice("imq"),
        "bandwidth": number(1.0, none=LEFT_OUT),
    },
)
_entry(
    "losses.WithWeightPenalty",
    lambda: {
        "loss": function(losses.SquaredError(), **CALLED),
        "model": model(
            autoencoder(),
            another="it has a matrix",
            in_float64="it too",
            nan_weights="fit names the step",
        ),
        "strength": number(0.1),
        "names": other(()),
    },
)
for _loss in (losses.SquaredError, losses.BernoulliLoss, losses.Elbo, losses.MmdLoss):
    _entry(
        f"losses.{_loss.__name__}.__call__",
        lambda bce=_loss in (losses.BernoulliLoss, losses.Elbo): {
            "output": other(_output()),
            "x": images() if bce else floats(_images()),
        },
        _loss,
        draws=_loss is losses.MmdLoss,
    )
_entry(
    "losses.WarmUpElbo.__call__",
    lambda: {
        "output": other(_output()),
        "x": images(),
        "passes": number(1.0, inf=OVER, endless=OVER),
    },
    losses.WarmUpElbo,
)
_entry(
    "losses.WithWeightPenalty.__call__",
    lambda: {"output": other(_output()), "x": floats(_images())},
    lambda: losses.WithWeightPenalty(losses.SquaredError(), autoencoder(), 0.1),
)
_entry(
    "losses.CrossEntropy.__call__",
    lambda: {
        "logits": codes(d=10, column_more="one class more"),
        "x": images(**dict.fromkeys(UNSEEN, NO)),
        "y": labels(),
    },
    losses.CrossEntropy,
)


def _scored(n: int) -> Arg:
    return floats(_random(n, seed=n), three_numbers="scores", inf_inside=FAR, **MORE)


_entry(
    "metrics.angles.principal_angles",
    lambda: {
        "A": floats(torch.eye(6)[:, :2], int64=WHOLE, uint8=WHOLE),
        "B": floats(_random(6, 3, seed=1).round(decimals=1), int64=WHOLE, uint8=WHOLE),
    },
)
_entry(
    "metrics.auroc.auroc",
    lambda: {"inliers": _scored(9), "outliers": _scored(7)},
)
_entry("metrics.auroc.unexplained", lambda: {**_pair("x_hat", "x"), "least": number(1.0)})


def _judged() -> dict[str, Arg]:
    return {"valid": images(**SIZES), "generated": images(seed=1, **SIZES)}


def _nearest() -> Arg:
    return other(coverage.nearest(_images(), _images(seed=1)))


_entry(
    "metrics.coverage.nearest",
    lambda: {"images": images(**SIZES), "among": images(seed=1, **SIZES)},
)
_entry(
    "metrics.coverage.nearest_both",
    lambda: {"a": images(**SIZES), "b": images(seed=1, **SIZES), "back": flag()},
)
_entry(
    "metrics.coverage.coverage",
    lambda: {**_judged(), "threshold": number(3.0)},
)
_entry(
    "metrics.coverage.mean_nearest_distance",
    lambda: _judged(),
)
_entry(
    "metrics.coverage.hits",
    lambda: {"to_valid": _nearest(), "n_valid": count(N), "threshold": number(3.0)},
)
_entry(
    "metrics.coverage.hit_kl",
    lambda: {
        "counts": Arg(torch.tensor([3, 2, 1]), "labels", {"one_row": "one valid image"}),
        "generated": count(8, none=LEFT_OUT),
        "smoothing": number(1e-10),
    },
)
_entry(
    "metrics.coverage.ideal_hit_kl",
    lambda: {
        "n_valid": count(10),
        "generated": count(30),
        "smoothing": number(1e-10),
        "seed": seed(),
    },
)
_entry(
    "metrics.coverage.worth",
    lambda: {
        **_judged(),
        "threshold": number(3.0),
        "smoothing": number(1e-10),
    },
)
_entry(
    "metrics.coverage.judge",
    lambda: {
        "of_valid": _nearest(),
        "of_generated": _nearest(),
        "threshold": number(3.0),
        "smoothing": number(1e-10),
    },
)
_entry(
    "metrics.coverage.generate",
    lambda: {
        "model": model(vae()),
        "n": count(5),
        "latent": count(D),
        "scale": number(1.0),
        "seed": seed(),
        "chunk": count(2),
    },
)
_entry(
    "metrics.coverage.reconstruction_bits",
    lambda: {
        "model": model(vae(), in_float64=PRECISE),
        "images": images(**SIZES),
        "seed": seed(),
    },
)


def _measured(**more: Arg) -> dict[str, Arg]:
    """A conditional VAE and what it is measured on; with a seed, it draws."""
    fine = {"in_float64": PRECISE} if "seed" in more else {}
    return {"model": model(vae(10), **fine), "images": images(), "labels": labels(), **more}


_entry("metrics.elbo.posteriors", _measured)
_entry("metrics.elbo.kl_by_dimension", lambda: {"mu": codes(), "log_var": codes(seed=1)})
_entry("metrics.elbo.active_units", lambda: {"mu": codes(**MORE), "threshold": number(0.01)})
_entry(
    "metrics.elbo.informative_units",
    lambda: {"mu": codes(), "log_var": codes(seed=1), "threshold": number(0.01)},
)
for _name in ("elbo_terms", "rate_distortion"):
    _entry(
        f"metrics.elbo.{_name}",
        lambda: _measured(
            likelihood=choice("gaussian"), variance=number(0.5), draws=count(2), seed=seed()
        ),
    )
_entry(
    "metrics.elbo.importance_weighted_log_likelihood",
    lambda: _measured(
        samples=count(2), likelihood=choice("gaussian"), variance=number(0.5), seed=seed()
    ),
)


def _factors() -> Arg:
    return floats(_random(N, 3), int64=WHOLE, uint8=WHOLE)


_entry("metrics.factors.correlation", lambda: {"factors": _factors(), "z": codes(seed=1, **WIDER)})
_entry("metrics.factors.eta_squared", lambda: {"labels": labels(classes=3), "z": codes(**WIDER)})
_entry(
    "metrics.factors.by_shape",
    lambda: {"z": codes(**WIDER), "labels": labels(classes=3), "bins": count(5)},
)
_entry("metrics.factors.zeroing", lambda: {"model": model(vae()), "images": images(**SIZES)})
_entry(
    "metrics.factors.traverse",
    lambda: {
        "model": model(vae()),
        "z": floats(_random(D)),
        "dimension": count(1),
        "values": numbers([-1.0, 0.0, 1.0]),
    },
)
_entry(
    "metrics.intervals.wilson",
    lambda: {"successes": count(7), "n": count(10), "confidence": number(0.95)},
)
_entry(
    "metrics.intervals.interval",
    lambda: {
        "right": Arg(_random(3, N) > 0.3, "mask", SIZES | {"all_false": "no answer is right"}),
        "confidence": number(0.95),
    },
)
_entry(
    "metrics.probe.probe",
    lambda: {
        "z": codes(**WIDER),
        "y": labels(classes=3, float32="a number in place of a class"),
        "held_out": number(0.2),
        "kind": choice("linear"),
        "k": count(3),
        "penalty": number(1e-3),
        "seed": seed(),
    },
)
_entry(
    "metrics.probe.probe_accuracy",
    lambda: {
        "z": codes(),
        "labels": labels(classes=3),
        "held_out": codes(5, seed=1),
        "held_out_labels": labels(5, classes=3),
        "kind": choice("neighbours"),
        "k": count(3),
        "penalty": number(1e-3),
    },
)
_entry("metrics.readability.readers", lambda: {"names": other(("reader-0",))})


def _judges() -> Arg:
    return other(readability.readers(("reader-0", "reader-1")), none=LEFT_OUT)


def _large(**fine: str) -> Arg:
    return images(size=32, **fine)


_entry("metrics.readability.read", lambda: {"images": _large(**SIZES), "readers": _judges()})
_entry(
    "metrics.readability.score",
    lambda: {
        "images": _large(),
        "labels": labels(),
        "readers": _judges(),
        "confidence": number(0.95),
    },
)
_entry(
    "metrics.readability.readability",
    lambda: {
        "model": model(models.build("mlp", hidden=(8,))),
        "images": _large(),
        "labels": labels(),
        "readers": _judges(),
        "confidence": number(0.95),
        "conditional": flag(False),
        "seed": seed(),
    },
)
_entry("metrics.readability.rebuild", lambda: _measured(seed=seed()))
_entry(
    "metrics.readability.confusion",
    lambda: {"digits": labels(axis_more="one row a reader"), "labels": labels()},
)
for _name in ("read", "recognisable"):
    _entry(
        f"metrics.shape_reader.{_name}",
        lambda: {"images": images(size=28, **SIZES), "confidence": number(0.5)},
    )
_entry("metrics.shape_reader.boxes", lambda: {"images": images(**SHAPED), "threshold": number(0.5)})
_entry(
    "metrics.shape_reader.calibration_error",
    lambda: {
        "probabilities": floats(_random(N, 4).softmax(1)),
        "labels": labels(classes=4),
        "bins": count(5),
    },
)
_entry(
    "metrics.shape_reader.temperature",
    lambda: {"logits": floats(3 * _random(N, 4)), "labels": labels(classes=4)},
)
_entry("metrics.sharpness.sharpness", lambda: {"images": images(**SHAPED)})
_entry(
    "metrics.sharpness.relative_sharpness",
    lambda: {"images": images(**SIZES), "originals": images(seed=1, **SIZES)},
)


def _samples(*names: str, **fine: str) -> dict[str, Arg]:
    return {name: codes(seed=i, **fine) for i, name in enumerate(names)}


_entry("mmd.median_distance", lambda: _samples("x", "y", **SIZES))
_entry(
    "mmd.mmd",
    lambda: {
        **_samples("x", "y", row_more=SIZES["row_more"]),
        "kernel": choice("imq"),
        "bandwidth": numbers(1.0),
        "unbiased": flag(),
        "chunk": count(7),
    },
)
_entry(
    "mmd.mmd_with_error",
    lambda: {
        **_samples("x", "y"),
        "kernel": choice("imq"),
        "bandwidth": numbers(1.0),
        "chunk": count(7),
    },
)
_entry(
    "mmd.witness",
    lambda: {
        **_samples("points", "x", "y", **SIZES),
        "kernel": choice("imq"),
        "bandwidth": numbers(1.0),
        "chunk": count(7),
    },
)
_entry(
    "mmd.mmd_normal",
    lambda: {**_samples("mu_q", "log_var_q", "mu_p", "log_var_p"), "bandwidth": number(1.0)},
)

_entry("models.build", lambda: {"name": choice("vae"), "seed": seed()})
_entry(
    "models.base.Autoencoder",
    lambda: {
        "encoder": part(nn.Flatten()),
        "decoder": part(nn.Unflatten(1, (1, SIZE, SIZE))),
        "sigmoid": flag(),
    },
)
for _name, _make, _arg in (
    ("base.Autoencoder", autoencoder, images),
    ("conv.ConvAutoencoder", conv, images),
    ("linear.LinearAutoencoder", lambda: models.build("linear", size=SIZE).eval(), images),
    ("pca.PCA", pca, images),
):
    _entry(
        f"models.{_name}.encode", lambda arg=_arg: {"x": arg(**SIZES)}, lambda m=_make: m().eval()
    )
_entry(
    "models.base.Autoencoder.decode", lambda: {"z": codes(**SIZES)}, lambda: autoencoder().eval()
)
_entry(
    "models.base.Autoencoder.forward", lambda: {"x": images(**SIZES)}, lambda: autoencoder().eval()
)
_entry("models.base.count_parameters", lambda: {"model": part(vae())})
_entry("models.pca.PCA", lambda: {"latent": count(2), "size": count(SIZE)})
_entry("models.pca.PCA.fit", lambda: {"images": images(row_more=SIZES["row_more"])}, pca)
_entry("models.pca.PCA.decode", lambda: {"z": codes(**SIZES)}, pca)
_entry("models.pca.PCA.forward", lambda: {"x": images(**SIZES)}, pca)
_entry("models.conv.conv_encoder", lambda: {"channels": count(2), "inputs": count(1)}, draws=True)
_entry("models.conv.conv_decoder", lambda: {"channels": count(2)}, draws=True)
_entry(
    "models.conv.flat_conv_encoder",
    lambda: {"channels": count(2), "out": count(3, none=LEFT_OUT), "size": count(SIZE)},
    draws=True,
)
_entry(
    "models.conv.flat_conv_decoder",
    lambda: {
        "latent": count(2),
        "channels": count(2),
        "size": count(SIZE),
        "extra": count(1),
    },
    draws=True,
)
_entry(
    "models.conv.wide_conv_encoder", lambda: {"width": count(2), "size": count(SIZE)}, draws=True
)
_entry(
    "models.conv.wide_conv_decoder",
    lambda: {"latent": count(2), "width": count(2), "size": count(SIZE)},
    draws=True,
)
_entry(
    "models.conv.ConvAutoencoder",
    lambda: {
        "channels": count(2),
        "latent": count(2, none=LEFT_OUT),
        "size": count(SIZE),
    },
    draws=True,
)
_entry("models.conv.conv_side", lambda: {"size": count(SIZE)})


def _hidden() -> Arg:
    return other((8, 8))


def _told() -> Arg:
    return other(("encoder", "decoder"))


_entry("models.cvae.LabelPlanes", lambda: {"size": count(SIZE), "classes": count(10)})
_entry(
    "models.cvae.LabelPlanes.forward",
    lambda: {"told": codes(d=SIZE * SIZE + 10, **SIZES)},
    lambda: models.LabelPlanes(SIZE),
)
_entry(
    "models.cvae.dense_cvae",
    lambda: {
        "latent": count(2),
        "size": count(SIZE),
        "hidden": _hidden(),
        "told": _told(),
    },
    draws=True,
)
_entry(
    "models.cvae.conv_cvae",
    lambda: {
        "latent": count(2),
        "size": count(SIZE),
        "label": choice("planes"),
        "channels": count(2, none=LEFT_OUT),
        "told": _told(),
    },
    draws=True,
)
_entry("models.keras_vae.keras_encoder", lambda: {"third": flag()}, draws=True)
_entry("models.keras_vae.keras_decoder", lambda: {"latent": count(2)}, draws=True)
_entry("models.keras_vae.keras_vae", lambda: {"latent": count(2), "third": flag()}, draws=True)
_entry(
    "models.linear.LinearAutoencoder",
    lambda: {"latent": count(2), "size": count(SIZE), "tied": flag()},
    draws=True,
)
_entry("models.linear.TiedLinear", lambda: {"source": part(nn.Linear(4, 2))})
_entry(
    "models.linear.TiedLinear.forward",
    lambda: {"z": codes(**SIZES)},
    lambda: models.linear.TiedLinear(nn.Linear(4, 2)).eval(),
)
_entry(
    "models.mlp.dense",
    lambda: {"widths": other((4, 3, 2)), "dropout": number(0.1)},
    draws=True,
    adapt=lambda dense: (
        lambda widths, dropout: dense(
            *(widths if isinstance(widths, tuple) else (widths,)), dropout=dropout
        )
    ),
)
_entry(
    "models.mlp.start_large", lambda: {"layers": part(nn.Sequential(nn.Linear(3, 3)))}, draws=True
)


def _layers(**first: Arg) -> dict[str, Arg]:
    return {
        **first,
        "size": count(SIZE),
        "hidden": _hidden(),
        "extra": count(1),
        "dropout": number(0.1),
    }


_entry("models.conv.conv_sides", lambda: {"size": count(SIZE)})
_entry("models.mlp.mlp_encoder", lambda: _layers(out=count(3)), draws=True)
_entry("models.mlp.mlp_decoder", lambda: _layers(latent=count(3)), draws=True)
_entry(
    "models.mlp.MLPAutoencoder",
    lambda: {"latent": count(2), "size": count(SIZE), "hidden": _hidden()},
    draws=True,
)
_entry(
    "models.noisy.LatentNoise",
    lambda: {
        "variance": number(0.5),
        "snr": Arg(None, "number"),
        "momentum": number(0.05),
    },
)
for _name in ("variance", "forward"):
    _entry(
        f"models.noisy.LatentNoise.{_name}",
        lambda: {"z": codes(**MORE)},
        lambda: models.LatentNoise(snr=10.0),
        draws=_name == "forward",
    )


def noisy() -> nn.Module:
    return models.build("noisy-mlp", latent=D, hidden=(8,), size=SIZE).eval()


_entry(
    "models.noisy.NoisyAutoencoder",
    lambda: {
        "encoder": part(nn.Flatten()),
        "decoder": part(nn.Unflatten(1, (1, SIZE, SIZE))),
        "noise": part(models.LatentNoise(variance=0.1)),
        "sigmoid": flag(),
        "variational": flag(),
    },
)
_entry("models.noisy.NoisyAutoencoder.reconstruct", lambda: {"x": images(**SIZES)}, noisy)
_entry("models.noisy.NoisyAutoencoder.forward", lambda: {"x": images(**SIZES)}, noisy, draws=True)
_entry(
    "models.noisy.noisy_mlp",
    lambda: {
        "latent": count(2),
        "variance": number(0.1),
        "hidden": _hidden(),
        "dropout": number(0.1),
        "size": count(SIZE),
    },
    draws=True,
)
_entry(
    "models.noisy.noisy_conv",
    lambda: {
        "latent": count(2),
        "variance": number(0.1),
        "width": count(2),
        "size": count(SIZE),
    },
    draws=True,
)
_entry(
    "models.noisy.noisy_points",
    lambda: {
        "latent": count(2),
        "snr": number(10.0),
        "variational": flag(),
        "hidden": _hidden(),
    },
    draws=True,
)
_entry(
    "models.reader.DigitReader",
    lambda: {
        "size": count(SIZE),
        "hidden": count(5),
        "dropout": number(0.1),
        "classes": count(3),
    },
    draws=True,
)
_entry(
    "models.reader.ConvReader",
    lambda: {
        "size": count(SIZE),
        "channels": other((2, 2, 2)),
        "dropout": number(0.1),
        "shift": count(1),
    },
    draws=True,
)
_entry("models.reader.ShapeReader", lambda: {"channels": other((2, 2, 2))}, draws=True)
for _name, _make, _size in (
    ("DigitReader", models.DigitReader, 32),
    ("ConvReader", models.ConvReader, 32),
    ("ShapeReader", models.ShapeReader, 28),
):
    _entry(
        f"models.reader.{_name}.forward",
        lambda size=_size: {"x": images(size=size, **SIZES)},
        lambda make=_make: make().eval(),
    )
_entry("models.vae.Heads", lambda: {"features": count(8), "latent": count(2)}, draws=True)
_entry(
    "models.vae.Heads.forward",
    lambda: {"features": codes(d=8, **SIZES)},
    lambda: models.Heads(8, 2).eval(),
)
_entry(
    "models.vae.VAE",
    lambda: {
        "encoder": part(nn.Flatten()),
        "heads": part(models.Heads(SIZE**2, D)),
        "decoder": part(nn.Linear(D, SIZE**2)),
        "latent": count(D),
        "size": count(SIZE),
        "sigmoid": flag(none="then the likelihood says"),
        "classes": count(10),
        "told": _told(),
    },
)
for _name in ("posterior", "encode", "reconstruct", "forward"):
    _entry(
        f"models.vae.VAE.{_name}",
        lambda: {"x": images(), "y": labels()},
        lambda: vae(10).eval(),
        draws=_name == "forward",
    )
_entry("models.vae.VAE.decode", lambda: {"z": codes(), "y": labels()}, lambda: vae(10).eval())
_entry(
    "models.vae.dense_vae",
    lambda: {
        "latent": count(2),
        "size": count(SIZE),
        "hidden": _hidden(),
        "last_relu": flag(),
        "dropout": number(0.1),
        "large_start": flag(),
    },
    draws=True,
)
_entry(
    "models.vae.mlp_vae",
    lambda: {"latent": count(2), "hidden": count(8), "size": count(SIZE)},
    draws=True,
)
_entry("models.vae.conv_vae", lambda: {"latent": count(2), "size": count(SIZE)}, draws=True)
_entry(
    "models.vae.wide_conv_vae",
    lambda: {"latent": count(2), "width": count(2), "size": count(SIZE)},
    draws=True,
)
_entry("models.vae.check_told", lambda: {"told": _told()})

_entry(
    "plots.scatter_digits",
    lambda: {
        "z": codes(int64=WHOLE, uint8=WHOLE),
        "labels": labels(),
        "ax": _axes(),
        "names": other(("z1", "z2")),
    },
)
_entry(
    "plots.image_rows",
    lambda: {
        "rows": other({"x": _images(3)}),
        "limits": other((0.0, 1.0), none="each row its own"),
        "size": number(0.5),
    },
)
_entry(
    "plots.image_grid",
    lambda: {
        "images": images(4, axis_less="(n, H, W), of one", **SHAPED),
        "ax": _axes(),
        "low": other((-1.0, -1.0)),
        "high": other((1.0, 1.0)),
        "names": other(("z1", "z2")),
    },
)
_entry(
    "plots.curves",
    lambda: {
        "lines": other({"a": [1.0, 2.0]}),
        "ax": _axes(),
        "xlabel": text("epoch"),
        "ylabel": text("loss"),
    },
)
_entry(
    "plots.confusion",
    lambda: {"counts": numbers(torch.tensor([[3, 1], [0, 2]])), "ax": _axes()},
)


def _axes() -> Arg:
    import matplotlib.pyplot as plt

    return other(plt.figure().add_subplot(), none="new ones")


_entry("quantize.nearest", lambda: {"z": codes(**SIZES), "codebook": codes(5, seed=1, **SIZES)})
_entry("quantize.straight_through", lambda: {"z": codes(), "e": codes(seed=1)})
_entry("quantize.quantize", lambda: {"z": codes(**SIZES), "codebook": codes(5, seed=1, **SIZES)})


def _recipe() -> recipes.Recipe:
    return recipes.Recipe(
        model="vae",
        model_arguments={"latent": 2, "size": SIZE, "hidden": (8,)},
        loss="elbo",
        epochs=1,
        why={},
    )


_entry("recipes.Recipe.build", lambda: {"seed": seed()}, _recipe)
_entry(
    "recipes.Recipe.train",
    lambda: {
        "seed": seed(none=LEFT_OUT),
        "epochs": count(1, none=LEFT_OUT),
        "images": images(**SIZES),
        "labels": labels(none=LEFT_OUT),
        "held_out": images(seed=1, none=LEFT_OUT),
        "held_out_labels": labels(none=LEFT_OUT),
        "checkpoint": path(None, text="it is the name of a file"),
        "progress": flag(False),
    },
    _recipe,
    adapt=lambda train: lambda **more: _without_seconds(*train(**more)),
)


def _without_seconds(model: nn.Module, history: History) -> tuple[nn.Module, object]:
    return model, history.train


def _points() -> recipes.Recipe:
    """A recipe whose data take no time."""
    return recipes.Recipe(
        model="noisy-points",
        model_arguments={"latent": 2, "hidden": (4,)},
        data="cube",
        why={},
    )


_entry(
    "recipes.Recipe.measure",
    lambda: {"model": model(_points().build(), in_float64="other draws")},
    _points,
)
_entry(
    "recipes.Recipe.card",
    lambda: {
        "name": text("points", text="another name"),
        "model": model(_points().build(), in_float64="other draws"),
        "seed": seed(none=LEFT_OUT),
        "epochs": count(1, none=LEFT_OUT),
        "images": floats(cube(5, 0).view(5, 1, 1, 3), none=LEFT_OUT, **SIZES),
        "command": text("make", none=LEFT_OUT),
    },
    _points,
)
_entry("recipes.of_card", lambda: {"card": other(_card())})


def _table() -> results.Table:
    return results.Table("t", ("a", "b"), ({"a": 1, "b": 2.0}, {"a": 1, "b": 3.0}))


_entry("results.Table.where", lambda: {"a": other(1)}, _table)
for _name in ("unique", "column", "summary"):
    _entry(f"results.Table.{_name}", lambda: {"column": text("b")}, _table)
_entry(
    "results.Table.by",
    lambda: {"columns": other(("a",))},
    _table,
    adapt=lambda by: lambda columns: by(*columns if isinstance(columns, tuple) else (columns,)),
)
for _name in ("folder", "writable"):
    _entry(f"results.{_name}", lambda: {"path": path(tempfile.gettempdir(), **PLACES)})
_entry(
    "results.find",
    lambda: {"name": text("autoencoders"), "path": path(results.shipped(), none=LEFT_OUT)},
)
_entry(
    "results.read",
    lambda: {"name": text("autoencoders"), "path": path(results.shipped(), none=LEFT_OUT)},
)


def _board() -> scoreboard.Board:
    return scoreboard.gather(["autoencoders"])


def _claim() -> scoreboard.Claim:
    return _board().claims()[0]


_entry(
    "scoreboard.board.quantity",
    lambda: {"data": text(scoreboard.MNIST), "key": choice("readability")},
)
_entry(
    "scoreboard.board.Claim.reaches", lambda: {"value": number(50.0, inf=FAR, endless=FAR)}, _claim
)
_entry("scoreboard.board.Board.of", lambda: {"data": choice(scoreboard.MNIST)}, _board)
_entry(
    "scoreboard.board.Board.entry",
    lambda: {"data": choice(scoreboard.MNIST), "name": choice("PCA, b = 2")},
    _board,
)
_entry(
    "scoreboard.board.Board.best",
    lambda: {
        "data": choice(scoreboard.MNIST),
        "quantity": choice("readability"),
        "count": count(2),
    },
    _board,
)
for _name in ("columns", "text"):
    _entry(f"scoreboard.board.Board.{_name}", lambda: {"data": choice(scoreboard.MNIST)}, _board)
_entry(
    "scoreboard.board.show",
    lambda: {"summary": other(results.Summary((1.0, 2.0))), "digits": count(1)},
)
_entry(
    "scoreboard.board.cell",
    lambda: {
        "entry": other(_board().entries[0]),
        "key": text("readability"),
        "digits": count(1),
    },
)
_entry(
    "scoreboard.sources.gather",
    lambda: {
        "tables": other(["autoencoders"], none=LEFT_OUT),
        "path": path(results.shipped(), none=LEFT_OUT),
    },
)


def _sweep() -> sweeps.Sweep:
    """A sweep of one cell."""
    return sweeps.Sweep("toy", "a toy", (sweeps.Cell(_recipe(), 0, {"row": 1}),), _measure)


def _measure(cell: sweeps.Cell, checkpoint: Path) -> dict[str, Any]:
    return {"loss": 1.0}


@functools.cache
def _results() -> Path:
    """A folder where that cell is finished."""
    folder = Path(tempfile.mkdtemp())
    cells = sweeps.engine.cell_folder(_sweep(), folder)
    cells.mkdir(parents=True)
    record = {"measured": {"loss": 1.0}, "versions": {}, "wall_seconds": 1.0, "finished": "now"}
    (cells / f"{_sweep().cell_keys()[0]}.json").write_text(json.dumps(record))
    return folder


def _swept(**more: Arg) -> dict[str, Arg]:
    return {"sweep": other(_sweep()), "folder": path(_results(), **PLACES), **more}


_entry(
    "sweeps.engine.run",
    lambda: _swept(
        jobs=count(1),
        dask=text(None, text="nothing is left to do"),
        command=text("make"),
        progress=flag(False),
    ),
)
for _name in ("finished", "cell_folder", "starts"):
    _entry(f"sweeps.engine.{_name}", _swept)
_entry("sweeps.engine.write_table", lambda: _swept(command=text("make")))
_entry("sweeps.inpainting.reported_hole", lambda: {"size": count(28)})
_entry("sweeps.scores.all_digits", lambda: {"split": choice("test"), "size": count(32)})
_entry("sweeps.scores.per_cent", lambda: {"share": number(0.5)})
_entry("sweeps.scores.ceiling", lambda: {"names": other(("reader-0",))})

_entry("toy.Toy", lambda: {"variance": number(0.5), "bend": number(0.5)})


def _toy(*names: str) -> dict[str, Arg]:
    return {name: numbers([0.5, 1.0]) for name in names}


for _name, _of in {
    "decode": "z",
    "log_prior": "z",
    "log_likelihood": "xz",
    "log_joint": "xz",
    "log_evidence": "x",
    "log_posterior": "xz",
    "best_q": "x",
}.items():
    _entry(f"toy.Toy.{_name}", lambda of=_of: _toy(*of), toy.Toy)
for _name in ("elbo_terms", "gap"):
    _entry(f"toy.Toy.{_name}", lambda: _toy("x", "mu", "log_var"), toy.Toy)
_entry("toy.Toy.sample", lambda: {"n": count(3), "seed": seed(generator=ONE)}, toy.Toy)

_entry(
    "training.history.History.curve",
    lambda: {"term": choice("loss"), "held_out": flag(False)},
    lambda: History([{"loss": 1.0}]),
)
_entry(
    "training.schedules.one_cycle",
    lambda: {"peak": number(0.01, none=LEFT_OUT), "warm_up": number(0.3)},
)
_entry(
    "training.schedules.adam",
    lambda: {"parameters": other(list(vae().parameters())), "lr": number(0.01)},
)
_entry(
    "training.loop.fit",
    lambda: {
        "model": model(
            vae(10), in_float64="it is trained in float64", nan_weights="the loss says so"
        ),
        "images": images(),
        "loss": choice("elbo"),
        "epochs": count(1),
        "batch_size": count(8),
        "lr": number(0.001),
        "seed": seed(),
        "labels": labels(),
        "held_out": images(seed=1),
        "held_out_labels": labels(),
        "optimiser": function(torch.optim.SGD),
        "schedule": choice("cosine", none=LEFT_OUT),
        "checkpoint": path(None, text="it is the name of a file"),
        "on_epoch": function(None),
        "progress": flag(False),
    },
    adapt=lambda fit: lambda model, **more: fit(_copy(model), **more).train,  # no seconds
)
_entry("training.loop.steps_an_epoch", lambda: {"images": count(20), "batch_size": count(8)})
_entry(
    "training.loop.evaluate",
    lambda: {
        "model": model(vae(10), in_float64=PRECISE),
        "images": images(),
        "loss": choice("elbo"),
        "labels": labels(),
        "batch_size": count(8),
        "seed": seed(),
    },
)


ANY_MODEL = {
    **dict.fromkeys(("another", "failing", "odd"), "any module may be kept: it is not called"),
    "unfitted": "its weights are 0",
}


def _card() -> weights.Card:
    card = weights.load("linear-2").card
    assert isinstance(card, weights.Card)
    return card


_entry("weights.load", lambda: {"name": choice("linear-2"), "folder": path(weights.FOLDER)})
_entry(
    "weights.save",
    lambda: {
        "model": model(weights.load("linear-2"), **ANY_MODEL),
        "card": other(_card()),
        "folder": path(Path(tempfile.mkdtemp()), **PLACES),
    },
)
_entry(
    "weights.check_free",
    lambda: {"name": text("linear-2"), "folder": path(Path(tempfile.mkdtemp()), **PLACES)},
)
_entry(
    "keep.save",
    lambda: {
        "model": model(weights.load("linear-2"), **ANY_MODEL),
        "path": path(Path(tempfile.mkdtemp()) / "m.safetensors"),
        "data": text("noise"),
        "notes": text("none"),
        "metrics": other({"loss": 1.0}, none=LEFT_OUT, mapping="names and numbers"),
    },
)
NEW = dict.fromkeys(("nan_weights",), "its weights are replaced")
_entry(
    "keep.load",
    lambda: {
        "name": choice("linear-2"),
        "folder": path(weights.FOLDER),
        "into": model(
            models.build("linear"), none=LEFT_OUT, **NEW, in_float64="it becomes float32"
        ),
    },
    adapt=lambda load: lambda **a: load(**{**a, "into": _copy(a["into"])}),
)
_entry("weights.read_card", lambda: {"path": path(weights.FOLDER / "linear-2.json")})
_entry("weights.stored", lambda: {"model": model(vae(), **ANY_MODEL)})
