"""The two searches: what they find is true, nothing is given away, and nothing runs away."""

import ast
import itertools
import pathlib
import re
import sys
import threading
import time
import tokenize
import types
from collections.abc import Callable
from io import StringIO
from typing import Any

import numpy as np
import pytest
import torch

from aeteach import checks
from aeteach.checks._exercise import secret_of
from tests.checks.test_exercises import FUNCTIONS, functions
from tools.ask_checkers import Report, accepted, known, program_of, reason

# ---------------------------------------------------------------- one slip, two slips


@functions
@pytest.mark.slow
def test_a_small_edit_of_a_solution_is_refused_unless_it_changes_nothing(name: str) -> None:
    found = list(accepted(name, sample=40))
    assert found.count(None) >= 25
    for slip in found:
        if slip is not None:
            assert not slip.lucky, f"accepted, though wrong on other inputs: {slip.text}"
            assert reason(name, slip), f"accepted, and not known to be equivalent: {slip}"


@pytest.mark.slow
def test_the_table_of_equivalent_answers_names_exercises_and_kinds() -> None:
    for name, kinds in known().items():
        program = program_of(secret_of(FUNCTIONS[name]).solutions[0])
        made = {edit.spoils for edit, _, _ in program.versions()}
        for kind in kinds:
            assert any(kind in said for said in made), f"no such edit of {name}: {kind}"


@pytest.mark.parametrize("name", sorted(FUNCTIONS)[::4])
@pytest.mark.slow
def test_an_answer_with_two_slips_is_refused_and_told_the_truth(name: str) -> None:
    report = Report(name)
    report.ask_doubles(4, seed=0)
    assert report.doubles
    assert not report.wrongly_accepted
    assert not report.false
    assert max(report.seconds) < 3.0


# ---------------------------------------------------------------- no spoilers


def code_tokens(text: str) -> list[str]:
    try:
        found = list(tokenize.generate_tokens(StringIO(text).readline))
    except (tokenize.TokenError, IndentationError, SyntaxError):
        return re.findall(r"\w+|[^\w\s]", text)
    return [t.string for t in found if t.string.strip()]


def pieces(solution: Callable[..., Any]) -> set[tuple[str, ...]]:
    """Return every five tokens in a row of a solution that hold an operator and a call or name."""
    program = program_of(solution)
    body = program.parts[program.main.__name__][1].body
    text = ast.unparse(body if isinstance(body, ast.expr) else ast.Module(body, []))
    tokens = code_tokens(text)
    runs = {tuple(tokens[i : i + 5]) for i in range(len(tokens) - 4)}
    return {run for run in runs if any(t in "+-*/@%<>" or t == "**" for t in run)}


@functions
def test_no_hint_holds_a_piece_of_the_solution(name: str) -> None:
    secret = secret_of(FUNCTIONS[name])
    forbidden = set().union(*(pieces(s) for s in secret.solutions))
    program = program_of(secret.solutions[0])
    said = {m.hint for m in secret.mistakes} | {secret.otherwise}
    for edit, _, _ in program.versions():
        said |= {edit.spoils, edit.mends}
    for hint in said:
        tokens = code_tokens(hint)
        runs = {tuple(tokens[i : i + 5]) for i in range(len(tokens) - 4)}
        assert not runs & forbidden, hint


def test_a_repair_shows_the_readers_own_code_and_not_the_repaired_one() -> None:
    hint = checks.covariance(lambda X: (X - X.mean(0)).T @ (X - X.mean(0)) / (len(X) + 1)).hint
    assert "`len(X) + 1`: a sign is wrong" in hint
    assert "- 1" not in hint


@functions
def test_the_solution_is_not_an_attribute_away(name: str) -> None:
    exercise = FUNCTIONS[name]
    solutions = secret_of(exercise).solutions
    for attribute in dir(exercise):
        value = getattr(exercise, attribute, None)
        assert value not in solutions if callable(value) else True, attribute


# ---------------------------------------------------------------- bounded, and without a trace


def endless(X: Any) -> None:
    while True:
        pass


def endless_and_deaf(X: Any) -> None:
    while True:
        try:  # noqa: SIM105 - spelled out, as it is met
            len(X)
        except BaseException:
            pass


def endless_after_an_edit(X: Any) -> Any:
    i = 0
    while i < len(X):
        i += 1
    return X - X.mean(0) + i


