import os
import subprocess
import sys
import textwrap

from tests.paths import ROOT

# Everything that shows a bar, each asked to.
SHOWN = {
    "fit": """
        training.fit(models.build("linear", size=8), torch.rand(4, 1, 8, 8), epochs=2)
    """,
    "mirror": """
        with server() as address:
            list(_sources.mirror(address, ["digits"], True))
    """,
    "sweep": """
        from pathlib import Path
        from aeteach.sweeps import engine, records
        record = {"measured": {}, "versions": {}, "wall_seconds": 1.0, "finished": "now"}
        with engine._progress(Path(), ["cell"], True):
            records.write(Path(), "cell", record)
    """,
}
PREPARED = """
import contextlib, gzip, http.server, sys, threading
import torch
from aeteach import models, training
from aeteach.data import _sources

class Handler(http.server.BaseHTTPRequestHandler):
    body = gzip.compress(b"digits")
    def do_HEAD(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
    def do_GET(self):
        self.do_HEAD()
        self.wfile.write(self.body)
    def log_message(self, *arguments):
        pass

@contextlib.contextmanager
def server():
    made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{made.server_port}/"
    made.shutdown()
"""


def run(folder, *lines, **environment):
    """What a process writes to stderr."""
    done = subprocess.run(
        [sys.executable, "-c", "\n".join([PREPARED, *map(textwrap.dedent, lines)])],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_every_bar_is_shown_to_who_wants_it(tmp_path):
    said = run(tmp_path, *SHOWN.values())
    assert said.count("100%") >= len(SHOWN)
    assert all(unit in said for unit in ("epoch/s", "B/s", "cell/s"))


def test_the_users_wish_for_none_is_heard(tmp_path):
    assert "%" not in run(tmp_path, *SHOWN.values(), TQDM_DISABLE="1")


def test_a_process_without_a_console_goes_on_without_one(tmp_path):
    run(tmp_path, "sys.stderr = None", *SHOWN.values())
