"""How much a value looks like a secret by itself: random, shaped like a key, mixed, a word, a number, or none of these.

No verdict rests on this alone: a value counts only beside a name (`names`), in the form of an assignment
(`assignments`).
"""

from __future__ import annotations

import itertools
import math
import re
import unicodedata
from collections import Counter
from functools import lru_cache
from typing import Literal

from .placeholders import is_placeholder

Look = Literal["random", "shaped", "mixed", "word", "number", "uuid"]

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)
_CODE = re.compile(
    r"[\w.$>:-]{1,200}[\[(]"  # a call or an index
    r"|[A-Za-z_$][\w$]{0,14}(?:\.[A-Za-z_$][\w$]{0,22})+\(?\)?;?$"  # an attribute
    r"|\w+(?:->|::)\w|&\w|@[\w/]+$|\*\w+$|\$\w|\\\w|"
    r"(?:self|this|new|await|function|lambda|return|request|response|process|config|settings|options|args|params|os|"
    r"sys|env|ctx|context)(?:[.\s\[(]|$)",
    re.ASCII,
)
_PATH = re.compile(
    r"(?:\.{0,2}/|~/|[A-Za-z]:[\\/]|file:|\\\\)[\w./\\ @:$%+~-]*$|[a-z][a-z0-9+.-]{1,20}://[^@\s]*$|"
    r"(?:[\w.-]+/){2,}[\w.-]*$|[\w.-]{1,60}\.(?:pem|key|crt|cer|json|txt|ya?ml|xml|p12|pfx|jks|env|conf|cfg|ini|py|js|ts|html?|"
    r"php|java|go|md|csv|png|jpe?g|svg|sh|sql|log|local|com|org|net|io|dev|internal)(?::[0-9]+)?(?:/\S*)?$",
    re.ASCII,
)
_EXPRESSION = re.compile(r"\\[sSwWdDbB]|\(\w+\||\(\?[:=!<P]|\.[*+]|\[\^|\(\^|\|\(", re.ASCII)  # of the regular kind
_OTHER = re.compile(
    r"sha(?:1|224|256|384|512)?[-:]|md5[-:]|urn:|arn:|data:|projects/|ssh-(?:rsa|ed25519|dss) |ecdsa-sha2|"
    r"[0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{1,4}(?:[T ]|$)|v?[0-9]+(?:\.[0-9]+){1,3}(?:[-+.][\w.]+)?$|"
    r"[\^~><=]+\s*v?[0-9]|"
    # test vectors as OpenSSL writes them, tags of protobuf's fields, a parameter's name without its value
    r"hex(?:key|salt|secret|pass|info|iv|seed|data|label):|[a-z0-9]+,[0-9]+,(?:opt|rep|req)\b|[A-Za-z_-]+=$|"
    # options, lists of ciphers, public keys (DER of a SubjectPublicKeyInfo)
    r"--\w|[+!][A-Z0-9-]+(?:[:,+!]|$)|(?:MFkwEwYH|MHYwEAYH|MCowBQYDK2Vw|MIGfMA0G|MIIB[IC]jANBg|MIICIjANBg)|"
    r"#[0-9a-fA-F]{3,8}$|[a-z]+/[a-z.+-]+$|\^.*\$$|(?:https?|ftp):|[+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?[a-zA-Z]{0,2}$|[#.][a-z][\w-]*$|"
    r"[A-Z][a-z]+(?:[A-Z][a-z]+)+$|[a-z]+(?:[A-Z][a-z]+)+$|[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+$",
    re.ASCII,
)
_LETTERS, _DIGITS, _STRANGE = re.compile("[A-Za-z]"), re.compile("[0-9]"), re.compile(r"[^A-Za-z0-9\-_./: ]")
_SEPARATORS = re.compile(r"[-_./:\s]+", re.ASCII)
_FILLER = re.compile(r"(.)\1{7}")
_HEXADECIMAL = re.compile("[0-9a-f]+|[0-9A-F]+")
_VOWELS = frozenset("aeiouyäöüáéíóúàèAEIOUY")


def entropy_of(text: str) -> float:
    """Bits a character, by the text's own frequencies."""
    size = len(text)
    return -sum(n / size * math.log2(n / size) for n in Counter(text).values())


