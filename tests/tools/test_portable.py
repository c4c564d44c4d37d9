"""The tool that runs chapters as other processors would: it must see a number without a margin."""

import importlib.util
import sys

import nbformat
import pytest
import torch

from tests.chapters import HEAD
from tests.paths import ROOT

TOOLS = ROOT / "tools"
FIRST = """# Title

```{code-cell} ipython3
import os
import torch
```
"""
CELL = "\n```{{code-cell}} ipython3\n:tags: [nbval-check-output]\n{}\n```\n"
# The order of a sum decides its last digits, and here also a comparison.
FRAGILE = "x = torch.linspace(0, 1, 10001)\nprint((x @ x).item())"
SOLID = "x = torch.linspace(0, 1, 10001)\nprint(f'{x @ x:.1f}')"


@pytest.fixture(scope="module")
def tool():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(TOOLS))
        spec = importlib.util.spec_from_file_location("portable", TOOLS / "portable.py")
        module = importlib.util.module_from_spec(spec)
        patch.setitem(sys.modules, spec.name, module)
        spec.loader.exec_module(module)
        yield module


@pytest.fixture(scope="module")
def arithmetic(tool):
    return tool.arithmetic


@pytest.fixture
def book(tool, tmp_path, monkeypatch):
    """Return a function that makes a chapter of the given cells, with its reference."""
    monkeypatch.setattr(tool, "KEPT", tmp_path / "kept")
    monkeypatch.setattr(tool.reference, "REFERENCE", tmp_path)

    def make(*cells):
        chapter = tmp_path / "chapter.md"
        chapter.write_text(
            HEAD + FIRST + "".join(CELL.format(cell) for cell in cells), encoding="utf-8"
        )
        nbformat.write(tool.reference.execute(chapter), tmp_path / "chapter.ipynb")
        return chapter

    return make


@pytest.mark.slow
def test_the_kernel_uses_the_kernels_and_threads_that_are_asked_for(tool, book):
    said = "print(torch.backends.cpu.get_cpu_capability().lower(), torch.get_num_threads())"
    chapter = book(said)
    for setting in (tool.settings()["default-1"], tool.settings()["default-2"]):
        cell = tool.run(chapter, setting).cells[1]
        assert cell.outputs[0].text.split() == ["default", str(setting.threads)]


@pytest.mark.slow
def test_settings_compute_differently(tool, book):
    chapter = book("print(1)")
    fingerprints = [
        tool.compare(chapter, setting)[2]
        for name, setting in tool.settings().items()
        if name.endswith("-1") and not name.startswith("noise")
    ]
    assert len(set(fingerprints)) == len(fingerprints)


@pytest.mark.slow
def test_a_setting_that_is_not_obeyed_is_refused(tool, book):
    asked = tool.Setting("odd", "default", environment={"ATEN_CPU_CAPABILITY": "avx2"})
    with pytest.raises(RuntimeError, match="asks for torch = default, but the kernel uses"):
        tool.run(book("print(1)"), asked)


@pytest.mark.slow
def test_a_number_without_a_margin_is_found_and_one_with_a_margin_is_not(tool, book, capsys):
    chapter = book(FRAGILE, SOLID)
    setting = tool.settings()["noise-1"]
    assert tool.report([chapter], [setting], jobs=1) == 1
    shown = capsys.readouterr().out
    assert "chapter, cell 1:\n" in shown
    assert "chapter, cell 2:\n" not in shown
    assert "2 outputs compared, 1 differ" in shown
    kept = book(SOLID)
    assert tool.report([kept], [setting], jobs=1) == 0


@pytest.mark.slow
def test_a_cell_that_fails_on_another_processor_is_found_and_the_rest_is_run(tool, book):
    chapter = book("assert torch.backends.cpu.get_cpu_capability() != 'DEFAULT'\nprint(1)", SOLID)
    count, found, _ = tool.compare(chapter, tool.settings()["default-1"])
    assert count == 2
    assert [text.splitlines()[0] for text in found] == ["chapter, cell 1:"]
    assert "AssertionError" in found[0]


