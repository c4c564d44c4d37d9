import math

import numpy as np
import pytest
import scipy.stats
import sklearn.metrics
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from aeteach import losses, models, training
from aeteach.data import mnist
from aeteach.metrics import intervals, readability
from aeteach.models.base import Output


class Tilted(nn.Module):
    """A reader that looks at one row of ten pixels: the brightest one is the digit."""

    size = 16

    def __init__(self, error=0.0, seed=0):
        super().__init__()
        self.error, self.seed = error, seed
        self.modes = []

    def forward(self, x):
        self.modes.append(self.training)
        logits = 5 * x[:, 0, 0, :10]
        wrong = torch.rand(len(x), generator=torch.Generator().manual_seed(self.seed)) < self.error
        return torch.where(wrong[:, None], logits.roll(1, 1), logits)


class Copy(nn.Module):
    """A model whose reconstruction is the original, times a factor."""

    def __init__(self, factor=1.0):
        super().__init__()
        self.factor = factor
        self.modes = []

    def forward(self, x):
        self.modes.append(self.training)
        return Output(x_hat=self.factor * x, z=x.flatten(1))


def marked(labels):
    images = torch.zeros(len(labels), 1, 16, 16)
    images[torch.arange(len(labels)), 0, 0, labels] = 1.0
    return images


@pytest.fixture
def labels():
    return torch.randint(0, 10, (200,), generator=torch.Generator().manual_seed(5))


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


def test_read_gives_probabilities_digits_and_a_verdict(labels):
    wrong = Tilted(error=1.0)
    reading = readability.read(marked(labels), [Tilted(), Tilted(), wrong])
    assert reading.probabilities.shape == (3, 200, 10)
    torch.testing.assert_close(reading.probabilities.sum(2), torch.ones(3, 200))
    assert torch.equal(reading.digits[0], labels)
    assert torch.equal(reading.digits[2], (labels + 1) % 10)
    assert torch.equal(reading.verdict, labels)
    torch.testing.assert_close(reading.agreement, torch.full((200,), 2 / 3))


def test_the_score_is_scikit_learns(labels):
    readers = [Tilted(0.2, 1), Tilted(0.4, 2)]
    score = readability.score(marked(labels), labels, readers)
    digits = readability.read(marked(labels), readers).digits
    by_reader = [sklearn.metrics.accuracy_score(labels, d) for d in digits]
    assert score.by_reader == pytest.approx(by_reader)
    assert score.accuracy == pytest.approx(sum(by_reader) / 2)
    assert 0.6 < score.accuracy < 0.8
    expected = sum(
        torch.as_tensor(sklearn.metrics.confusion_matrix(labels, d, labels=range(10)))
        for d in digits
    )
    assert torch.equal(score.confusion, expected)
    assert score.confusion.dtype == torch.int64
    assert score.confusion.diag().sum() / 400 == pytest.approx(score.accuracy)


def test_readability_compares_the_model_with_the_originals(labels):
    readers = [Tilted(0.1, 1), Tilted(0.1, 2)]
    images = marked(labels)
    whole = readability.readability(Copy(), images, labels, readers)
    assert whole.accuracy == whole.ceiling.accuracy > 0.8
    blank = readability.readability(Copy(0.0), images, labels, readers)
    assert blank.ceiling == whole.ceiling
    assert blank.accuracy < 0.3
    assert "originals" in str(blank)
    assert "200 images, 2 readers, 95% interval" in str(blank)


def test_model_and_readers_work_in_evaluation_mode_and_get_their_mode_back(labels):
    model, reader = Copy().train(), Tilted().train()
    readability.readability(model, marked(labels), labels, [reader])
    assert model.modes == [False]
    assert reader.modes == [False, False]  # reconstructions, then originals
    assert model.training
    assert reader.training


def test_a_conditional_model_is_told_the_labels(labels):
    class Drawn(nn.Module):
        def forward(self, x, y):
            return Output(x_hat=marked(y), z=x.flatten(1))

    blank = torch.zeros(200, 1, 16, 16)
    result = readability.readability(Drawn(), blank, labels, [Tilted()], conditional=True)
    assert result.accuracy == 1
    assert result.ceiling.accuracy < 0.3


