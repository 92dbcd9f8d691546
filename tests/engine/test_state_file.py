"""Files of jobs: written all or nothing; whatever happened to one, loading it says so."""

import json
import os
import random
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routilux import DamagedDataError, Flow, JobState, SerializationError
from routilux.ports import Slot
from tests.engine.building import node
from tests.engine.saving import paused, pipeline


def finished() -> JobState:
    flow = Flow("f")
    flow.add_routine(node(lambda r, **data: r.emit("out", value=[1.5, "ü"])), "a")
    return flow.execute("a", {"x": 1})


@pytest.fixture(scope="module")
def saved() -> bytes:
    """The file of a job that has a bit of everything."""
    with paused(pipeline(max_workers=1)) as job:
        data = job.serialize()
    data["error"] = {"type": "ValueError", "message": "no", "notes": ["here"]}
    data["ended_at"] = data["updated_at"]
    data["explicit"] = ["source"]
    return json.dumps(data).encode()


def touch_everything(job: JobState) -> None:
    """What a job gives when asked is whole, so that nothing goes wrong later."""
    again = JobState.deserialize(json.loads(json.dumps(job.serialize())))
    assert (again.job_id, again.status, again.flow_id) == (job.job_id, job.status, job.flow_id)
    assert repr(job)
    assert repr(job.execution_history)
    assert job.created_at
    assert job.updated_at
    assert job.get_routine_states() is not None
    assert job.current_routine_id is None or isinstance(job.current_routine_id, str)


# saving -------------------------------------------------------------------------------------------


def test_saving_makes_the_folders_and_loading_gives_the_job(tmp_path: Path) -> None:
    job = finished()
    job.save(tmp_path / "a" / "b" / "job.json")
    loaded = JobState.load(str(tmp_path / "a" / "b" / "job.json"))
    assert loaded.serialize() == job.serialize()
    assert loaded.job_id == job.job_id


def test_a_relative_name_is_saved_in_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    finished().save("job.json")
    assert os.listdir(tmp_path) == ["job.json"]
    assert JobState.load(b"job.json".decode()).status == "completed"


def test_a_saved_file_is_one_line_of_ascii_json(tmp_path: Path) -> None:
    finished().save(tmp_path / "job.json")
    content = (tmp_path / "job.json").read_bytes()
    assert content.isascii()
    assert content.endswith(b"}\n")
    assert json.loads(content)["kind"] == "routilux.job"


def failing_replace(*_: Any) -> None:
    raise OSError("no space left")


@pytest.mark.parametrize("failing", ["replace", "fsync", "chmod"])
def test_a_save_that_fails_keeps_the_old_file_and_leaves_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    path = tmp_path / "job.json"
    path.write_text("old")
    monkeypatch.setattr(os, failing, failing_replace)
    with pytest.raises(OSError, match="no space left"):
        finished().save(path)
    monkeypatch.undo()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["job.json"]


def test_a_job_that_cannot_be_saved_touches_no_file_and_makes_no_folder(tmp_path: Path) -> None:
    path = tmp_path / "job.json"
    path.write_text("old")
    job = finished()
    job.update_routine_state("a", {"thing": {1}})
    for target in (path, tmp_path / "new" / "job.json"):
        with pytest.raises(SerializationError, match=r"routine_states\['a'\]\['thing'\]"):
            job.save(target)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["job.json"]


