import json
import random
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest

from aeteach.sweeps import records

RECORD = {
    "measured": {"loss": 0.1234, "curve": [1.0, 0.5], "rate": float("inf")},
    "versions": {"python": "3.11"},
    "wall_seconds": 1.5,
    "finished": "2026-01-01T00:00:00+00:00",
}


def test_what_is_written_is_read_and_has_a_checksum(tmp_path):
    records.write(tmp_path, "k", RECORD)
    assert records.read(tmp_path, "k") == RECORD
    assert "checksum" in json.loads((tmp_path / "k.json").read_text())
    assert records.read(tmp_path, "other") is None


def test_a_record_of_before_checksums_is_read(tmp_path):
    (tmp_path / "k.json").write_text(json.dumps(RECORD))
    assert records.read(tmp_path, "k") == RECORD


def a_folder(path):
    path.unlink()
    path.mkdir()


def a_link_to_itself(path):
    path.unlink()
    path.symlink_to(path.name)


DAMAGE = {
    "empty": lambda path: path.write_bytes(b""),
    "half": lambda path: path.write_bytes(path.read_bytes()[:40]),
    "zeros": lambda path: path.write_bytes(bytes(200)),
    "no text": lambda path: path.write_bytes(b"\xff\xfe"),
    "a list": lambda path: path.write_text("[]"),
    "null": lambda path: path.write_text("null"),
    "somebody's notes": lambda path: path.write_text('{"todo": 1}'),
    "nothing measured": lambda path: path.write_text(json.dumps({**RECORD, "measured": None})),
    "no versions": lambda path: path.write_text(json.dumps({**RECORD, "versions": "3.11"})),
    "no time": lambda path: path.write_text(json.dumps({**RECORD, "wall_seconds": "1"})),
    "another digit": lambda path: path.write_text(path.read_text().replace("0.1234", "0.1235")),
    "a folder": a_folder,
    "a circle": a_link_to_itself,
}


@pytest.mark.parametrize("what", DAMAGE)
def test_a_damaged_record_is_named_kept_and_written_beside(tmp_path, what):
    records.write(tmp_path, "k", RECORD)
    path = tmp_path / "k.json"
    DAMAGE[what](path)
    before = path.read_bytes() if path.is_file() else None
    assert records.read(tmp_path, "k") is None
    with pytest.warns(records.RecordWarning, match=rf"{path} is no record .* left as it is"):
        records.warn_of_damage(tmp_path, ["k"])
    records.write(tmp_path, "k", RECORD)
    assert records.read(tmp_path, "k") == RECORD
    assert json.loads((tmp_path / "k.2.json").read_text())["measured"]["loss"] == 0.1234
    assert before is None or path.read_bytes() == before
    with warnings.catch_warnings():  # there is a whole one now, and nothing to say
        warnings.simplefilter("error")
        records.warn_of_damage(tmp_path, ["k"])


def test_a_flipped_bit_never_gives_another_number(tmp_path):
    records.write(tmp_path, "k", RECORD)
    path = tmp_path / "k.json"
    good, chance = path.read_bytes(), random.Random(0)
    for _ in range(200):
        place = chance.randrange(len(good))
        flipped = good[place] ^ 1 << chance.randrange(7)
        path.write_bytes(good[:place] + bytes([flipped]) + good[place + 1 :])
        found = records.read(tmp_path, "k")
        assert found is None or found == RECORD or "checksum" not in json.loads(path.read_bytes())


def test_when_every_place_is_taken_nothing_is_written_over(tmp_path):
    for place in records.places(tmp_path, "k"):
        place.write_text("mine")
    with pytest.raises(FileExistsError, match=r"cell k in .* are taken by others"):
        records.write(tmp_path, "k", RECORD)
    assert {path.read_text() for path in tmp_path.iterdir()} == {"mine"}


def test_the_log_counts_events_and_passes_over_what_is_none(tmp_path):
    assert not records.counts(tmp_path)
    records.log(tmp_path, "started a now host:1")
    with (tmp_path / records.LOG).open("ab") as log:
        log.write(b"\n \nword\n\xff\xfe\x00 \xff\n# a note of mine\nmeasured")  # cut short
    records.log(tmp_path, "started a then host:1")
    records.log(tmp_path, "measured a then host:1")
    found = records.counts(tmp_path)
    assert (found["started", "a"], found["measured", "a"]) == (2, 1)


def test_lines_that_are_written_at_once_are_not_mixed(tmp_path):
    def log(number):
        records.log(tmp_path, f"started k{number} " + "x" * 100)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(log, range(200)))
    found = records.counts(tmp_path)
    assert sum(found.values()) == len(found) == 200
