import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from aeteach import data, models
from aeteach.training import fit


def _save(path, colour, size=(40, 20), mode="RGB"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, colour).save(path)


def test_subfolders_are_classes_in_the_order_of_their_names(tmp_path):
    _save(tmp_path / "cats" / "b.jpg", (255, 0, 0))
    _save(tmp_path / "cats" / "a.PNG", (0, 255, 0))
    _save(tmp_path / "ants" / "c.jpeg", (0, 0, 255))
    (tmp_path / "cats" / "notes.txt").write_text("no picture")
    _save(tmp_path / ".hidden" / "d.png", (0, 0, 0))
    found = data.folder(tmp_path, size=(8, 12))
    assert found.names == ("ants", "cats")
    assert found.labels.tolist() == [0, 1, 1]
    assert [file.name for file in found.files] == ["c.jpeg", "a.PNG", "b.jpg"]
    assert found.images.shape == (3, 3, 8, 12)
    expected = torch.eye(3)[[2, 1, 0]]
    torch.testing.assert_close(found.images.mean((2, 3)), expected, atol=0.02, rtol=0)


def test_without_subfolders_there_are_no_labels_and_the_middle_is_cut_out(tmp_path):
    picture = np.zeros((10, 30, 3), np.uint8)
    picture[:, 10:20] = 255
    Image.fromarray(picture).save(tmp_path / "a.png")
    found = data.folder(tmp_path, size=10, grey=True)
    assert found.labels is None
    assert found.images.shape == (1, 1, 10, 10)
    assert bool((found.images == 1).all())


def test_a_picture_is_turned_as_its_camera_says_and_the_transparent_is_white(tmp_path):
    picture = Image.fromarray(np.repeat(np.uint8([[0, 255]]), 2, 0))  # black left, white right
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise: black on top
    picture.save(tmp_path / "a.png", exif=exif)
    _save(tmp_path / "b.png", (0, 0, 0, 0), size=(2, 2), mode="RGBA")
    turned, clear = data.folder(tmp_path, size=2, grey=True).images
    assert turned[0].tolist() == [[0, 0], [1, 1]]
    assert bool((clear == 1).all())


def test_16_bit_grey_keeps_its_levels(tmp_path):
    ramp = np.linspace(0, 65535, 32 * 32).round().astype(np.uint16).reshape(32, 32)
    Image.fromarray(ramp).save(tmp_path / "a.png")
    for grey in (True, False):
        found = data.folder(tmp_path, size=32, grey=grey).images[0]
        expected = torch.from_numpy(ramp / 65535).float().expand_as(found)
        torch.testing.assert_close(found, expected, atol=0.5 / 255 + 1e-6, rtol=0)
    Image.fromarray(np.ones((4, 4), np.float32)).save(tmp_path / "a.png", "TIFF")
    with pytest.raises(data.DataError, match=r"a\.png is no picture .*mode F"):
        data.folder(tmp_path)


def test_what_is_no_folder_of_pictures_is_said(tmp_path):
    with pytest.raises(data.DataError, match="no file that ends in"):
        data.folder(tmp_path)
    _save(tmp_path / "a.png", 0)
    _save(tmp_path / "cats" / "b.png", 0)
    with pytest.raises(data.DataError, match=r"beside subfolders .*\(cats\).*move a\.png"):
        data.folder(tmp_path)
    (tmp_path / "a.png").write_bytes((tmp_path / "a.png").read_bytes()[:40])
    (tmp_path / "cats" / "b.png").unlink()
    with pytest.raises(data.DataError, match=r"a\.png is no picture .*take it out"):
        data.folder(tmp_path)
    with pytest.raises(data.DataError, match="is no folder"):
        data.folder(tmp_path / "a.png")


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.full((2, 4, 5), 51, np.uint8), torch.full((2, 1, 4, 5), 0.2)),
        (np.full((2, 8, 5, 3), 51, np.uint8), torch.full((2, 3, 8, 5), 0.2)),
        (np.arange(6.0).reshape(2, 3), torch.arange(6.0).reshape(2, 3)),
        (torch.arange(6).reshape(2, 3), torch.arange(6.0).reshape(2, 3)),
        (torch.ones(2, 3, 8, 5), torch.ones(2, 3, 8, 5)),
    ],
)
def test_arrays_become_what_fit_takes(array, expected):
    torch.testing.assert_close(data.examples(array), expected, rtol=0, atol=1e-7)


@pytest.mark.parametrize("dtype", [">f4", "<f4", ">f8", ">u2", ">i4", np.longdouble])
def test_the_order_and_number_of_bytes_change_no_value(dtype):
    array = np.arange(6, dtype=dtype).reshape(3, 2).T
    assert data.examples(array).tolist() == [[0, 2, 4], [1, 3, 5]]