def test_saving_to_a_folder_leaves_it_alone(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    with pytest.raises(OSError, match="there"):
        finished().save(tmp_path / "there")
    assert os.listdir(tmp_path) == ["there"]


@pytest.mark.skipif(os.name != "posix", reason="modes are a thing of POSIX")
def test_an_old_file_keeps_its_mode_and_a_new_one_gets_the_usual(tmp_path: Path) -> None:
    old, new, usual = tmp_path / "old.json", tmp_path / "new.json", tmp_path / "usual"
    old.touch()
    old.chmod(0o640)
    usual.touch()
    for path in (old, new):
        finished().save(path)
    assert stat.S_IMODE(old.stat().st_mode) == 0o640
    assert new.stat().st_mode == usual.stat().st_mode


@pytest.mark.skipif(os.name != "posix", reason="links are a thing of POSIX")
def test_a_link_stays_a_link_and_its_file_is_written(tmp_path: Path) -> None:
    real, link = tmp_path / "real" / "job.json", tmp_path / "job.json"
    link.symlink_to(real)
    finished().save(link)
    assert link.is_symlink()
    assert JobState.load(real).status == "completed"


# loading ------------------------------------------------------------------------------------------


def test_a_missing_file_is_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        JobState.load(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"\x80\x81\x00", "is no text: a binary file"),
        (b"\x00" * 20, "is no complete JSON"),
        (b"[1, 2]", "is damaged: it must be an object, not a list"),
        (b'"text"', "is damaged: it must be an object, not 'text'"),
        (b"null", "is damaged: it must be an object, not null"),
        (b"{}", "is nothing that routilux has saved; 'routilux.job' was expected"),
        (b'{"kind": 5}', "is nothing that routilux has saved"),
        (b'{"kind": "routilux.flow", "schema": 1}', "is of kind 'routilux.flow'; 'routilux.job'"),
        (b'{"kind": "routilux.job"}', "is damaged: schema is missing"),
        (b'{"kind": "routilux.job", "schema": true}', "schema must be a whole number, not true"),
        (b'{"kind": "routilux.job", "schema": 0}', "schema must be at least 1, not 0"),
        (
            b'{"kind": "routilux.job", "schema": 2}',
            "was saved by a newer version (schema 2, this version reads 1); upgrade routilux",
        ),
        (b'{"kind": "routilux.job", "schema": 1}', "is damaged: job_id is missing"),
        (b'{"kind": NaN}', "NaN is no number of JSON"),
        (b'{"kind": 1e999}', "is inf, which JSON cannot hold"),
        (b"[" * 100_000, "it is nested too deep"),
        (b"[" * 500 + b"]" * 500, "nested"),
        (b"1" * 5000, "is damaged: Exceeds the limit"),
    ],
    ids=lambda value: value if isinstance(value, str) else repr(value[:12]),
)
def test_a_foreign_or_damaged_file_is_one_clear_error(
    tmp_path: Path, content: bytes, said: str
) -> None:
    path = tmp_path / "job.json"
    path.write_bytes(content)
    with pytest.raises(DamagedDataError) as caught:
        JobState.load(path)
    assert str(caught.value).startswith(str(path))
    assert said in str(caught.value)
    assert isinstance(caught.value, ValueError)


def test_a_folder_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(DamagedDataError, match="is a folder, not a saved file"):
        JobState.load(tmp_path)


def test_a_byte_order_mark_does_no_harm(tmp_path: Path, saved: bytes) -> None:
    (tmp_path / "job.json").write_bytes(b"\xef\xbb\xbf" + saved)
    touch_everything(JobState.load(tmp_path / "job.json"))


def load_bytes(path: Path, content: bytes) -> JobState | None:
    path.write_bytes(content)
    try:
        return JobState.load(path)
    except DamagedDataError as error:
        said = str(error)
    assert said.startswith(str(path))
    assert len(said) < 500
    return None


def test_a_file_that_was_cut_off_anywhere_is_damaged(tmp_path: Path, saved: bytes) -> None:
    path = tmp_path / "job.json"
    for length in range(len(saved)):
        assert load_bytes(path, saved[:length]) is None, length
    assert load_bytes(path, saved) is not None


