"""The page that a study writes."""

import base64
import io
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from aeteach import study
from aeteach._report import SHOWN, page
from aeteach.clinic import Finding
from aeteach.data import Pictures


@pytest.fixture(scope="module")
def made() -> str:
    noise = torch.rand(40, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(40) % 2
    pictures = Pictures((noise * 255).round() / 255, labels, ("a<b", "c"), ())
    seen, unseen = study.split(pictures)
    trained = study.train(seen, latent=2, epochs=1, progress=False)
    card = study.scorecard(trained, seen, unseen)
    card = replace(card, findings=(Finding("leak", "8 < 9"),))
    figure = study.plane(trained, unseen, title="x")
    return page("<b>title", ["one & two"], trained, unseen, card, figure)


def test_what_is_written_there_is_text_and_no_markup(made: str) -> None:
    assert "<h1>&lt;b&gt;title</h1>" in made
    assert "one &amp; two" in made
    assert "<li><b>leak</b>: 8 &lt; 9</li>" in made


def test_the_first_strip_shows_held_out_pictures(made: str) -> None:
    strips = re.findall(r'<figure><img src="data:image/png;base64,([^"]+)"', made)
    assert len(strips) == 4
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(strips[0]))))
    assert pixels.shape == (8, 8 * SHOWN, 3)
    noise = torch.rand(40, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    rows = {tuple((255 * x).round().byte().flatten().tolist()) for x in noise}
    first = torch.tensor(pixels[:, :8]).permute(2, 0, 1).flatten().tolist()
    assert tuple(first) in rows
