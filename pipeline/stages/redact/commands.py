"""Secrets on command lines, in HTTP headers, and as arguments where user and password stand side by side."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

from .detector import RULES_VERSION, LineDetector, Match, any_of
from .placeholders import is_placeholder
from .values import Look, look_of

_COMMAND = re.compile(
    # curl -u user:password
    r"\s(?:-u|--user|--proxy-user)[ =]{1,3}(?P<q1>[\"']?)[^\s:\"'$<{]{0,64}:[\"']?(?P<curl>[^\s"
    r"\"'\\]{3,128})|"
    # its continuation on a line of its own
    r"^\s{0,8}(?:-u|--user)[ =][\"']?[^\s:\"'$<{]{1,64}:[\"']?(?P<user>[^\s\"'\\]{8,128})[\"']?(?:\s\\)?\s{0,3}$|"
    # sshpass -p secret, and tools that take -u USER -p PASSWORD
    r"\bsshpass\s+-p\s{0,2}(?P<q2>[\"']?)(?P<ssh>[^\s\"'$]{3,128})|"
    r"\s(?:-p|-P|-k|-w|-a|/pass(?:word)?:|/p:|"
    r"--?pass(?:word)?(?=[ =]))[ =]{0,2}(?P<q3>[\"']?)(?P<tool>[^\s\"'$<{%/-][^\s\"'<]{2,127})|"
    # Authorization: Basic base64, Bearer token
    r"Authorization[\"']?\s{0,3}(?:[:=,]|\s)\s{0,3}[\"'`]?(?:Basic)\s{1,3}(?P<basic>[A-Za-z0-9+/]{8,200}={0,2})|"
    r"(?:Authorization[\"']?\s{0,3}[:=,]\s{0,3}[\"'`]?)?(?:Bearer|token)\s(?P<bearer>[A-Za-z0-9_.~+/=-]{16,2000})(?=[\s\"'`\\,;)]|$)|"
    # NetworkCredential("user", "password"), DirectoryEntry(path, user, password)
    r"(?:NetworkCredential|UsernamePasswordCredentials|BasicCredentials|HTTPBasicAuth|BasicAuth|PasswordAuthentication|"
    r"UsernamePasswordAuthenticationToken)\(\s{0,3}[\"'][^\"'\n]{1,80}[\"']\s{0,3},\s{0,3}[\"'](?P<pair>[^\"'\n]{4,128})[\"']|"
    r"DirectoryEntry\(\s{0,3}[\"'][^\"'\n]{1,160}[\"']\s{0,3},\s{0,3}[\"'][^\"'\n]{1,80}[\"']\s{0,3},\s{0,3}[\"'](?P<entry>[^\"'\n]{4,128})[\"']|"
    # mysqli_connect(host, "user", "password"), getConnection(url, "user", "password"), new PDO(...)
    r"(?:mysqli?(?:_p?connect)?|getConnection|PDO|createPool|ftp_login|ssh2_auth_password|imap_open|ldap_bind)\(\s{0,3}"
    r"(?:[\w$.>-]{1,40}|[\"'][^\"'\n]{0,160}[\"'])\s{0,3},\s{0,3}[\"'][^\"'\n]{1,80}[\"']\s{0,3},\s{0,3}[\"'](?P<third>[^\"'\n]{3,128})[\"']|"
    # smtp.login("user", "password")
    r"(?<![\w])(?:[\w.]{1,40}\.)?(?:login|log_in|signin|sign_in|authenticate|simple_bind(?:_s)?)\(\s{0,3}[\"'][^\"'\n]{2,80}[\"']\s{0,3},"
    r"\s{0,3}[\"'](?P<login>[^\"'\n]{4,128})[\"']\s{0,3}\)|"
    # net use z: \\\\host\\share /user:name password
    r"\bnet\s+use\s[^\n]{0,160}/user:\S{1,80}\s+(?P<share>[^\s\"'/*<>%|&]{4,128})|"
    # requests.get(..., auth=("user", "password"))
    r"\bauth\s{0,2}[=:]\s{0,2}[\[(]\s{0,2}[\"'][^\"'\n]{1,80}[\"']\s{0,2},\s{0,2}[\"'](?P<auth>[^\"'\n]{4,128})[\"']|"
    # IDENTIFIED BY 'password', WITH PASSWORD 'password', SET PASSWORD = PASSWORD('password')
    r"(?i:\bidentified\s+by|\bpassword)\s{1,3}(?:=\s{0,2})?(?:PASSWORD\()?[\"'](?P<sql>[^\"'\n\s]{4,128})[\"']|"
    # vault operator unseal KEY, Unseal Key 1: KEY
    r"(?i:unseal)(?:\s+Key\s+[0-9]{1,2}:)?\s{1,3}(?P<unseal>[A-Za-z0-9+/]{43,46}={0,2})|"
    # chpasswd, user:password pairs given to it
    r"\becho\s+[\"']?[a-z_][\w-]{0,31}:(?P<chpasswd>[^\s\"'$|:]{4,128})[\"']?\s*\|\s*(?:sudo\s+)?chpasswd",
    re.ASCII,
)
_TOOLS = {
    "curl": re.compile(r"\bcurl\b", re.ASCII),
    "tool": re.compile(
        r"\b(?:mysql(?:dump|admin|import|check)?|psexec|docker|podman|helm|oc|az|cf|mongo(?:dump|sh|export|restore)?|winexe|"
        r"smbclient|net\s+use|influx|htpasswd|ldapsearch|nexus|jfrog|openssl|redis-cli|psql|sqlcmd|bcp|mssql-cli|rabbitmqctl|"
        r"kinit|vncviewer|rdesktop|xfreerdp|cmdkey)(?:\.exe)?\b[^\n|]*\Z",
        re.IGNORECASE | re.ASCII,
    ),
}
_REACH = 240
CONFIDENCE: dict[Look, float] = {
    "random": 0.9,
    "shaped": 0.7,
    "mixed": 0.8,
    "word": 0.55,
    "number": 0.5,
    "uuid": 0.5,
}
_LOOKS = {
    "bearer": ("random",),
    "unseal": ("random",),
    "user": ("random", "shaped", "mixed"),
    "third": ("random", "shaped", "mixed"),
    "login": ("random", "shaped", "mixed"),
}
_NECESSARY = any_of(
    r"\bcurl\b[^\n]*\s(?:-u|--user|--proxy-user)[ =]",
    r"\bsshpass\s+-p",
    r"\s(?:-[pPkwa]|/p(?:ass(?:word)?)?:|--?pass(?:word)?[ =])[ =]{0,2}[\"']?[^\s\"'$<{%/-]",
    r"(?:Basic|Bearer|token)\s{1,3}[A-Za-z0-9_.~+/=-]{8}",
    r"(?:NetworkCredential|UsernamePasswordCredentials|BasicCredentials|HTTPBasicAuth|BasicAuth|PasswordAuthentication|"
    r"UsernamePasswordAuthenticationToken|DirectoryEntry)\(",
    r"(?:mysqli?(?:_p?connect)?|getConnection|PDO|createPool|ftp_login|ssh2_auth_password|imap_open|ldap_bind)\(",
    r"(?:login|log_in|signin|sign_in|authenticate|simple_bind(?:_s)?)\(\s{0,3}[\"']",
    r"\bnet\s+use\s[^\n]{0,160}/user:",
    r"^\s{0,8}(?:-u|--user)[ =][^\s:]{1,64}:",
    r"\bauth\s{0,2}[=:]\s{0,2}[\[(]\s{0,2}[\"']",
    r"(?i:identified\s+by|password)\s{1,3}(?:=\s{0,2})?(?:PASSWORD\()?[\"']",
    r"(?i:unseal)[^\n]{0,24}[A-Za-z0-9+/]{43}",
    r"\|\s*(?:sudo\s+)?chpasswd",
)


def decodes_to_pair(value: str) -> bool:
    """Whether base64 holds `user:password`, as in HTTP's Basic scheme (RFC 7617)."""
    try:
        told = base64.b64decode(value + "=" * (-len(value) % 4), validate=True).decode()
    except (binascii.Error, ValueError):
        return False
    user, colon, password = told.partition(":")
    return bool(colon) and told.isprintable() and not is_placeholder(password) and len(user) < 128