def test_one_reader_gives_wilsons_interval():
    for k, n in [(0, 50), (7, 50), (25, 50), (50, 50), (9_123, 10_000)]:
        right = (torch.arange(n) < k)[None]
        expected = scipy.stats.binomtest(k, n).proportion_ci(0.9, method="wilson")
        assert readability.interval(right, 0.9) == pytest.approx(
            (expected.low, expected.high), abs=1e-9
        )


def test_several_readers_give_wilsons_interval_with_students_quantile():
    """Wilson's ends x solve (p - x)^2 = t^2 s^2 x (1 - x) / (p (1 - p))."""
    generator = torch.Generator().manual_seed(4)
    skill = torch.tensor([[0.6], [0.7], [0.8]])
    right = torch.rand(3, 400, generator=generator) < skill
    hits = right.numpy().astype(float)
    p = hits.mean()
    A, B = hits.mean(0).var(ddof=1) / 400, hits.mean(1).var(ddof=1) / 3
    freedom = (A + B) ** 2 / (A**2 / 399 + B**2 / 2)
    assert freedom < 4  # far from the normal quantile
    ratio = scipy.stats.t.ppf(0.975, freedom) ** 2 * (A + B) / (p * (1 - p))
    expected = sorted(np.roots([1 + ratio, -2 * p - ratio, p * p]))
    assert readability.interval(right) == pytest.approx(tuple(expected), abs=2e-3)


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95, 0.99])
@pytest.mark.parametrize("freedom", [1.0, 2.0, 4.0, 7.3, 100.0, 9_999.0])
def test_students_quantile(confidence, freedom):
    expected = scipy.stats.t.ppf((1 + confidence) / 2, freedom)
    assert intervals._student(confidence, freedom) == pytest.approx(expected, rel=5e-3)


def test_the_interval_holds_the_truth_as_often_as_it_says():
    """400 worlds: readers differ by 2 %, images are easy or hard, both are drawn anew."""
    generator = torch.Generator().manual_seed(0)
    readers, images, holds, binomial = 5, 1000, 0, 0
    for _ in range(400):
        skill = 0.02 * torch.randn(readers, 1, generator=generator)
        ease = 0.1 * torch.randn(1, images, generator=generator)
        chance = (0.75 + skill + ease).clamp(0, 1)
        right = torch.rand(readers, images, generator=generator) < chance
        low, high = readability.interval(right)
        holds += low < 0.75 < high
        low, high = readability.interval(
            right.flatten()[None]
        )  # as if all answers were independent
        binomial += low < 0.75 < high
    assert holds / 400 > 0.93
    assert binomial / 400 < 0.75


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 6), st.integers(2, 60), st.floats(0, 1), st.integers(0, 999))
def test_the_interval_surrounds_the_accuracy_and_stays_between_0_and_1(readers, n, p, seed):
    generator = torch.Generator().manual_seed(seed)
    right = torch.rand(readers, n, generator=generator) < p
    low, high = readability.interval(right)
    accuracy = right.double().mean().item()
    assert 0 <= low <= accuracy + 1e-12
    assert accuracy - 1e-12 <= high <= 1
    assert low < high
    wider = readability.interval(right, 0.99)
    assert wider[0] <= low + 1e-12
    assert wider[1] >= high - 1e-12


def test_readers_that_differ_widen_the_interval():
    alike = (torch.arange(1000) < 750).expand(5, -1)
    apart = torch.stack([torch.arange(1000) < k for k in (700, 725, 750, 775, 800)])
    narrow, wide = readability.interval(alike), readability.interval(apart)
    assert wide[1] - wide[0] > 1.3 * (narrow[1] - narrow[0])


@pytest.mark.parametrize(
    ("right", "confidence", "what"),
    [
        (torch.ones(2, 5), 0.95, r"float32 of shape \(2, 5\)"),
        (torch.ones(5, dtype=torch.bool), 0.95, r"shape \(5,\)"),
        (torch.ones(2, 1, dtype=torch.bool), 0.95, "at least two images"),
        (torch.ones(2, 5, dtype=torch.bool), 95, "confidence is 95"),
    ],
)
def test_an_interval_of_something_else_is_refused(right, confidence, what):
    with pytest.raises(ValueError, match=what):
        readability.interval(right, confidence)


