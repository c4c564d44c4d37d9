"""The tool that puts faults into the package: what it counts must be what happened."""

import importlib.util
import sys
from itertools import islice

import pytest

from tests.paths import ROOT

TINY = '"""A module."""\n\n\ndef grows(x):\n    """Return x > 0."""\n    return x > 0\n'
STRONG = """from tiny.sign import grows

def test_grows():
    assert [grows(x) for x in (-1, 0, 1, 2)] == [False, False, True, True]
"""
# Says nothing about 0 and 1, so that x > 0 can become x > -1 or x > 1 unseen.
WEAK = "from tiny.sign import grows\n\ndef test_grows():\n    assert grows(5)\n"
LOOP = "def count(n):\n    while n:\n        n = n - 1\n    return n\n"
OF_LOOP = "from tiny.loop import count\n\ndef test_count():\n    assert count(2) == 0\n"


@pytest.fixture(scope="module")
def tool():
    path = ROOT / "tools" / "mutants.py"
    spec = importlib.util.spec_from_file_location("mutants", path)
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "mutants", module)
        spec.loader.exec_module(module)
        yield module


@pytest.fixture
def tree(tmp_path, monkeypatch):
    # The tiny tests need none of the plugins, and start sooner without.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p _hypothesis_pytestplugin")
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = slow\n")
    for name, text in {
        "tiny/__init__.py": "",
        "tiny/sign.py": TINY,
        "tiny/loop.py": LOOP,
        "tests/__init__.py": "",
        "tests/test_sign.py": STRONG,
        "tests/test_loop.py": OF_LOOP,
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def run(tool, tree, *arguments):
    return tool.main(
        ["--root", str(tree), "--package", "tiny", "--number", "99", "--preload", *arguments]
    )


def counts(printed):
    """Return killed, timed out, equivalent, survived of the one module in the table."""
    return [int(n) for n in printed.splitlines()[1].split()[1:5]]


def becomes(tool, source, name="m.py"):
    edits = tool.python_edits if name.endswith(".py") else tool.javascript_edits
    encoded = source.encode()
    return {
        (encoded[: e.start] + e.text.encode() + encoded[e.end :]).decode() for e in edits(source)
    }


def test_a_strong_test_kills_every_mutant(tool, tree, capsys):
    assert run(tool, tree, "--modules", "sign") == 0
    killed, late, equivalent, survived = counts(capsys.readouterr().out)
    assert killed == len(list(tool.mutants(tree, "tiny/sign.py"))) == 4
    assert (late, equivalent, survived) == (0, 0, 0)


def test_survivors_are_shown_and_fail_the_run_and_known_equivalents_are_counted_apart(
    tool, tree, capsys
):
    (tree / "tests/test_sign.py").write_text(WEAK)
    (tree / "tools").mkdir()
    (tree / "tools/mutants.toml").write_text(
        '[[equivalent]]\nfile = "tiny/sign.py"\nwas = "return x > 0"\n'
        'becomes = "return x >= 0"\nreason = "never asked about 0"\n'
    )
    assert run(tool, tree, "--modules", "sign") == 1
    printed = capsys.readouterr().out
    assert counts(printed) == [1, 0, 1, 2]
    assert "-    return x > 0\n+    return x > 1" in printed
    assert "return x >= 0" not in printed
    assert (tree / "tiny/sign.py").read_text() == TINY


@pytest.mark.slow
def test_an_endless_mutant_is_stopped_and_counts_as_seen(tool, tree, capsys):
    run(tool, tree, "--modules", "loop", "--time", "12")
    # n + 1 and n - 0 never end, n - 2 ends as n - 1 does, and None is not 0.
    assert counts(capsys.readouterr().out) == [1, 2, 0, 1]


def test_tests_that_fail_without_a_change_end_the_run(tool, tree):
    (tree / "tests/test_sign.py").write_text("def test_no():\n    assert False\n")
    with pytest.raises(SystemExit, match=r"tests/test_sign\.py failed without a change"):
        run(tool, tree, "--modules", "sign")


def test_a_seed_draws_the_same_sample_twice_and_another_seed_another(tool):
    def sample(seed):
        return list(islice(tool.mutants(ROOT, "aeteach/channel.py", seed), 8))

    assert sample(0) == sample(0) != sample(1)
    assert len(set(sample(0))) == 8


@pytest.mark.parametrize(
    ("source", "changed"),
    [
        ("a and b", {"a or b"}),
        ("not a", {"a"}),
        ("é + b", {"é - b"}),
        ("a in b", {"a not in b"}),
        ("x.sum()", {"x.mean()"}),
        ("f(a, b)", {"f(b, a)"}),
        ("f(a, k=b)", {"f(a)"}),
        ("x = True", {"x = False"}),
        ("x = 0.5", {"x = 1.0"}),
        ("x = 3", {"x = 4", "x = 2"}),
        ("def f(): return a", {"def f(): return None"}),
        ("raise E(1 + 2)", set()),
        ("x: 'a + b' = c", set()),
        ("f'{a + b}'", set()),
    ],
)
def test_edits_of_python(tool, source, changed):
    assert becomes(tool, source) == changed


@pytest.mark.parametrize(
    ("source", "changed"),
    [
        ("a < b", {"a <= b"}),
        ("Math.min(é, b)", {"Math.max(é, b)"}),
        ("x = [0, 10, 0.1]", {"x = [1, 10, 0.1]"}),
        ('"a + b" // 1 < 0', set()),
        ("/* é */ true", {"/* é */ false"}),
        ("`a + ${b}`", set()),
    ],
)
def test_edits_of_javascript(tool, source, changed):
    assert becomes(tool, source, "m.js") == changed


def test_every_module_named_by_default_has_files_and_tests(tool):
    for name in tool.MODULES:
        for file in tool.files_of(ROOT, "aeteach", name):
            assert tool.tests_of(ROOT, file), file


def test_a_script_is_asked_for_without_the_class_beside_it(tool):
    assert tool.files_of(ROOT, "aeteach", "widgets/pca_digit.js") == [
        "aeteach/widgets/pca_digit.js"
    ]


def test_a_figure_is_judged_by_its_chapters_tests_and_the_kit_by_its_own(tool):
    assert tool.tests_of(ROOT, "aeteach/widgets/pca_digit.js") == [
        "tests/browser/test_pca_by_hand.py"
    ]
    assert tool.tests_of(ROOT, "aeteach/widgets/kit/maths.js") == [
        "tests/browser/kit/test_maths.py"
    ]


def test_a_part_of_the_engine_is_judged_by_the_engines_tests(tool):
    assert sorted(tool.tests_of(ROOT, "aeteach/checks/_exercise.py")) == [
        "tests/checks/test_engine.py",
        "tests/checks/test_exercises.py",
    ]


def test_every_known_equivalent_is_still_a_mutant(tool):
    known = tool.known_equivalent(ROOT / "tools" / "mutants.toml")
    for file in {file for file, _, _ in known}:
        possible = {(file, m.lines("-"), m.lines("+")) for m in tool.mutants(ROOT, file)}
        assert {key for key in known if key[0] == file} <= possible
    assert all(len(reason) > 10 for reason in known.values())
