"""Numbers that states give to people, where a form, a check digit or the words beside them tell them apart."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from .detector import RULES_VERSION, LineDetector, Match, any_of
from .payment import passes_luhn

_REACH = 60


class _Number(NamedTuple):
    cls: str
    pattern: str
    is_valid: Callable[[str], bool]
    """Of the digits and letters alone."""
    words: str
    """Beside one of these it is believed; elsewhere only `alone` much."""
    alone: float


def is_ssn(digits: str) -> bool:
    """Whether the areas, groups and serials are ones that are given out (SSA, since June 2011)."""
    area, group, serial = digits[:3], digits[3:5], digits[5:]
    if area in ("000", "666") or area >= "900" or group == "00" or serial == "0000":
        return False
    # In advertisements and textbooks: Woolworth's wallet, the SSA's own pamphlet, and runs.
    known = digits in ("078051120", "219099999", "457555462", "123456789", "987654321", "111223333", "123121234")
    return not known and len(set(digits)) > 2


def _itin(digits: str) -> bool:
    return digits[0] == "9" and (50 <= int(digits[3:5]) <= 99) and int(digits[3:5]) not in (66, 89, 93)


def is_cpf(digits: str) -> bool:
    """Brazil's taxpayer number: two check digits modulo 11."""
    if len(set(digits)) == 1 or digits == "12345678909":
        return False
    for size in (9, 10):
        rest = sum(int(d) * (size + 1 - i) for i, d in enumerate(digits[:size])) * 10 % 11 % 10
        if rest != int(digits[size]):
            return False
    return True


_ODD = dict(zip("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", (
    1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10,
    22, 25, 24, 23), strict=True))  # fmt: skip


def is_codice_fiscale(code: str) -> bool:
    """Italy's tax code: its last letter checks the others (decree of 23 December 1976)."""
    code = code.upper()
    total = sum(_ODD[c] if i % 2 == 0 else int(c, 36) - (10 if c.isalpha() else 0) for i, c in enumerate(code[:15]))
    return code[15] == chr(ord("A") + total % 26)


def is_dni(code: str) -> bool:
    """Spain's identity number and that of foreigners: the letter is the number modulo 23."""
    digits = code[:-1].upper().translate(str.maketrans("XYZ", "012"))
    return "TRWAGMYFPDXBNJZSQVHLCKE"[int(digits) % 23] == code[-1].upper() and digits.lstrip("0") != "12345678"


def is_insee(digits: str) -> bool:
    """France's number of the register of persons: the key is 97 less the number modulo 97."""
    return 97 - int(digits[:13]) % 97 == int(digits[13:])


_NUMBERS = (
    _Number("SSN", r"[0-9]{3}([- ])[0-9]{2}\1[0-9]{4}", is_ssn,
        r"\bssn|social.?sec|\btin\b|tax.?(?:payer)?.?id|itin", 0.45),
    _Number("SSN", r"[0-9]{9}()", is_ssn, r"\bssn\b|_ssn|ssn_|social.?security.?(?:n|#)", 0.0),
    _Number("SSN", r"9[0-9]{2}([- ])[0-9]{2}\1[0-9]{4}", _itin, r"itin|tax.?(?:payer)?.?id|\btin\b", 0.0),
    _Number("NATIONAL_ID", r"[0-9]{3}\.[0-9]{3}\.[0-9]{3}()-[0-9]{2}", is_cpf, r"cpf|cadastro|contribuinte", 0.85),
    _Number("NATIONAL_ID",
        r"[A-Za-z]{6}[0-9]{2}[A-Ea-eHhLlMmPpR-Tr-t][0-9]{2}[A-Za-z][0-9]{3}[A-Za-z]()", is_codice_fiscale,
            r"fiscale|codice|\bcf\b", 0.85),
    _Number("NATIONAL_ID",
        r"(?:[0-9]{8}|[XYZxyz][0-9]{7})()-?[A-HJ-NP-TV-Za-hj-np-tv-z]", is_dni,
            r"\bdni\b|\bnie\b|\bnif\b|identidad", 0.0),
    _Number("NATIONAL_ID", r"[12][ ]?[0-9]{2}[ ]?[0-9]{2}[ ]?[0-9]{2}[ ]?[0-9]{3}[ ]?[0-9]{3}()[ ]?[0-9]{2}", is_insee,
            r"curit.{1,2}.?sociale|insee|\bnir\b|num.{1,2}ro.?ss", 0.0),
    _Number("NATIONAL_ID", r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]()[ ]?[0-9]{2}[ ]?[0-9]{2}[ ]?[0-9]{2}[ ]?[A-D]",
            lambda code: code != "QQ123456C" and code[:2] not in ("BG", "GB", "NK", "KN", "TN", "NT", "ZZ"),
            r"national.?insurance|\bnino\b|\bni.?(?:number|no)", 0.0),
    _Number("NATIONAL_ID", r"[0-9]{3}([- ])[0-9]{3}\1[0-9]{3}", lambda d: passes_luhn(d) and d != "046454286",
            r"social.?insurance|\bsin\b.{0,10}(?:number|no|#|:)", 0.0),
)  # fmt: skip
_EXPRESSIONS = tuple(
    (
        re.compile(rf"(?<![A-Za-z0-9_.+-])(?:{n.pattern})(?![A-Za-z0-9_]|[-.][0-9A-Za-z])", re.ASCII),
        re.compile(n.words, re.IGNORECASE | re.ASCII),
        n,
    )
    for n in _NUMBERS
)


def _find(text: str, _path: str) -> Iterator[Match]:
    for expression, words, number in _EXPRESSIONS:
        for found in expression.finditer(text):
            if not number.is_valid(re.sub(r"[-. ]", "", found.group())):
                continue
            around = text[max(0, found.start() - _REACH) : found.end() + _REACH // 2]
            confidence = 0.95 if words.search(around) else number.alone
            if confidence:
                yield Match(*found.span(), number.cls, confidence, *found.span())


_NECESSARY = any_of(
    r"[0-9]{3}[- ][0-9]{2,3}[- ][0-9]{3,4}",
    r"[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}",
    r"[A-Za-z][0-9]{2}[A-Za-z][0-9]{2}[A-Za-z][0-9]{3}[A-Za-z]",
    r"(?i:ssn|social.?security).{0,60}[0-9]{9}",
    r"[0-9]{9}.{0,30}(?i:ssn|social.?security)",
    r"(?i:dni|nie|nif|identidad).{0,70}[0-9]{7}",
    r"[0-9]{7}-?[A-Za-z].{0,30}(?i:dni|nie|nif|identidad)",
    r"(?i:curit.?.?sociale|insee|nir|num.?.?ro.?ss).{0,60}[12][ ]?[0-9]{2}",
    r"[0-9]{3}[ ]?[0-9]{2}.{0,30}(?i:curit.?.?sociale|insee|nir|num.?.?ro.?ss)",
    r"(?i:national.?insurance|nino|ni.?number|ni.?no).{0,60}[A-Z]{2}[ ]?[0-9]{2}",
    r"[0-9]{2}[ ]?[A-D].{0,30}(?i:national.?insurance|nino|ni.?number|ni.?no)",
)

NATIONAL_ID = LineDetector("national-id", RULES_VERSION, _NECESSARY, _find)
