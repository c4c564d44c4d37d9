"""The report of a study: one HTML file that needs nothing else, its figure alive."""

import base64
import html
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from aeteach.metrics import coverage, readability

if TYPE_CHECKING:  # a study makes the report, and the report names what it is given
    from aeteach.data import Pictures
    from aeteach.study import Scorecard, Trained
    from aeteach.widgets.kit.host import Figure

SHOWN = 8  # pictures in a row
_STYLE = """
:root { color-scheme: light dark; --back: #fcfcfb; --ink: #1d1f24; --soft: #5b6070;
  --rule: #d5d7de; }
@media (prefers-color-scheme: dark) {
  :root { --back: #16181d; --ink: #e6e7ea; --soft: #a3a8b5; --rule: #3a3e49; }
}
body { font: 1rem/1.6 system-ui, sans-serif; margin: 0 auto; max-width: 52rem; padding: 1.5rem 1rem;
  background: var(--back); color: var(--ink); }
h1, h2 { line-height: 1.25; overflow-wrap: anywhere; }
table { border-collapse: collapse; }
th, td { text-align: left; vertical-align: top; padding: .3rem .8rem .3rem 0;
  border-bottom: 1px solid var(--rule); font-weight: normal; }
th { color: var(--soft); }
td { font-variant-numeric: tabular-nums; }
img { width: 100%; max-width: 36rem; image-rendering: pixelated; display: block; }
figure { margin: 1rem 0; }
figcaption, .soft { color: var(--soft); }
"""


def page(
    title: str,
    about: Sequence[str],
    trained: "Trained",
    unseen: "Pictures",
    card: "Scorecard",
    figure: "Figure",
) -> str:
    """Return the report as a whole page.

    Args:
        title: name of the folder.
        about: sentences on what was studied, and how.
        trained: the models.
        unseen: pictures held out.
        card: what the models are worth.
        figure: the latent plane.
    """
    x = _spread(unseen.images)
    drawn = coverage.generate(trained.vae, SHOWN, trained.vae.latent, seed=1)
    strips = (
        ("Held-out pictures.", x),
        ("The same through the autoencoder.", readability.rebuild(trained.autoencoder, x)),
        ("The same through the VAE.", readability.rebuild(trained.vae, x)),
        ("Drawn by the VAE from its prior: pictures that nobody took.", drawn),
    )
    findings = "".join(
        f"<li><b>{html.escape(f.name)}</b>: {html.escape(f.says)}</li>" for f in card.findings
    )
    rows = "".join(
        f'<tr><th scope="row">{html.escape(name.strip())}</th><td>{html.escape(value)}</td></tr>'
        for name, value in card.rows
    )
    found = f"<ul>{findings}</ul>" if findings else "<p>Nothing.</p>"
    nats = ", ".join(f"{v:.2f}" for v in card.kl)
    parts = [
        f"<h1>{html.escape(title)}</h1>",
        *(f'<p class="soft">{html.escape(sentence)}</p>' for sentence in about),
        "<h2>The latent plane</h2>",
        figure.page_html(),
        "<h2>Scorecard</h2>",
        f"<table>{rows}</table>",
        f"<p>Nats of each latent dimension: {nats}.</p>",
        f"<h2>What the clinic found</h2>{found}",
        "<h2>Pictures</h2>",
        *(_strip(said, images) for said, images in strips),
    ]
    body = "\n".join(parts)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)}: a study</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _spread(images: Tensor) -> Tensor:
    """Return a few images from all over: of a folder that is in order, of each of its classes."""
    return images[torch.linspace(0, len(images) - 1, min(SHOWN, len(images))).long()]


def _strip(said: str, images: Tensor) -> str:
    """Return images side by side as one PNG, with a sentence below."""
    from PIL import Image

    row = torch.cat(list(images.clamp(0, 1)), dim=2).permute(1, 2, 0)  # (H, N W, C)
    pixels = (255 * row).round().to(torch.uint8).numpy()
    file = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(file, "PNG")
    address = f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"
    text = html.escape(said)
    return f'<figure><img src="{address}" alt="{text}"><figcaption>{text}</figcaption></figure>'


__all__ = ["SHOWN", "page"]
