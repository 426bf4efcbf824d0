"""The per-machine service: started once, asked by many, ended when nobody is left."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from pipeline.engine import services
from pipeline.errors import EnvironmentalError
from tests.faults.child import in_child

TOY = "tests.engine.toy_service"
ask = partial(services.call, TOY)


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Sockets of this test alone, at a path short enough for one."""
    with tempfile.TemporaryDirectory(prefix="toy-") as name:
        monkeypatch.setattr(tempfile, "tempdir", name)
        yield Path(name)
        services.stop(TOY)


def _alive(process: int) -> bool:
    stat = Path(f"/proc/{process}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def test_it_loads_once_and_answers(folder: Path) -> None:
    first = ask({"say": "hello"})
    assert first["echo"] == "hello"
    assert first["loads"] == 1
    assert ask({"say": "é\0" * 100_000})["echo"] == "é\0" * 100_000
    assert ask({"say": 1})["service"] == first["service"]
    (own,) = folder.glob("permastack-*")
    assert own.stat().st_mode & 0o077 == 0


def test_one_process_for_several_askers() -> None:
    services_seen = {ask({"say": 1})["service"]}
    for _ in range(3):
        ended = in_child(lambda: print(ask({"say": 2})["service"] == next(iter(services_seen)) or 1 / 0))
        assert ended.code == 0, ended.words


def test_askers_that_start_at_once_start_one(folder: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        children = [pool.submit(in_child, _note_service, OUT=str(folder / str(n))) for n in range(4)]
        assert all(child.result().code == 0 for child in children)
    found = {(folder / str(n)).read_text() for n in range(4)}
    assert len(found) == 1
    assert ask({"say": 1})["service"] == int(found.pop())


def _note_service() -> None:
    Path(os.environ["OUT"]).write_text(str(ask({"say": 1})["service"]))


def test_an_error_names_kind_and_place_but_not_the_text() -> None:
    with pytest.raises(EnvironmentalError) as caught:
        ask({"fail": "a value that is secret"})
    words = str(caught.value)
    assert f"the service {TOY} failed: ValueError at " in words
    assert "secret" not in words
    assert ask({"say": "still there"})["echo"] == "still there"


def test_a_child_that_dies_is_told_after_a_second_try() -> None:
    with pytest.raises(EnvironmentalError, match=r"died while it answered.*Run again"):
        ask({"die": True})
    assert ask({"say": 1})["echo"] == 1


def test_a_killed_service_is_started_again() -> None:
    first = ask({"say": 1})["service"]
    services._connections.pop((TOY, os.getpid())).close()
    os.kill(first, 9)
    services._started.pop(TOY).wait()
    assert ask({"say": 1})["service"] != first


def test_a_service_that_cannot_load_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOY_SERVICE_BREAKS", "1")
    with pytest.raises(EnvironmentalError, match=r"(?s)did not start; the end of .*the toy is broken"):
        ask({"say": 1})
    services._started.pop(TOY).wait()


def test_stop_ends_it_and_a_later_question_starts_another() -> None:
    first = ask({"say": 1})["service"]
    services.stop(TOY)
    assert not _alive(first)
    services.stop(TOY)  # none runs: nothing to do
    assert ask({"say": 1})["service"] != first


def test_stop_leaves_it_to_another_that_is_connected() -> None:
    first = ask({"say": 1})["service"]
    other = services._connect(TOY)
    services._send(other, {"say": 2})
    assert services._receive(other)["service"] == first
    started = services._started.pop(TOY)  # as for a run that did not start it
    services.stop(TOY)
    services._send(other, {"say": 3})
    assert services._receive(other)["echo"] == 3
    other.close()
    started.wait(timeout=10)


def test_a_socket_of_a_service_that_ended_is_no_trap() -> None:
    """Its children used to hold the socket: who connected then waited for ever."""
    first = ask({"say": 1})["service"]
    other = services._connect(TOY)  # this child outlives its parent
    services._send(other, {"say": 2})
    services._receive(other)
    services._connections.pop((TOY, os.getpid())).close()
    os.kill(first, 9)
    services._started.pop(TOY).wait()
    assert services._try(services._socket(TOY)) is None
    assert ask({"say": 3})["service"] != first
    other.close()


def test_it_ends_when_idle(folder: Path) -> None:
    ended = in_child(_serve_briefly)
    assert ended.code == 0, ended.words


def _serve_briefly() -> None:
    import tests.engine.toy_service as toy

    server = services._Server(toy, str(Path(tempfile.gettempdir()) / "brief"))
    server.idle_seconds = 0.5
    started = time.monotonic()
    with server:
        server.serve_until_idle()
    assert 0.4 < time.monotonic() - started < 5


def test_a_child_that_has_much_for_itself_is_followed_by_another() -> None:
    first = ask({"say": 1, "hold": 0})
    assert ask({"say": 2, "hold": services.MOST_PRIVATE * 2})["child"] == first["child"]
    after = ask({"say": 3, "hold": 0})
    assert (after["echo"], after["service"]) == (3, first["service"])
    assert after["child"] != first["child"]


def test_a_process_that_is_not_there_has_nothing_for_itself() -> None:
    assert services.private_bytes(2**22 + 1) == 0
    assert services.private_bytes() > 0
