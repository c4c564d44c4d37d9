"""The digit reader in the page against torch."""

import torch

from aeteach.metrics import readability
from aeteach.widgets.kit.reader import reader_network
from tests.browser.conftest import Agree, Call


def test_its_probabilities_are_torchs(call: Call, agree: Agree) -> None:
    reader = readability.readers()[0]
    weights = {
        k: {"shape": list(v.shape), "data": v.flatten().tolist()}
        for k, v in reader_network(reader, 2).arrays.items()
    }
    x = torch.rand(4, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    body = "a[0].map((x) => m.read(x, a[1]))"
    got = call("reader", body, x.flatten(1).double().tolist(), weights)
    with torch.no_grad():
        expected = reader(torch.nn.functional.pad(x, [2] * 4)).softmax(1)
    agree(got, expected, 1e-5)  # torch works in float32 here
    assert [sum(p) for p in got] == [1.0] * 4 or max(abs(sum(p) - 1) for p in got) < 1e-12