@pytest.mark.parametrize(
    ("images", "error", "what"),
    [
        (torch.zeros(3, 1, 28, 28), ValueError, r"\(3, 1, 28, 28\).*\(N, 1, 16, 16\)"),
        (torch.zeros(0, 1, 16, 16), ValueError, r"\(0, 1, 16, 16\)"),
        (torch.zeros(3, 1, 16, 16, dtype=torch.uint8), TypeError, "uint8.*255"),
        (torch.full((3, 1, 16, 16), 200.0), ValueError, "200 to 200.*255"),
        (torch.full((3, 1, 16, 16), math.nan), ValueError, "nan"),
    ],
)
def test_what_readers_cannot_read_is_refused(images, error, what):
    with pytest.raises(error, match=what):
        readability.read(images, [Tilted()])


def test_readers_are_several_or_a_list_of_one(labels):
    with pytest.raises(TypeError, match="list of one"):
        readability.read(marked(labels), Tilted())
    with pytest.raises(ValueError, match="readers is empty"):
        readability.read(marked(labels), [])


def test_labels_that_do_not_fit_are_refused(labels):
    with pytest.raises(ValueError, match="one label for each of the 200 images, got 199"):
        readability.score(marked(labels), labels[1:], [Tilted()])


def test_cross_entropy_is_torchs_and_says_the_accuracy():
    logits = torch.randn(50, 10, generator=torch.Generator().manual_seed(1))
    y = torch.randint(0, 10, (50,), generator=torch.Generator().manual_seed(2))
    terms = losses.CrossEntropy()(logits, torch.zeros(50, 1, 4, 4), y)
    expected = torch.distributions.Categorical(logits=logits).log_prob(y).mean()
    torch.testing.assert_close(terms["loss"], -expected)
    hits = sum(int(row.argmax() == digit) for row, digit in zip(logits, y, strict=True))
    assert terms["accuracy"].item() == pytest.approx(hits / 50)
    with pytest.raises(ValueError, match="is the model a classifier"):
        losses.CrossEntropy()(torch.zeros(50, 1, 4, 4), torch.zeros(50, 1, 4, 4), y)


def test_fit_trains_a_reader_with_labels_that_the_model_never_sees():
    y = torch.arange(200) % 10
    noise = torch.rand(200, 1, 16, 16, generator=torch.Generator().manual_seed(3))
    x = 0.5 * marked(y) + 0.5 * noise
    reader = models.build("reader", size=16)
    history = training.fit(
        reader, x, labels=y, loss="cross_entropy", epochs=25, batch_size=20, lr=5e-3,
        held_out=x[:50], held_out_labels=y[:50], progress=False,
    )  # fmt: skip
    assert history.curve("accuracy")[0] < 0.4
    assert history.curve("accuracy")[-1] > 0.95
    assert history.curve("accuracy", held_out=True)[-1] > 0.95
    assert training.evaluate(reader, x, "cross_entropy", labels=y)["accuracy"] > 0.95


def test_a_labelled_loss_without_labels_is_refused():
    with pytest.raises(ValueError, match="pass labels="):
        training.fit(
            models.build("reader", size=16), torch.zeros(4, 1, 16, 16), loss="cross_entropy",
            progress=False,
        )  # fmt: skip


@pytest.mark.slow
def test_the_shipped_readers_read_test_digits():
    test = mnist("test")
    standard = readability.score(test.images, test.labels)
    assert len(standard.by_reader) == 5
    assert min(standard.by_reader) > 0.96
    assert len(set(standard.by_reader)) > 1
    strong = readability.score(test.images, test.labels, readability.readers(readability.STRONG))
    assert strong.accuracy >= 0.993


@pytest.mark.slow
def test_readability_of_pca_is_what_other_readers_found():
    """Five readers trained elsewhere: 35-41, 39-43 and 52-55 % for 2, 3 and 4 components."""
    train, test = mnist("train"), mnist("test")
    for d, low, high in [(2, 0.34, 0.42), (3, 0.38, 0.44), (4, 0.50, 0.56)]:
        result = readability.readability(models.PCA(d).fit(train.images), test.images, test.labels)
        assert low < result.accuracy < high
