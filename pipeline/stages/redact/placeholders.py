"""Values that stand where a secret would stand, but are none: examples, templates, references."""

from __future__ import annotations

import re

from .surrogates import is_reserved

_STOCK = frozenset(
    str.split(
        "password passwd passphrase pwd pass secret token key apikey user username admin root test testing "
        "tests foo bar baz foobar none null nil true false undefined string str bool boolean int number "
        "object required optional default empty changeme change_me change-me changeit todo tbd fixme "
        "example sample dummy fake mock placeholder value text hidden secure redacted removed masked unset "
        "disabled enabled"
    )
)
_TELLS = re.compile(
    r"example|placeholder|change.?me|dummy|your[-_. ]|insert[-_. ]|replace[-_. ]|x{4,}|\*{3,}|\.{3}|"
    r"-----(?:BEGIN|END)",
    re.IGNORECASE,
)
_TEMPLATE = re.compile(r"^(?:[{<\[%@]|\$[A-Za-z_({])|\$\{|\{\{|<%|%\(|%[sd]|\{[A-Za-z_0-9.]*\}|\$\(|[\"'] ?\+")


def is_placeholder(value: str) -> bool:
    """Whether a password-like value is a stock word, a template, an example or a surrogate. Linear."""
    return (
        len(value) < 3
        or value.lower() in _STOCK
        or is_reserved(value)
        or len(set(value)) < 3
        or _TEMPLATE.search(value) is not None
        or _TELLS.search(value) is not None
    )


def is_made_up_token(value: str) -> bool:
    """Whether a value in a vendor's token format is an example or filler. Linear."""
    return is_reserved(value) or len(set(value[-16:])) < 3 or "EXAMPLE" in value.upper()
