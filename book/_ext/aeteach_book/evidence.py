"""A claim of the book: its sentence, its kind, what was measured, and the test that measures it.

A claim is declared once, as the decorator of its own test in `tests/claims/test_<chapter>.py`:

    @OverSeeds(
        "strong-first",
        "The strong direction is learnt first.",
        measured="steps for the weak direction over steps for the strong one",
        seeds=10, spread=(2.1, 3.0), within=0.3, false_at=1,
    )
    def test_strong_first(seed): ...   # returns what was measured

The decorator runs the measurement as often as it says, and compares. So the number of seeds, the
figures and the margin that the page shows are those of the test: there is no second place to keep
in step. Where a measurement takes long, `make slow` sets AETEACH_SEEDS: only so many seeds run, and
each must lie within the spread. The pages read the declarations as text (`declarations`), without
running or importing a test; therefore every argument is a literal. In the chapter a mark stands
behind the sentence: ``The strong direction is learnt first.{claim}`strong-first` ``.
"""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

FEWEST_SEEDS = 5
FEWEST_IN_A_TABLE = 3  # which shows each of them
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")

Span = tuple[float, float]
Test = Callable[[], None]


@dataclass(frozen=True)
class Claim:
    """What every claim has.

    Attributes:
        name: what its mark calls it; unique in the book.
        sentence: as it stands in the chapter, before the mark, with its markup.
        test: where it is tested; the reader of declarations fills this in.
        slow: whether its test runs in `make slow` only.
    """

    kind: ClassVar[str]

    name: str
    sentence: str
    test: str = field(default="", kw_only=True, compare=False)
    slow: bool = field(default=False, kw_only=True, compare=False)

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"{self.name!r} is no name: lower-case words with hyphens")
        if not re.search(r"[.!?:][*_]*$", self.sentence):
            self.refuse(f"a claim is a whole sentence, not {self.sentence!r}")
        self.check()

    def refuse(self, why: str) -> None:
        """Raise, with the name of the claim."""
        raise ValueError(f"claim {self.name}: {why}")

    def check(self) -> None:
        """Refuse what cannot carry the sentence."""

    @property
    def short(self) -> str:
        """The kind, in a few words, for a place where the whole evidence cannot stand."""
        return self.kind

    @property
    def evidence(self) -> str:
        """One line: what was measured, on how many, the figures, the margin."""
        raise NotImplementedError

    @property
    def state(self) -> str:
        """When the claim is tested."""
        return (
            "tested with one seed at each change, with all before a release"
            if self.slow
            else "tested at each change"
        )


@dataclass(frozen=True)
class Measured(Claim):
    """A claim that a test measures.

    Attributes:
        measured: what the test returns, with its unit.
        table: the table in results/ that the test reads, if it trains nothing itself.
    """

    measured: str = field(kw_only=True)
    table: str = field(default="", kw_only=True)

    def __call__(self, measure: Callable[..., Any]) -> Test:
        """Return the test that measures as often as the claim says, and compares."""

        def test() -> None:
            self.compare(measure)

        test.__name__, test.__doc__ = measure.__name__, self.sentence
        test.__module__, test.__qualname__ = measure.__module__, measure.__qualname__
        test.claim = self  # type: ignore[attr-defined]
        return test

    def compare(self, measure: Callable[..., Any]) -> None:
        """Measure, and fail where the figures are not those of the claim."""
        raise NotImplementedError

    def expect(self, what: str, values: list[float], spread: Span, within: float) -> None:
        """Fail where the least or the largest value is not what the claim says."""
        found = (min(values), max(values))
        whole = len(values) == self.repeats
        for each, said in zip(found, spread, strict=True):
            lies = spread[0] - within <= each <= spread[1] + within
            if not (abs(each - said) <= within if whole else lies):
                raise AssertionError(
                    f"claim {self.name}: {what} {found[0]:.6g} to {found[1]:.6g}, but the claim "
                    f"says {span(spread)} within {within:g}; the values: {values}"
                )

    @property
    def repeats(self) -> int:
        """How often is measured before the claim is believed."""
        return 1

    def some(self) -> range:
        """Return the seeds that are run now: all, or as many as AETEACH_SEEDS says."""
        return range(min(self.repeats, int(os.environ.get("AETEACH_SEEDS", self.repeats))))

    @property
    def state(self) -> str:
        """When the claim is tested, and from what."""
        return super().state + (f", from results/{self.table}" if self.table else "")


