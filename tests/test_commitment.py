"""Keyed commitments: what only the holder of the key can check."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.commitment import Key, commitment, load_key
from pipeline.errors import ConfigError

KEY = Key(bytes(range(32)))


def test_a_commitment_is_the_hmac_over_parts_led_by_their_lengths() -> None:
    message = b"\0\0\0\0\0\0\0\2ab" + b"\0\0\0\0\0\0\0\1\xff"
    expected = hmac.new(KEY.secret, message, hashlib.sha256).digest()[:16]
    assert commitment(KEY, "ab", b"\xff") == expected


@given(st.lists(st.binary(max_size=9), max_size=4), st.lists(st.binary(max_size=9), max_size=4))
def test_parts_cannot_run_into_each_other(one: list[bytes], other: list[bytes]) -> None:
    assert (commitment(KEY, *one) == commitment(KEY, *other)) == (one == other)


def test_another_key_gives_another_commitment_and_another_id() -> None:
    other = Key(bytes(range(1, 33)))
    assert commitment(KEY, "x") != commitment(other, "x")
    assert KEY.id != other.id
    assert len(KEY.id) == 16


def test_the_key_shows_in_no_text() -> None:
    secret = b"k" * 40
    assert "kkkk" not in repr(Key(secret)) + str(Key(secret))
    assert Key(secret).id not in hashlib.sha256(secret).hexdigest()


def test_keys_from_files(tmp_path: Path) -> None:
    assert load_key(None) is None
    (tmp_path / "good").write_bytes(b"k" * 32)
    assert load_key(str(tmp_path / "good")) == Key(b"k" * 32)
    (tmp_path / "short").write_bytes(b"k" * 31)
    with pytest.raises(ConfigError, match=r"short: the commitment key has 31 bytes, expected at least 32\. Make one"):
        load_key(str(tmp_path / "short"))
    with pytest.raises(ConfigError, match=r"none: the commitment key cannot be read: No such file"):
        load_key(str(tmp_path / "none"))
