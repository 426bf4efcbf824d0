"""Passwords in the user part of a URL (RFC 3986, section 3.2.1), as databases and proxies are addressed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .detector import RULES_VERSION, LineDetector, Match, Necessary
from .placeholders import is_placeholder

_URL = re.compile(r"://[^\s/@:\"'<>`?#]{0,128}:([^\s/@\"'<>`]{1,256})@(?=[A-Za-z0-9_\[$%{.\-])")
# The host's first character is asked for by the rule itself; the prefilter needs only what is cheap and
# selective.
_NECESSARY = Necessary(r"://[^\s/@:\"'<>`?#]*:[^\s/@\"'<>`]+@")


def _find(text: str, _path: str) -> Iterator[Match]:
    for found in _URL.finditer(text):
        if not is_placeholder(found.group(1)):
            yield Match(*found.span(1), "URL_PASSWORD", 0.9, *found.span())


URL_PASSWORD = LineDetector("url-password", RULES_VERSION, (_NECESSARY,), _find)
