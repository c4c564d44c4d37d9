"""The figures' package: one module and one class a figure, and nothing loaded too early."""

import os
import subprocess
import sys

import pytest

from aeteach import widgets
from aeteach.widgets import Figure
from aeteach.widgets.kit import host
from tests.paths import ROOT

FIGURES = [
    cls
    for name in widgets.__all__
    if isinstance(cls := getattr(widgets, name), type)
    and issubclass(cls, Figure)
    and cls is not Figure
]


def test_importing_the_package_loads_no_widget() -> None:
    code = (
        "import sys, aeteach; print([m for m in ('anywidget', 'ipywidgets') if m in sys.modules])"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


@pytest.mark.parametrize("cls", FIGURES)
def test_every_figure_has_one_module_and_one_class(cls: type[Figure]) -> None:
    assert (host.FIGURES / f"{cls._module}.js").is_file()
    assert (host.FIGURES / f"{cls._module}.py").is_file()
    assert cls.__module__ == f"aeteach.widgets.{cls._module}"