def test_flipped_bytes_give_a_job_or_a_clear_error(tmp_path: Path, saved: bytes) -> None:
    chance = random.Random(7)
    path = tmp_path / "job.json"
    loaded = 0
    for _ in range(1500):
        content = bytearray(saved)
        for _ in range(chance.choice((1, 1, 3))):
            content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        job = load_bytes(path, bytes(content))
        if job is not None:
            loaded += 1
            touch_everything(job)
    assert loaded > 100  # most of a file is text that may say anything


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of everything in plain data."""
    items: list[Any] = list(value.items()) if isinstance(value, dict) else []
    items = list(enumerate(value)) if isinstance(value, list) else items
    return [path, *(place for key, each in items for place in places(each, (*path, key)))]


JUNK = st.sampled_from([None, True, -1, 0, 1, 10**9, 2.5, 1e300, "", "x", [], {}, [1], {"a": 1}])


@given(st.data())
def test_a_value_of_another_kind_anywhere_gives_a_job_or_a_clear_error(
    saved: bytes, data: st.DataObject
) -> None:
    content = json.loads(saved)
    *path, last = data.draw(st.sampled_from([p for p in places(content) if p]))
    target = content
    for key in path:
        target = target[key]
    if data.draw(st.booleans()):
        target[last] = data.draw(JUNK)
    else:
        del target[last]
    try:
        job = JobState.deserialize(content)
    except DamagedDataError:
        return
    touch_everything(job)


def test_damage_is_named_by_its_place(saved: bytes) -> None:
    content = json.loads(saved)
    content["pending_tasks"][1]["delay"] = "soon"
    with pytest.raises(
        DamagedDataError, match=r"pending_tasks\[1\]\['delay'\] must be a number of seconds"
    ):
        JobState.deserialize(content)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("status", "runing", "status 'runing' is none of pending, running"),
        ("created_at", "yesterday", "created_at must be a time in ISO format, not 'yesterday'"),
        ("created_at", "0001-01-01T00:00:00", "created_at must be a time"),
        ("ended_at", 5, "ended_at must be a text, not 5"),
        ("dropped", -1, "dropped must be at least 0, not -1"),
        ("routine_states", {"a": 1}, r"routine_states\['a'\] must be an object, not 1"),
        ("routine_states", {"a": {"slots": 1}}, "must be an object of objects"),
        ("error", {"type": "E", "message": "m", "notes": [1]}, "must be a list of texts"),
        ("entry", {"routine_id": "a"}, r"entry\['slot_name'\] is missing"),
        ("job_id", None, "job_id must be a text, not null"),
    ],
)
def test_each_value_is_checked(saved: bytes, key: str, value: Any, said: str) -> None:
    content = json.loads(saved) | {key: value}
    with pytest.raises(DamagedDataError, match=said):
        JobState.deserialize(content)


@pytest.mark.parametrize("method", ["__class__", "a b", "<lambda>"])
def test_only_a_plain_name_is_taken_for_a_method(saved: bytes, method: str) -> None:
    content = json.loads(saved)
    content["pending_tasks"][0] |= {"method": method, "data": {"args": []}}
    with pytest.raises(DamagedDataError, match="is no name of a method"):
        JobState.deserialize(content)


def test_values_that_are_not_known_here_are_left_alone(saved: bytes) -> None:
    content = json.loads(saved) | {"later": {"more": 1}}
    touch_everything(JobState.deserialize(content))


def test_what_is_no_plain_data_cannot_be_loaded(saved: bytes) -> None:
    content = json.loads(saved) | {"params": {"slot": Slot("x")}}
    with pytest.raises(DamagedDataError, match=r"data\['params'\]\['slot'\] is of type Slot"):
        JobState.deserialize(content)


def test_the_loaded_job_shares_nothing_with_the_data(saved: bytes) -> None:
    content = json.loads(saved)
    job = JobState.deserialize(content)
    before = job.serialize()
    content["routine_states"].clear()
    content["pending_tasks"][0]["data"]["n"] = 99
    content["pause_points"][0]["reason"] = "changed"
    assert job.serialize() == before
