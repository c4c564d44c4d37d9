import csv
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aeteach import results, sweeps
from aeteach.results import ResultsError, Summary, Table, folder, read

ROWS = [
    {"model": "AE", "seed": 0, "score": 78.0, "reported": 78.11, "torch": "2.13.0"},
    {"model": "AE", "seed": 1, "score": 79.5, "reported": 78.11, "torch": "2.13.0"},
    {"model": "PCA", "seed": 0, "score": 37.25, "reported": None, "torch": "2.13.0"},
]


def write(path: Path, rows: list[dict], name: str = "toy") -> Path:
    with (path / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture
def table(tmp_path: Path) -> Table:
    return read("toy", write(tmp_path, ROWS))


def test_a_table_comes_back_as_it_was_written(table: Table) -> None:
    assert list(table) == ROWS
    assert len(table) == 3
    assert [type(v) for v in table.rows[0].values()] == [str, int, float, float, str]
    assert repr(table) == "Table('toy', 3 rows, columns: model, seed, score, reported, torch)"


@given(
    st.lists(
        st.tuples(
            st.integers(-(10**9), 10**9),
            st.floats(allow_nan=False, allow_infinity=False),
            st.text("ab,\" '\n;é", min_size=1).filter(lambda s: s.strip() != ""),
            st.none() | st.integers(0, 9),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_any_table_comes_back(tmp_path_factory: pytest.TempPathFactory, rows: list) -> None:
    names = ["whole", "number", "text", "gaps"]
    given_rows = [dict(zip(names, row, strict=True)) for row in rows]
    path = write(tmp_path_factory.mktemp("t"), given_rows)
    assert list(read("toy", path)) == given_rows


def test_what_a_sweep_writes_is_read_back(tmp_path: Path) -> None:
    # The engine's own writer, so that the two cannot drift apart.
    from aeteach.sweeps import engine

    engine._write_csv(tmp_path / "toy.csv", ROWS)
    assert list(read("toy", tmp_path)) == ROWS


def test_rows_are_chosen_split_and_summarised(table: Table) -> None:
    scores = table.where(model="AE").summary("score")
    assert scores.values == (78.0, 79.5)
    assert scores.mean == np.mean(scores.values)
    assert scores.sd == pytest.approx(np.std(scores.values, ddof=1))
    assert (scores.low, scores.high) == (78.0, 79.5)
    groups = table.by("model")
    assert {key: len(rows) for key, rows in groups.items()} == {("AE",): 2, ("PCA",): 1}
    assert [r for rows in groups.values() for r in rows] == ROWS
    assert table.unique("model") == ["AE", "PCA"]
    assert table.column("reported") == [78.11, 78.11, None]
    assert len(table.where(model="AE", seed=1)) == 1


def test_the_spread_of_one_seed_is_not_known() -> None:
    assert math.isnan(Summary((3.0,)).sd)
    assert Summary((3.0,)).mean == 3.0


def test_what_is_not_there_is_named(table: Table) -> None:
    with pytest.raises(ResultsError, match="no column 'modle'; known: model, seed"):
        table.where(modle="AE")
    with pytest.raises(ResultsError, match=r"no row .*'CVAE'.*\['AE', 'PCA'\]"):
        table.where(model="CVAE")
    for call in (table.column, table.unique, table.summary, table.by):
        with pytest.raises(ResultsError, match="no column 'loss'"):
            call("loss")
    for column in ("model", "reported", "torch"):
        with pytest.raises(ResultsError, match="text or empty cells"):
            table.summary(column)


def test_a_missing_table_names_the_command_that_makes_it(tmp_path: Path) -> None:
    for name in ("autoencoders", "autoencoders_curve"):
        with pytest.raises(ResultsError) as error:
            read(name, tmp_path)
        assert f"`aeteach sweep autoencoders --out {tmp_path}` makes it" in str(error.value)
        assert str(tmp_path / f"{name}.csv") in str(error.value)
        assert "AETEACH_RESULTS" in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n3\n", "row 3: 1 cells, and the header has 2"),
        ("a,b\n1,2,3\n", "row 2: 3 cells"),
        ("a,b\n", "no rows"),
        ("", "no rows"),
        ("a,a\n1,2\n", "two columns of one name"),
    ],
)
def test_a_broken_table_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "toy.csv").write_text(text)
    with pytest.raises(ResultsError, match=message):
        read("toy", tmp_path)


def test_what_a_spreadsheet_saves_is_read(tmp_path: Path, table: Table) -> None:
    plain = (tmp_path / "toy.csv").read_text(encoding="utf-8")
    saved = "\ufeff" + plain.replace("\n", "\r\n")  # a byte-order mark, and Windows' line ends
    (tmp_path / "toy.csv").write_bytes(saved.encode("utf-8"))
    assert read("toy", tmp_path) == table


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"a;b\n1,5;2\n", "separates its cells by semicolons; save it with commas"),
        ("a,b\n1,2\n".encode("utf-16"), "no CSV file in UTF-8"),
        (b"a,b\n1,\xff\n", "no CSV file in UTF-8"),
        (b"a,b\n1," + b"x" * 200_000 + b"\n", "no CSV file in UTF-8 .field larger than"),
    ],
    ids=["semicolons", "UTF-16", "no UTF-8", "long"],
)
def test_what_is_no_table_is_refused_by_name(tmp_path: Path, data: bytes, message: str) -> None:
    (tmp_path / "toy.csv").write_bytes(data)
    with pytest.raises(ResultsError, match=message) as error:
        read("toy", tmp_path)
    assert str(tmp_path / "toy.csv") in str(error.value)


