"""The digit readers' layers, and images that move in training only."""

import torch

from aeteach import models


def test_the_readers_have_the_reported_layers():
    reader = models.build("reader")
    assert models.count_parameters(reader) == 1024 * 50 + 50 + 50 * 10 + 10 == 51_760
    x = torch.rand(3, 1, 32, 32)
    first, second = reader.layers[2], reader.layers[4]
    hidden = (x.flatten(1) @ first.weight.T + first.bias).clamp(min=0)
    torch.testing.assert_close(reader(x), hidden @ second.weight.T + second.bias)


def test_the_strong_reader_moves_images_in_training_only():
    reader = models.build("conv-reader", dropout=0.0)
    x = torch.zeros(2, 1, 32, 32)
    x[:, :, 10:20, 14:18] = 1
    reader.eval()
    assert torch.equal(reader(x), reader(x))
    seen = []
    reader.layers.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    reader.train()
    torch.manual_seed(0)
    for _ in range(40):
        reader(x)
    moves = {tuple(image[0, 0].nonzero()[0].tolist()) for image in seen}
    assert moves == {(row, column) for row in range(8, 13) for column in range(12, 17)} & moves
    assert len(moves) > 10
    assert all(image.sum() == x.sum() for image in seen)