@pytest.mark.parametrize("answer", [endless, endless_and_deaf])
def test_a_loop_that_never_ends_is_stopped_and_told(answer: Any) -> None:
    start = time.thread_time()
    verdict = checks.centring(answer)
    assert "did not come to an end" in verdict.hint
    assert time.thread_time() - start < 2.0


def test_an_edit_that_never_ends_is_stopped() -> None:
    start = time.thread_time()
    assert not checks.centring(endless_after_an_edit)
    assert time.thread_time() - start < 4.0


def test_a_loop_is_stopped_in_another_thread_as_well() -> None:
    found: list[checks.Verdict] = []
    thread = threading.Thread(target=lambda: found.append(checks.centring(endless)))
    thread.start()
    thread.join(60)
    assert not thread.is_alive()
    assert "did not come to an end" in found[0].hint


def test_the_search_leaves_the_readers_variables_and_generators_alone() -> None:
    log: list[int] = []
    weights = np.ones(3)

    def answer(X: Any) -> Any:
        log.append(len(X))
        weights[0] = weights[0] * 1.0
        return (X - X.mean(0)) * 1.5 + 0 * weights[0]

    torch.manual_seed(3)
    np.random.seed(3)  # noqa: NPY002 - the global generator is what must not move
    verdict = checks.centring(answer)
    assert "With that mended" in verdict.hint
    assert len(log) < 100, "an edited version wrote into the reader's list"
    assert (weights == 1).all()
    after = torch.rand(2), np.random.rand(2)  # noqa: NPY002
    torch.manual_seed(3)
    np.random.seed(3)  # noqa: NPY002
    assert torch.equal(after[0], torch.rand(2))
    assert np.array_equal(after[1], np.random.rand(2))  # noqa: NPY002


def test_a_function_that_reaches_outside_is_never_run_in_an_edited_version(tmp_path: Any) -> None:
    file = tmp_path / "calls"

    def answer(X: Any) -> Any:
        with open(file, "a") as out:  # noqa: PTH123 - the plain name is what is looked for
            out.write("called\n")
        return X - X.mean(1, keepdims=True) * 2

    verdict = checks.centring(answer)
    assert "With that mended" not in verdict.hint
    assert len(file.read_text().splitlines()) < 60


def test_what_edited_versions_print_is_not_seen(capsys: Any) -> None:
    def answer(X: Any) -> Any:
        print("here")
        return (X - X.mean(0)) / 3

    checks.centring(answer)
    assert capsys.readouterr().out == "here\n"


class Stop(BaseException):
    pass


def ends(X: Any) -> Any:
    sys.exit(3)


def stops(X: Any) -> Any:
    raise Stop("enough")


def calls_itself(X: Any) -> Any:
    return calls_itself(X)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (ends, "`sys.exit(3)`, raised SystemExit: 3"),
        (stops, "raised Stop: enough"),
        (calls_itself, "`return calls_itself(X)`, raised RecursionError"),
        (lambda X: itertools.count(), "more than 100,000 items, if they end at all"),
    ],
)
def test_what_would_end_the_program_is_the_readers_own_error(answer: Any, words: str) -> None:
    verdict = checks.centring(answer)
    assert not verdict
    assert words in verdict.hint


def test_the_readers_own_interrupt_goes_through() -> None:
    def answer(X: Any) -> Any:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        checks.centring(answer)
    assert checks.centring(lambda X: X - X.mean(0))


def test_in_a_notebook_exit_does_not_ask_the_kernel_to_stop(monkeypatch: Any) -> None:
    asked: list[int] = []
    names = {"exit": lambda: asked.append(1), "X": 1}
    monkeypatch.setattr("IPython.get_ipython", lambda: types.SimpleNamespace(user_ns=names))
    before = dict(names)
    assert "raised SystemExit" in checks.centring(lambda X: names["exit"]()).hint  # type: ignore[operator]
    assert not asked
    assert names == before


def test_of_thousands_of_printed_lines_a_few_are_shown(capsys: Any) -> None:
    def answer(X: Any) -> Any:
        for i in range(3000):
            print("line", i)
        return X - X.mean(0)

    assert checks.centring(answer)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "line 0"
    assert len(lines) < 50
    assert lines[-1] == f"... and {3000 - (len(lines) - 1)} more lines"


