"""Secrets behind base64 and in the files that tools keep credentials in.

Kubernetes writes the values of a `Secret` in base64, Docker and npm their logins, many tools a whole PEM key. What a
file format is for says that a value is secret; what it decodes to says that it is no placeholder.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

from .commands import decodes_to_pair
from .detector import RULES_VERSION, BlockDetector, LineDetector, Match, Necessary, any_of
from .placeholders import is_placeholder
from .surrogates import is_reserved

_REACH = 65_536


def _decoded(value: bytes) -> bytes | None:
    try:
        return base64.b64decode(value + b"=" * (-len(value) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


# --- Kubernetes -------------------------------------------------------------------------------------

_KIND = re.compile(rb"^[ \t]*(?:-[ \t]+)?[\"']?kind[\"']?:[ \t]*[\"']?Secret[\"']?[ \t]*,?[ \t]*\r?$", re.MULTILINE)
_SECTION = re.compile(
    rb"^([ \t]*)[\"']?(data|stringData)[\"']?:[ \t]*"
    rb"\{?[ \t]*\r?\n((?:\1[ \t]+[^\r\n]*\r?\n?|[ \t]*(?:#[^\r\n]*)?\r?\n)+)",
    re.MULTILINE,
)
_ENTRY = re.compile(
    rb"^[ \t]+[\"']?([\w.\-]{1,128})[\"']?:[ \t]*[\"']?([A-Za-z0-9+/]{4,65536}={0,2}|[^\s\"'#|"
    rb">&*!{\[][^\r\n\"']{2,1024}?)[\"']?,?[ \t]*\r?$",
    re.MULTILINE,
)


def _document(data: bytes, start: int, end: int) -> tuple[int, int]:
    """The document around a `kind:`: up to the next separator or the next kind, at most 64 KiB either way."""
    least, most = max(0, start - _REACH), min(len(data), end + _REACH)
    first = max(data.rfind(b"\n---", least, start), data.rfind(b"kind:", least, start), least)
    ends = [at for at in (data.find(b"\n---", end, most), data.find(b"kind:", end, most)) if at >= 0]
    return first, min(ends, default=most)


def _kubernetes(data: bytes, start: int, end: int) -> Iterator[Match]:
    for kind in _KIND.finditer(data, start, min(len(data), end + 2)):
        first, last = _document(data, kind.start(), kind.end())
        for section in _SECTION.finditer(data, first, last):
            plain = section.group(2) == b"stringData"
            for entry in _ENTRY.finditer(data, *section.span(3)):
                value = entry.group(2)
                told = value if plain else _decoded(value)
                if told is None or is_reserved(value.decode("latin-1")):
                    continue
                shown = told.decode("utf-8", "replace")
                if len(told) < 3 or is_placeholder(shown.strip()):
                    continue
                if b"CERTIFICATE" in told and b"PRIVATE" not in told:
                    continue
                yield Match(*entry.span(2), "KUBERNETES_SECRET", 0.8 if not plain else 0.55, *entry.span(2))


KUBERNETES = BlockDetector(
    "kubernetes-secret",
    RULES_VERSION,
    (Necessary(r"[\"']?kind[\"']?:[ \t]*[\"']?Secret[\"']?[ \t]*,?[ \t\r]*$"),),
    _kubernetes,
)

# --- a private key as base64 of its armour ------------------------------------------------------------

# "-----BEGIN " at each of the three offsets that it can have inside base64.
_ARMOUR = re.compile(
    r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{0,4}(?:LS0tLS1CRUdJTi|0tLS0tQkVHSU4g|tLS0tLUJFR0lO)[A-Za-z0-9+/\\n]{40,16384}={0,2}",
    re.ASCII,
)
_ARMOUR_NECESSARY = Necessary(r"LS0tLS1CRUdJTi|0tLS0tQkVHSU4g|tLS0tLUJFR0lO")
_KEY_VALUE = re.compile(
    r"(?i:private[_-]?key|priv[_-]?key|key[_-]?b(?:ase)?64)[\"']?\s{0,3}[:=]\s{0,3}[\"']?(LS0tLS[A-Za-z0-9+/\\n]{40,16384}={0,2})",
    re.ASCII,
)


def _armour(text: str, _path: str) -> Iterator[Match]:
    for found in _ARMOUR.finditer(text):
        told = _decoded(found.group().replace("\\n", "").rstrip("=").encode()[: 4 * 4096]) or b""
        head = told[:128] or (_decoded(found.group().replace("\\n", "")[:96].encode()) or b"")
        if b"PRIVATE KEY" in head:
            yield Match(*found.span(), "PRIVATE_KEY_BASE64", 0.98, *found.span())
    for found in _KEY_VALUE.finditer(text):
        if not is_reserved(found.group(1)) and len(set(found.group(1))) > 20:
            yield Match(*found.span(1), "PRIVATE_KEY_BASE64", 0.8, *found.span())


BASE64_KEY = LineDetector(
    "private-key-base64", RULES_VERSION,
    (_ARMOUR_NECESSARY, Necessary(
        r"(?i:private[_-]?key|priv[_-]?key|"
        r"key[_-]?b(?:ase)?64)[\"']?\s{0,3}[:=]\s{0,3}[\"']?LS0tLS")), _armour,
)  # fmt: skip

# --- files that keep logins ---------------------------------------------------------------------------

_LOGIN = re.compile(
    r"[\"'](?:auth|_auth|identitytoken)[\"']\s{0,3}:\s{0,3}[\"'](?P<docker>[A-Za-z0-9+/]{8,400}={0,2})[\"']|"
    r"(?:^|[\s:/])_(?:auth|password)\s{0,3}=\s{0,3}[\"']?(?P<npm>[A-Za-z0-9+/]{8,400}={0,2})(?=[\"'\s]|$)|"
    r"_authToken\s{0,3}=\s{0,3}[\"']?(?P<token>[A-Za-z0-9_+/.-]{20,400}={0,2})|"
    r"<Pass(?:word)?[ ]encoding=\"base64\">(?P<filezilla>[A-Za-z0-9+/]{4,400}={0,2})</Pass|"
    r"[\"']encrypted(?:Password|Username)[\"']\s{0,3}:\s{0,3}[\"'](?P<firefox>[A-Za-z0-9+/]{24,400}={0,2})[\"']|"
    r"(?i:\bPrivateKey|PresharedKey)\s{0,3}=\s{0,3}(?P<wireguard>[A-Za-z0-9+/]{42}[A-Za-z0-9+/=]=?)(?![A-Za-z0-9+/=])|"
    r"(?i:validationKey|decryptionKey)=\"(?P<machine>[0-9A-Fa-f]{32,256})\"|"
    r"\{(?P<jenkins>AQAAABAAAA[A-Za-z0-9+/]{20,8000}={0,2})\}",
    re.ASCII,
)
_LOGIN_NECESSARY = any_of(
    r"[\"'](?:auth|_auth|identitytoken)[\"']\s{0,3}:\s{0,3}[\"'][A-Za-z0-9+/]{8}",
    r"_(?:auth|password)\s{0,3}=\s{0,3}[\"']?[A-Za-z0-9+/]{8}",
    r"_authToken\s{0,3}=",
    r"<Pass(?:word)?[ ]encoding=\"base64\">",
    r"[\"']encrypted(?:Password|Username)[\"']",
    r"(?i:PrivateKey|PresharedKey)\s{0,3}=\s{0,3}[A-Za-z0-9+/]{42}",
    r"(?i:validationKey|decryptionKey)=\"[0-9A-Fa-f]{32}",
    r"\{AQAAABAAAA[A-Za-z0-9+/]{20}",
)


def _logins(text: str, _path: str) -> Iterator[Match]:
    for found in _LOGIN.finditer(text):
        group = found.lastgroup or ""
        value = found[group]
        if is_reserved(value) or len(set(value)) < 4:
            continue
        if (
            group == "docker"
            and not decodes_to_pair(value)
            and not found.group().startswith(('"identity', "'identity"))
        ):
            continue
        if group in ("token", "filezilla", "npm") and is_placeholder(value):
            continue
        yield Match(*found.span(group), "LOGIN", 0.85, *found.span())


LOGIN = LineDetector("login-file", RULES_VERSION, _LOGIN_NECESSARY, _logins)

# --- files that are nothing but a secret: by their name -------------------------------------------------

_PGPASS = re.compile(
    r"^[^:\n#]{1,255}:(?:[0-9]{1,5}|\*):[^:\n]{1,64}:[^:\n]{1,64}:((?:[^:\n\\]|\\.){1,128})$", re.ASCII
)
_HEX_KEY = re.compile(r"^([0-9a-f]{32}|[0-9a-f]{64})\s*$", re.ASCII)


def _by_name(text: str, path: str) -> Iterator[Match]:
    name = path.rpartition("/")[2].lower()
    if name.endswith(("pgpass", "pgpass.conf")):
        rule, cls = _PGPASS, "PASSWORD"
    elif name in (
        "master.key",
        "credentials.key",
        "secret.key",
        "production.key",
        "secret_token",
        ".secret",
    ) or name.endswith(".cookie"):
        rule, cls = _HEX_KEY, "SECRET"
    else:
        return
    found = rule.match(text)
    if found and not is_reserved(found.group(1)) and not (cls == "PASSWORD" and is_placeholder(found.group(1))):
        yield Match(*found.span(1), cls, 0.9, *found.span(1))


_PGPASS_LINE = Necessary(r":(?:[0-9]{1,5}|\*):[^:\n]+:[^:\n]+:[^:\n]+$")
_HEX_LINE = Necessary(r"^(?:[0-9a-f]{32}|[0-9a-f]{64})[ \t\r]*$")

BY_NAME = LineDetector("secret-file", RULES_VERSION, (_PGPASS_LINE, _HEX_LINE), _by_name)