@dataclass(frozen=True)
class OverSeeds(Measured):
    """That something holds in general: it is measured with several seeds.

    Attributes:
        seeds: how many; the test is called with 0, 1, ... and returns a number for each.
        spread: the least and the largest number.
        within: how far they may lie from that on another machine.
        false_at: the number from which on the sentence would be false.
        at_least: in how many of the seeds it must hold; in all, if it is not given.
        true: "above" or "below" `false_at`; it need be given with `at_least` only.
    """

    kind = "over seeds"

    seeds: int = field(kw_only=True)
    spread: Span = field(kw_only=True)
    within: float = field(kw_only=True)
    false_at: float = field(kw_only=True)
    at_least: int = field(default=0, kw_only=True)
    true: str = field(default="", kw_only=True)

    def check(self) -> None:
        """Refuse too few seeds, and figures that lie where the sentence is false."""
        fewest = FEWEST_IN_A_TABLE if self.table else FEWEST_SEEDS
        if self.seeds < fewest:
            self.refuse(f"{self.seeds} seeds are fewer than {fewest}")
        low, high = self.spread
        if not low <= high:
            self.refuse(f"the spread {self.spread} is not from the least to the largest")
        if not self.at_least and low - self.within <= self.false_at <= high + self.within:
            self.refuse(f"with {span(self.spread)} it may be false, as it is at {self.false_at:g}")
        if self.at_least and not FEWEST_SEEDS - 1 <= self.at_least < self.seeds:
            self.refuse(f"{self.at_least} of {self.seeds} seeds is no part of them, or too small")
        if bool(self.at_least) != (self.true in {"above", "below"}):
            self.refuse("say with `true` on which side it is true, if it is not with every seed")

    @property
    def repeats(self) -> int:
        """How many seeds there are."""
        return self.seeds

    def compare(self, measure: Callable[..., Any]) -> None:
        """Measure with each seed."""
        values = [float(measure(seed)) for seed in self.some()]
        self.expect(f"{len(values)} seeds give", values, self.spread, self.within)
        holds = sum(self.holds(value) for value in values)
        if holds < (self.at_least or self.seeds) - (self.seeds - len(values)):
            raise AssertionError(f"claim {self.name}: it holds with {holds} seeds of {values}")

    def holds(self, value: float) -> bool:
        """Tell whether the sentence is true of one seed."""
        above = self.true == "above" if self.true else self.spread[0] > self.false_at
        return value > self.false_at if above else value < self.false_at

    @property
    def short(self) -> str:
        """How many seeds, and the spread."""
        return f"over {self.seeds} seeds: {span(self.spread)}"

    @property
    def evidence(self) -> str:
        """The spread, and where the sentence would be false."""
        where = f"It would be false at {number(self.false_at)}."
        if self.at_least:
            where = (
                f"It is {self.true} {number(self.false_at)} in at least {self.at_least} of them."
            )
        return (
            f"{capital(self.measured)}: {span(self.spread)} over {self.seeds} seeds "
            f"(within {number(self.within)} on another machine). {where}"
        )


