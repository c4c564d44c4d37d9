"""A folder of pictures studied as the book studies digits: models, a plane, a reader, a scorecard.

`train` fits what `study` reports; `aeteach study FOLDER` is `study`. A study keeps what it has in a
folder of its own: when it is stopped, the same call goes on after the last whole epoch.
"""

import hashlib
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn

from aeteach import _validate, clinic, data, keep, losses, models, training, weights
from aeteach._files import make_folder, write_whole
from aeteach._measure import images_of, measuring, moved
from aeteach._on_cpu import on_cpu
from aeteach._report import page
from aeteach.data import Pictures
from aeteach.metrics import coverage, elbo, intervals, readability

if TYPE_CHECKING:
    from aeteach.widgets import LatentPlane

LATENT, EPOCHS, SIZE = 8, 20, 32
HELD_OUT = 0.2  # of each class
LEAST = 5  # pictures of a class, so that one at least is held out
SILENT = 0.01  # nats that a latent dimension must carry, not to count as collapsed
_RATE = 4e-3  # the peak of a cycle
_SETTINGS, _REPORT = "study.json", "report.html"


class StudyError(ValueError):
    """Pictures that cannot be studied, or a folder that holds something else than this study."""


class Trained(NamedTuple):
    """What is trained on a folder.

    Attributes:
        autoencoder: a plain one.
        vae: with as many latent numbers; the scorecard speaks of it.
        plane: a VAE with two, which can be drawn.
        reader: which tells the classes apart; None where there are no classes.
    """

    autoencoder: models.Autoencoder
    vae: models.VAE
    plane: models.VAE
    reader: models.DigitReader | None


@dataclass(frozen=True)
class Scorecard:
    """What the models of a study are worth on pictures that they have not seen; print it.

    Attributes:
        pictures: held out.
        error: squared error a picture of the plain autoencoder, summed over pixels and channels.
        nothing: the same of the mean training picture: what a model that knows nothing would score.
        distortion: of the VAE, nats a picture, Bernoulli.
        rate: of the VAE, nats a picture.
        kl: nats of each latent dimension, largest first.
        collapsed: how many of them carry less than `SILENT` nats.
        coverage: share of the held-out pictures with one that the VAE drew nearer than half of
            them have a training picture; as many are drawn as were trained on.
        read: share of the VAE's reconstructions that the reader puts into the right class, and
            its interval; None without a reader.
        read_originals: the same of the originals.
        findings: names of the clinic's findings, in its words; empty for a healthy VAE.
    """

    pictures: int
    error: float
    nothing: float
    distortion: float
    rate: float
    kl: tuple[float, ...]
    collapsed: int
    coverage: float
    read: intervals.Share | None
    read_originals: intervals.Share | None
    findings: tuple[clinic.Finding, ...]

    @property
    def rows(self) -> tuple[tuple[str, str], ...]:
        """Name and value of each line, as text."""
        reading = [
            (name, "no classes to read" if found is None else str(found))
            for name, found in (
                ("readability", self.read),
                ("  of the originals", self.read_originals),
            )
        ]
        return (
            ("pictures held out", f"{self.pictures:,}"),
            ("autoencoder's error", f"{self.error:.1f}, the mean picture's {self.nothing:.1f}"),
            ("rate", f"{self.rate:.1f} nats a picture"),
            ("distortion", f"{self.distortion:.1f} nats a picture"),
            ("collapsed", f"{self.collapsed} of {len(self.kl)} latent dimensions"),
            ("coverage", f"{self.coverage:.0%}, of the training pictures 50%"),
            *reading,
            ("clinic", ", ".join(f.name for f in self.findings) or "no finding"),
        )

    def __str__(self) -> str:
        return "\n".join(f"{name:20} {value}" for name, value in self.rows)

    __repr__ = __str__


