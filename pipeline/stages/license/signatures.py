"""Signatures of reviews: what `ssh-keygen -Y sign -n permastack-review` makes, by Ed25519 keys.

Whose key is whose stands in a file in OpenSSH's format for allowed signers: a line is a reader's name (in quotes where
it has blanks) and a public key. Format of the signatures: OpenSSH's PROTOCOL.sshsig.
"""

from __future__ import annotations

import base64
import hashlib
import shlex
import struct
from pathlib import Path

from pipeline.errors import ConfigError

NAMESPACE = "permastack-review"
_MAGIC = b"SSHSIG"
_KIND = "ssh-ed25519"


class Signers:
    """The public keys of readers; a reader may have several."""

    def __init__(self, keys: dict[str, set[bytes]], where: str) -> None:
        self._keys, self.where = keys, where

    def refusal(self, reader: str, message: bytes, signature: str | None) -> str | None:
        """Why a signature does not show that `reader` wrote `message`; None where it does."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        if signature is None:
            return "it is not signed"
        known = self._keys.get(reader)
        if not known:
            return f"{self.where} has no key of {reader!r}"
        try:
            key, hashed, raw = _read(base64.b64decode(signature, validate=True))
        except (ValueError, struct.error) as error:
            return f"its signature cannot be read: {error}"
        if key not in known:
            return f"it is signed with a key that is none of {reader!r}"
        try:
            Ed25519PublicKey.from_public_bytes(key).verify(raw, _signed(message, hashed))
        except InvalidSignature:
            return "its signature is of something else: it was changed after it was signed"
        return None


def load_signers(path: str | Path) -> Signers:
    """The keys of a file. Raises ConfigError with the line that cannot be read."""
    keys: dict[str, set[bytes]] = {}
    try:
        lines = Path(path).read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"license.reviewers: {path} cannot be read: {error}") from error
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        try:
            names, kind, encoded = [*shlex.split(line), "", ""][:3]
            if kind != _KIND:
                raise ValueError(f"a key of kind {kind}")
            for name in names.split(","):
                keys.setdefault(name, set()).add(_public(base64.b64decode(encoded, validate=True)))
        except (ValueError, struct.error) as error:
            raise ConfigError(
                f"license.reviewers: {path}, line {number}: {error}. Expected a reader's name, {_KIND} and the key"
            ) from error
    return Signers(keys, str(path))


def sign(message: bytes, private_key: Path) -> str:
    """The signature of a message by an OpenSSH private key without a passphrase. Raises ConfigError."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_ssh_private_key

    try:
        key = load_ssh_private_key(private_key.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        # What the library says may quote the file.
        raise ConfigError(f"{private_key}: no OpenSSH private key without a passphrase can be read from it") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigError(f"{private_key}: expected a key of kind {_KIND} (ssh-keygen -t ed25519)")
    public = _string(_KIND.encode()) + _string(key.public_key().public_bytes_raw())
    raw = key.sign(_signed(message, "sha512"))
    fields = (public, NAMESPACE.encode(), b"", b"sha512", _string(_KIND.encode()) + _string(raw))
    return base64.b64encode(_MAGIC + struct.pack(">I", 1) + b"".join(map(_string, fields))).decode()


def _signed(message: bytes, hashed: str) -> bytes:
    fields = (NAMESPACE.encode(), b"", hashed.encode(), hashlib.new(hashed, message).digest())
    return _MAGIC + b"".join(map(_string, fields))


def _read(blob: bytes) -> tuple[bytes, str, bytes]:
    """Public key, hash and signature."""
    if not blob.startswith(_MAGIC) or struct.unpack(">I", blob[6:10])[0] != 1:
        raise ValueError("it is none of ssh-keygen's")
    public, namespace, _reserved, hashed, signature = _strings(blob[10:], 5)
    if namespace.decode() != NAMESPACE:
        raise ValueError(f"its namespace is {namespace.decode()!r}, expected {NAMESPACE!r}")
    if hashed not in (b"sha256", b"sha512"):
        raise ValueError(f"its hash is {hashed.decode()!r}")
    kind, raw = _strings(signature, 2)
    if kind.decode() != _KIND:
        raise ValueError(f"it is of kind {kind.decode()!r}, expected {_KIND}")
    return _public(public), hashed.decode(), raw


def _public(blob: bytes) -> bytes:
    kind, raw = _strings(blob, 2)
    if kind.decode() != _KIND or len(raw) != 32:
        raise ValueError("it is no Ed25519 key")
    return raw


def _string(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def _strings(blob: bytes, count: int) -> list[bytes]:
    found, at = [], 0
    for _ in range(count):
        (length,) = struct.unpack(">I", blob[at : at + 4])
        found.append(blob[at + 4 : at + 4 + length])
        at += 4 + length
    if at != len(blob):
        raise ValueError("it is cut, or something follows it")
    return found
