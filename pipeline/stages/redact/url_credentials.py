"""Passwords in connection strings: the user part of URLs (RFC 3986, section 3.2.1), and keyword lists.

Keyword lists are those of ADO.NET, ODBC, JDBC and libpq: `Server=...;User Id=...;Password=...`. One of their other
words must stand on the same line.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator

from .detector import RULES_VERSION, LineDetector, Match, Necessary, any_of
from .placeholders import is_placeholder
from .surrogates import is_reserved
from .values import look_of

# A password may hold an @ of its own, as people write it: the host is what follows the last one.
_URL = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]{0,24})://(?P<user>[^\s/@:\"'<>`?#]{0,128}):"
    r"(?P<password>[^\s/\"'<>`]{1,256}?)@(?=(?P<host>[A-Za-z0-9_\[$%{.\-][^\s@\"'<>`]{0,255}?)(?:[/?\s\"'<>`,;)\\]|$))",
    re.ASCII,
)
# The host's first character is asked for by the rule itself; the prefilter needs only what is cheap and
# selective.
_NECESSARY = Necessary(r"://[^\s/@:\"'<>`?#]*:[^\s/\"'<>`]+@")
_DATABASE = re.compile(
    r"postgres|postgis|pg$|mysql|maria|mongo|redis|amqp|mssql|sqlserver|oracle|cockroach|clickhouse|couch|cassandra|neo4j|bolt|"
    r"ldap|smtp|imap|ftp|kafka|nats|mqtt|influx|elastic|jdbc|rabbit|presto|trino|snowflake|redshift|vertica|db2|rediss|cloudinary",
    re.IGNORECASE | re.ASCII,
)
_EXAMPLE_HOST = re.compile(
    r"(?:^|\.)(?:example\.(?:com|net|org|edu)|\w+\.(?:example|test|invalid))(?::[0-9]+)?$", re.IGNORECASE | re.ASCII
)
_ALWAYS_STOCK = re.compile(
    r"^(?:foo|bar|baz|xyz|pass(?:word|wd)?|pwd|pw|secret123|my-?pass(?:word)?|x+|\*+)$", re.IGNORECASE | re.ASCII
)
_TEMPLATE = re.compile(
    r"[{}<>\[\]$]|%[sdv]\b|^%\(|\.\.\.|\*\*|xxx|^:|example|placeholder|change.?me|your", re.IGNORECASE | re.ASCII
)


def _urls(text: str, _path: str) -> Iterator[Match]:
    for found in _URL.finditer(text):
        value = found["password"]
        if is_reserved(value) or _TEMPLATE.search(value):
            continue
        database = _DATABASE.search(found["scheme"]) is not None
        if database:
            # `postgres:postgres@db` is a credential that works wherever the compose file does.
            confidence = 0.45 if _ALWAYS_STOCK.match(value) else 0.8 if len(value) > 2 else 0.4
        elif is_placeholder(value):
            confidence = 0.3
        else:
            confidence = 0.9
        if _EXAMPLE_HOST.search(found["host"]) and look_of(value) in (None, "word", "number"):
            confidence = min(confidence, 0.35)
        yield Match(*found.span("password"), "URL_PASSWORD", confidence, *found.span())


_LIST = re.compile(
    r"(?<![\w-])(?:password|passwd|pwd)[ \t]{0,4}=[ \t]{0,4}(?P<quote>[\"'{]?)(?P<password>[^;\"'<>{}\s&]{3,128})",
    re.IGNORECASE | re.ASCII,
)
_COMPANION = re.compile(
    r"(?<![\w-])(?:server|data[ ]?source|user[ ]?id|uid|user[ ]?name|user|host|hostaddr|database|dbname|"
    r"initial[ ]catalog|provider|driver|"
    r"dsn|addr(?:ess)?|endpoint)[ \t]{0,4}=[ \t]{0,4}[^;\s]",
    re.IGNORECASE | re.ASCII,
)
_LIST_NECESSARY = Necessary(
    r"(?:password|passwd|pwd)[ \t]{0,4}=[ \t]{0,4}[^;\"'<>\s]{3}|(?:password|passwd|pwd)[ \t]{0,4}=[ \t]{0,4}[\"'{]",
    re.IGNORECASE,
)
_REACH = 240


def _lists(text: str, _path: str) -> Iterator[Match]:
    companions = [companion.start() for companion in _COMPANION.finditer(text)]
    for found in _LIST.finditer(text):
        value = found["password"].rstrip(",)")
        if len(value) < 3 or value.lower() in _NONE:
            continue
        if is_reserved(value) or _TEMPLATE.search(value) or not _is_near(companions, found.start()):
            continue
        before, after = (
            text[max(0, found.start() - 8) : found.start()].rstrip()[-1:],
            text[found.end() : found.end() + 1],
        )
        listed = before in (";", "'", '"') or after == ";"
        if not listed and not _LIBPQ.search(text, max(0, found.start() - _REACH), found.end() + _REACH):
            continue
        if _IS_CODE.match(value):
            continue
        confidence = 0.35 if _ALWAYS_STOCK.match(value) else 0.75
        start = found.start("password")
        yield Match(start, start + len(value), "DSN_PASSWORD", confidence, *found.span())


_NONE = frozenset(str.split("none null nil false true self string undefined empty optional required"))
_LIBPQ = re.compile(r"(?:host|dbname|user)=\S", re.ASCII)
_IS_CODE = re.compile(r"[\w.]+\(|[\"']?\s*[+.&]", re.ASCII)


def _is_near(sorted_places: list[int], place: int) -> bool:
    at = bisect_left(sorted_places, place - _REACH)
    return at < len(sorted_places) and sorted_places[at] < place + _REACH


# user:password@tcp(host:3306)/ as Go's drivers write it; user/password@//host:1521/service as Oracle's do
_OTHERS = re.compile(
    r"[\"'=\s][\w.-]{1,64}:(?P<go>[^\s:@\"'/]{3,128})@(?:tcp|unix)\(|"
    r"(?:jdbc:oracle:thin:|sqlplus\s+(?:-\w+\s+)*)[\w.-]{1,64}/(?P<oracle>[^\s/@\"']{3,128})@|"
    r"DefaultEndpointsProtocol=https?;[^\s\"']{0,200}AccountKey=(?P<azure>[A-Za-z0-9+/]{40,100}={0,2})|"
    r"SharedAccessKey=(?P<bus>[A-Za-z0-9+/]{40,60}={0,2})|[?&;\"'](?:sig|signature)=(?P<sas>[A-Za-z0-9%+/]{40,120}(?:%3[dD]|=)?)",
    re.ASCII,
)
_OTHERS_NECESSARY = any_of(
    r"@(?:tcp|unix)\(",
    r"jdbc:oracle:thin:[\w.-]+/|sqlplus\s.*/",
    r"AccountKey=[A-Za-z0-9+/]{40}",
    r"SharedAccessKey=[A-Za-z0-9+/]{40}",
    r"[?&;\"'](?:sig|signature)=[A-Za-z0-9%+/]{40}",
)


def _others(text: str, _path: str) -> Iterator[Match]:
    for found in _OTHERS.finditer(text):
        group = found.lastgroup or ""
        value = found[group]
        if group in ("go", "oracle"):
            if not is_placeholder(value):
                yield Match(*found.span(group), "DSN_PASSWORD", 0.8, *found.span())
        elif not is_reserved(value) and len(set(value)) > 8:
            yield Match(*found.span(group), "AZURE_KEY" if group != "sas" else "SAS_SIGNATURE", 0.9, *found.span())


URL_PASSWORD = LineDetector("url-password", RULES_VERSION, (_NECESSARY,), _urls)
KEYWORD_LIST = LineDetector("connection-string", RULES_VERSION, (_LIST_NECESSARY,), _lists)
OTHER_STRINGS = LineDetector("connection-string-other", RULES_VERSION, _OTHERS_NECESSARY, _others)
