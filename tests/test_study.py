"""A folder of pictures studied: what is measured, what is written, and what is refused."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from aeteach import cli, data, keep, study, training
from aeteach.data import DataError, Pictures
from aeteach.study import StudyError

QUICK = {"size": 8, "epochs": 2, "latent": 3, "progress": False}


def picture(rng: np.random.Generator, colour: tuple[int, int, int], side: int = 8) -> Image.Image:
    noise = rng.integers(-40, 40, (side, side, 3))
    return Image.fromarray((np.array(colour) + noise).clip(0, 255).astype(np.uint8))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for name, colour in (("sky", (90, 140, 230)), ("leaf", (40, 120, 50))):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for n in range(20):
            picture(rng, colour).save(tmp_path / "photos" / name / f"{n:02}.png")
    return tmp_path / "photos"


def loaded(folder: Path) -> Pictures:
    return data.folder(folder, 8)


def test_a_share_of_each_class_is_held_out_and_none_is_in_both(folder: Path) -> None:
    seen, unseen = study.split(loaded(folder))
    assert not set(seen.files) & set(unseen.files)
    assert len(set(seen.files) | set(unseen.files)) == 40
    assert unseen.labels is not None
    assert unseen.labels.bincount().tolist() == [4, 4]
    assert unseen.files[0].parent.name == unseen.names[int(unseen.labels[0])]
    again, other = study.split(loaded(folder)), study.split(loaded(folder), seed=1)
    assert again[1].files == unseen.files != other[1].files
    assert len(study.split(loaded(folder), 0.5)[1].images) == 20


def test_the_scorecard_agrees_with_sums_written_out(folder: Path) -> None:
    seen, unseen = study.split(loaded(folder))
    trained = study.train(seen, latent=3, epochs=3, progress=False)
    card = study.scorecard(trained, seen, unseen)
    x, known = unseen.images, seen.images
    with torch.no_grad():
        mu, log_var = trained.vae.posterior(x)
        x_hat, again = trained.autoencoder(x).x_hat, trained.vae.decode(mu)
        z = torch.randn(len(known), 3, generator=torch.Generator().manual_seed(0))
        drawn = trained.vae.decode(z)
        assert trained.reader is not None
        read = trained.reader(again).argmax(1), trained.reader(x).argmax(1)
    kl = ((mu**2 + log_var.exp() - 1 - log_var) / 2).mean(0)
    assert card.kl == pytest.approx(sorted(kl.tolist(), reverse=True), rel=1e-4)
    assert card.rate == pytest.approx(float(kl.sum()), rel=1e-4)
    assert card.collapsed == int((kl < 0.01).sum())
    assert card.error == pytest.approx(float(((x_hat - x) ** 2).sum() / len(x)), rel=1e-4)
    mean = known.mean(0)
    assert card.nothing == pytest.approx(float(((mean - x) ** 2).sum() / len(x)), rel=1e-4)
    flat = [v.flatten(1).double() for v in (x, known, drawn)]
    near = torch.cdist(flat[0], flat[1]).min(1).values.median()
    covered = (torch.cdist(flat[0], flat[2]).min(1).values < near).double().mean()
    assert card.coverage == pytest.approx(float(covered))
    assert unseen.labels is not None
    assert card.read is not None
    assert card.read_originals is not None
    assert card.read.share == pytest.approx(float((read[0] == unseen.labels).double().mean()))
    assert card.read_originals.share == float((read[1] == unseen.labels).double().mean())
    assert f"{card.rate:.1f} nats a picture" in str(card)


def test_without_subfolders_nothing_is_read(folder: Path, tmp_path: Path) -> None:
    report = study.study(folder / "sky", tmp_path / "out", **QUICK)
    text = report.read_text(encoding="utf-8")
    assert "no classes to read" in text
    assert not (tmp_path / "out" / "reader.safetensors").exists()


def test_the_report_needs_nothing_else_and_the_models_can_be_loaded(
    folder: Path, tmp_path: Path
) -> None:
    before = sorted(p.name for p in folder.rglob("*"))
    report = study.study(folder, tmp_path / "out", **QUICK)
    text = report.read_text(encoding="utf-8")
    assert not re.findall(r'(?:src|href)="(?!data:)', text)
    assert "40 pictures (8 x 8 pixels): 20 leaf, 20 sky." in text
    assert text.count('class="ae-figure"') == 1
    assert text.count("<img ") >= 4
    assert sorted(p.name for p in folder.rglob("*")) == before
    names = {p.name for p in report.parent.iterdir()}
    models = {f"{name}.safetensors" for name in study.Trained._fields}
    assert names == {"report.html", "study.json", *models}
    vae = keep.load(report.parent / "vae.safetensors")
    assert vae.size == (3, 8, 8)


def test_mixed_sizes_are_brought_to_one_and_the_report_says_so(
    folder: Path, tmp_path: Path
) -> None:
    picture(np.random.default_rng(1), (90, 140, 230), 31).save(folder / "sky" / "large.png")
    text = study.study(folder, tmp_path / "out", **QUICK).read_text(encoding="utf-8")
    assert "of 2 sizes from 8 x 8 to 31 x 31 pixels" in text
    assert "Each was cut around its middle and resampled to 8 x 8." in text


def test_a_stopped_study_goes_on_and_comes_to_the_same(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = study.study(folder, tmp_path / "whole", **QUICK)
    real, calls = training.fit, []

    def stopped(model, images, **arguments):
        calls.append(model)
        if len(calls) == 2:  # the VAE, after its first epoch

            def stop(*_):
                raise KeyboardInterrupt

            return real(model, images, **arguments, on_epoch=stop)
        return real(model, images, **arguments)

    monkeypatch.setattr(training, "fit", stopped)
    with pytest.raises(KeyboardInterrupt):
        study.study(folder, tmp_path / "parts", **QUICK)
    assert not (tmp_path / "parts" / "report.html").exists()
    assert (tmp_path / "parts" / "vae.ckpt").exists()
    monkeypatch.setattr(training, "fit", real)
    again = study.study(folder, tmp_path / "parts", **QUICK)
    assert again.read_bytes() == whole.read_bytes()


def test_a_finished_study_is_not_made_again(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = study.study(folder, tmp_path / "out", **QUICK)
    report.write_text("changed by its owner")
    monkeypatch.setattr(study, "train", None)
    assert study.study(folder, tmp_path / "out", **QUICK).read_text() == "changed by its owner"
    with pytest.raises(StudyError, match="a study with other seed: name another"):
        study.study(folder, tmp_path / "out", **QUICK, seed=1)


def test_nothing_of_the_users_is_written_over(folder: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine" / "report.html"
    mine.parent.mkdir()
    mine.write_text("mine")
    with pytest.raises(StudyError, match="holds other files, and nothing is written over"):
        study.study(folder, mine.parent, **QUICK)
    assert mine.read_text() == "mine"
    assert [p.name for p in mine.parent.iterdir()] == ["report.html"]
    with pytest.raises(StudyError, match="a file: name a folder"):
        study.study(folder, mine, **QUICK)
    (mine.parent / "study.json").write_text("[]")
    with pytest.raises(StudyError, match="is no file of a study"):
        study.study(folder, mine.parent, **QUICK)


def empty(folder: Path) -> None:
    for file in folder.rglob("*.png"):
        file.unlink()


def unreadable(folder: Path) -> None:
    (folder / "sky" / "00.png").write_bytes(b"no picture")


def one_class(folder: Path) -> None:
    for file in (folder / "leaf").iterdir():
        file.unlink()


def few(folder: Path) -> None:
    for file in sorted((folder / "leaf").iterdir())[3:]:
        file.unlink()


@pytest.mark.parametrize(
    ("spoil", "error", "says"),
    [
        (empty, DataError, "holds no file that ends in .png"),
        (unreadable, DataError, "00.png is no picture that can be read"),
        (one_class, StudyError, "there is one class, 'sky', and a reader tells classes apart"),
        (few, StudyError, "there are 3 pictures of class 'leaf'; expected 5 or more"),
    ],
)
def test_a_folder_that_cannot_be_studied_is_refused_before_anything_is_written(
    folder: Path, tmp_path: Path, spoil, error: type[Exception], says: str, capsys
) -> None:
    spoil(folder)
    with pytest.raises(error, match=re.escape(says)):
        study.study(folder, tmp_path / "out", **QUICK)
    assert not (tmp_path / "out").exists()
    assert cli.main(["study", str(folder), "--size", "8", "--out", str(tmp_path / "out")]) == 1
    assert says in capsys.readouterr().err


def test_the_command_does_the_same(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    whole = study.study(folder, tmp_path / "whole", **QUICK)
    monkeypatch.chdir(tmp_path)
    options = ["--size", "8", "--epochs", "2", "--latent", "3"]
    assert cli.main(["study", "photos", *options]) == 0
    said = capsys.readouterr()
    assert said.out == "photos-study/report.html\n"
    assert "autoencoder:" in said.err
    assert "2/2" in said.err
    assert (tmp_path / "photos-study/report.html").read_bytes() == whole.read_bytes()
    for wrong in (["--epochs", "0"], ["--seed", "-1"], ["--latent", "0"], ["--size", "2"]):
        assert cli.main(["study", "photos", *wrong]) == 2


def test_own_pictures_are_refused_by_name() -> None:
    with pytest.raises(TypeError, match="pictures"):
        study.split(torch.rand(9, 3, 8, 8))  # type: ignore[arg-type]
    few = Pictures(torch.rand(3, 3, 8, 8), None, (), ())
    with pytest.raises(StudyError, match="there are 3 pictures of the folder"):
        study.split(few)
    with pytest.raises(ValueError, match="held_out"):
        study.split(Pictures(torch.rand(30, 3, 8, 8), None, (), ()), 1.0)
