import csv
import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from filelock import FileLock

from aeteach import cli, results, sweeps, training
from aeteach.sweeps import SweepError, engine
from tests.paths import ROOT

# A module of its own, because other processes must be able to import what they run.
TOY = textwrap.dedent(
    '''
    """A sweep of tiny models; whoever measures a cell says so in a file of the test's own."""

    import os
    import time
    from dataclasses import replace
    from pathlib import Path

    import torch

    from aeteach.recipes import Recipe
    from aeteach.sweeps import Cell, Sweep

    BASE = Recipe(
        model="linear", model_arguments={"latent": 1, "size": 8}, epochs=3, batch_size=8, why={}
    )
    IMAGES = torch.rand(16, 1, 8, 8, generator=torch.Generator().manual_seed(0))


    def measure(cell, checkpoint):
        _, history = cell.recipe.train(
            seed=cell.seed, images=IMAGES, checkpoint=checkpoint, progress=False
        )
        time.sleep(float(os.environ.get("TOY_SECONDS", "0")))
        with open(os.environ["TOY_COUNTS"], "a") as counts:
            counts.write(f"{cell.columns['row']} {os.getpid()}\\n")
        return {"loss": history.curve()[-1], "curve": history.curve()}


    def toy(rows=8):
        cells = [
            Cell(replace(BASE, lr=1e-3 * (1 + row // 2)), row % 2, {"row": row})
            for row in range(rows)
        ]
        return Sweep("toy", "tiny models", tuple(cells), measure)
    '''
)


SCRIPT = textwrap.dedent(
    """
    import sys
    from toy_sweep import toy
    from aeteach import sweeps

    if __name__ == "__main__":
        jobs, dask = int(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else None
        sweeps.run(toy(), sys.argv[1], jobs=jobs, dask=dask, progress=False)
    """
)


