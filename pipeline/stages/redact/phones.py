"""Telephone numbers: international ones by the numbering plan, national ones by form and the words beside them.

Digits in groups are everywhere in source text. So a number counts if it has a country's prefix and fits that
country's plan (libphonenumber's metadata), or is written as in North America with an area and an exchange that
exist, or stands beside a word such as `Phone:` or `fax`. The numbers reserved for fiction stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from .detector import RULES_VERSION, BlockDetector, LineDetector, Match, Necessary

_REACH = 40
_GROUPED = r"\(?[0-9]{1,5}\)?(?:[ .\-/]{0,2}\(?[0-9]{1,5}\)?){1,7}"
_NUMBER = re.compile(
    rf"(?<![A-Za-z0-9_+.$#/-])(?<![0-9][ :])(?P<plus>\+|00[1-9](?=[0-9 -]))?{_GROUPED}(?:\s?(?:x|ext\.?|"
    rf"#)\s?[0-9]{{1,6}})?"
    r"(?![A-Za-z0-9_]|[.:/-][0-9]|%)",
    re.ASCII,
)
_NORTH_AMERICAN = re.compile(
    r"(?:1[-. ])?(?:\([2-9][0-9]{2}\) ?[2-9][0-9]{2}[-. ][0-9]{4}|[2-9][0-9]{2}([-.])[2-9][0-9]{2}\1[0-9]{4})"
    r"(?:\s?(?:x|ext\.?|#)\s?[0-9]{1,6})?",
    re.ASCII,
)
_WORDS_BEFORE = re.compile(
    r"(?<![a-z])(?:tele)?(?:phone|fone|fon)(?:s|[ _-]?(?:no|num|number|nummer))?(?![a-z])|(?<![a-z])(?:tel|mob|"
    r"mobile|mobil|cell|"
    r"cellular|handy|fax|desk|office|home|work|landline|hotline|sms|whatsapp|dial|t[ée]l[ée]phone|tel[ée]fono|telefon|"
    r"telefone|celular|portable)(?:[ _-]?(?:no|num|number|#))?\.?['\"]?\s{0,3}(?:[:=#(]|is|at|on|"
    r":\s*['\"])?\s{0,3}['\"(]?$|"
    r"(?:call|reach|text|ring|contact|answer(?:ing)?|messages?|ansvar|voicemail|registered)(?:s|ed|ing)?\b"
    r"(?:\s+(?:me|us|him|her|them|back|you|someone))?(?:\s+(?:at|on|to|via|from|mobile|number|phone|"
    r"#)){0,3}[ :]{1,2}['\"(]?$",
    re.IGNORECASE | re.ASCII,
)
_WORDS_AFTER = re.compile(
    r"^[\s,(-]{0,3}(?:office|fax|mobile|cell|home|work|desk|phone|tel)\b", re.IGNORECASE | re.ASCII
)
_FAR_BEFORE = re.compile(
    r"(?<![a-z])(?:phone|telephone|tel|mobile|fax|cell)(?![a-z])[^\n]{0,24}$", re.IGNORECASE | re.ASCII
)
_LETTER = re.compile("[A-Za-z]")  # every word of those before has one
_NOT_PHONE = re.compile(
    r"^(?:19|20)[0-9]{2}[-/. ][01]?[0-9][-/. ][0-3]?[0-9]|^[0-3]?[0-9][-/.][01]?[0-9][-/.](?:19|20)[0-9]{2}$", re.ASCII
)
_SEPARATED = re.compile(r"[0-9)][ .\-/]+\(?[0-9]", re.ASCII)


def _is_made_up(digits: str) -> bool:
    fiction = len(digits) >= 10 and digits[-7:-2] == "55501"
    return fiction or len(set(digits)) < 4 or "1234567" in digits or "0123456" in digits or "7654321" in digits


def _phones(text: str, _path: str) -> Iterator[Match]:
    for found in _NUMBER.finditer(text):
        value = found.group()
        main = re.split(r"(?:x|ext|#)", value)[0]
        digits = re.sub(r"[^0-9]", "", main)
        if not 7 <= len(digits) <= 15 or _is_made_up(digits) or _NOT_PHONE.search(value):
            continue
        confidence = _confidence(text, found, value, digits)
        if confidence:
            start = found.start() + (value.startswith("(") and ")" not in value)
            end = found.end() - (value.endswith(")") and "(" not in value)
            yield Match(start, end, "PHONE", confidence, start, end)


def _confidence(text: str, found: re.Match[str], value: str, digits: str) -> float:
    before = text[max(0, found.start() - _REACH) : found.start()]
    spoken = _LETTER.search(before)
    if (spoken and _WORDS_BEFORE.search(before)) or _WORDS_AFTER.match(text[found.end() : found.end() + 12]):
        return 0.85
    if value.startswith("+"):
        return 0.9 if _fits_a_plan(value) else 0.0
    if spoken and _FAR_BEFORE.search(before) and _SEPARATED.search(value):
        return 0.7
    return 0.6 if _NORTH_AMERICAN.fullmatch(value) else 0.0


@lru_cache(maxsize=4096)
def _fits_a_plan(value: str) -> bool:
    import phonenumbers

    try:
        number = phonenumbers.parse(value.replace("(0)", ""), None)
    except phonenumbers.NumberParseException:
        return False
    return bool(phonenumbers.is_valid_number(number))


_NECESSARY = (
    Necessary(r"\+[0-9]{1,3}[ .\-/(]{0,2}[0-9]{1,5}[ .\-/)(]{0,2}[0-9]{2}"),
    Necessary(r"[2-9][0-9]{2}\)?[-. ]{1,2}[2-9][0-9]{2}[-. ][0-9]{4}"),
    Necessary(
        r"(?:phone|fone|fon|tel|mob|mobile|mobil|cell|cellular|handy|fax|desk|office|home|work|line|sms|whatsapp|dial|"
        r"t.{1,2}l.{1,2}phone|tel.{1,2}fono|celular|portable|call|reach|text|ring|contact|answer|messages?|registered|"
        r"voicemail)[^\n0-9]{0,30}\(?[0-9][0-9 ().\-/]{5}",
        re.IGNORECASE,
    ),
    Necessary(
        r"[0-9][ .\-/)0-9]{3,7}[0-9][\s,(-]{0,3}(?:office|fax|mobile|cell|home|work|desk|phone|tel)", re.IGNORECASE
    ),
)


PHONE = LineDetector("phone", RULES_VERSION, _NECESSARY, _phones)

_LABEL = re.compile(
    rb"(?i)(?:phone|tel|mobile|fax|cell|telefon|t\xc3\xa9l)[a-z. ]{0,10}:[ \t]*\r?\n[ \t]*(\(?\+?[0-9][0-9 ()."
    rb"\-/x]{5,24}[0-9])[ \t]*(?=\r?\n|\Z)"
)


def _below_label(data: bytes, start: int, end: int) -> Iterator[Match]:
    for found in _LABEL.finditer(data, start, min(len(data), end + 64)):
        digits = re.sub(rb"[^0-9]", b"", found.group(1).split(b"x")[0]).decode()
        if found.start() <= end and 7 <= len(digits) <= 15 and not _is_made_up(digits):
            yield Match(*found.span(1), "PHONE", 0.85, *found.span(1))


PHONE_BELOW = BlockDetector(
    "phone-below",
    RULES_VERSION,
    (Necessary(r"(?:phone|tel|mobile|fax|cell|telefon|t.{1,2}l)[a-z. ]{0,10}:[ \t\r]*$", re.IGNORECASE),),
    _below_label,
)
