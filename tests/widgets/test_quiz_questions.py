"""The self-test's questions: well formed, balanced, and every number worked out a second time."""

import math
import re
from collections import Counter
from typing import Any

import nbformat
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from docutils.nodes import make_id
from torch.distributions import Independent, MultivariateNormal, Normal, kl_divergence

from aeteach import divergences, losses
from aeteach.models.conv import conv_encoder
from aeteach.widgets.quiz import anchor, check_question, kind, reach
from aeteach.widgets.quiz_questions import QUESTIONS, Question
from tests.paths import BOOK, ROOT

BY_TOPIC = {q.topic: q for q in QUESTIONS}


def listed() -> set[str]:
    text = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    return set(re.findall(r"file: book/(\S+)", text))


# ---------------------------------------------------------------- the form


def test_there_are_twenty_of_three_kinds() -> None:
    assert len(QUESTIONS) == len(BY_TOPIC) == 20
    assert Counter(kind(q) for q in QUESTIONS) == {"number": 9, "one": 8, "all": 3}
    assert len({q.ask for q in QUESTIONS}) == 20
    for question in QUESTIONS:
        check_question(question)
        if question.answer is not None:
            assert len(question.slips) >= 3  # a number is worth asking for if it can go wrong


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: q.topic)
def test_every_text_is_a_sentence_of_its_own(question: Question) -> None:
    told = [question.ask, question.why, question.hint]
    told += [part for c in question.choices for part in (c.text, c.why)]
    told += [slip.why for slip in question.slips]
    said = [text for text in told if text]
    assert len(set(said)) == len(said)
    for text in said:
        assert text == text.strip()
        assert "  " not in text
        assert text[-1] in ".?"
        assert not re.search(r"[$\\_]\{|\\[a-z]", text)  # no TeX: it stands in a figure
    for why in [c.why for c in question.choices] + [s.why for s in question.slips]:
        assert len(why.split()) >= 6  # a reason, not a verdict


def test_right_answers_are_balanced_and_not_given_away_by_their_length() -> None:
    one = [q for q in QUESTIONS if kind(q) == "one"]
    places = Counter(next(i for i, c in enumerate(q.choices) if c.right) for q in one)
    assert places == {0: 2, 1: 2, 2: 2, 3: 2}
    longest = 0
    for question in (q for q in QUESTIONS if q.choices):
        lengths = [len(c.text) for c in question.choices]
        assert max(lengths) <= 1.6 * min(lengths), question.topic
        rights = [len(c.text) for c in question.choices if c.right]
        longest += kind(question) == "one" and rights[0] == max(lengths)
    assert longest <= 3  # chance would give 2 of 8
    several = [c.right for q in QUESTIONS if kind(q) == "all" for c in q.choices]
    assert 0.25 <= np.mean(several) <= 0.75


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: q.topic)
def test_every_page_and_section_is_there_or_pending(question: Question) -> None:
    path = BOOK / f"{question.page}.md"
    assert path.is_file(), f"there is no {path.name}"
    assert question.page in listed()
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    if question.section:
        assert headings.count(question.section) == 1
        assert anchor(question.section) == make_id(question.section)


# ---------------------------------------------------------------- the numbers, once more


def covariance() -> torch.Tensor:
    A = torch.tensor([[1.0, 2, 4], [3, 4, 3], [5, 6, 4]], dtype=torch.float64)
    return torch.cov(A.T)


def pca() -> float:
    values = torch.linalg.eigvalsh(covariance())
    return float(100 * values.max() / values.sum())


def pixels_of_the_bottleneck() -> int:
    return conv_encoder(3)(torch.zeros(2, 1, 32, 32))[0].numel()


def gap() -> float:
    """For a model where all is known: log p(x) - ELBO equals the KL to the posterior."""
    log_p, fit, to_prior = -90.0, -70.0, 24.0
    # z ~ N(0, 1), x|z ~ N(z, 1), so that z|x ~ N(x/2, 1/2): the rule that the numbers go through
    x, q = torch.tensor(1.3), Normal(torch.tensor(0.2), torch.tensor(0.9))
    evidence = Normal(0.0, math.sqrt(2)).log_prob(x)
    likelihood = -0.5 * math.log(2 * math.pi) - ((x - q.mean) ** 2 + q.variance) / 2
    prior = Normal(torch.tensor(0.0), torch.tensor(1.0))
    elbo = likelihood - kl_divergence(q, prior)
    posterior = Normal(x / 2, torch.tensor(math.sqrt(0.5)))
    assert float(evidence - elbo) == pytest.approx(float(kl_divergence(q, posterior)), abs=1e-5)
    return log_p - (fit - to_prior)


def floor() -> float:
    """The smallest of the package's cross-entropies over logits."""
    logits = torch.linspace(-6, 6, 120_001, dtype=torch.float64)[:, None]
    return float(losses.bernoulli_nll(logits, torch.full_like(logits, 0.2)).min())


def beta_of_a_mean() -> float:
    """Fit loss = f (S + beta K) to losses of random outputs."""
    g = torch.Generator().manual_seed(0)
    rows, values = [], []
    for _ in range(6):
        x, x_hat = (torch.rand(8, 1024, dtype=torch.float64, generator=g) for _ in range(2))
        mu, log_var = (torch.randn(8, 3, dtype=torch.float64, generator=g) for _ in range(2))
        K = divergences.kl_to_standard_normal(mu, log_var).mean()
        rows.append([float(losses.squared_error(x_hat, x).mean()), float(K)])
        values.append(float(F.mse_loss(x_hat, x) + K))
    (of_S, of_K), *_ = np.linalg.lstsq(np.array(rows), np.array(values), rcond=None)
    return float(of_K / of_S)


