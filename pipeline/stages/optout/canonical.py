"""One key for all spellings of an origin, so that a request matches however either side wrote it.

Only for matching: what is published keeps the spelling in which it was found.
"""

from __future__ import annotations

import re
import string
from urllib.parse import quote, urlsplit

FORGES_WITHOUT_CASE = frozenset({"github.com", "gist.github.com", "gitlab.com", "bitbucket.org", "codeberg.org"})
_DEFAULT_PORTS = frozenset({22, 80, 443, 9418})
# git's short form of ssh, user@host:path; a name like local:x has neither a user nor a dot before the colon.
_SCP = re.compile(r"(?:[^@:/]+@(?P<host>[^@:/]+)|(?P<named>[^@:/]+\.[^@:/.]+)):(?!//)(?P<path>.+)")
_WITHOUT_SCHEME = re.compile(r"(?:[\w-]+\.)+[\w-]{2,}(?::\d+)?/.+")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})?")
# What RFC 3986 calls unreserved, and the @ of npm's scopes.
_LITERAL = frozenset(string.ascii_letters + string.digits + "-._~@")
_CONTROL = re.compile(r"[\x00-\x20\x7f-\xa0]")
_PYPI_SEPARATORS = re.compile(r"[-_.]+")


def canonical_origin(origin: str) -> str:
    """The key of an origin: a URL in https form, a purl without qualifiers, or the name itself. Idempotent.

    Host names are compared in lower case and punycode, without `www.`, user, password, usual port, query and
    fragment; paths without `.git` and closing slashes, in lower case on forges that do not tell case apart.
    Raises ValueError where a URL is ambiguous: encoded slashes, `.` and `..`, blanks and control characters.

    >>> canonical_origin("git@GitHub.com:O/r.git")
    'https://github.com/o/r'
    >>> canonical_origin("https://user:token@git.example.org:8443/G/P/")
    'https://git.example.org:8443/G/P'
    >>> canonical_origin("pkg:pypi/Some_Name@1.0?file_name=x.whl")
    'pkg:pypi/some-name@1.0'
    """
    if origin.lower().startswith("pkg:"):
        return "@".join(filter(None, _purl(origin)))
    scp = _SCP.fullmatch(origin)
    if scp:
        return _url(f"ssh://{scp['host'] or scp['named']}/{scp['path'].lstrip('/')}")
    if "://" in origin:
        return _url(origin)
    return _url(f"https://{origin}") if _WITHOUT_SCHEME.fullmatch(origin) else origin


def without_version(key: str) -> str:
    """The canonical key of a package in any version; other keys as they are."""
    return _purl(key)[0] if key.startswith("pkg:") else key


def account_keys(key: str) -> list[str]:
    """The keys of the accounts and groups that a canonical URL lies under, from the outermost."""
    scheme, _, rest = key.partition("://")
    if scheme != "https":
        return []
    host, *parts = rest.split("/")
    # A gist belongs to the account of the same name.
    host = "github.com" if host == "gist.github.com" else host
    return [f"https://{host}/{'/'.join(parts[:n])}" for n in range(1, len(parts))]


def _purl(purl: str) -> tuple[str, str]:
    """Key without version, and version. Source: the package-url specification, and PEP 503 for PyPI's names."""
    kind, _, rest = purl[len("pkg:") :].partition("?")[0].partition("#")[0].strip("/").partition("/")
    *namespace, last = [_path_part(part) for part in rest.split("/")] if rest else [""]
    # The @ of an npm scope begins a part, that of a version does not.
    name, _, version = (last[1:] if last.startswith("@") else last).partition("@")
    name = "@" + name if last.startswith("@") else name
    kind = kind.lower()
    if kind == "pypi":
        name = _PYPI_SEPARATORS.sub("-", name).lower()
    elif kind in ("github", "gitlab", "bitbucket", "npm", "composer"):
        namespace, name = [part.lower() for part in namespace], name.lower()
    return f"pkg:{'/'.join([kind, *namespace, name])}", version


def _url(url: str) -> str:
    if _CONTROL.search(url):
        raise ValueError("it holds blanks or control characters")
    parts = urlsplit(url)
    host, port = parts.hostname, parts.port
    if not host:
        return url
    if not host.isascii():
        host = host.encode("idna").decode()  # its UnicodeError is a ValueError
    host = host.lower().strip(".")
    while host.startswith("www."):
        host = host.removeprefix("www.").strip(".")
    names = [_path_part(part) for part in parts.path.split("/") if part]
    if host in FORGES_WITHOUT_CASE:
        names = [name.lower() for name in names]
    while names and names[-1].endswith(".git"):
        names[-1] = names[-1].removesuffix(".git")
        if not names[-1]:
            names.pop()
    place = f"[{host}]" if ":" in host else host
    place += f":{port}" if port is not None and port not in _DEFAULT_PORTS else ""
    return f"https://{'/'.join([place, *names])}"


def _path_part(part: str) -> str:
    """A part of a path with unreserved characters decoded, and all that has to be encoded in one way (RFC 3986)."""

    def decoded(found: re.Match[str]) -> str:
        if found[1] is None:
            return "%25"
        code = int(found[1], 16)
        if code == ord("/") or code < 32 or code == 127:
            raise ValueError(f"it holds {found[0]}, an encoded slash or control character")
        return chr(code) if chr(code) in _LITERAL else found[0].upper()

    text = _ESCAPE.sub(decoded, part)
    if text in (".", ".."):
        raise ValueError(f"a part of its path is {text!r}")
    return quote(text, safe="".join(map(chr, range(33, 127))))