@on_cpu
def split(
    pictures: Pictures, held_out: float = HELD_OUT, *, seed: int = 0
) -> tuple[Pictures, Pictures]:
    """Return the pictures to train on, and those held out: a share of each class, drawn at random.

    Args:
        pictures: as `aeteach.data.folder` returns them.
        held_out: share of each class, above 0 and below 1; of a class at least one.
        seed: of the draw.

    Raises:
        StudyError: a ValueError; one class alone, or fewer than five pictures of a class.
        TypeError, ValueError: no pictures, or no such share.

    Example:
        >>> import torch
        >>> from aeteach import data, study
        >>> every = data.Pictures(torch.rand(40, 3, 8, 8), None, (), ())
        >>> train, test = study.split(every)
        >>> len(train.images), len(test.images)
        (32, 8)
    """
    images = _enough(pictures)
    held_out = _validate.number(held_out, "held_out", above=0, below=1)
    generator = _validate.generator(_validate.seed(seed))
    labels = pictures.labels if pictures.labels is not None else torch.zeros(len(images)).long()
    kept, out = [], []
    for label in labels.unique():
        rows = (labels == label).nonzero().flatten()
        rows = rows[torch.randperm(len(rows), generator=generator)]
        n = min(max(1, round(held_out * len(rows))), len(rows) - 1)
        out.append(rows[:n])
        kept.append(rows[n:])
    first, second = (torch.cat(rows).sort().values for rows in (kept, out))
    return _some(pictures, first), _some(pictures, second)


def train(
    pictures: Pictures,
    *,
    latent: int = LATENT,
    epochs: int = EPOCHS,
    seed: int = 0,
    folder: str | os.PathLike[str] | None = None,
    progress: bool = True,
) -> Trained:
    """Train an autoencoder, a VAE, a VAE with two latent numbers, and a reader of the classes.

    Args:
        pictures: to train on, the first that `split` returned.
        latent: number of latent dimensions of the first two.
        epochs: passes over the pictures.
        seed: of the first weights and of all that is drawn.
        folder: where a checkpoint of each model is kept; the same call goes on from there.
        progress: show a progress bar for each.

    Raises:
        TypeError, ValueError: no pictures, or numbers out of range.
        OSError: a checkpoint cannot be written.
    """
    images = _checked(pictures)
    size = tuple(images.shape[1:])
    latent = _validate.count(latent, "latent")
    kept = None if folder is None else _validate.path(folder, "folder")
    labels = {"cross_entropy": pictures.labels}  # for the reader alone

    def fitted(name: str, kind: str, loss: str, **arguments: Any) -> Any:
        if progress:
            print(f"{name}:", file=sys.stderr)
        model = models.build(kind, seed=seed, size=size, **arguments)
        training.fit(
            model,
            images,
            loss=loss,
            labels=labels.get(loss),
            epochs=epochs,
            batch_size=64,
            lr=_RATE,
            schedule="one_cycle",
            seed=seed,
            checkpoint=kept and kept / f"{name}.ckpt",
            progress=progress,
        )
        return model.eval()

    wide: dict[str, Any] = {"latent": latent, "hidden": (256,)}
    deep: dict[str, Any] = {"latent": 2, "hidden": (128, 64)}
    plain = fitted("autoencoder", "mlp", "squared_error", **wide)
    vae = fitted("vae", "vae", "elbo", last_relu=True, **wide)
    plane = fitted("plane", "vae", "elbo", last_relu=True, **deep)
    reader = None
    if n := len(pictures.names):
        reader = fitted("reader", "reader", "cross_entropy", classes=n)
    return Trained(plain, vae, plane, reader)


def scorecard(trained: Trained, seen: Pictures, unseen: Pictures, *, seed: int = 0) -> Scorecard:
    """Measure the models of a study.

    Args:
        trained: what `train` returned.
        seen: the pictures it was given.
        unseen: the others.
        seed: of all draws.

    Raises:
        TypeError, ValueError: nothing that `train` or `split` returned, or of other sizes.
    """
    _validate.record(trained, "trained", Trained, "what study.train(pictures) returns")
    x, known = _checked(unseen, 2), _checked(seen)
    vae = trained.vae
    near = coverage.nearest(x, known).distance.median().item()
    drawn = coverage.generate(vae, len(known), vae.latent, seed=seed)
    costs = elbo.rate_distortion(vae, x, seed=seed)
    kl = elbo.kl_by_dimension(*elbo.posteriors(vae, x)).sort(descending=True).values
    rebuilt = readability.rebuild(trained.autoencoder, x)
    report = clinic.examine(vae, losses.Elbo(), x, training_images=known, seed=seed)
    return Scorecard(
        pictures=len(x),
        error=_error(rebuilt, x),
        nothing=_error(known.mean(0, keepdim=True).expand_as(x), x),
        distortion=costs.reconstruction,
        rate=costs.rate,
        kl=tuple(kl.tolist()),
        collapsed=int((kl < SILENT).sum()),
        coverage=coverage.coverage(x, drawn, max(near, 1e-9)),
        read=_reading(trained.reader, readability.rebuild(vae, x), unseen.labels),
        read_originals=_reading(trained.reader, x, unseen.labels),
        findings=report.findings,
    )


