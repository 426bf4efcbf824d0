"""Password hashes in the formats of crypt(3), htpasswd, web frameworks, databases and directories.

A hash is as good as a weak password to whoever runs a dictionary over it. Only formats that name themselves are
looked for: a bare hexadecimal digest is far more often a checksum.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .detector import RULES_VERSION, LineDetector, Match, Necessary
from .surrogates import is_reserved

_B64 = r"[A-Za-z0-9./]"
_PATTERNS = (
    # crypt(5): MD5, Apache MD5, bcrypt, SHA-256, SHA-512, sun, scrypt, yescrypt, gost-yescrypt; Cisco 8 and 9
    rf"\$(?:1|apr1)\${_B64}{{1,8}}\${_B64}{{22}}",
    rf"\$2[abxy]?\$[0-9]{{2}}\${_B64}{{53}}",
    rf"\$5\$(?:rounds=[0-9]{{1,9}}\$)?{_B64}{{1,16}}\${_B64}{{43}}",
    rf"\$6\$(?:rounds=[0-9]{{1,9}}\$)?{_B64}{{1,16}}\${_B64}{{86}}",
    rf"\$[89]\${_B64}{{14}}\${_B64}{{43}}",
    rf"\$(?:7|g?y)\${_B64}{{1,40}}\$(?:{_B64}{{1,86}}\$)?{_B64}{{43}}",
    # phpass, Drupal
    rf"\$[PH]\${_B64}{{31}}(?!{_B64})",
    rf"\$S\${_B64}{{52}}(?!{_B64})",
    # PHC strings: Argon2, scrypt, PBKDF2
    r"\$argon2(?:id|i|d)\$(?:v=[0-9]+\$)?m=[0-9]+,t=[0-9]+,p=[0-9]+(?:,[a-z]+=[^$\s]{1,40})?\$[A-Za-z0-9+/]{8,64}\$[A-Za-z0-9+/]{16,128}",
    r"\$s(?:crypt|0)\$[A-Za-z0-9=,.]{1,30}\$[A-Za-z0-9+/]{8,64}={0,2}\$[A-Za-z0-9+/]{16,128}={0,2}",
    r"\$pbkdf2(?:-sha[0-9]{1,3})?\$[0-9]{1,9}\$[A-Za-z0-9+/.]{8,64}\$[A-Za-z0-9+/.]{16,128}",
    r"(?:pbkdf2_sha(?:1|256)|pbkdf2:sha(?:1|256|512):?[0-9]*)\$[0-9A-Za-z]{1,32}\$[A-Za-z0-9+/$]{16,160}={0,2}",
    r"scrypt:[0-9]{1,8}:[0-9]{1,2}:[0-9]{1,2}\$[A-Za-z0-9]{8,32}\$[0-9a-f]{64,128}",
    # RFC 2307 and its kin; PostgreSQL's SCRAM
    r"\{(?:S?SHA(?:256|384|512)?|S?MD5|CRYPT|PBKDF2(?:-SHA[0-9]+)?|ARGON2)\}[A-Za-z0-9+/.$=,]{16,160}",
    r"SCRAM-SHA-(?:1|256)\$[0-9]{3,7}:[A-Za-z0-9+/=]{12,64}\$[A-Za-z0-9+/=]{24,64}:[A-Za-z0-9+/=]{24,64}",
    # Kerberos, NTLM and NetNTLM as tools print them
    r"\$krb5(?:asrep|tgs|pa)\$[0-9]{1,2}\$(?:\*?[^\s$\"']{1,120}\$){0,3}[0-9a-fA-F]{16,64}\$[0-9a-fA-F]{32,8192}",
    r"(?<=:)[0-9a-fA-F]{32}:[0-9a-fA-F]{32}(?=:::)",
)
# Hashes that need the words around them.
_IN_CONTEXT = (
    r"(?i:identified\s+(?:by|with\s+\S{1,40}\s+as)\s+(?:password\s+)?['\"])(\*[0-9A-Fa-f]{40})",
    r"(?i:password\s+['\"])(md5[0-9a-f]{32}|\*[0-9A-F]{40})",
    r"^[A-Za-z0-9_.-]{1,32}:([./0-9A-Za-z]{13})(?=:[0-9]{4,6}:|$)",
    r"(?i:password[_-]?(?:hash|digest|sha1|sha256|md5)|passwd[_-]?hash|pw[_-]?hash|hashed[_-]?pass(?:word)?|"
    r"encrypted[_-]?password)[\"']?\s{0,4}(?:=>|[:=])\s{0,4}[\"']?([0-9a-fA-F]{32,128})(?![0-9a-zA-Z])",
)
_ALL = tuple(re.compile(rf"(?<![A-Za-z0-9/+])({p})", re.ASCII) for p in _PATTERNS) + tuple(
    re.compile(p, re.ASCII) for p in _IN_CONTEXT
)
_TRADITIONAL = _ALL[-2]
_HTPASSWD = re.compile(r"(?:^|[/.])(?:htpasswd|passwd|shadow|users?)(?:[.-]\w+)?$", re.ASCII)


def _find(text: str, path: str) -> Iterator[Match]:
    for expression in _ALL:
        if expression is _TRADITIONAL and not _HTPASSWD.search(path):
            continue
        for found in expression.finditer(text):
            value = found.group(1)
            if len(set(value[-20:])) > 4 and not is_reserved(value):
                yield Match(*found.span(1), "PASSWORD_HASH", 0.9, *found.span())


PASSWORD_HASH = LineDetector(
    "password-hash", RULES_VERSION, tuple(Necessary(p) for p in (*_PATTERNS, *_IN_CONTEXT)), _find
)