@pytest.mark.parametrize("cell", ["1_0", "007", "٣", " 7", "+7", "0x7", "1.", ".5", "1e999"])
def test_what_only_python_takes_for_a_number_stays_text(tmp_path: Path, cell: str) -> None:
    (tmp_path / "toy.csv").write_text(f"a,b\n{cell},1\n3,2\n", encoding="utf-8")
    assert read("toy", tmp_path).column("a") == [cell, "3"]


@pytest.mark.parametrize("cell", ["nan", "inf", "-inf"])
def test_what_is_not_finite_is_never_averaged(tmp_path: Path, cell: str) -> None:
    (tmp_path / "toy.csv").write_text(f"loss\n1.5\n{cell}\n")
    with pytest.raises(ResultsError, match="text or empty"):
        read("toy", tmp_path).summary("loss")


def test_the_folder_is_an_argument_an_environment_variable_or_beside_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AETEACH_RESULTS", raising=False)
    monkeypatch.chdir(tmp_path)
    assert folder() == Path(results.__file__).resolve().parents[1] / "results" == results.shipped()
    monkeypatch.setenv("AETEACH_RESULTS", str(tmp_path / "env"))
    assert folder() == tmp_path / "env"
    assert folder(tmp_path) == tmp_path
    for nothing in ("", " "):
        monkeypatch.setenv("AETEACH_RESULTS", nothing)
        assert folder() == results.shipped()


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The tables of a package that came from a wheel: `toy` and `other`, three rows each."""
    tables = tmp_path / "site-packages" / "aeteach" / "_tables"
    tables.mkdir(parents=True)
    write(tables, ROWS)
    write(tables, ROWS, "other")
    monkeypatch.setattr(results, "_INSTALLED", tables)
    monkeypatch.delenv("AETEACH_RESULTS", raising=False)
    monkeypatch.chdir(tmp_path)
    return tables


def test_an_installed_package_writes_beside_the_user_and_reads_that_first(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert results.installed()
    assert folder() == tmp_path / "results"
    assert results.find("toy") == installed / "toy.csv"
    for home in ("results", "elsewhere"):
        if home == "elsewhere":
            monkeypatch.setenv("AETEACH_RESULTS", home)
        (tmp_path / home).mkdir()
        write(results.writable(), ROWS[:1])
        assert results.find("toy") == tmp_path / home / "toy.csv"
        assert len(read("toy")) == 1
        assert len(read("other")) == 3  # not made here, so the one that came with the package


def test_a_folder_that_is_given_is_the_only_one(installed: Path, tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match=r"no table .*toy\.csv"):
        read("toy", tmp_path)
    assert len(read("toy", installed)) == 3


def test_a_table_that_is_nowhere_says_where_it_was_looked_for(installed: Path) -> None:
    with pytest.raises(ResultsError) as error:
        read("mmd")
    assert str(folder() / "mmd.csv") in str(error.value)
    assert str(installed / "mmd.csv") in str(error.value)
    assert "`aeteach sweep mmd` makes it" in str(error.value)


@pytest.mark.parametrize("below", [".", "mine", "../_tables"])
def test_installed_tables_are_never_written_over(
    installed: Path, below: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(ResultsError, match=r"installed with the package.*--out or AETEACH_RESULTS"):
        results.writable(installed / below)
    monkeypatch.setenv("AETEACH_RESULTS", str(installed / below))
    with pytest.raises(ResultsError, match="installed with the package"):
        results.writable()
    (tmp_path / "link").symlink_to(installed)
    with pytest.raises(ResultsError, match="installed with the package"):
        results.writable(tmp_path / "link")


def test_a_clone_writes_its_own_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AETEACH_RESULTS", raising=False)
    assert not results.installed()
    assert results.writable() == results.shipped()


def test_reading_a_table_does_not_load_torch_or_pandas() -> None:
    # A wheel for the numbers alone: the module itself needs the standard library and no more.
    script = (
        "import sys, importlib.util\n"
        f"spec = importlib.util.spec_from_file_location('r', {results.__file__!r})\n"
        "module = importlib.util.module_from_spec(spec)\n"
        "sys.modules['r'] = module\n"
        "spec.loader.exec_module(module)\n"
        "print(sorted({'torch', 'numpy', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


# ---------------------------------------------------------------- the table in the repository


@pytest.fixture
def shipped(monkeypatch: pytest.MonkeyPatch) -> Table:
    monkeypatch.delenv("AETEACH_RESULTS", raising=False)
    return read("autoencoders")


def test_the_table_of_experiment_1_has_every_cell_and_seed(shipped: Table) -> None:
    cells = sweeps.SWEEPS["autoencoders"].cells
    want = [(c.columns["model"], c.columns["bottleneck"], c.seed) for c in cells]
    got = [(r["model"], r["bottleneck"], r["seed"]) for r in shipped]
    assert got == want
    curves = read("autoencoders_curve", folder())
    epochs = {(r["model"], r["bottleneck"], r["seed"]): r["epochs"] for r in shipped}
    for key, rows in curves.by("model", "bottleneck", "seed").items():
        assert rows.column("epoch") == list(range(1, epochs[key] + 1))
        assert all(loss > 0 for loss in rows.column("loss"))


def test_every_column_is_explained() -> None:
    text = (folder() / "README.md").read_text(encoding="utf-8")
    tables = sorted(folder().glob("*.csv"))
    assert len(tables) >= 2
    for path in tables:
        assert f"`{path.name}`" in text
        for column in read(path.stem, folder()).columns:
            assert f"| `{column}` |" in text, f"{path.name}: {column}"
    for name in sweeps.SWEEPS:
        assert f"aeteach sweep {name}" in text
