"""Keyed commitments: what lets the holder of a key, and nobody else, check what was removed.

A plain hash of an e-mail address or a path can be guessed; an HMAC under an unpublished key cannot. A release
records only the key's id.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.errors import ConfigError

MINIMUM_KEY_BYTES = 32


@dataclass(frozen=True)
class Key:
    """A commitment key. Its bytes never show in a repr."""

    secret: bytes = field(repr=False)

    @property
    def id(self) -> str:
        """What may be published: 16 hex digits that do not tell the key."""
        return hashlib.sha256(b"permastack commitment key id\0" + self.secret).hexdigest()[:16]


def load_key(path: str | None) -> Key | None:
    """The key in a file; None where no file is configured. Raises ConfigError where it cannot serve."""
    if path is None:
        return None
    try:
        secret = Path(path).read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: the commitment key cannot be read: {error.strerror}") from error
    if len(secret) < MINIMUM_KEY_BYTES:
        raise ConfigError(
            f"{path}: the commitment key has {len(secret)} bytes, expected at least {MINIMUM_KEY_BYTES}. "
            "Make one with: head -c 32 /dev/urandom > FILE"
        )
    return Key(secret)


def commitment(key: Key, *parts: str | bytes) -> bytes:
    """16 bytes of HMAC-SHA256 over the parts, each led by its length so that none can run into the next."""
    raw = [part.encode() if isinstance(part, str) else part for part in parts]
    message = b"".join(len(part).to_bytes(8, "big") + part for part in raw)
    return hmac.digest(key.secret, message, "sha256")[:16]
