"""E-mail and IP addresses.

What is kept: domains and networks reserved for documentation (RFC 2606, RFC 5737, RFC 3849, RFC 9637),
private and other special-purpose networks (IANA's registries), well-known public resolvers, no-reply
mailboxes, `git@host`, the user part of URLs, and version numbers and object identifiers that look like IPv4.
The networks stand here as data because `ipaddress.is_global` differs between patch releases of Python.
"""

from __future__ import annotations

import ipaddress
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import lru_cache

from .detector import RULES_VERSION, LineDetector, Match, Necessary
from .surrogates import is_reserved

_EMAIL = re.compile(
    r"(?<![A-Za-z0-9_])[A-Za-z0-9_][A-Za-z0-9_.%+\-]{0,63}@"
    r"((?:[A-Za-z0-9](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?\.){1,8})([A-Za-z]{2,24})(?![A-Za-z0-9_\-(])",
    re.ASCII,
)
_EMAIL_NECESSARY = Necessary(r"[A-Za-z0-9_.%+\-]@[A-Za-z0-9\-]+\.[A-Za-z]")
_NOT_URL_USER = re.compile(r"[\s/@\"'<>()]", re.ASCII)
_NO_REPLY = re.compile(r"^(?:do[-_.]?)?no?t?[-_.]?reply", re.IGNORECASE | re.ASCII)
_DOUBLE_SIZE = re.compile(r"\d+x\.", re.ASCII)
_COUNTRIES = frozenset(
    str.split(
        "ac ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bm bn bo br bs bt bw "
        "by bz ca cc cd cf cg ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg er es et "
        "eu fi fj fk fm fo fr ga gb gd ge gf gg gh gi gl gm gn gp gq gr gs gt gu gw gy hk hm hn hr ht hu id "
        "ie il im in io iq ir is it je jm jo jp ke kg kh ki km kn kp kr kw ky kz la lb lc li lk lr ls lt lu "
        "lv ly ma mc md me mg mh mk ml mm mn mo mp mq mr ms mt mu mv mw mx my mz na nc ne nf ng ni nl no np "
        "nr nu nz om pa pe pf pg ph pk pl pm pn pr ps pt pw py qa re ro rs ru rw sa sb sc sd se sg sh si sj "
        "sk sl sm sn so sr ss st su sv sx sy sz tc td tf tg th tj tk tl tm tn to tr tt tv tw tz ua ug uk us "
        "uy uz va vc ve vg vi vn vu wf ws ye yt za zm zw"
    )
)
# Endings that follow an @ in source text without being a top-level domain: attributes after the matrix
# product, files (`icon@2x.png`), service units, and the reserved and private names of RFC 2606, RFC 6761 and
# RFC 6762.
_NO_DOMAIN = frozenset(
    str.split(
        "conj data dot dtype imag inv mean ndim real reshape shape size sum transpose values astype detach "
        "numpy apk asar bak bin bmp bz2 cfg class conf cpp css csv dll doc docx exe gif hpp htm html ini "
        "iso jar java jpeg jpg json jsx less lock log map obj pdf php png rpm scss sql svg swift tar tex "
        "tgz toml tsx txt vue wasm webp whl xml yaml yml device mount path scope service slice socket swap "
        "target timer corp example internal invalid lan local localdomain localhost test"
    )
)
_EXAMPLE_DOMAINS = re.compile(r"(?:^|\.)example\.(?:com|org|net|edu)$", re.ASCII)


def _emails(text: str, _path: str) -> Iterator[Match]:
    for found in _EMAIL.finditer(text):
        start, end = found.span()
        address = found.group()
        local = address[: found.start(1) - start - 1]
        if not _is_mailed_to(address[len(local) + 1 :]) or local == "git" or _NO_REPLY.match(local):
            continue
        if is_reserved(address):
            continue
        scheme = text.rfind("://", max(0, start - 300), start)
        if scheme >= 0 and not _NOT_URL_USER.search(text, scheme + 3, start):
            continue
        if _escapes(text, start):
            start += 1
        if text[start] != "@":
            yield Match(start, end, "EMAIL", 0.95, found.start(), end)


@lru_cache(maxsize=4096)
def _is_mailed_to(domain: str) -> bool:
    """Whether people have mail at a domain: its end is one, and it is none of examples, robots or files."""
    top, folded = domain.rpartition(".")[2], domain.lower()
    if top.islower() or top.isupper():
        known = len(top) > 2 or top.lower() in _COUNTRIES
    else:
        known = top.istitle() and len(top) > 2
    if not known or top.lower() in _NO_DOMAIN or _EXAMPLE_DOMAINS.search(folded) or "noreply" in folded:
        return False
    return not _DOUBLE_SIZE.match(folded)  # an image of double size


def _escapes(text: str, at: int) -> bool:
    """Whether the character at `at` belongs to an escape such as the n of a line break in a string."""
    if text[at - 1 : at] != "\\":
        return False
    before = text[max(0, at - 64) : at]
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1


class _Ranges:
    """Disjoint networks as sorted ranges of integers."""

    def __init__(self, networks: Iterable[ipaddress.IPv4Network] | Iterable[ipaddress.IPv6Network]) -> None:
        ranges = sorted((int(n.network_address), int(n.broadcast_address)) for n in networks)
        self._firsts = [first for first, _ in ranges]
        self._lasts = [last for _, last in ranges]

    def holds(self, address: int) -> bool:
        at = bisect_right(self._firsts, address) - 1
        return at >= 0 and address <= self._lasts[at]


