"""What detect-secrets' keyword plugin matches, in linear time.

The plugin searches whole lines with expressions that start at one of its words, or end at one after a
comparison. On a long line without quotes each word can cost a look at the rest of the line. Here the same
expressions run only at the words, over a bounded reach, and every match of a line is found, not just the
first of each expression.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from detect_secrets.plugins import keyword
from detect_secrets.util.filetype import determine_file_type

REACH = 512
"""Characters from the first to the last of an assignment; a longer one is not found."""

_WORDS = "|".join(keyword.DENYLIST)
# Every expression begins with a word and its suffix: the first word of a run stands for all in it.
_WORD = re.compile(rf"(?:{_WORDS})\w*", re.IGNORECASE)
_COMPARED = re.compile(rf"[\"'`]\s*[!=]{{2,3}}\s*\w{{0,64}}?(?:{_WORDS})", re.IGNORECASE)
_COMPARISON: re.Pattern[str] = keyword.PRECEDED_BY_EQUAL_COMPARISON_SIGNS_QUOTES_REQUIRED_REGEX


def rules_for(path: str) -> dict[re.Pattern[str], int]:
    """The plugin's expressions for a kind of file, each with the group that holds the value."""
    rules: dict[re.Pattern[str], int] = keyword.REGEX_BY_FILETYPE.get(
        determine_file_type(path), keyword.QUOTES_REQUIRED_DENYLIST_REGEX_TO_GROUP
    )
    return rules


def assignments(text: str, path: str) -> Iterator[tuple[re.Match[str], int]]:
    """Every match of the plugin's expressions in a line of text, with the group that holds the value."""
    words = [word.start() for word in _WORD.finditer(text)]
    if not words:
        return
    for rule, group in rules_for(path).items():
        if rule is _COMPARISON:
            yield from ((found, group) for found in _comparisons(text))
            continue
        done = 0
        for start in words:
            stop = min(len(text), start + REACH)
            found = rule.match(text, start, stop) if start >= done else None
            if found and (found.end() < stop or stop == len(text)):
                done = found.end()
                yield found, group


def _comparisons(text: str) -> Iterator[re.Match[str]]:
    done = 0
    for compared in _COMPARED.finditer(text):
        for found in _COMPARISON.finditer(text, max(done, compared.start() - REACH), compared.end()):
            done = found.end()
            yield found
