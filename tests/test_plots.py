import matplotlib as mpl
import numpy as np
import pytest
import torch

mpl.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.colors import to_rgb

from aeteach import plots


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.1."""
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(a: str, b: str) -> float:
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_text_and_roles_can_be_read_on_paper_in_light_and_dark(mode):
    colours = plots.PALETTE[mode]
    for role in ("ink", "muted", "data", "latent", "reconstruction", "good", "focus"):
        assert contrast(colours[role], colours["paper"]) >= 4.5, role


def test_ten_digits_have_ten_colours():
    assert len(set(plots.DIGITS)) == 10


def test_scatter_draws_every_point_in_its_digits_colour():
    labels = torch.tensor([3, 3, 7])
    ax = plots.scatter_digits(torch.randn(3, 2), labels, names=("a", "b"))
    drawn = {c.get_label(): c for c in ax.collections}
    assert set(drawn) == {"3", "7"}
    assert len(drawn["3"].get_offsets()) == 2
    assert to_rgb(plots.DIGITS[7]) == pytest.approx(drawn["7"].get_facecolor()[0][:3])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("a", "b")


def test_axes_given_are_axes_returned():
    ax = plt.subplots()[1]
    assert plots.scatter_digits(np.zeros((2, 2)), [0, 1], ax) is ax
    assert plots.curves({"a": [1, 2]}, ax) is ax


def test_image_rows_shows_each_image_between_black_and_white():
    figure = plots.image_rows({"x": torch.rand(4, 1, 8, 8), "x_hat": np.zeros((4, 8, 8))})
    assert len(figure.axes) == 8
    assert figure.axes[0].images[0].get_clim() == (0.0, 1.0)
    assert figure.axes[0].texts[0].get_text() == "x"


def test_signed_images_are_centred_on_zero():
    images = np.full((2, 4, 4), -3.0)
    figure = plots.image_rows({"difference": images}, limits=None)
    assert figure.axes[0].images[0].get_clim() == (-3.0, 3.0)


def test_curves_count_epochs_from_one():
    ax = plots.curves({"train": [3.0, 2.0, 1.0]}, ylabel="loss in nats")
    assert ax.lines[0].get_xdata().tolist() == [1, 2, 3]
    assert ax.get_ylabel() == "loss in nats"


def test_the_style_is_the_palette():
    plots.use_style()
    assert mpl.rcParams["text.color"] == plots.ROLES["ink"]


def test_image_grid_puts_each_image_over_its_point():
    images = torch.arange(9).float().view(9, 1, 1, 1).expand(9, 1, 4, 4) / 8
    ax = plots.image_grid(images, low=(-1, 10), high=(1, 30))
    shown = ax.images[0]
    assert shown.get_extent() == pytest.approx([-1.5, 1.5, 5, 35])
    assert np.asarray(shown.get_array())[::4, ::4].ravel() == pytest.approx(np.arange(9) / 8)
    assert shown.get_clim() == (0, 1)


def test_a_confusion_matrix_is_drawn_in_per_cent_of_its_rows():
    counts = np.array([[30, 10, 0], [0, 500, 1], [5, 5, 10]])
    ax = plots.confusion(counts)
    shown = np.asarray(ax.images[0].get_array())
    np.testing.assert_allclose(shown, [[75, 25, 0], [0, 99.8, 0.2], [25, 25, 50]], atol=0.01)
    assert [t.get_text() for t in ax.texts] == ["75", "25", "100", "25", "25", "50"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("read as", "written as")
    assert plots.confusion(counts, ax) is ax
