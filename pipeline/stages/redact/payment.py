"""Payment cards (ISO/IEC 7812) and bank accounts (IBAN, ISO 13616).

One number in ten passes Luhn's check, so bare digits count only beside a word that speaks of cards, or in the
groups in which cards are printed. The numbers that processors publish for testing stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .detector import RULES_VERSION, LineDetector, Match, Necessary

_DIGITS = re.compile(
    r"(?<![A-Za-z0-9_.+$#/-])(?<![0-9] )[0-9](?:[ -]?[0-9]){11,18}(?![A-Za-z0-9_]|[-.][0-9]| [0-9])", re.ASCII
)
_GROUPS = re.compile(r"[0-9]{4}([ -])[0-9]{4}\1[0-9]{4}\1[0-9]{4}|3[0-9]{3}([ -])[0-9]{6}\2[0-9]{5}", re.ASCII)
_WORDS = re.compile(
    r"card|\b(?:cc|pan|visa|amex|jcb|cvv|cvc)\b|maestro|discover|diners|unionpay|credit|debit|carte|tarjeta|cart.{1,2}o|"
    r"billing|payment|charge",
    re.IGNORECASE | re.ASCII,
)
_REACH = 60
_NECESSARY = (
    Necessary(r"(?:^|[^A-Za-z0-9_+.$#/-])[0-9]{12}"),
    Necessary(r"[0-9]{4}[ -][0-9]{4}[ -][0-9]{4}[ -][0-9]{4}|3[0-9]{3}[ -][0-9]{6}[ -][0-9]{5}"),
)
# Issuer ranges with the lengths in use: Visa, Mastercard, Amex, Discover, Diners, JCB, UnionPay, Maestro, Mir.
_ISSUERS = (
    (re.compile(r"4", re.ASCII), frozenset({13, 16, 19})),
    (re.compile(r"5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720", re.ASCII), frozenset({16})),
    (re.compile(r"3[47]", re.ASCII), frozenset({15})),
    (re.compile(r"6011|64[4-9]|65", re.ASCII), frozenset({16, 17, 18, 19})),
    (re.compile(r"30[0-5]|309|36|3[89]", re.ASCII), frozenset({14, 15, 16, 17, 18, 19})),
    (re.compile(r"35(?:2[89]|[3-8])", re.ASCII), frozenset({16, 17, 18, 19})),
    (re.compile(r"2131|1800", re.ASCII), frozenset({15})),
    (re.compile(r"62|81", re.ASCII), frozenset({16, 17, 18, 19})),
    (re.compile(r"50|5[6-9]|6[0-9]|060", re.ASCII), frozenset(range(12, 20))),
    (re.compile(r"220[0-4]", re.ASCII), frozenset(range(16, 20))),
)
# Published by Stripe, Braintree, PayPal, Adyen, Worldpay for their test systems.
_TEST_CARDS = frozenset(
    str.split(
        "4242424242424242 4000056655665556 5555555555554444 2223003122003222 5200828282828210 5105105105105100 "
        "378282246310005 371449635398431 6011111111111117 6011000990139424 6011981111111113 3056930009020004 "
        "36227206271667 6555900000604105 3566002020360505 6200000000000005 6200000000000047 6205500000000000004 "
        "4111111111111111 4012888888881881 4222222222222 4012000033330026 4500600000000061 4005519200000004 "
        "4009348888881881 4012000077777777 4217651111111119 2223000048400011 378734493671000 6011000000000004 "
        "30569309025904 38520000023237 5019717010103742 6331101999990016 4917610000000000 4444333322221111 "
        "5454545454545454 4462030000000000 4917610000000000003 5500000000000004 340000000000009 30000000000004 "
        "6011000000000012 4007000000027 4000000000000002 4000000000000010 5424000000000015 370000000000002 "
        "4000002500003155 4000000000003220 4000000000009995 4035501000000008 3530111333300000 6304000000000000 "
        "6759649826438453 4988438843884305 4166676667666746 5100290029002909 5577000055770004 2222400070000005 "
        "4646464646464644 5136333333333335 370000000000002 6011601160116611 4000000000000000 1234567812345670 "
        "4532015112830366 4539578763621486 4716059763040906 4532261615476013"
    )
)


def passes_luhn(digits: str) -> bool:
    """The check digit of ISO/IEC 7812-1, annex B."""
    odd, even = digits[-1::-2], digits[-2::-2]
    return (sum(map(int, odd)) + sum(sum(divmod(2 * int(d), 10)) for d in even)) % 10 == 0


def is_test_card(digits: str) -> bool:
    """Whether a number is published for testing, or made up of one or two digits or of their order."""
    return digits in _TEST_CARDS or len(set(digits)) < 4 or "123456789" in digits or digits[4:].strip("0") == ""


def _cards(text: str, _path: str) -> Iterator[Match]:
    for found in _DIGITS.finditer(text):
        value = found.group()
        digits = value.replace(" ", "").replace("-", "")
        if not passes_luhn(digits) or is_test_card(digits):
            continue
        if not any(len(digits) in lengths and start.match(digits) for start, lengths in _ISSUERS):
            continue
        printed = _GROUPS.fullmatch(value) is not None
        if len(digits) != len(value) and not printed:
            continue
        around = text[max(0, found.start() - _REACH) : found.start()]
        after = text[found.end() : found.end() + _REACH // 2]
        named = _WORDS.search(around) or _WORDS.search(after)
        if not named and not printed:
            continue
        confidence = 0.9 if named else 0.6
        yield Match(*found.span(), "CARD", confidence, *found.span())


_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}[0-9]{2}(?: ?[A-Za-z0-9]){11,30}(?![A-Za-z0-9])", re.ASCII)
# ISO 13616, the registry of SWIFT: country and length.
_IBAN_LENGTHS = {
    text[:2]: int(text[2:])
    for text in str.split(
        "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 "
        "EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 "
        "KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 "
        "PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 "
        "UA29 VA22 VG24 XK20 YE30"
    )
}
_IBAN_NECESSARY = Necessary(
    rf"\b(?:{'|'.join(sorted(_IBAN_LENGTHS))})[0-9]{{2}} ?[A-Z0-9]{{4}} ?[A-Z0-9]{{4}} ?[A-Z0-9]{{3}}", re.IGNORECASE
)
# The accounts that textbooks, the registry itself and libraries print.
_SAMPLE_IBANS = frozenset(
    str.split(
        "GB82WEST12345698765432 GB29NWBK60161331926819 DE89370400440532013000 FR1420041010050500013M02606 "
        "ES9121000418450200051332 IT60X0542811101000000123456 NL91ABNA0417164300 BE68539007547034 "
        "CH9300762011623852957 AT611904300234573201 GR1601101250000000012300695 GB33BUKB20201555555555 "
        "DE75512108001245126199 SE4550000000058398257466 PL61109010140000071219812874 IE29AIBK93115212345678"
    )
)


def is_iban(value: str) -> bool:
    """Whether country, length and check digits (ISO 7064, MOD 97-10) are those of an account."""
    if _IBAN_LENGTHS.get(value[:2]) != len(value):
        return False
    return int("".join(str(int(c, 36)) for c in value[4:] + value[:4])) % 97 == 1


def _ibans(text: str, _path: str) -> Iterator[Match]:
    for found in _IBAN.finditer(text):
        # Printed in groups, an account runs into the words behind it: the country says where it ends.
        length, end = _IBAN_LENGTHS.get(found.group()[:2].upper(), 0), found.start()
        for end in range(found.start(), found.end()):
            length -= text[end] != " "
            if length == 0:
                break
        if length or text[end + 1 : end + 2].isalnum():
            continue
        value = text[found.start() : end + 1].replace(" ", "")
        if (value.isupper() or value.islower()) and is_iban(value.upper()) and value.upper() not in _SAMPLE_IBANS:
            yield Match(found.start(), end + 1, "IBAN", 0.95, *found.span())


CARD = LineDetector("payment-card", RULES_VERSION, _NECESSARY, _cards)
IBAN = LineDetector("iban", RULES_VERSION, (_IBAN_NECESSARY,), _ibans)