def test_what_an_answer_changes_is_put_back_or_told() -> None:
    memory: list[int] = []

    def remembers(X: Any, seen: list[int] = []) -> Any:  # noqa: B006 - the mistake itself
        seen.append(1)
        return X - X.mean(0) + len(seen)

    def counts(X: Any) -> Any:
        memory.append(1)
        return X + len(memory)

    def sets(X: Any) -> Any:
        torch.set_default_dtype(torch.float64)
        np.set_printoptions(precision=1)
        sys.setrecursionlimit(500)
        return X

    for answer in (remembers, counts):
        assert "something outlives the call" in checks.centring(answer).hint
    for noise in (
        lambda X: X + torch.rand(1).item(),
        lambda X: X + np.random.default_rng().random(),
    ):
        assert "draws noise of its own" in checks.centring(noise).hint
    depth, precision = sys.getrecursionlimit(), np.get_printoptions()["precision"]
    assert not checks.centring(sets)
    assert torch.get_default_dtype() == torch.float32
    assert np.get_printoptions()["precision"] == precision
    assert sys.getrecursionlimit() == depth


def test_edited_versions_share_nothing_with_the_answer() -> None:
    class Counter:
        def __init__(self) -> None:
            self.calls = 0

        def __call__(self, X: Any) -> Any:
            self.calls += 1
            return X - X.mean(0) * 1.1

    counter = Counter()
    assert "constant factor is one too many" in checks.centring(counter).hint
    assert counter.calls < 100


def test_an_iterator_without_end_is_not_set_free() -> None:
    def answer(X: Any) -> Any:
        rows = [row for row, _ in zip(X, itertools.count(), strict=False)]
        return np.stack(rows) - X.mean(0) * 1.1

    assert "With that mended" not in checks.centring(answer).hint


def test_a_class_that_reaches_outside_is_never_run_in_an_edited_version(tmp_path: Any) -> None:
    places: list[str] = []

    def answer(X: Any) -> Any:
        pathlib.Path(tmp_path / f"{len(places)}").touch()
        return (X - X.mean(0)) * 1.1

    assert "With that mended" not in checks.centring(answer).hint


def test_a_slow_answer_is_not_called_endless(monkeypatch: Any) -> None:
    monkeypatch.setattr("aeteach.checks._trial.WHOLE", 0.02)

    def answer(X: Any) -> Any:
        start = time.thread_time()
        while time.thread_time() - start < 0.005:
            pass
        return X - X.mean(0)

    assert "may take 0.02 seconds together" in checks.centring(answer).hint


# ---------------------------------------------------------------- true statements


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda X: X - X.mean(0) if len(X) != 4 else X, "Right on|`4`|case"),
        (lambda X: X[:6] - X.mean(0), "`X.:6.`: a selection is made that is not wanted"),
        (lambda X: X - X.no_such(0), "raised AttributeError"),
        (lambda X: torch.cat([X, X]) - X.mean(dim=0, keepdim=True), "has shape|one slip|mended"),
        (lambda X: torch.stack([X, X.T]), "raised RuntimeError: stack"),
        (lambda X: (X, X, X), "shape|expected"),
        (lambda X: "three", "str 'three'"),
        (lambda X: 0 * X, "one slip: an average is missing"),
        (lambda X: X + np.random.rand(), "draws noise of its own"),  # noqa: NPY002
    ],
)
def test_a_statement_is_about_the_input_that_it_names(answer: Any, hint: str) -> None:
    verdict = checks.centring(answer)
    assert not verdict
    assert re.search(hint, verdict.hint), verdict.hint


def kl_by_dimension(mu: Any, log_var: Any) -> Any:
    return ((np.exp(log_var) + mu**2 - 1 - log_var) / 2).mean(0)


def pooled(a: Any, b: Any) -> Any:
    n, m = len(a), len(b)
    variance = ((n - 1) * np.var(a, ddof=1) + (m - 1) * np.var(b, ddof=1)) / (n + m - 2)
    return a.mean() - b.mean(), np.sqrt(variance * (1 / n + 1 / m))


def near_on_average(valid: Any, generated: Any, threshold: Any) -> Any:
    away = np.sqrt(((valid[:, None] - generated) ** 2).sum(2))
    return (away.mean(1) < threshold).mean()


