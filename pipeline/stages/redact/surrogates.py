"""Surrogates: what stands in a text where a value was.

They depend on nothing but the file: the k-th distinct value of a class, by first occurrence, gets number k.
All lie in ranges that are reserved for this (RFC 2606, RFC 5737, RFC 3849) or carry a marker, and no detector
finds them again.
"""

from __future__ import annotations

import re

_MARKER = re.compile(r"REDACTED(?:_[A-Z0-9_]+_[0-9]+)?(?![A-Za-z])")
_IPV4_RANGES = ("192.0.2.", "198.51.100.", "203.0.113.")
_IPV4_HOSTS = 254


def is_reserved(text: str) -> bool:
    """Whether `text` holds a surrogate that `surrogate` makes from a marker."""
    return "REDACTED" in text and _MARKER.search(text) is not None


def numeral(digits: int) -> str:
    """What stands for a bare number in code, so that a number stands there still: no leading zero, no check digit."""
    return "1" + "0" * (digits - 1)


def surrogate(cls: str, k: int) -> str:
    """The surrogate of the `k`-th distinct value of a class, from 1.

    There are only 762 IPv4 addresses for documentation: the 763rd value shares the surrogate of the first.
    """
    if cls == "EMAIL":
        return f"user{k}@example.com"
    if cls == "IPV4":
        block, host = divmod((k - 1) % (_IPV4_HOSTS * len(_IPV4_RANGES)), _IPV4_HOSTS)
        return f"{_IPV4_RANGES[block]}{host + 1}"
    if cls == "IPV6":
        return f"2001:db8::{(k - 1) // 0xFFFF:x}:{(k - 1) % 0xFFFF + 1:x}" if k > 0xFFFF else f"2001:db8::{k:x}"
    return f"REDACTED_{cls}_{k}"
