"""Paths of this machine: found in every shape of a model, made absolute, and never published whole."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError

from pipeline.local_path import LocalPath, NameOrTomlPath, made_absolute, made_logical

BASE = Path("/base/folder")


class Inner(BaseModel):
    path: LocalPath = "in.txt"


class Model(BaseModel):
    plain: str = "a/b"
    path: LocalPath = "a/b"
    maybe: LocalPath | None = None
    several: tuple[LocalPath, ...] = ()
    either: LocalPath | tuple[LocalPath, ...] = ()
    policy: NameOrTomlPath = "permissive-1"
    inner: Inner = Inner()
    inners: tuple[Inner, ...] = ()
    number: int = 3


def test_relative_paths_start_at_the_base() -> None:
    model = Model(maybe="c", several=("d/*", "/e"), either="f", inners=(Inner(path="g"),))
    plain = made_absolute(model, BASE)
    assert plain == {
        "plain": "a/b",
        "path": "/base/folder/a/b",
        "maybe": "/base/folder/c",
        "several": ["/base/folder/d/*", "/e"],
        "either": "/base/folder/f",
        "policy": "permissive-1",
        "inner": {"path": "/base/folder/in.txt"},
        "inners": [{"path": "/base/folder/g"}],
        "number": 3,
    }
    again = Model.model_validate(plain)
    assert made_absolute(again, Path("/elsewhere")) == plain


def test_published_paths_are_last_components() -> None:
    plain = made_logical(Model.model_validate(made_absolute(Model(maybe="x/c", either=("d/e", "f")), BASE)))
    assert plain["plain"] == "a/b"
    assert plain["path"] == "b"
    assert plain["maybe"] == "c"
    assert plain["either"] == ["e", "f"]
    assert plain["inner"] == {"path": "in.txt"}
    assert "/base" not in str(plain)


def test_of_a_service_only_the_kind_is_published() -> None:
    model = Model(path="tcp://scanner.internal:3310", maybe="/run/clamav/clamd.ctl")
    assert made_absolute(model, BASE)["path"] == "tcp://scanner.internal:3310"
    plain = made_logical(model)
    assert (plain["path"], plain["maybe"]) == ("tcp", "clamd.ctl")


def test_nothing_stays_nothing() -> None:
    assert made_absolute(Model(), BASE)["maybe"] is None
    assert made_logical(Model())["maybe"] is None


def test_a_name_is_no_path_unless_it_ends_in_toml() -> None:
    assert made_absolute(Model(policy="mine.toml"), BASE)["policy"] == "/base/folder/mine.toml"
    assert made_logical(Model(policy="/x/mine.toml"))["policy"] == "mine.toml"
    assert made_logical(Model(policy="permissive-1"))["policy"] == "permissive-1"


def test_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    assert made_absolute(Model(path="~/clones/*"), BASE)["path"] == "/home/ann/clones/*"
    assert made_absolute(Model(path="a~b"), BASE)["path"] == "/base/folder/a~b"


@pytest.mark.parametrize("wrong", ["", "a\0b"])
def test_what_can_be_no_path(wrong: str) -> None:
    with pytest.raises(ValidationError, match=r"path (is empty|holds a NUL)"):
        Model(path=wrong)
    with pytest.raises(ValidationError, match=r"path (is empty|holds a NUL)"):
        Model(maybe=wrong)
