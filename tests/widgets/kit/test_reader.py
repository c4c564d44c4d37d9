"""The digit reader for the page: narrowed as if the frame were black."""

import torch

from aeteach.metrics import readability
from aeteach.models import DigitReader
from aeteach.widgets.kit.reader import reader_network
from tests.widgets.small import framed_digits, seeded


def test_the_reader_is_packed_as_if_the_frame_were_black() -> None:
    reader = seeded(DigitReader).eval()
    arrays = reader_network(reader, 2).arrays
    x, _ = framed_digits()
    hidden = (x[:, 0, 2:-2, 2:-2].flatten(1) @ arrays["reader/w0"].T + arrays["reader/b0"]).relu()
    logits = hidden @ arrays["reader/w1"].T + arrays["reader/b1"]
    torch.testing.assert_close(logits, reader(x), rtol=1e-5, atol=1e-6)


def test_the_shipped_frame_is_black_enough_to_leave_out() -> None:
    """The docstring's claim, on the test digits themselves."""
    from aeteach import load
    from aeteach.data import mnist

    x = mnist("test").images
    with torch.no_grad():
        x_hat = load("mlp-2")(x).x_hat
    inner = torch.nn.functional.pad(x_hat[..., 2:-2, 2:-2], [2] * 4)
    frame = float((x_hat - inner).max())
    reader = [readability.readers()[0]]
    full, cut = (readability.read(i, reader) for i in (x_hat, inner))
    moved = float((full.probabilities - cut.probabilities).abs().max())
    print(f"frame at most {frame:.2g}, probabilities move by at most {moved:.2g}")
    assert float(x[..., 0, :].max()) == float(x[..., 1].max()) == 0
    assert 0 < frame < 0.005
    assert moved < 1e-3
    assert torch.equal(full.digits, cut.digits)