def _is_option_of(tool: str, option: str) -> bool:
    """Only MySQL's tools take a password without a blank before it; OpenSSL's `-pubout` and `-keyout` are words."""
    if tool.startswith("openssl"):
        return option.lstrip().startswith("-k ")
    return tool.lower().startswith("mysql") or option.lstrip()[2:3] in (" ", "=") or option.lstrip()[:2] in ("/p", "--")


def _find(text: str, _path: str) -> Iterator[Match]:
    for found in _COMMAND.finditer(text):
        group = found.lastgroup or ""
        value = found[group]
        tools = _TOOLS.get(group)
        named = tools.search(text, max(0, found.start() - _REACH), found.start()) if tools else None
        if tools and named is None:
            continue
        if group == "tool" and named and not _is_option_of(named.group(), found.group()):
            continue
        if group == "basic":
            if decodes_to_pair(value):
                yield Match(*found.span(group), "BASIC_AUTH", 0.9, *found.span())
            elif look_of(value) in ("random", "shaped", "mixed") and not is_placeholder(value):
                yield Match(*found.span(group), "BASIC_AUTH", 0.6, *found.span())
            continue
        if is_placeholder(value):
            continue
        look = look_of(value)
        if look == "number" and named and not named.group().lower().startswith("mysql"):
            continue  # a port
        if look is None or (group in _LOOKS and look not in _LOOKS[group]):
            continue
        confidence = CONFIDENCE[look]
        if group == "sql" and look == "word":
            confidence = 0.4
        cls = "SECRET" if group in ("bearer", "unseal") else "PASSWORD"
        yield Match(*found.span(group), cls, confidence, *found.span())


COMMAND = LineDetector("command", RULES_VERSION, _NECESSARY, _find)
