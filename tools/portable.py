"""Run the chapters as other processors would, and list the compared cells that then differ.

    python tools/portable.py                         every chapter under every setting
    python tools/portable.py elbo clinic             only these chapters
    python tools/portable.py --settings default-2 noise-1        only these settings
    python tools/portable.py --list                  the settings that this machine can run

A setting is a set of kernels (those for AVX-512, for AVX2, and for processors with neither, in
torch, MKL, oneDNN, OpenBLAS and numpy alike), a number of threads, or noise in the last places of
everything that rounds (tools/arithmetic.py), which stands for the processors not at hand. What was
asked for is checked against what the kernel says it uses. Outputs are kept in _build/portable/, so
an interrupted run goes on where it stopped; a changed chapter, package or table runs again.
"""

import argparse
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import arithmetic
import nbformat
import numpy as np
import reference
from nbclient.exceptions import CellTimeoutError, DeadKernelError

TOOLS = Path(__file__).resolve().parent
ROOT = TOOLS.parent
KEPT = ROOT / "_build" / "portable"
# What every chapter can read beside its own cells.
READ = ("aeteach", "results", "constraints.txt")
NOISE_SEEDS = (1, 2, 3)
SECONDS_A_CELL = 3000  # noise is slow, and two threads on a busy machine are
DIED = (DeadKernelError, CellTimeoutError, RuntimeError)

# torch has three sets of kernels. The libraries under it choose for themselves, so each is told
# which choice belongs to that set. AVX-512 needs no word to oneDNN and MKL: it is their own choice.
KERNELS = {
    "avx512": {"OPENBLAS_CORETYPE": "SkylakeX"},
    "avx2": {
        "OPENBLAS_CORETYPE": "Haswell",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    },
    "default": {
        "OPENBLAS_CORETYPE": "Nehalem",
        "ONEDNN_MAX_CPU_ISA": "SSE41",
        "MKL_CBWR": "COMPATIBLE",
    },
}
# numpy's groups of instructions that a set does without, by the beginnings of their names.
NUMPY_WITHOUT = {"avx512": (), "avx2": ("X86_V4", "AVX512"), "default": ("",)}


@dataclass(frozen=True)
class Setting:
    """What a chapter is run with: kernels, threads, a seed of noise or none."""

    name: str
    kernels: str
    threads: int = 1
    noise: int | None = None
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def first_cell(self) -> str:
        """Return the code that runs before a chapter; it prints what is in use."""
        start = "" if self.noise is None else f"_ = arithmetic.add_noise({self.noise})"
        return (
            f"import json, sys\nsys.path.insert(0, {str(TOOLS)!r})\nimport arithmetic\n"
            f"sys.path.pop(0)\nprint(json.dumps(arithmetic.facts()))\n{start}"
        )


def settings() -> dict[str, Setting]:
    """Return the settings that this machine can run, by name."""
    found = [
        Setting(f"{kernels}-{threads}", kernels, threads, environment=environment)
        for kernels, environment in _kernels()
        for threads in (1, 2)
    ]
    if _mkl_takes_another_maker():
        found += [
            Setting(f"intel-{one.name}", one.kernels, one.threads, environment=_as_intel(one))
            for one in found
            if one.kernels != "default" and one.threads == 1
        ]
    found += [Setting(f"noise-{seed}", "native", noise=seed) for seed in NOISE_SEEDS]
    return {setting.name: setting for setting in found}


def _kernels() -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the sets of kernels that the processor has, with what asks the libraries for each."""
    if platform.machine().lower() not in {"x86_64", "amd64"}:
        yield "default", {"ATEN_CPU_CAPABILITY": "default"}
        return
    extensions = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
    for name in list(KERNELS)[list(KERNELS).index(_widest()) :]:
        without = [e for e in extensions if any(map(e.startswith, NUMPY_WITHOUT[name]))]
        asked = {"ATEN_CPU_CAPABILITY": name, **KERNELS[name]}
        if without:
            asked["NPY_DISABLE_CPU_FEATURES"] = ",".join(without)
        if "OPENBLAS_CORETYPE" in os.environ:  # somebody knows which kernels are safe here
            del asked["OPENBLAS_CORETYPE"]
        yield name, asked


@cache
def _widest() -> str:
    """Return the widest set of kernels that torch finds on this processor."""
    code = "import torch; print(torch.backends.cpu.get_cpu_capability().lower())"
    asked = {k: v for k, v in os.environ.items() if k != "ATEN_CPU_CAPABILITY"}
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=asked
    )
    return told.stdout.strip()


def _mkl_takes_another_maker() -> bool:
    """Tell whether MKL is here on a processor that is not Intel's, and can be told it were."""
    try:
        maker = Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:  # not Linux
        return False
    return "AuthenticAMD" in maker and shutil.which("cc") is not None


@cache
def _claim() -> str:
    """Compile what answers MKL's question for the maker, which decides between its kernels.

    MKL uses its AVX2 and AVX-512 kernels for Intel's processors and others for AMD's. Most readers
    have one or the other: both are tried. The two functions are MKL's own, replaced before it asks.
    """
    KEPT.mkdir(parents=True, exist_ok=True)
    source, library = KEPT / "claim.c", KEPT / "claim.so"
    source.write_text(
        "int mkl_serv_intel_cpu_true(void) { return 1; }\n"
        "int mkl_serv_intel_cpu(void) { return 1; }\n",
        encoding="utf-8",
    )
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=True)
    return str(library)