def z_of_a_draw() -> float:
    mu, log_var = torch.tensor([[1.0]]), torch.tensor([[-2.0]])
    draw = Normal(mu, torch.exp(log_var) ** 0.5)
    return float(draw.mean + draw.stddev * 1.0)


def silent_from() -> float:
    """The smallest beta at which no nats on an axis of variance 5.4 lower S + beta K."""

    def worth(beta: float) -> bool:
        # The best linear code of a normal axis: signal kept 1 - D/5.4 at the price of log nats.
        D = torch.linspace(1e-3, 5.4, 200_001, dtype=torch.float64)
        loss = D + beta * torch.log(5.4 / D) / 2
        return bool(loss.argmin() < len(D) - 1)

    low, high = 1.0, 50.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if worth(middle) else (low, middle)
    return low


def channel() -> float:
    """The mutual information of z and z + noise, from log-determinants, in bits."""
    clean, noise = 15 * torch.eye(3, dtype=torch.float64), torch.eye(3, dtype=torch.float64)
    zero = torch.zeros(3, dtype=torch.float64)
    arrived = MultivariateNormal(zero, clean + noise).entropy()
    return float((arrived - Independent(Normal(zero, 1.0), 1).entropy()) / math.log(2))


RECOMPUTED = {
    "PCA": pca,
    "convolutions": pixels_of_the_bottleneck,
    "surprise, entropy, KL": lambda: float(divergences.kl([0.5, 0.5], [0.7, 0.3], base=2)),
    "the ELBO and its gap": gap,
    "reconstruction terms": floor,
    "sum or mean": beta_of_a_mean,
    "reparameterization": z_of_a_draw,
    "beta and collapse": silent_from,
    "noise, signal and bits": channel,
}


def test_every_number_is_recomputed() -> None:
    assert set(RECOMPUTED) == {q.topic for q in QUESTIONS if q.answer is not None}


@pytest.mark.parametrize("topic", RECOMPUTED)
def test_a_number_comes_out_a_second_time(topic: str) -> None:
    question, again = BY_TOPIC[topic], RECOMPUTED[topic]()
    assert question.answer == pytest.approx(again, rel=3e-4)
    assert abs(question.answer - again) <= reach(question.answer, question.tolerance) / 2


def test_the_covariance_is_that_of_the_question() -> None:
    assert torch.allclose(
        covariance(), torch.tensor([[4.0, 4, 0], [4, 4, 0], [0, 0, 1 / 3]]).double()
    )


SLIPS = {
    "PCA": [
        0.96, 100 / 3, 100 * 4 / (25 / 3), 100 * 8**0.5 / (8**0.5 + 3**-0.5),
        100 * 64 / (64 + 1 / 9),
    ],
    "surprise, entropy, KL": [
        float(divergences.kl([0.5, 0.5], [0.7, 0.3])),
        float(divergences.kl([0.5, 0.5], [0.7, 0.3], base=10)),
        float(divergences.kl([0.7, 0.3], [0.5, 0.5], base=2)),
        float(divergences.cross_entropy([0.5, 0.5], [0.7, 0.3], base=2)),
        -float(divergences.kl([0.5, 0.5], [0.7, 0.3], base=2)),
    ],
    "reconstruction terms": [
        0.0,
        float(divergences.entropy([0.2, 0.8], base=2)),
        -float(divergences.entropy([0.2, 0.8])),
        -0.2 * math.log(0.2),
        -0.8 * math.log(0.8),
        -math.log(0.8),
        -0.2 * math.log(0.8) - 0.8 * math.log(0.2),
    ],
    "reparameterization": [
        1 + math.exp(-2), -1, 1 + math.exp(-0.5), 1 + math.exp(-4), 1 + math.e, 1, 2,
    ],
    "noise, signal and bits": [
        12, 6 * math.log(2), 2, 1.5 * math.log2(15), 0.5 * math.log2(46), 4,
    ],
    "beta and collapse": [5.4, 2.7, 1, 2 * math.sqrt(5.4), 5.4**2],
}  # fmt: skip


@pytest.mark.parametrize("topic", SLIPS)
def test_known_wrong_numbers_are_those_of_their_mistakes(topic: str) -> None:
    assert [s.value for s in BY_TOPIC[topic].slips] == pytest.approx(SLIPS[topic], abs=2e-4)


def test_numbers_within_explanations() -> None:
    assert divergences.nats_to_bits(151.5 - 124.3) == pytest.approx(39.2, abs=0.05)


def test_the_example_of_the_page_is_a_good_question() -> None:
    text = (BOOK / "self-test.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    names: dict[str, Any] = {}
    exec(example, names)
    assert names["test"].questions[0]["answer"] == pytest.approx(2 / math.log(2), abs=1e-3)
    assert names["mine"].slips[0].value == pytest.approx(2 * math.log(2), abs=1e-3)
    assert names["mine"].section in (BOOK / "surprise-and-kl.md").read_text(encoding="utf-8")


def test_the_page_prints_every_number() -> None:
    kept = nbformat.read(ROOT / "tests/reference/self-test.ipynb", as_version=4)
    printed = "".join(o["text"] for cell in kept.cells for o in cell.get("outputs", []))
    shown = {}
    for line in printed.splitlines():
        place, *numbers = re.findall(r"\d+(?:\.\d+)?", line)
        shown[int(place)] = float(numbers[-1])
    asked = {i: q.answer for i, q in enumerate(QUESTIONS, 1) if q.answer is not None}
    assert shown == pytest.approx(asked, rel=1e-3)