@pytest.mark.slow
def test_a_finished_chapter_is_not_run_again_until_its_cells_or_the_package_change(
    tool, book, tmp_path, monkeypatch
):
    monkeypatch.setenv("RUNS", str(tmp_path / "runs"))
    count = "with open(os.environ['RUNS'], 'a') as runs:\n    runs.write('1')\nprint(2)"
    chapter, setting = book(count), tool.settings()["default-1"]
    runs = tmp_path / "runs"
    before = runs.read_text()
    tool.run(chapter, setting)
    tool.run(chapter, setting)
    assert runs.read_text() == before + "1"
    chapter.write_text(chapter.read_text("utf-8").replace("print(2)", "print(3)"), encoding="utf-8")
    tool.run(chapter, setting)
    assert runs.read_text() == before + "11"
    monkeypatch.setattr(tool, "_digest_of_what_is_read", lambda: "another package")
    tool.run(chapter, setting)
    assert runs.read_text() == before + "111"


@pytest.mark.slow
def test_a_stale_reference_and_an_unknown_setting_are_refused(tool, book, monkeypatch):
    chapter = book(SOLID)
    monkeypatch.setattr(tool.reference, "chapters", lambda names: [chapter])
    monkeypatch.setattr(sys, "argv", ["portable.py", "--settings", "pentium-1"])
    with pytest.raises(SystemExit, match="no setting is called 'pentium-1'; known here: "):
        tool.main()
    chapter.write_text(chapter.read_text("utf-8").replace("10001", "10002"), encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["portable.py", "--settings", "noise-1"])
    with pytest.raises(SystemExit, match="code cells changed since the reference"):
        tool.main()


def test_noise_is_small_and_repeats_and_leaves_the_global_generator(arithmetic):
    x = torch.randn(50, 70, generator=torch.Generator().manual_seed(0))
    exact, state = x @ x.T, torch.get_rng_state()

    def noisy(seed):
        stop = arithmetic.add_noise(seed)
        try:
            return x @ x.T
        finally:
            stop()

    first = noisy(1)
    assert not torch.equal(first, exact)
    assert torch.equal(first, noisy(1))
    assert not torch.equal(first, noisy(2))
    # Relative to the sum of the terms' sizes, which is what rounding is relative to.
    assert ((first - exact).abs() / (x.abs() @ x.T.abs())).max() < 1e-5
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(x @ x.T, exact)


def test_noise_reaches_gradients_and_initial_weights(arithmetic):
    def weights_and_gradient():
        torch.manual_seed(0)
        layer = torch.nn.Linear(5, 3)
        layer(torch.linspace(0, 1, 10).reshape(2, 5)).tanh().sum().backward()
        return layer.weight.detach(), layer.weight.grad

    exact = weights_and_gradient()
    stop = arithmetic.add_noise(1)
    noisy = weights_and_gradient()
    stop()
    for one, other in zip(exact, noisy, strict=True):
        assert (one != other).float().mean() > 0.5  # or the noise was less than half a place
        assert torch.allclose(one, other, rtol=1e-4)


def test_noise_leaves_counts_zeros_and_choices(arithmetic):
    x = torch.tensor([[0.3, 0.7], [1.5, -2.5]])
    whole = torch.arange(12).reshape(3, 4)
    stop = arithmetic.add_noise(1)
    try:
        assert (x > 0).float().sum() == 3
        assert (torch.zeros(4, 2) @ x == 0).all()
        assert torch.equal(x.relu().max(1).values, torch.tensor([0.7, 1.5]))
        assert torch.zeros(3).exp().sum() == 3
        assert torch.equal((whole / 2) @ (whole.T / 2), (whole @ whole.T) / 4)
        assert torch.linspace(-20, 20, 1000).sigmoid().max() <= 1
        assert torch.equal(x.repeat(3, 1).exp(), x.exp().repeat(3, 1))  # a processor repeats itself
    finally:
        stop()