def _as_intel(setting: Setting) -> dict[str, str]:
    return {**setting.environment, "LD_PRELOAD": _claim()}


def run(chapter: Path, setting: Setting) -> nbformat.NotebookNode:
    """Return the chapter as it comes out under a setting, from _build/portable/ if it is there."""
    stored = KEPT / setting.name / f"{chapter.stem}.ipynb"
    key = _key(chapter, setting)
    if stored.exists():
        notebook = nbformat.read(stored, as_version=4)
        if notebook.metadata.get("key") == key:
            return notebook
    notebook = reference.execute(
        chapter,
        environment={
            **os.environ,
            "OMP_NUM_THREADS": str(setting.threads),
            **setting.environment,
        },
        first=setting.first_cell,
        stop_at_error=False,
        seconds_a_cell=SECONDS_A_CELL,
    )
    _check_facts(json.loads(notebook.metadata["first"]), setting)
    notebook.metadata["key"] = key
    stored.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, stored)
    return notebook


def _check_facts(facts: Mapping[str, Any], setting: Setting) -> None:
    """Raise where the kernel does not use what the setting asked for."""
    asked: dict[str, Any] = {"threads": setting.threads}
    if setting.kernels != "native":
        asked["torch"] = setting.kernels
    if facts["numpy"]:  # OpenBLAS is there
        asked["numpy_threads"] = [setting.threads] * len(facts["numpy"])
        if "OPENBLAS_CORETYPE" in setting.environment:
            asked["numpy"] = [setting.environment["OPENBLAS_CORETYPE"]] * len(facts["numpy"])
    for name, value in asked.items():
        if facts[name] != value:
            raise RuntimeError(
                f"setting {setting.name} asks for {name} = {value}, but the kernel uses "
                f"{facts[name]}; is the variable overwritten somewhere?"
            )


def _key(chapter: Path, setting: Setting) -> str:
    """Return a digest of all that a chapter's outputs depend on."""
    digest = hashlib.sha256(_digest_of_what_is_read().encode())
    environment = {k: v for k, v in setting.environment.items() if k != "LD_PRELOAD"}
    told = [sorted(environment.items()), setting.threads, setting.noise]
    cells = [(cell.source, cell.metadata.tags) for cell in reference.read(chapter).cells]
    digest.update(json.dumps([told, cells]).encode())
    if setting.noise is not None:
        digest.update(Path(arithmetic.__file__).read_bytes())
    return digest.hexdigest()


@cache
def _digest_of_what_is_read() -> str:
    digest = hashlib.sha256()
    for name in READ:
        top = ROOT / name
        for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(path.relative_to(ROOT).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


def compare(chapter: Path, setting: Setting) -> tuple[int, list[str], str]:
    """Return how many cells were compared, what differs, and the fingerprint of the arithmetic."""
    now = run(chapter, setting)
    kept = nbformat.read(reference.REFERENCE / f"{chapter.stem}.ipynb", as_version=4)
    found = [
        f"{chapter.stem}, cell {number}:\n{difference}"
        for number, difference in reference.differences(kept, now)
    ]
    compared = sum(map(reference.checked, kept.cells))
    return compared, found, json.loads(now.metadata["first"])["fingerprint"]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("chapters", nargs="*", help="names without .md; all by default")
    parser.add_argument("--settings", nargs="+", metavar="NAME", help="all by default")
    parser.add_argument("--jobs", type=int, default=1, help="chapters run at the same time")
    parser.add_argument("--list", action="store_true", help="name the settings and stop")
    return parser.parse_args()


def main() -> int:
    given = arguments()
    known = settings()
    if given.list:
        print("\n".join(known))
        return 0
    unknown = [name for name in given.settings or [] if name not in known]
    if unknown:
        sys.exit(f"no setting is called {unknown[0]!r}; known here: {', '.join(known)}")
    chosen = [known[name] for name in given.settings or known]
    chapters = reference.chapters(given.chapters)
    stale = [
        problem
        for chapter in chapters
        for problem in reference.problems(chapter, reference.REFERENCE / f"{chapter.stem}.ipynb")
    ]
    if stale:
        sys.exit("\n".join(stale))
    return report(chapters, chosen, given.jobs)


def report(chapters: list[Path], chosen: list[Setting], jobs: int) -> int:
    """Run and compare, say each result as it comes, and return the exit status."""
    compared, differ = 0, 0
    fingerprints: dict[str, str] = {}
    with ThreadPoolExecutor(jobs) as pool:
        tasks = {
            pool.submit(compare, chapter, setting): (chapter, setting)
            for setting in chosen
            for chapter in chapters
        }
        try:
            for done in as_completed(tasks):
                chapter, setting = tasks[done]
                try:
                    count, found, fingerprints[setting.name] = done.result()
                except DIED as error:  # an instruction that is not there ends the kernel, say
                    count, found = 0, [f"{chapter.stem} did not come to its end: {error}\n"]
                compared, differ = compared + count, differ + len(found)
                print(
                    f"{setting.name:15} {chapter.stem:25} {count:3} compared, {len(found)} differ"
                )
                print("".join(f"{text}\n" for text in found), end="", flush=True)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    print(
        f"{len(chosen)} settings ({len(set(fingerprints.values()))} that compute differently, "
        f"before noise), {len(chapters)} chapters: {compared} outputs compared, {differ} differ"
    )
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