@lru_cache(maxsize=4096)
def look_of(value: str) -> Look | None:
    """What a value looks like; None for code, paths, placeholders, versions and the like. Linear."""
    if len(value) < 3 or is_placeholder(value):
        return None
    if _UUID.fullmatch(value):
        return "uuid"
    if value.isdigit():
        return "shaped" if is_shaped(value) else "number"
    if len(value) >= 32 and is_noise(value):
        return "random"
    if _PATH.match(value) or _OTHER.match(value) or _CODE.match(value) or _EXPRESSION.search(value):
        return None
    letters, digits = len(_LETTERS.findall(value)), len(_DIGITS.findall(value))
    special = len(value) - letters - digits
    foreign = not value.isascii()
    if foreign and sum(c.isalpha() or unicodedata.combining(c) > 0 for c in value) >= len(value) - digits - 1:
        return "word" if not digits else "mixed"
    if not letters and special < 3:
        return None
    parts = [part for part in _SEPARATORS.split(value) if part]
    named = all(part.isalpha() or part.isdigit() for part in parts)
    if is_random(value, parts, named):
        return "random"
    if is_shaped(value):
        return "shaped"
    strange = _STRANGE.search(value) is not None
    if (digits and letters and not (named and len(parts) > 1)) or strange:
        return "mixed"
    return "word"


def is_noise(value: str) -> bool:
    """Whether a long value of all kinds of characters changes kind too often for code or a sentence.

    In 94 printable characters drawn by chance, two neighbours are of different kinds in 2 of 3 places; in code, in
    1 of 3.
    """
    kinds = [0 if c.islower() else 1 if c.isupper() else 2 if c.isdigit() else 3 for c in value]
    changes = sum(a != b for a, b in itertools.pairwise(kinds))
    strange = {c for c, kind in zip(value, kinds, strict=True) if kind == 3 and c not in " -_./:+="}
    return len(set(kinds)) == 4 and len(strange) >= 3 and 2 * changes >= len(value) and entropy_of(value) >= 4.3


def is_shaped(value: str) -> bool:
    """Whether a value has the length and the alphabet of a key without the look of chance.

    Keys that are read aloud, of one case, or of a small alphabet have that, and passphrases written as one word:
    8 bytes or more in hexadecimal, 16 letters and digits that change places more than once, or 20 letters of one case.
    """
    letters, digits = len(_LETTERS.findall(value)), len(_DIGITS.findall(value))
    if len(value) < 16 or letters + digits != len(value) or _FILLER.search(value):
        return False
    if not letters:
        return len(value) > 20  # longer than what 64 bits hold: no count and no identifier
    if digits and len(value) % 2 == 0 and _HEXADECIMAL.fullmatch(value):
        return True
    if not digits:
        return len(value) >= 20 and (value.islower() or value.isupper())
    changes = sum(a.isdigit() != b.isdigit() for a, b in itertools.pairwise(value))
    return changes > 1


def is_random(value: str, parts: list[str], named: bool) -> bool:
    """Whether a value of 16 characters or more has the look of chance: no words, many characters."""
    if len(value) < 16:
        return False
    bits = entropy_of(value)
    if re.fullmatch(r"[0-9a-fA-F]+", value):
        return bits >= 2.8
    if named:
        longest = max(map(len, parts))
        return longest >= 16 and bits >= 3.3 and not any(_is_wordy(part) for part in parts if len(part) >= 8)
    has_digit, has_letter = any(map(str.isdigit, value)), any(map(str.isalpha, value))
    return bits >= 3.2 and has_digit and has_letter and max(map(len, parts)) >= 8


def _is_wordy(part: str) -> bool:
    """Whether letters read like words: vowels at the rate of speech, no long run of consonants."""
    vowels = sum(c in _VOWELS for c in part)
    run = longest = 0
    for c in part:
        run = 0 if c in _VOWELS else run + 1
        longest = max(longest, run)
    changes = sum(a.islower() and b.isupper() for a, b in itertools.pairwise(part))
    return 0.22 <= vowels / len(part) <= 0.65 and longest <= 5 and changes <= len(part) / 4