class Workshop:
    """A folder with the toy sweep, the environment its processes need, and the processes."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.results, self.counts = folder, folder / "results", folder / "counts"
        (folder / "toy_sweep.py").write_text(TOY)
        (folder / "script.py").write_text(SCRIPT)
        self.environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)]),
            "TOY_COUNTS": str(self.counts),
            "OMP_NUM_THREADS": "1",
        }
        self.processes: list[subprocess.Popen] = []

    def start(self, *command: str, seconds: float = 0.0) -> subprocess.Popen:
        with (self.folder / f"stderr-{len(self.processes)}").open("w") as errors:
            process = subprocess.Popen(
                [sys.executable, *command],
                cwd=self.folder,
                env={**self.environment, "TOY_SECONDS": str(seconds)},
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def sweep(self, *arguments: str, seconds: float = 0.0) -> subprocess.Popen:
        return self.start("script.py", str(self.results), *arguments, seconds=seconds)

    def wait(self, process: subprocess.Popen) -> None:
        where = self.folder / f"stderr-{self.processes.index(process)}"
        assert process.wait(timeout=120) == 0, where.read_text()

    def finished(self) -> list[Path]:
        return sorted(self.results.glob(".cells/toy/*.json"))

    def measured(self) -> list[str]:
        return sorted(line.split()[0] for line in _lines(self.counts))

    def rows(self) -> list[dict[str, str]]:
        with (self.results / "toy.csv").open() as file:
            return list(csv.DictReader(file))

    def close(self) -> None:
        for process in self.processes:
            with suppress(ProcessLookupError):  # also what a killed process has left behind
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture
def workshop(tmp_path, monkeypatch):
    shop = Workshop(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("TOY_COUNTS", str(shop.counts))
    monkeypatch.delitem(sys.modules, "toy_sweep", raising=False)
    yield shop
    shop.close()


def toy(*arguments):
    from toy_sweep import toy as make

    return make(*arguments)


def until(condition, seconds=60.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def test_a_sweep_writes_a_tidy_table_and_says_how_it_was_made(workshop):
    sweep = toy(4)
    path = sweeps.run(sweep, workshop.results, command="make toy", progress=False)
    assert path == workshop.results / "toy.csv"
    rows = workshop.rows()
    assert [(row["row"], row["seed"]) for row in rows] == [(str(n), str(n % 2)) for n in range(4)]
    for row, cell in zip(rows, sweep.cells, strict=True):
        from toy_sweep import IMAGES

        _, history = cell.recipe.train(seed=cell.seed, images=IMAGES, progress=False)
        assert float(row["loss"]) == pytest.approx(history.curve()[-1], rel=1e-5)
        assert {"python", "torch", "aeteach"} <= set(row)
    with (workshop.results / "toy_curve.csv").open() as file:
        curve = list(csv.DictReader(file))
    assert [row["epoch"] for row in curve] == ["1", "2", "3"] * 4
    made = json.loads((workshop.results / "toy.json").read_text())
    assert made["command"] == "make toy"
    assert made["cells"] == made["finished"] == made["begun"] == made["ended"] == 4
    assert made["versions"] == [{key: rows[0][key] for key in ("python", "torch", "aeteach")}]


def test_what_is_finished_is_not_run_again_and_what_changed_is(workshop):
    sweep = toy(4)
    sweeps.run(sweep, workshop.results, progress=False)
    assert workshop.measured() == ["0", "1", "2", "3"]
    sweeps.run(sweep, workshop.results, progress=False)
    assert workshop.measured() == ["0", "1", "2", "3"]
    first = sweep.cells[0]
    longer = replace(first, recipe=replace(first.recipe, epochs=4))
    sweeps.run(replace(sweep, cells=(longer, *sweep.cells[1:])), workshop.results, progress=False)
    assert workshop.measured() == ["0", "0", "1", "2", "3"]


@pytest.mark.parametrize(
    "change",
    [
        lambda sweep, cell: (sweep, replace(cell, seed=7)),
        lambda sweep, cell: (sweep, replace(cell, recipe=replace(cell.recipe, lr=0.5))),
        lambda sweep, cell: (
            sweep,
            replace(cell, recipe=replace(cell.recipe, model_arguments={"latent": 2, "size": 8})),
        ),
        lambda sweep, cell: (replace(sweep, version=2), cell),
        lambda sweep, cell: (replace(sweep, measure=engine.run), cell),
    ],
)
def test_whatever_decides_the_numbers_changes_the_key(workshop, change):
    sweep = toy(1)
    changed, cell = change(sweep, sweep.cells[0])
    assert replace(changed, cells=(cell,)).cell_keys() != sweep.cell_keys()


def test_names_and_reasons_do_not_change_the_key(workshop):
    sweep = toy(1)
    cell = sweep.cells[0]
    renamed = replace(cell, columns={"row": "other"}, recipe=replace(cell.recipe, why={"lr": "!"}))
    assert replace(sweep, cells=(renamed,)).cell_keys() == sweep.cell_keys()


def test_weights_that_judge_are_part_of_the_key(workshop, monkeypatch, tmp_path):
    monkeypatch.setattr(engine.weights, "FOLDER", tmp_path)
    (tmp_path / "judge.safetensors").write_bytes(b"one")
    sweep = replace(toy(1), needs=("judge",))
    before = sweep.cell_keys()
    (tmp_path / "judge.safetensors").write_bytes(b"two")
    assert sweep.cell_keys() != before
    with pytest.raises(SweepError, match="aeteach train absent"):
        replace(sweep, needs=("absent",)).cell_keys()


def test_a_cell_that_fails_is_named_and_the_others_are_kept(workshop):
    sweep = toy(4)
    broken = replace(sweep.cells[1], recipe=replace(sweep.cells[1].recipe, lr=-1.0))
    cells = (sweep.cells[0], broken, *sweep.cells[2:])
    with pytest.raises(SweepError, match=r"1 of 4 cells(.|\n)*lr is -1") as error:
        sweeps.run(replace(sweep, cells=cells), workshop.results, progress=False)
    assert str(workshop.results) in str(error.value)
    assert workshop.measured() == ["0", "2", "3"]
    assert not (workshop.results / "toy.csv").exists()
    sweeps.run(sweep, workshop.results, progress=False)
    assert workshop.measured() == ["0", "1", "2", "3"]


@pytest.mark.slow
def test_two_local_processes_share_the_cells(workshop):
    workshop.wait(workshop.sweep("2", seconds=0.2))
    assert workshop.measured() == [str(n) for n in range(8)]
    assert len({line.split()[1] for line in _lines(workshop.counts)}) == 2


@pytest.mark.slow
@pytest.mark.parametrize("finishes", [True, False])
def test_a_cell_that_another_process_is_at_is_left_to_it_until_it_dies(workshop, finishes):
    key = toy().cell_keys()[0]
    folder = engine.cell_folder(toy(), workshop.results)
    folder.mkdir(parents=True)
    with FileLock(folder / f"{key}.lock"):  # another process, as far as the sweep can tell
        sweep = workshop.sweep("1")
        until(lambda: len(workshop.finished()) == 7)
        time.sleep(0.5)
        assert workshop.measured() == [str(n) for n in range(1, 8)]
        assert sweep.poll() is None
        if finishes:
            assert engine._run(toy().measure, key, toy().cells[0], folder) is None
    workshop.wait(sweep)
    assert workshop.measured() == [str(n) for n in range(8)]
    assert len(workshop.rows()) == 8


@pytest.mark.slow
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_kill_9_in_the_middle_loses_no_cell_and_runs_none_twice(workshop, jobs):
    killed = workshop.sweep(jobs, seconds=0.3)
    until(lambda: len(workshop.finished()) >= 3)
    os.kill(killed.pid, signal.SIGKILL)  # the process only: its workers may live on for a while
    killed.wait()
    kept = {path: path.read_bytes() for path in workshop.finished()}
    assert 3 <= len(kept) < 8
    assert not (workshop.results / "toy.csv").exists()

    workshop.wait(workshop.sweep(jobs))
    assert workshop.measured() == [str(n) for n in range(8)]
    assert {path: path.read_bytes() for path in kept} == kept
    assert [row["row"] for row in workshop.rows()] == [str(n) for n in range(8)]
    counts = sweeps.starts(toy(), workshop.results)
    assert [ended for _, ended in counts.values()] == [1] * 8
    assert 8 <= sum(begun for begun, _ in counts.values()) <= 8 + int(jobs)


def test_an_interrupted_cell_goes_on_from_its_checkpoint_with_the_same_numbers(workshop):
    sweep = toy(1)
    (cell,), (key,) = sweep.cells, sweep.cell_keys()
    folder = engine.cell_folder(sweep, workshop.results)
    folder.mkdir(parents=True)
    from toy_sweep import IMAGES

    _, whole = cell.recipe.train(seed=cell.seed, images=IMAGES, progress=False)
    cell.recipe.train(
        seed=cell.seed, epochs=2, images=IMAGES, checkpoint=folder / f"{key}.ckpt", progress=False
    )
    sweeps.run(sweep, workshop.results, progress=False)
    record = json.loads((folder / f"{key}.json").read_text())
    assert record["measured"]["curve"] == whole.curve()
    assert sorted(path.name for path in folder.iterdir()) == [f"{key}.json", "runs.log"]


def test_a_damaged_cell_is_named_kept_and_run_again(workshop):
    sweep = toy(3)
    sweeps.run(sweep, workshop.results, progress=False)
    table = (workshop.results / "toy.csv").read_bytes()
    folder = engine.cell_folder(sweep, workshop.results)
    damaged = folder / f"{sweep.cell_keys()[1]}.json"
    damaged.write_text("mine")
    with (folder / "runs.log").open("a") as log:
        log.write("a note of mine\n\nodd\n")
    assert sweeps.finished(sweep, workshop.results) == 2
    with pytest.warns(engine.records.RecordWarning, match=rf"{damaged} is no record"):
        sweeps.write_table(sweep, workshop.results)
    with pytest.warns(engine.records.RecordWarning, match=rf"{damaged} is no record"):
        sweeps.run(sweep, workshop.results, progress=False)
    assert workshop.measured() == ["0", "1", "1", "2"]
    assert damaged.read_text() == "mine"
    assert (workshop.results / "toy.csv").read_bytes() == table
    sweeps.run(sweep, workshop.results, progress=False)
    assert workshop.measured() == ["0", "1", "1", "2"]


@pytest.mark.parametrize("name", ["runs.log", "{key}.lock"])
def test_a_folder_in_place_of_a_file_of_ours_is_named_and_the_others_go_on(workshop, name):
    sweep = toy(2)
    folder = engine.cell_folder(sweep, workshop.results)
    path = folder / name.format(key=sweep.cell_keys()[0])
    path.mkdir(parents=True)
    with pytest.raises(SweepError, match=str(path)):
        sweeps.run(sweep, workshop.results, progress=False)
    assert path.is_dir()
    assert sweeps.finished(sweep, workshop.results) == (1 if "lock" in name else 0)


def test_a_file_in_place_of_the_folder_is_named(workshop):
    workshop.results.write_text("mine")
    with pytest.raises(OSError, match=r"a file is in the way: the folder .*results"):
        sweeps.run(toy(1), workshop.results, progress=False)
    assert workshop.results.read_text() == "mine"


def test_ctrl_c_leaves_no_half_trained_cell_and_the_next_run_goes_on(workshop, monkeypatch):
    from toy_sweep import IMAGES

    sweep = toy(1)
    (cell,), (key,) = sweep.cells, sweep.cell_keys()
    folder = engine.cell_folder(sweep, workshop.results)
    folder.mkdir(parents=True)
    epoch = training.loop._Training.epoch

    def stopped(self, number, history):
        if number == 3:
            raise KeyboardInterrupt
        return epoch(self, number, history)

    monkeypatch.setattr(training.loop._Training, "epoch", stopped)
    with pytest.raises(KeyboardInterrupt):
        engine._run(sweep.measure, key, cell, folder)
    monkeypatch.setattr(training.loop._Training, "epoch", epoch)
    assert sweeps.finished(sweep, workshop.results) == 0
    sweeps.run(sweep, workshop.results, progress=False)
    _, whole = cell.recipe.train(seed=cell.seed, images=IMAGES, progress=False)
    assert json.loads((folder / f"{key}.json").read_text())["measured"]["curve"] == whole.curve()


@pytest.mark.slow
def test_dask_a_worker_killed_in_the_middle_loses_no_cell_and_runs_none_twice(workshop):
    scheduler = workshop.folder / "scheduler.json"
    dask = ["-m", "distributed.cli.dask_scheduler", "--no-dashboard", "--host", "127.0.0.1"]
    workshop.start(*dask, "--port", "0", "--scheduler-file", str(scheduler))
    until(scheduler.exists)
    until(lambda: scheduler.read_text().strip().endswith("}"))
    address = json.loads(scheduler.read_text())["address"]
    worker = ["-m", "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-nanny"]
    worker += ["--no-dashboard", "--host", "127.0.0.1"]
    pair = [workshop.start(*worker, seconds=0.5) for _ in range(2)]

    client = workshop.sweep("1", address)
    until(lambda: len({line.split()[1] for line in _lines(workshop.counts)}) == 2)  # both work
    pids = {line.split()[1] for line in _lines(workshop.counts)}
    assert pids == {str(process.pid) for process in pair}
    os.kill(pair[0].pid, signal.SIGKILL)
    pair[0].wait()
    kept = {path: path.read_bytes() for path in workshop.finished()}
    assert 0 < len(kept) < 8

    workshop.wait(client)
    assert workshop.measured() == [str(n) for n in range(8)]
    assert {path: path.read_bytes() for path in kept} == kept
    assert [row["row"] for row in workshop.rows()] == [str(n) for n in range(8)]
    assert [ended for _, ended in sweeps.starts(toy(), workshop.results).values()] == [1] * 8


def _lines(path):
    return path.read_text().splitlines() if path.exists() else []


def test_progress_counts_finished_cells(workshop, capsys):
    sweeps.run(toy(2), workshop.results)
    assert "2/2" in capsys.readouterr().err


def test_one_job_needs_no_joblib_and_more_name_the_extra(workshop, monkeypatch):
    monkeypatch.setitem(sys.modules, "joblib", None)  # as if it were not installed
    sweeps.run(toy(2), workshop.results, progress=False)
    assert workshop.measured() == ["0", "1"]
    with pytest.raises(ValueError, match=r"2 jobs need joblib: pip install 'aeteach\[sweep\]'"):
        sweeps.run(toy(3), workshop.results, jobs=2, progress=False)
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ValueError, match=r"joblib and Dask: pip install 'aeteach\[sweep\]'"):
        sweeps.run(toy(3), workshop.results, dask="tcp://127.0.0.1:1", progress=False)


def test_a_sweep_writes_where_results_are_read(workshop, monkeypatch, capsys, tmp_path):
    monkeypatch.setitem(sweeps.SWEEPS, "toy", toy(2))
    monkeypatch.setenv("AETEACH_RESULTS", str(tmp_path / "mine"))
    assert cli.main(["sweep", "toy"]) == 0
    assert f"{tmp_path / 'mine' / 'toy.csv'}: 2 of 2 cells" in capsys.readouterr().out
    assert len(results.read("toy")) == 2
    assert cli.main(["sweep", "toy", "--out", str(tmp_path / "other")]) == 0
    assert f"It is read when AETEACH_RESULTS is {tmp_path / 'other'}" in capsys.readouterr().out


def test_a_sweep_never_writes_over_installed_tables(workshop, monkeypatch, capsys, tmp_path):
    tables = tmp_path / "_tables"
    tables.mkdir()
    monkeypatch.setattr(results, "_INSTALLED", tables)
    monkeypatch.setitem(sweeps.SWEEPS, "toy", toy(2))
    for more in ([], ["--table"]):
        assert cli.main(["sweep", "toy", "--out", str(tables), *more]) == 1
        assert "installed with the package" in capsys.readouterr().err
    assert not list(tables.iterdir())


def test_a_cell_of_another_is_waited_for_as_long_as_it_takes(workshop):
    """More than a second, which is longer than any time-out that looks like waiting."""
    sweep = toy(1)
    (cell,), (key,) = sweep.cells, sweep.cell_keys()
    folder = engine.cell_folder(sweep, workshop.results)
    folder.mkdir(parents=True)
    held = threading.Event()

    def another() -> None:
        with FileLock(folder / f"{key}.lock"):
            held.set()
            time.sleep(1.5)

    threading.Thread(target=another).start()
    held.wait()
    assert engine._finish(sweep.measure, key, cell, folder, wait=False) == engine.CLAIMED
    began = time.perf_counter()
    assert engine._finish(sweep.measure, key, cell, folder, wait=True) is None
    assert time.perf_counter() - began > 1
    assert sweeps.finished(sweep, workshop.results) == 1


def test_the_bar_counts_what_was_finished_before_and_what_others_finish(
    tmp_path, capsys, monkeypatch
):
    files = [tmp_path / name for name in "abcd"]
    files[0].touch()
    monkeypatch.setattr(
        engine, "_done", lambda cells, keys: sum((cells / k).exists() for k in keys)
    )
    with engine._progress(tmp_path, [*"abcd", "a"], show=True):
        files[1].touch()
        files[3].touch()
    shown = capsys.readouterr().err.replace("\r", "\n").split("\n")
    counts = [re.search(r"(\d+)/(\d+)", line)[0] for line in shown if "/" in line]
    assert counts[0] == "1/4"  # the same file twice is one cell
    assert counts[-1] == "3/4"


def test_bad_numbers_of_jobs_are_refused(workshop):
    with pytest.raises(ValueError, match="jobs must be at least 1, got 0"):
        sweeps.run(toy(1), workshop.results, jobs=0)


def test_a_table_of_nothing_is_refused(workshop):
    with pytest.raises(SweepError, match="no cell of 'toy' is finished"):
        sweeps.write_table(toy(1), workshop.results)


def test_the_command_makes_the_table_lists_it_and_names_what_is_unknown(
    workshop, monkeypatch, capsys
):
    monkeypatch.setattr(sweeps, "SWEEPS", {"toy": toy(2)})
    out = ["--out", str(workshop.results)]
    assert cli.main(["sweep", "toy", *out, "--table"]) == 1
    assert cli.main(["sweep", "toy", *out]) == 0
    assert len(workshop.rows()) == 2
    assert cli.main(["sweep", "--list", *out]) == 0
    assert "2 of 2 cells finished" in capsys.readouterr().out
    assert cli.main(["sweep", "nonsense", *out]) == 2
    assert "no table is called 'nonsense'; known: toy" in capsys.readouterr().err


def test_a_cell_runs_on_the_cpu_whatever_the_default_device(tmp_path):
    def measure(cell, checkpoint):
        return {"loss": 1.0, "device": str(torch.zeros(1).device)}

    cell = sweeps.SWEEPS["cube_snr"].cells[0]
    with torch.device("meta"):
        assert engine._run(measure, "a", cell, tmp_path) is None
    assert json.loads((tmp_path / "a.json").read_text())["measured"]["device"] == "cpu"