def plane(trained: Trained, unseen: Pictures, *, title: str = "your pictures") -> "LatentPlane":
    """Return the figure of a study: its latent plane, decoded and read under the cursor.

    Args:
        trained: what `train` returned.
        unseen: square pictures that are shown as points.
        title: written over the plane.

    Raises:
        TypeError, ValueError: nothing that `train` or `split` returned, or no squares.
    """
    from aeteach.widgets import LatentPlane, Plane  # here, because they are slow to import

    _validate.record(trained, "trained", Trained, "what study.train(pictures) returns")
    images = _checked(unseen)
    labels = unseen.labels if unseen.labels is not None else torch.zeros(len(images)).long()
    return LatentPlane(
        [Plane(_validate.text(title, "title"), trained.plane)],
        *_of_each(images, labels),
        reader=trained.reader,
        names=unseen.names or ("a picture",),
        light=True,
    )


def study(
    path: str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    *,
    size: int = SIZE,
    grey: bool = False,
    latent: int = LATENT,
    epochs: int = EPOCHS,
    seed: int = 0,
    progress: bool = True,
) -> Path:
    """Study a folder of pictures, and write the report: one HTML file that needs nothing else.

    Args:
        path: of the folder, as for `aeteach.data.folder`; nothing is written there.
        out: folder for the report, the models and what is needed to go on; by default beside where
            you are, named after `path`. It is made, or holds a stopped study of the same pictures
            and numbers; whatever else is there is left alone, and refused.
        size: side that each picture is cut and resampled to, in pixels.
        grey: one channel in place of three.
        latent: as for `train`.
        epochs: likewise.
        seed: of the split, the weights and all draws.
        progress: show a progress bar for each model.

    Returns:
        The report; the old one, if this study is finished already.

    Raises:
        StudyError: a ValueError; pictures that cannot be studied, or `out` holds something else.
        DataError: no folder, no pictures, or a file that is no picture; names it.
        TypeError, ValueError: numbers out of range.
        OSError: a file cannot be written.
    """
    path = _validate.path(path, "path")
    size = _validate.count(size, "size", most=_validate.MAX_SIDE)
    latent, epochs = _validate.count(latent, "latent"), _validate.count(epochs, "epochs")
    seed = _validate.seed(seed)
    pictures = data.folder(path, size, grey=grey)
    seen, unseen = split(pictures, seed=seed)
    settings: dict[str, Any] = {
        "pictures": hashlib.sha256(pictures.images.numpy().tobytes()).hexdigest(),
        "classes": list(pictures.names),
        "size": size,
        "grey": grey,
        "latent": latent,
        "epochs": epochs,
        "seed": seed,
    }
    default = f"{path.resolve().name or 'pictures'}-study"
    place = _place(Path(default) if out is None else _validate.path(out, "out"), settings)
    report = place / _REPORT
    if report.exists():
        return report
    with training.interrupts_raise():
        trained = train(
            seen, latent=latent, epochs=epochs, seed=seed, folder=place, progress=progress
        )
    card = scorecard(trained, seen, unseen, seed=seed)
    for name, model in trained._asdict().items():
        if model is not None:
            keep.save(model, place / f"{name}.safetensors", data=f"pictures of {path.name}")
    figure = plane(trained, unseen, title=path.resolve().name)
    about = _about(pictures, settings)
    write_whole(report, page(path.resolve().name, about, trained, unseen, card, figure).encode())
    for name in Trained._fields:
        (place / f"{name}.ckpt").unlink(missing_ok=True)
    return report


def _place(place: Path, settings: dict[str, Any]) -> Path:
    """Return the folder of a study, made if need be; refuse one that holds anything else."""
    mine = place / _SETTINGS
    text = json.dumps(settings, indent=1)
    if not place.exists():
        make_folder(place)
    if not place.is_dir():
        raise StudyError(f"out is {place}, a file: name a folder that is not there yet")
    if not mine.is_file():
        if any(place.iterdir()):
            raise StudyError(
                f"the folder {place} holds other files, and nothing is written over: name another "
                "in out"
            )
        write_whole(mine, text.encode())
    try:
        before = json.loads(mine.read_text(encoding="utf-8"))
        other = [name for name in settings if before[name] != settings[name]]
    except (ValueError, KeyError, TypeError) as error:
        raise StudyError(f"{mine} is no file of a study: name another folder in out") from error
    if other:
        raise StudyError(
            f"the folder {place} holds a study with other {', '.join(other)}: name another in out, "
            "or remove it"
        )
    return place


