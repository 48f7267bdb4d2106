"""Profiles: kept only when asked to, given out whole, and gone when deleted."""

import asyncio
import multiprocessing
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from skillofmind.core.dialogue import SocialContext
from skillofmind.core.errors import ConfigurationError, StorageError
from skillofmind.serve.memory import SESSION_GAP, Memory, Profile, Session, merged
from tests.serve.serving import FixedPlanner, Serving, ask, chat, said
from tests.upstream import Upstream

DAY = 86_400.0


def test_a_profile_is_used_kept_exported_and_deleted(tmp_path: Path) -> None:
    planner, file = FixedPlanner(), tmp_path / "people.db"
    told = {"user": "ann", "context": {"relationship": "old friends", "personality": "shy"}}
    with Upstream() as upstream, Serving(upstream.base_url, planner=planner, memory=str(file)) as server:
        chat(server, {"messages": said("I moved to Busan."), "skillofmind": told})
        chat(server, {"messages": said("Hello!"), "skillofmind": {"user": "ann"}})
        chat(server, {"messages": said("Hello!"), "skillofmind": {"user": "bob"}})
        chat(server, {"messages": said("Hello!")})
        exported = ask(server, "/v1/skillofmind/users/ann")
        deleted = ask(server, "/v1/skillofmind/users/ann", method="DELETE")
        again = ask(server, "/v1/skillofmind/users/ann", method="DELETE")
        gone = ask(server, "/v1/skillofmind/users/ann")
    assert [seen.context.relationship for seen in planner.seen] == ["old friends", "old friends", None, None]
    profile = exported.json()["profile"]
    assert profile["context"] == {"relationship": "old friends", "personality": "shy"}
    assert (profile["session"]["requests"], profile["session"]["said"]) == (2, "Hello!")
    assert (deleted.json()["deleted"], again.json()["deleted"], gone.status) == (True, False, 404)
    assert all("skillofmind" not in request.body for request in upstream.requests)
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"Busan" not in kept
    assert b"old friends" not in kept
    assert b"bob" in kept


def test_without_memory_nothing_is_kept_and_a_user_is_refused() -> None:
    with Upstream() as upstream, Serving(upstream.base_url) as server:
        got = chat(server, {"messages": said(), "skillofmind": {"user": "ann"}})
        export = ask(server, "/v1/skillofmind/users/ann")
    assert (got.status, got.json()["error"]["code"]) == (400, "no_memory")
    assert (export.status, export.json()["error"]["code"]) == (404, "no_memory")


@pytest.mark.parametrize("user", ["", "a/b", "x" * 129, "ü", "a b", "../x"])
def test_an_id_that_is_none_is_refused(user: str, tmp_path: Path) -> None:
    with Upstream() as upstream, Serving(upstream.base_url, memory=str(tmp_path / "m.db")) as server:
        got = chat(server, {"messages": said(), "skillofmind": {"user": user}})
    assert (got.status, got.json()["error"]["param"]) == (400, "skillofmind.user")


def test_the_session_before_is_told_with_the_time_between() -> None:
    profile = Profile(SocialContext(topic="bicycles")).after(0.0, "My chain broke.", "Empathy")
    assert profile.social(60.0) == SocialContext(topic="bicycles")
    later = profile.social(3 * DAY)
    assert (later.elapsed, later.previous_summary) == ("3 days", 'Last time the user said: "My chain broke."')
    profile = profile.after(3 * DAY, "Hello again", None).after(3 * DAY + 60, "It holds.", "Humor")
    assert profile.social(3 * DAY + 120).elapsed == "3 days"
    assert profile.session == Session(3 * DAY, 3 * DAY + 60, 2, "It holds.", "Humor")
    assert profile.earlier == Session(0.0, 0.0, 1, "My chain broke.", "Empathy")


def test_long_words_are_shortened() -> None:
    session = Profile().after(0.0, "x" * 1000, None).session
    assert session is not None
    assert len(session.said) == 280


def test_what_a_request_tells_goes_before_what_is_known() -> None:
    known = SocialContext(topic="a", norm="b", services=("x",))
    assert merged(known, SocialContext(topic="c")) == SocialContext(topic="c", norm="b", services=("x",))
    assert merged(known, None) == known


def test_a_gap_is_an_hour() -> None:
    profile = Profile().after(0.0, "a", None)
    assert profile.after(SESSION_GAP - 1, "b", None).earlier is None
    assert profile.after(SESSION_GAP, "b", None).earlier is not None


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_text("not a database, but long enough to be looked at as one")
    for path in (tmp_path / "x.db", tmp_path / "none" / "x.db", tmp_path):
        with pytest.raises(ConfigurationError, match="--memory"):
            Memory(str(path))


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    memory = Memory(str(tmp_path / "m.db"))
    memory.close()
    assert (tmp_path / "m.db").stat().st_mode & 0o777 == 0o600


def _note_many(path: str, count: int) -> None:
    async def note() -> None:
        memory = Memory(path, clock=lambda: 1.0)
        for _ in range(count):
            await memory.note("ann", None, "Hi", None)
        memory.close()

    asyncio.run(note())


def test_several_processes_note_one_person_and_lose_nothing(tmp_path: Path) -> None:
    path, spawn = str(tmp_path / "m.db"), multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=_note_many, args=(path, 50)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    with sqlite3.connect(path) as file:
        row = file.execute("SELECT profile FROM profiles WHERE user = 'ann'").fetchone()
    file.close()
    profile = msgspec.json.decode(row[0], type=Profile)
    assert profile.session is not None
    assert profile.session.requests == 100


def test_a_file_that_fails_costs_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Memory, user: str) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(Memory, "_get", broken)
    planner = FixedPlanner()
    with (
        Upstream() as upstream,
        Serving(upstream.base_url, planner=planner, memory=str(tmp_path / "m.db")) as server,
    ):
        got = chat(server, {"messages": said(), "skillofmind": {"user": "ann"}})
        export = ask(server, "/v1/skillofmind/users/ann")
    assert (got.status, got.headers["x-skillofmind"]) == (200, 'planned; skill="Empathy"')
    assert (export.status, export.json()["error"]["code"]) == (500, "storage")


async def test_errors_of_the_file_have_a_name(tmp_path: Path) -> None:
    memory = Memory(str(tmp_path / "m.db"))
    memory.close()
    with pytest.raises((StorageError, RuntimeError)):
        await memory.get("ann")


def test_several_may_make_the_file_at_once(tmp_path: Path) -> None:
    """As worker processes do; SQLite keeps connections of one process apart in the same way."""
    with ThreadPoolExecutor(4) as threads:
        for number in range(40):
            start, file = threading.Barrier(4), str(tmp_path / f"{number}.db")

            def opened(start: threading.Barrier = start, file: str = file) -> None:
                start.wait()
                Memory(file).close()

            for one in [threads.submit(opened) for _ in range(4)]:
                one.result(20)
