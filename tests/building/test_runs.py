"""A chapter runs again when something it can see has changed, and only then."""

import sys
import time
from pathlib import Path

import nbformat
import pytest
import torch
from aeteach_book import reads, surroundings
from aeteach_book.runner import run

from aeteach.data import mnist
from aeteach.data.mnist import SAMPLE, Digits

from .conftest import STAMP, SmallBook

SUBPROCESS = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'pass'], check=True)"


@pytest.mark.slow
def test_a_chapter_runs_again_when_a_file_that_it_has_read_changes(
    book: SmallBook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = tmp_path / "tables"
    tables.mkdir()
    monkeypatch.setenv("AETEACH_RESULTS", str(tables))
    (tables / "a.csv").write_text("one")
    (tables / "b.csv").write_text("one")
    (book.root / "book" / "ages.csv").write_text("one")
    (book.root / "book" / "helper.py").write_text("VALUE = 'one'")
    read_table = "import os; print(open(os.environ['AETEACH_RESULTS'] + '/a.csv').read())"
    book.page("index", "Welcome.")
    book.page("table", "", STAMP, read_table)
    book.page("data", "", STAMP, "print(open('ages.csv').read())")
    book.page("module", "", STAMP, "import helper; print(helper.VALUE)")
    book.page("process", "", STAMP, SUBPROCESS)
    book.page("plain", "Some words.", STAMP)
    chapters = ["table", "data", "module", "process", "plain"]
    book.toc(*chapters)

    def build() -> set[str]:
        """Return the chapters that ran."""
        assert book.build().code == 0
        now = {name: book.ran(name) for name in chapters}
        again = {name for name in chapters if now[name] != stamps.get(name)}
        stamps.update(now)
        return again

    stamps: dict[str, str] = {}
    assert build() == set(chapters)
    assert build() == set()
    # Whoever starts another program may have read any file.
    (tables / "a.csv").write_text("two")
    assert build() == {"table", "process"}
    assert "two" in book.words("table")
    (book.root / "book" / "ages.csv").write_text("two")
    assert build() == {"data", "process"}
    assert "two" in book.words("data")
    (book.root / "book" / "helper.py").write_text("VALUE = 'two and more'")
    assert build() == {"module", "process"}
    assert "two and more" in book.words("module")
    (tables / "b.csv").write_text("two")
    assert build() == {"process"}
    book.page("plain", "Other words.", STAMP)
    assert build() == {"process"}
    assert "Other words." in book.words("plain")


def test_a_chapter_runs_again_when_its_table_changes_and_no_other_does(
    book: SmallBook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What a day's change can break of the test above, in a quarter of its time.
    monkeypatch.setenv("AETEACH_RESULTS", str(tmp_path / "tables"))
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "a.csv").write_text("one")
    book.page("index", "Welcome.")
    book.page(
        "table",
        "",
        STAMP,
        "import os; print(open(os.environ['AETEACH_RESULTS'] + '/a.csv').read())",
    )
    book.page("plain", "Some words.", STAMP)
    book.toc("table", "plain")
    assert book.build().code == 0
    table, plain = book.ran("table"), book.ran("plain")
    (tmp_path / "tables" / "a.csv").write_text("two")
    book.page("plain", "Other words.", STAMP)
    assert book.build().code == 0
    assert book.ran("table") != table
    assert "two" in book.words("table")
    assert book.ran("plain") == plain
    assert "Other words." in book.words("plain")


def test_all_run_again_in_other_surroundings_and_going_back_costs_nothing(
    book: SmallBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    book.page("index", "Welcome.")
    book.page("one", "", STAMP, "import os; print('sees', os.environ.get('AETEACH_MOOD'))")
    book.toc("one")
    assert book.build().code == 0
    first = book.ran("one")
    assert "sees None" in book.words("one")

    monkeypatch.setenv("AETEACH_MOOD", "gay")
    built = book.build()
    assert built.code == 0
    assert "the chapters run again, for these are new: environment variables" in built.log
    assert "sees gay" in book.words("one")

    monkeypatch.delenv("AETEACH_MOOD")
    assert book.build().code == 0
    assert "sees None" in book.words("one")
    assert book.ran("one") == first


@pytest.mark.slow
def test_the_sample_gives_way_to_the_full_digits(
    book: SmallBook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cached = tmp_path / "nothing"
    cached.mkdir()
    with monkeypatch.context() as offline:
        offline.setenv("AETEACH_DATA", str(cached))
        for name in ("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"):
            offline.setenv(name, "http://127.0.0.1:9")  # nobody answers there
        offline.setenv("NO_PROXY", "")
        offline.setenv("no_proxy", "")
        offline.setenv("PATH", str(Path(sys.executable).parent))  # no npm
        surroundings.digits.cache_clear()
        book.page("index", "Welcome.")
        count = "from aeteach.data import mnist\nprint('images:', len(mnist('test').images))"
        book.page("one", "", f"import warnings; warnings.simplefilter('ignore')\n{count}")
        book.toc("one")
        assert book.build().code == 0
        assert "images: 1000" in book.words("one")
        assert "without the full digits" in book.html("one").read_text("utf-8")
    surroundings.digits.cache_clear()
    assert not mnist("test").is_sample, "run `make data` first"
    assert book.build().code == 0
    assert "images: 10000" in book.words("one")
    assert "without the full digits" not in book.html("one").read_text("utf-8")


def test_nothing_of_the_user_gets_into_a_chapter_nor_anything_of_the_build(
    book: SmallBook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    startup = tmp_path / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "mine.py").write_text("from_ipython = 1")
    (tmp_path / "startup.py").write_text("from_python = 1")
    (tmp_path / "matplotlibrc").write_text("axes.titlesize: 77")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    monkeypatch.setenv("PYTHONSTARTUP", str(tmp_path / "startup.py"))
    monkeypatch.setenv("MATPLOTLIBRC", str(tmp_path))
    names = "print('names:', [n for n in dir() if n[0] != '_'])"
    book.page("index", "Welcome.")
    book.page("one", "", names, "import matplotlib; print(matplotlib.rcParams['axes.titlesize'])")
    book.toc("one")
    assert book.build().code == 0
    assert "names: ['In', 'Out', 'exit', 'get_ipython', 'open', 'quit']" in book.words("one")
    assert "77" not in book.words("one")


@pytest.mark.slow
def test_every_chapter_that_fails_is_named_and_the_others_are_kept(book: SmallBook) -> None:
    book.page("index", "Welcome.")
    book.page("good", "", STAMP)
    book.page("bad", "", "1 / 0")
    book.page("worse", "", "raise KeyError('pear')")
    book.toc("good", "bad", "worse")
    for _ in range(2):  # a second build does not forget what was wrong
        failed = book.build()
        assert failed.code == 1
        assert re_all(failed.log, "book/bad: CellExecutionError", "1 / 0", "ZeroDivisionError")
        assert re_all(failed.log, "book/worse: CellExecutionError", "KeyError", "pear")
    began = time.time_ns()
    book.page("bad", "", "1 / 1")
    book.page("worse", "", "print('better')")
    assert book.build().code == 0
    assert int(book.ran("good")) < began


def re_all(text: str, *parts: str) -> bool:
    return all(part in text for part in parts)


def test_a_page_outside_the_table_of_contents_is_not_run_and_disturbs_nobody(
    book: SmallBook, tmp_path: Path
) -> None:
    mark = tmp_path / "it-ran"
    book.page("index", "Welcome.")
    book.page("one", "", "print(1)")
    book.page("draft", "{nonsense}`x` and [nowhere](nowhere.md)", f"open({str(mark)!r}, 'w')")
    (book.root / "book" / "broken.md").write_text("---\n: [\n---\n# Broken\n```{code-cell}\n1 / 0")
    book.toc("one")
    built = book.build()
    assert built.code == 0
    assert built.warnings == []
    assert not mark.exists()
    assert not book.html("draft").exists()


def test_a_kernel_is_met_by_nobody_else(tmp_path: Path) -> None:
    # Ports are taken by whoever is first: of many kernels that start at once some would die.
    look = "from ipykernel import get_connection_info; print(get_connection_info())"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(look)])
    ran = run(notebook, tmp_path, {"timeout": 60})
    assert ran.error == ""
    assert '"transport": "ipc"' in notebook.cells[0].outputs[0].text


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for the package's folder."""
    folder = tmp_path / "aeteach"
    (folder / "weights").mkdir(parents=True)
    (folder / "weights" / "a.safetensors").write_bytes(b"1")
    (folder / "code.py").write_text("x = 1")
    monkeypatch.setattr(surroundings, "PACKAGE", folder)
    monkeypatch.setattr(reads, "PACKAGE", folder)
    monkeypatch.setenv("AETEACH_RESULTS", str(tmp_path / "results"))
    return folder


def test_each_part_of_the_surroundings_has_a_digest_of_its_own(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def changed(settings: list[int]) -> set[str]:
        now = surroundings.surroundings(settings)
        parts = {part for part in now if now[part] != known[part]}
        known.update(now)
        return parts

    known = surroundings.surroundings([300])
    assert changed([300]) == set()
    assert changed([30]) == {"way of running"}
    monkeypatch.setenv("ATEN_CPU_CAPABILITY", "default")
    assert changed([30]) == {"environment variables"}
    monkeypatch.setenv("AETEACH_RESULTS", str(package))  # its contents count, not its name
    assert changed([30]) == {"list of files"}
    (package / "weights" / "a.safetensors").write_bytes(b"2")
    assert changed([30]) == {"trained weights"}
    (package / "code.py").write_text("x = 2")  # counts for those who read it
    assert changed([30]) == set()
    (package / "more.py").touch()
    assert changed([30]) == {"list of files"}
    (package / ".hidden").touch()
    assert changed([30]) == set()
    monkeypatch.setattr(sys, "version", "4.0")
    assert changed([30]) == {"Python"}
    monkeypatch.setattr(surroundings, "version", lambda name: "99")
    assert changed([30]) == {"way of running"}


@pytest.mark.parametrize("what", ["images", "labels", "source"])
@pytest.mark.parametrize("split", ["train", "test"])
def test_other_digits_have_another_digest(
    what: str, split: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = Digits(torch.zeros(3, 1, 8, 8), torch.arange(3), "here")
    other = {"images": here.images + 0.5, "labels": here.labels + 1, "source": SAMPLE}

    def look(**sets: Digits) -> surroundings.Digits:
        monkeypatch.setattr(surroundings, "mnist", lambda split: sets.get(split, here))
        return surroundings.digits.__wrapped__()

    known, found = look(), look(**{split: here._replace(**{what: other[what]})})
    assert look() == known
    assert found.digest != known.digest
    assert (known.is_sample, found.is_sample) == (False, what == "source")


def test_reads_are_named_without_their_folder(package: Path, tmp_path: Path) -> None:
    source = tmp_path / "src"
    (source / "book").mkdir(parents=True)
    (source / "book" / "ages.csv").write_text("1")
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "a.csv").write_text("1")
    traced = [
        f"r{source}/book/ages.csv",
        f"r{package}/__pycache__/code.cpython-311.pyc",
        f"r{tmp_path}/results/a.csv",
        f"r{tmp_path}/results/none.csv",
        f"r{source}/_build/x.html",
        f"r{source}/book/out.csv",
        f"w{source}/book/out.csv",
        f"r{torch.__file__}",
        "r/etc/hosts",
        f"r{sys.prefix}/bin/python",
        "r/srv/school/ages.csv",
    ]
    found = reads.Reads(source).of(traced, started=time.time() + 60)
    assert set(found) == {
        "all packages",
        "book:book/ages.csv",
        "aeteach:code.py",
        "results:a.csv",
        "results:none.csv",
        "package:torch",
        "file:/srv/school/ages.csv",
    }
    assert found["package:torch"].startswith("torch ")
    assert found["results:none.csv"] == "missing"


def test_reads_that_have_changed_are_named(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = time.time() + 60
    traced = [f"r{package}/code.py", f"r{torch.__file__}"]
    before = reads.Reads(tmp_path / "src").of(traced, started)
    assert reads.Reads(tmp_path / "src").changed(before) == []
    (package / "code.py").write_text("x = 2")
    assert reads.Reads(tmp_path / "src").changed(before) == ["aeteach:code.py"]

    # Another package: nothing; another version of one that was imported: run again.
    before = reads.Reads(tmp_path / "src").of(traced, started)
    monkeypatch.setattr(reads, "installed_packages", lambda: ["another 1.0"])
    assert reads.Reads(tmp_path / "src").changed(before) == []
    monkeypatch.setattr(reads.metadata, "version", lambda name: "99")
    assert reads.Reads(tmp_path / "src").changed(before) == ["package:torch"]


def test_a_file_that_changed_while_the_chapter_ran_makes_it_run_again(
    package: Path, tmp_path: Path
) -> None:
    started = (package / "code.py").stat().st_mtime - 1
    before = reads.Reads(tmp_path / "src").of([f"r{package}/code.py"], started)
    assert reads.Reads(tmp_path / "src").changed(before) == ["aeteach:code.py"]


def test_whoever_starts_a_program_may_have_read_anything(package: Path, tmp_path: Path) -> None:
    before = reads.Reads(tmp_path / "src").of(["*"], time.time() + 60)
    assert reads.Reads(tmp_path / "src").changed(before) == []
    (package / "code.py").write_text("x = 2")
    assert reads.Reads(tmp_path / "src").changed(before) == ["*"]