def _about(pictures: Pictures, settings: dict[str, Any]) -> list[str]:
    """Say what was studied, and what was done to the pictures first."""
    from PIL import Image

    sizes = set()
    for file in pictures.files:
        with Image.open(file) as opened:
            sizes.add(opened.size)
    size = settings["size"]
    (low, *_), (*_, high) = (sorted(sizes, key=lambda s: s[0] * s[1]),) * 2
    came = (
        f"{low[0]} x {low[1]}"
        if len(sizes) == 1
        else (f"of {len(sizes)} sizes from {low[0]} x {low[1]} to {high[0]} x {high[1]}")
    )
    done = (
        ""
        if sizes == {(size, size)}
        else (f" Each was cut around its middle and resampled to {size} x {size}.")
    )
    labels = pictures.labels
    counts = [] if labels is None else labels.bincount(minlength=len(pictures.names)).tolist()
    kinds = ", ".join(f"{n} {name}" for name, n in zip(pictures.names, counts, strict=True))
    return [
        f"{len(pictures.images):,} pictures ({came} pixels){': ' + kinds if kinds else ''}.{done}",
        f"{settings['epochs']} epochs, {settings['latent']} latent numbers, seed "
        f"{settings['seed']}, aeteach {weights.versions()['aeteach']}.",
    ]


def _checked(pictures: Pictures, least: int = 1) -> Tensor:
    """Return the images, or say why they cannot be studied."""
    _validate.record(pictures, "pictures", Pictures, "what data.folder(path) returns")
    images, labels, names, _ = pictures
    if len(_validate.images(images, colour=True)) < least:
        raise StudyError(f"there is 1 picture; expected {least} or more")
    if labels is None:
        return images
    _validate.labels(labels, len(images), classes=max(2, len(names)))
    if len(names) == 1:
        raise StudyError(
            f"there is one class, {names[0]!r}, and a reader tells classes apart: make a subfolder "
            "for each of two or more, or put the pictures into the folder itself"
        )
    return images


def _enough(pictures: Pictures) -> Tensor:
    """Return the images, if there are enough to hold some out."""
    images, labels = _checked(pictures), pictures.labels
    named = {"of the folder": len(images)}
    if labels is not None:
        counts = labels.bincount(minlength=len(pictures.names)).tolist()
        named = {f"of class {name!r}": n for name, n in zip(pictures.names, counts, strict=True)}
    few = [(what, n) for what, n in named.items() if n < LEAST]
    if few:
        what, n = few[0]
        raise StudyError(
            f"there are {n} pictures {what}; expected {LEAST} or more, to hold some out"
        )
    return images


def _some(pictures: Pictures, rows: Tensor) -> Pictures:
    files = tuple(pictures.files[int(i)] for i in rows) if pictures.files else ()
    labels = None if pictures.labels is None else pictures.labels[rows]
    return Pictures(pictures.images[rows], labels, pictures.names, files)


def _of_each(images: Tensor, labels: Tensor, most: int = 150_000) -> tuple[Tensor, Tensor]:
    """Return pictures from all over every class, so many that a page can carry them."""
    kinds = labels.unique()
    each = max(1, min(60, most // (len(kinds) * images[0].numel())))
    rows = [(labels == kind).nonzero().flatten() for kind in kinds]
    chosen = [r[torch.linspace(0, len(r) - 1, min(each, len(r))).long()] for r in rows]
    places = torch.cat(chosen).sort().values
    return images[places], labels[places]


def _error(x_hat: Tensor, x: Tensor) -> float:
    return float(((x_hat - x).double() ** 2).flatten(1).sum(1).mean())


def _reading(
    reader: nn.Module | None, images: Tensor, labels: Tensor | None
) -> intervals.Share | None:
    if reader is None or labels is None:
        return None
    with measuring(reader) as place:
        said = [
            images_of(reader, "forward", images=moved(place, x)).argmax(1)
            for x in images.split(2000)
        ]
    right = int((torch.cat(said).to(labels.device) == labels).sum())
    return intervals.wilson(right, len(labels))


__all__ = [
    "EPOCHS",
    "HELD_OUT",
    "LATENT",
    "LEAST",
    "SILENT",
    "SIZE",
    "Scorecard",
    "StudyError",
    "Trained",
    "plane",
    "scorecard",
    "split",
    "study",
    "train",
]