@pytest.mark.parametrize(
    ("name", "answer", "false"),
    [
        # One other value of an argument need not change a count.
        ("dimensions_needed", lambda mu, v, s: (kl_by_dimension(mu, v) > s).sum(), "other numbers"),
        # A root of a negative number is NaN, as in some wrong solution.
        ("difference_of_means", pooled, "minus sign"),
        # 1 is always 1.
        ("time_ratio", lambda s, b: s[0] / b[0], "one variable stands"),
        # No sum over an empty range.
        ("count_of_shapes", lambda n, a, b, k: k * sum(n - s + 1 for s in range(a, b + 1)) ** 2,
         "minus sign"),
        ("coverage", near_on_average, "largest"),
        # The sum of the numbers does not depend on how they are arranged.
        ("code_grid", lambda n, c: np.stack(
            np.meshgrid(np.linspace(-c, c, n), np.linspace(c, -c, n)), -1), "a sum"),
    ],
)  # fmt: skip
def test_what_agrees_by_accident_is_not_said(name: str, answer: Any, false: str) -> None:
    verdict = checks.exercises()[name](answer)
    assert not verdict
    assert false not in verdict.hint


def test_an_error_is_shown_with_the_readers_own_line() -> None:
    def answer(X: Any) -> Any:
        m = X.mean(0)
        return X @ m[:, None, None].T[0] @ np.ones((99, 1))

    verdict = checks.centring(answer)
    line = answer.__code__.co_firstlineno + 2
    assert f"line {line} of your code, `return X @ m" in verdict.hint


def test_an_error_is_that_of_the_form_for_which_an_answer_is_written() -> None:
    def answer(X: Any) -> Any:
        return torch.sub(X, X.mean(dim=0)) @ torch.ones(99, 1).double()

    assert "RuntimeError: mat1 and mat2 shapes" in checks.centring(answer).hint


def test_numpys_words_are_not_judged_with_tensors() -> None:
    def answer(z: Any, db: Any) -> Any:
        return np.float64(1.0) * (z - z.mean(0)).std() ** 2 * 3 / 10 ** (db / 10)

    assert not checks.noise_for_snr(answer)


# ---------------------------------------------------------------- odd calls


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.slow
def test_nothing_that_is_returned_or_given_makes_a_checker_crash(name: str) -> None:
    report = Report(name)
    report.ask_odd(24, seed=0)
    assert not report.crashes


_RNG = np.random.default_rng(0)


class _Drawing:
    def __init__(self) -> None:
        self.rng = np.random.default_rng(0)

    def __call__(self, mu: Any, log_var: Any, eps: Any) -> Any:
        return mu + np.exp(log_var / 2) * self.rng.normal(size=np.shape(mu))


@pytest.mark.parametrize(
    "answer",
    [
        lambda mu, v, eps: mu + np.exp(v / 2) * _RNG.normal(size=np.shape(mu)),
        lambda mu, v, eps: mu + np.exp(v / 2) * np.random.default_rng().normal(size=np.shape(mu)),
        lambda mu, v, eps, *, rng=np.random.default_rng(1): mu + rng.normal(size=np.shape(mu)),  # noqa: B008
        (lambda rng: lambda mu, v, eps: mu + rng.normal(size=np.shape(mu)))(_RNG),
    ],
    ids=["global", "made inside", "default", "closure"],
)
def test_noise_of_ones_own_is_called_so_wherever_it_comes_from(answer: Callable[..., Any]) -> None:
    assert "draws noise of its own" in checks.reparameterize(answer).hint


def test_noise_of_an_object_is_called_what_is_known_of_it() -> None:
    assert (
        "Two calls with the same arguments gave two results"
        in checks.reparameterize(_Drawing()).hint
    )


# ---------------------------------------------------------------- two changes, and none made up


def _two_columns(X: Any) -> Any:
    out = []
    a, b = sum(r[0] for r in X) / len(X), sum(r[1] for r in X) / len(X)
    for r in X:
        out.append([r[0] - a, r[1] - b])
    return out


def _eigenvalues(A: Any, B: Any) -> Any:
    Q, _ = np.linalg.qr(A)
    R, _ = np.linalg.qr(B)
    c = np.abs(np.linalg.eigvals(Q.T @ R))
    return np.sort(np.rad2deg(np.arccos(np.clip(c, 0, 1))))


def _nearest_to_the_mean(z: Any, labels: Any) -> Any:
    rows = []
    for c in np.unique(labels):
        g = z[labels == c]
        rows.append(g[np.argmin(((g - g.mean(0)) ** 2).sum(1))])
    return np.array(rows)


def _half_width_too_large(k: Any, n: Any, t: Any) -> Any:
    p = k / n
    mid = (p + t**2 / (2 * n)) / (1 + t**2 / n)
    half = t * (p * (1 - p) / n + t**2 / (4 * n**2)) ** 0.5
    return mid - half, mid + half