def test_an_array_is_copied_even_if_it_is_read_only(recwarn):
    array = np.zeros((2, 3), np.float32)
    writable = data.examples(array)
    array[:] = 9
    assert not writable.any()
    array.setflags(write=False)
    assert bool((data.examples(array) == 9).all())
    assert not recwarn.list


def test_numbers_that_are_masked_are_not_taken_for_numbers():
    with pytest.raises(TypeError, match="masked"):
        data.examples(np.ma.masked_equal(np.arange(4.0).reshape(2, 2), 3))


def test_channels_that_are_last_keep_their_pixels():
    array = np.random.default_rng(0).integers(0, 256, (2, 8, 9, 3), dtype=np.uint8)
    assert float(data.examples(array)[1, 2, 7, 4]) == pytest.approx(array[1, 7, 4, 2] / 255)


def test_a_table_is_trained_and_a_column_of_text_is_named():
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame({"a": [1.0, 2, 3], "b": [4, 5, 6], "c": [True, False, True]})
    assert data.examples(table).tolist() == [[1, 4, 1], [2, 5, 0], [3, 6, 1]]
    fit(models.build("linear", size=(3,)), data.examples(table), epochs=1, progress=False)
    with pytest.raises(TypeError, match="no numbers: name"):
        data.examples(table.assign(name="x"))
    for other in (1j, pandas.Timedelta(seconds=1), pandas.Timestamp(0)):
        with pytest.raises(TypeError, match="no numbers: other"):
            data.examples(table.assign(other=other))
    twice = pandas.DataFrame([[1.0, "x"], [2.0, "y"]], columns=["a", "a"])
    with pytest.raises(TypeError, match="no numbers: a"):
        data.examples(twice)
    with pytest.raises(ValueError, match="NaN or infinity in 1 "):
        data.examples(table.assign(d=pandas.array([True, None, False], dtype="boolean")))
    assert data.examples(table.astype({"b": "Int64"})).tolist()[2] == [3, 6, 1]


def test_a_mapped_file_trains_to_the_same_weights_and_stays_as_it_was(tmp_path):
    x = torch.rand(70, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    np.save(tmp_path / "x.npy", x.numpy())
    before = (tmp_path / "x.npy").read_bytes()
    states = []
    for images in (x, data.mapped(tmp_path / "x.npy")):
        model = models.build("vae", seed=0, latent=2, size=(3, 8, 8), hidden=(16,))
        fit(model, images, loss="elbo", epochs=2, batch_size=16, progress=False)
        states.append(model.state_dict())
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    data.mapped(tmp_path / "x.npy").zero_()
    assert (tmp_path / "x.npy").read_bytes() == before


def own_memory():
    """Bytes that this process holds for itself; what it has mapped can be dropped at any time."""
    text = Path("/proc/self/status").read_text(encoding="utf-8")
    return 1024 * int(re.search(r"RssAnon:\s+(\d+) kB", text)[1])


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="asks Linux for the memory")
def test_training_on_a_mapped_file_needs_a_part_of_its_size(tmp_path):
    rows, columns = 1 << 18, 64
    np.lib.format.open_memmap(tmp_path / "x.npy", "w+", np.float32, (rows, columns))[::1000] = 0.5
    model = models.build("linear", latent=2, size=(columns,))
    most = []

    def loss(output, x):
        most.append(own_memory())
        return {"loss": ((output.x_hat - x) ** 2).sum(1).mean()}

    warm = models.build("linear", latent=2, size=(columns,))
    fit(warm, torch.zeros(8192, columns), loss=loss, epochs=1, batch_size=4096, progress=False)
    most.clear()
    before = own_memory()
    images = data.mapped(tmp_path / "x.npy")
    fit(model, images, loss=loss, epochs=1, batch_size=4096, progress=False)
    assert len(most) >= 64
    assert max(most) - before < 0.25 * 4 * rows * columns


@pytest.mark.parametrize(
    ("save", "says"),
    [
        (lambda p: None, "is no .npy file"),
        (lambda p: p.write_bytes(b"no numbers"), "is no .npy file"),
        (lambda p: np.save(p, np.zeros((3, 4))), "holds float64 of shape"),
        (lambda p: np.save(p, np.zeros((3, 4, 5), np.float32)), "holds float32 of shape"),
        (lambda p: np.save(p, np.zeros((3, 4), np.float32, order="F")), "row by row"),
        (lambda p: np.save(p, np.array([{}], dtype=object)), "is no .npy file"),
    ],
)
def test_a_file_that_cannot_be_mapped_is_named(tmp_path, save, says):
    path = tmp_path / "x.npy"
    save(path)
    with pytest.raises(data.DataError, match=says):
        data.mapped(path)
