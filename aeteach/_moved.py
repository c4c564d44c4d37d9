"""Modules under the names they once had: importing one warns, and gives the module itself."""

import importlib
import sys
import warnings
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

MOVED = {
    "aeteach.generation": "aeteach.metrics.coverage",
    "aeteach.meaning": "aeteach.metrics.factors",
    "aeteach.outliers": "aeteach.metrics.auroc",
    "aeteach.probe": "aeteach.metrics.probe",
    "aeteach.shape_reader": "aeteach.metrics.shape_reader",
    "aeteach.sharpness": "aeteach.metrics.sharpness",
}


class OldNames(MetaPathFinder, Loader):
    """Find modules by the names in MOVED."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Answer for the old names alone."""
        return ModuleSpec(name, self) if name in MOVED else None

    def exec_module(self, module: ModuleType) -> None:
        """Warn, and put the moved module in the place of the empty one that was made for it."""
        old = module.__name__
        warnings.warn(f"{old} is now {MOVED[old]}; import that", FutureWarning, stacklevel=2)
        sys.modules[old] = importlib.import_module(MOVED[old])


def install() -> None:
    """Let old names be imported, once."""
    if not any(isinstance(finder, OldNames) for finder in sys.meta_path):
        sys.meta_path.append(OldNames())
