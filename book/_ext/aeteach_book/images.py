"""Pictures of a chapter in fewer bytes, with the same pixels."""

import base64
import io

from nbformat import NotebookNode
from PIL import Image

COLOURS = 256  # that a palette holds


def in_fewer_bytes(notebook: NotebookNode) -> None:
    """Write the PNG pictures among a notebook's outputs again where that makes them smaller."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if "image/png" in data:
                png = base64.b64decode(data["image/png"])
                data["image/png"] = base64.b64encode(smaller(png)).decode("ascii")


def smaller(png: bytes) -> bytes:
    """Return the same picture in fewer bytes, or the bytes themselves if they are the fewest.

    A figure's plot is opaque, so it needs no fourth channel, and often has few colours.

    Args:
        png: a PNG file.
    """
    picture: Image.Image = Image.open(io.BytesIO(png))
    dpi = picture.info.get("dpi")
    ways = [picture]
    if picture.mode == "RGBA" and picture.getchannel("A").getextrema() == (255, 255):
        picture = picture.convert("RGB")
        ways.append(picture)
    if picture.mode == "RGB" and picture.getcolors(COLOURS):
        few = picture.quantize(COLOURS)
        if few.convert("RGB").tobytes() == picture.tobytes():
            ways.append(few)
    return min([png, *(_written(way, dpi) for way in ways)], key=len)


def _written(picture: Image.Image, dpi: tuple[float, float] | None) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG", optimize=True, dpi=dpi)
    return file.getvalue()