@dataclass(frozen=True)
class Cause(Measured):
    """That one thing causes another: it alone is changed, and what happens is measured.

    Attributes:
        changed: what alone is changed, in words that follow "with".
        seeds: how often; the test is called with a seed and whether the cause is changed.
        before: the least and the largest number as things are.
        after: the same with the cause changed.
        within: how far they may lie from that on another machine.
    """

    kind = "cause"

    changed: str = field(kw_only=True)
    seeds: int = field(kw_only=True)
    before: Span = field(kw_only=True)
    after: Span = field(kw_only=True)
    within: float = field(kw_only=True)

    def check(self) -> None:
        """Refuse figures that do not tell the two apart."""
        if self.seeds < 1:
            self.refuse("it is measured at least once")
        first, second = sorted([self.before, self.after])
        if not first[0] <= first[1] or not second[0] <= second[1]:
            self.refuse("a spread goes from the least to the largest")
        if second[0] - first[1] <= 2 * self.within:
            self.refuse(f"{span(self.before)} and {span(self.after)} cannot be told apart")

    @property
    def repeats(self) -> int:
        """How many seeds there are."""
        return self.seeds

    def compare(self, measure: Callable[..., Any]) -> None:
        """Measure with each seed, as it is and with the cause changed."""
        for changed, said in ((False, self.before), (True, self.after)):
            values = [float(measure(seed, changed)) for seed in self.some()]
            what = f"with {self.changed}:" if changed else "as it is:"
            self.expect(what, values, said, self.within)

    @property
    def short(self) -> str:
        """Both figures."""
        return f"cause: {span(self.before)}; with {self.changed}: {span(self.after)}"

    @property
    def evidence(self) -> str:
        """Both figures, and what alone was changed."""
        times = f" over {self.seeds} seeds" if self.seeds > 1 else ""
        return (
            f"{capital(self.measured)}: {span(self.before)}. With {self.changed}, and nothing else "
            f"changed: {span(self.after)}{times} (within {number(self.within)} on another machine)."
        )


@dataclass(frozen=True)
class Theorem(Measured):
    """That something must be: it is proved, and no counterexample is found.

    Attributes:
        proof: where the proof stands, in words.
        conditions: under which it holds: what the random cases are.
        cases: how many are tried; the test is called with the number of each, and returns by how
            much the theorem fails there.
        at_most: what counts as rounding.
    """

    kind = "theorem"

    proof: str = field(kw_only=True)
    conditions: str = field(kw_only=True)
    cases: int = field(kw_only=True)
    at_most: float = field(kw_only=True)

    def check(self) -> None:
        """Refuse a search that is none."""
        if self.cases < 100 or not self.at_most > 0:
            self.refuse("try at least 100 cases, and say what counts as rounding")

    def compare(self, measure: Callable[..., Any]) -> None:
        """Look for a counterexample."""
        for case in range(self.cases):
            if not (found := float(measure(case))) <= self.at_most:
                raise AssertionError(f"claim {self.name}: case {case} is off by {found:.3g}")

    @property
    def short(self) -> str:
        """That it is proved."""
        return f"theorem: no counterexample in {self.cases:,} cases"

    @property
    def evidence(self) -> str:
        """Where the proof is, and the search."""
        return (
            f"Proved {self.proof}. {capital(self.measured)}: at most {number(self.at_most)} in "
            f"{self.cases:,} random cases ({self.conditions})."
        )


@dataclass(frozen=True)
class Source(Claim):
    """That somebody else has shown it.

    Attributes:
        key: of the publication in references.bib; the chapter cites it.
        place: in the publication.
        says: what stands there, in its sense.
    """

    kind = "source"

    key: str = field(kw_only=True)
    place: str = field(kw_only=True)
    says: str = field(kw_only=True)

    @property
    def evidence(self) -> str:
        """What the source says, and where."""
        return f"{capital(self.place)} of the source says: {self.says}"

    @property
    def state(self) -> str:
        """Nothing runs."""
        return "cited"


KINDS = {kind.__name__: kind for kind in (OverSeeds, Cause, Theorem, Source)}


def number(value: float) -> str:
    """Return a number as the page shows it."""
    if value and abs(value) < 1e-4:
        return f"{value:.0e}".replace("e-0", "e-")
    return f"{value:,.10g}".replace("-", "−")


def span(spread: Span) -> str:
    """Return the least and the largest number, or the one number that both are."""
    low, high = map(number, spread)
    return low if low == high else f"{low} to {high}"


def capital(text: str) -> str:
    """Return text with a capital at its start."""
    return text[:1].upper() + text[1:]