def _strides_one_way(x: Any, w: Any, s: Any, p: Any) -> Any:
    x = np.pad(x, p)
    h, v = w.shape
    across, down = range(0, x.shape[1] - v + 1), range(0, x.shape[0] - h + 1, s)
    return [[(w * x[i : i + h, j : j + v]).sum() for j in across] for i in down]


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("centring", _two_columns),
        ("principal_angles", _eigenvalues),
        ("class_medians", _nearest_to_the_mean),
        ("wilson_interval", _half_width_too_large),
        ("convolve", _strides_one_way),
    ],
)
def test_no_place_is_blamed_by_coincidence(name: str, answer: Any) -> None:
    assert "Line " not in getattr(checks, name)(answer).hint


def test_two_changes_are_told_where_both_are_found() -> None:
    def answer(X: Any) -> Any:
        C = X - X.mean()
        return C.T @ C / len(X)

    hint = checks.covariance(answer).hint
    assert re.search(
        "Two changes mend it.*X.mean.*everything, where one axis.*len.*off by one", hint
    )


def test_what_stands_there_is_named_by_what_it_is() -> None:
    hint = checks.conv_output_padding(lambda n, k, s, p: (n + 2 * p - k) // s).hint
    assert "a quotient that is rounded down stands where another is meant" in hint


def test_an_argument_that_only_orders_is_not_called_idle() -> None:
    def answer(X: Any, k: Any) -> Any:
        return np.eye(X.shape[1])[:, X.var(0).argsort()[::-1][:k]]

    assert "other numbers" not in checks.principal_axes(answer).hint


def test_a_number_is_called_by_the_part_that_it_plays() -> None:
    def answer(var_z: Any, var_noise: Any) -> Any:
        return np.log2(1 + var_z / var_noise**2).sum() / 2

    hint = checks.information_rate(answer).hint
    assert "an exponent is wrong" in hint


def test_what_returns_nothing_on_some_inputs_is_told_on_which() -> None:
    def answer(X: Any) -> Any:
        if len(X) > 4:
            return X - X.mean(0)

    hint = checks.centring(answer).hint
    assert re.search(r"On input \d+ of .* returns nothing. Does every way", hint)


def test_an_empty_table_of_whole_numbers_lacks_no_factor() -> None:
    def answer(X: Any) -> Any:
        out = np.zeros(X.shape, dtype=int)
        out[:] = X - X.mean(0)
        return out

    assert "factor" not in checks.centring(answer).hint


# ---------------------------------------------------------------- fits by luck, and what is meant


@pytest.mark.parametrize(
    ("name", "answer", "said"),
    [
        # Minus the matrix has the eigenvectors in the other order, and is not what was meant.
        ("axes_from_weights", lambda W2, Z: torch.linalg.eigh(torch.cov((Z @ W2.T).T)).eigenvectors[
            :, : W2.shape[1]], "an order is reversed"),
        ("eta_squared", lambda labels, z: sum(
            (labels == c).sum() * (z[labels == c].mean(0) - z.mean(0)) ** 2
            for c in range(labels.max()) if (labels == c).any()) / ((z - z.mean(0)) ** 2).sum(0),
         "a 1 is missing"),
        ("collapsed_dimensions", lambda mu, log_var: kl_by_dimension(mu, log_var) < 0.1,
         "`0.1` in .*: a constant is wrong"),
        ("kl_to_prior", lambda mu, v: (0.5 * np.exp(v) + mu**2 - 1 - v).sum(1), "brackets"),
        ("time_ratio", lambda s, b: s.sum() / b.sum(), "the smallest is meant, and not only here"),
        ("conv_size", lambda n, k, s, p: (n + 2 * p) // s, "makes no use of k"),
        ("error_an_image", lambda e, n, how, w: e * n**2 if how == "mean" else e / w**2,
         "brackets"),
        ("turned_model", lambda R, z, decode: decode(z @ R - z @ R + z),
         "a tuple of 2 is expected; your function returned ndarray"),
        ("label_walk", lambda a, b, n: np.cos(np.linspace(0, np.pi / 2, n + 1))[:, None]
         * np.eye(10)[a] + np.sin(np.linspace(0, np.pi / 2, n + 1))[:, None] * np.eye(10)[b],
         "where n is above 1"),
        ("time_ratio", lambda s, b: s.min() / b[: len(s)].max(), "has to do with this factor"),
    ],
)  # fmt: skip
def test_what_is_said_is_what_is_meant(name: str, answer: Any, said: str) -> None:
    verdict = getattr(checks, name)(answer)
    assert not verdict
    assert re.search(said, verdict.hint), verdict.hint