_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4 = re.compile(
    rf"(?<![A-Za-z0-9_.])(?<![A-Za-z]-)(?:{_OCTET}\.){{3}}{_OCTET}(?![A-Za-z0-9_]|\.[0-9]|"
    # a file's version, or one before its release
    r"\.(?:tar|t[gbx]z|zip|jar|war|gem|whl|rpm|deb|exe|msi|dll|so|dylib|patch|diff)\b|-(?:rc|beta|alpha|dev|snapshot|SNAPSHOT|pre))",
    re.ASCII,
)
_IPV4_NECESSARY = Necessary(r"[0-9]\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]")
_VERSION_BEFORE = re.compile(
    r"(?:\bv|version|\bver|release|\brev|revision|build|tag|sections?|\bsec|chapter|clause|figure|table|paragraph|appendix|annex|"
    r"\brfc\s?-?[0-9]{3,4}|\biso[ /-][0-9/ -]{3,12}|"
    r"\boid|\xa7|[=~<>^!]=|[~^])[\w\])]{0,3}[\"'`.]?\s{0,3}[:=(,]?\s{0,3}[\"'`(]?\s?$|"
    r"[A-Za-z]/$",
    re.IGNORECASE | re.ASCII,
)
_VERSION_HINT = re.compile(
    "[v=~<>^!/\xa7]|re[lv]|build|tag|sec|chap|clause|fig|table|oid|para|append|annex|rfc|iso", re.IGNORECASE | re.ASCII
)
# What stands before the number of a section, and what after it: nothing but its title.
_LINE_START = re.compile(r"[\s#*/;%!|.:<>(\[\"'-]*(?:rem|dnl|h[1-6]>)?\s*$", re.IGNORECASE | re.ASCII)
_TITLE = re.compile(r"[.):]?[ \t]+(?:[\"'`(]?[A-Z]|[a-z]+(?:[ \t,]|$))|[.):]?[ \t]*\r?$", re.ASCII)
_LARGEST_OF_SECTION = 40
_ADDRESS_BEFORE = re.compile(
    r"(?:\bip|ipv4|_ip|addr|host|server|dns|gateway|proxy|ping|listen|bind|peer|remote|client|ssh|"
    r"://|@)",
    re.IGNORECASE | re.ASCII,
)
_OBJECT_IDENTIFIER = re.compile(r"(?:1\.3\.6\.1|1\.2\.840\.|2\.5\.(?:4|29)\.)", re.ASCII)
_IPV4_KEPT = _Ranges(
    map(
        ipaddress.IPv4Network,
        str.split(
            "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 "
            "192.0.2.0/24 192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 "
            "224.0.0.0/4 240.0.0.0/4 1.1.1.1 1.0.0.1 8.8.8.8 8.8.4.4 9.9.9.9 149.112.112.112 "
            "208.67.222.222 208.67.220.220"
        ),
    )
)


def _ipv4(text: str, _path: str) -> Iterator[Match]:
    for found in _IPV4.finditer(text):
        value = found.group()
        a, b, c, d = map(int, value.split("."))
        if _IPV4_KEPT.holds(a << 24 | b << 16 | c << 8 | d) or _OBJECT_IDENTIFIER.match(value):
            continue
        before = text[max(0, found.start() - 40) : found.start()]
        if _VERSION_HINT.search(before) and _VERSION_BEFORE.search(before):
            continue
        # Numbers of one digit, but for the last, are far more often a version than an address.
        if len(value) <= 9 and max(a, b, c) < 10 and not _ADDRESS_BEFORE.search(before):
            continue
        if (
            max(a, b, c, d) <= _LARGEST_OF_SECTION
            and not _ADDRESS_BEFORE.search(before)
            and (before.endswith(("(", "[")) or (_LINE_START.fullmatch(before) and _TITLE.match(text, found.end())))
        ):
            continue
        yield Match(*found.span(), "IPV4", 0.8, *found.span())


# Only 2000::/3 is allocated as global unicast.
_IPV6 = re.compile(
    r"(?<![0-9A-Za-z_:.])[23][0-9A-Fa-f]{3}(?::[0-9A-Fa-f]{0,4}){2,7}(?![0-9A-Za-z_]|:[0-9A-Fa-f:])", re.ASCII
)
_IPV6_NECESSARY = Necessary(r"[23][0-9A-Fa-f]{3}:[0-9A-Fa-f]{0,4}:")
_IPV6_KEPT = _Ranges(
    map(
        ipaddress.IPv6Network,
        str.split("2001::/23 2001:db8::/32 2002::/16 3fff::/20 2606:4700:4700::/64 2001:4860:4860::/64 2620:fe::/48"),
    )
)


def _ipv6(text: str, _path: str) -> Iterator[Match]:
    for found in _IPV6.finditer(text):
        value = found.group()
        # "2606::1:" at the end of a sentence or before a value; "::" is part of the address.
        if value.endswith(":") and not value.endswith("::"):
            value = value[:-1]
        try:
            address = ipaddress.IPv6Address(value)
        except ValueError:  # a time, a MAC address or a fingerprint
            continue
        if not _IPV6_KEPT.holds(int(address)):
            yield Match(found.start(), found.start() + len(value), "IPV6", 0.9, *found.span())


EMAIL = LineDetector("email", RULES_VERSION, (_EMAIL_NECESSARY,), _emails)
IPV4 = LineDetector("ipv4", RULES_VERSION, (_IPV4_NECESSARY,), _ipv4)
IPV6 = LineDetector("ipv6", RULES_VERSION, (_IPV6_NECESSARY,), _ipv6)
