"""The store of facts: kept across runs, safe beside other writers, never trusting a damaged file."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from pipeline.engine.facts import FactStore
from pipeline.engine.publication import TEMPORARY
from pipeline.errors import EnvironmentalError


def _key(number: int, context: str = "") -> tuple[bytes, str]:
    return bytes([number]) * 20, context


FACTS = {_key(1): "one", _key(1, "a.py"): "one as a.py", _key(0xF0): "fifteen", _key(0xF1): "é"}


@pytest.fixture
def store(tmp_path: Path) -> FactStore:
    return FactStore(tmp_path, "toy", {"version": "1"})


def _files(tmp_path: Path) -> list[Path]:
    return sorted(p for p in tmp_path.rglob("*") if p.is_file())


def test_what_is_added_is_known(store: FactStore, tmp_path: Path) -> None:
    assert store.known(FACTS) == {}
    store.add(FACTS)
    assert store.known(FACTS) == FACTS
    assert store.known([_key(1, "a.py"), _key(2)]) == {_key(1, "a.py"): "one as a.py"}
    assert FactStore(tmp_path, "toy", {"version": "1"}).known(FACTS) == FACTS


def test_another_detector_or_version_knows_nothing(store: FactStore, tmp_path: Path) -> None:
    store.add(FACTS)
    assert FactStore(tmp_path, "toy", {"version": "2"}).known(FACTS) == {}
    assert FactStore(tmp_path, "game", {"version": "1"}).known(FACTS) == {}


def test_adding_again_adds_no_file(store: FactStore, tmp_path: Path) -> None:
    store.add(FACTS)
    files = _files(tmp_path)
    store.add(dict(reversed(FACTS.items())))
    assert _files(tmp_path) == files
    store.add({})
    assert _files(tmp_path) == files


def test_without_a_folder_nothing_is_kept() -> None:
    store = FactStore(None, "toy", {})
    store.add(FACTS)
    assert store.known(FACTS) == {}


@pytest.mark.parametrize("damage", [b"", b"PAR1", b"\xff" * 50])
def test_a_damaged_file_is_removed_and_its_facts_computed_anew(damage: bytes, store: FactStore, tmp_path: Path) -> None:
    store.add(FACTS)
    first, *others = _files(tmp_path)
    first.write_bytes(damage)
    left = store.known(FACTS)
    assert 0 < len(left) < len(FACTS)
    assert _files(tmp_path) == others
    store.add({key: fact for key, fact in FACTS.items() if key not in left})
    assert store.known(FACTS) == FACTS


def test_a_flipped_bit_never_becomes_a_fact(store: FactStore, tmp_path: Path) -> None:
    store.add({_key(1): "permissive"})
    (path,) = _files(tmp_path)
    good = path.read_bytes()
    for place in range(0, len(good), 5):
        path.write_bytes(good[:place] + bytes([good[place] ^ 4]) + good[place + 1 :])
        assert store.known([_key(1)]) == {}


def test_what_another_process_is_writing_is_left_alone(store: FactStore, tmp_path: Path) -> None:
    store.add(FACTS)
    (folder, *_) = sorted({p.parent for p in _files(tmp_path)})
    half = folder / f"{TEMPORARY}4242-{'ab' * 32}.parquet"
    half.write_bytes(b"PAR1 half")
    assert store.known(FACTS) == FACTS
    assert half.exists()


def test_writers_side_by_side(store: FactStore, tmp_path: Path) -> None:
    facts = [{_key(16 + n % 16, f"{t}-{n}"): f"{t}" for n in range(6)} for t in range(4)]
    failures: list[BaseException] = []

    def work(mine: dict[tuple[bytes, str], str]) -> None:
        try:
            own = FactStore(tmp_path, "toy", {"version": "1"})
            for key, fact in mine.items():
                own.add({key: fact})
                assert own.known([key]) == {key: fact}
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(mine,)) for mine in facts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    everything = {key: fact for mine in facts for key, fact in mine.items()}
    assert store.known(everything) == everything


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "facts").write_text("a file")
    with pytest.raises(EnvironmentalError, match=r"cannot write .*facts.*run again"):
        FactStore(tmp_path / "facts", "toy", {}).add(FACTS)
