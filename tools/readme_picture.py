"""Draw the README's picture: test digits rebuilt from k principal components.

python tools/readme_picture.py
"""

from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

from aeteach.data import mnist
from aeteach.models import PCA
from aeteach.plots import image_rows, use_style

TARGET = Path(__file__).resolve().parents[1] / "book" / "static" / "readme.png"


def main() -> None:
    use_style()
    digits = mnist("test", size=28)
    chosen = [int((digits.labels == digit).nonzero()[2]) for digit in range(10)]
    x = digits.images[chosen]
    train = mnist("train", size=28).images
    rows = {"original": x}
    for k in (2, 10, 30, 100):
        rows[f"{k} numbers"] = PCA(k, size=28).fit(train)(x).x_hat.clamp(0, 1)
    image_rows(rows).savefig(TARGET, dpi=100)
    print(f"{TARGET.name}: {TARGET.stat().st_size / 1000:.0f} KB")


if __name__ == "__main__":
    main()
