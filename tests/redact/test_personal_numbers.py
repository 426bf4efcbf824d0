from __future__ import annotations

import pytest

from pipeline.stages.redact.detector import LineDetector
from pipeline.stages.redact.national_ids import NATIONAL_ID, is_codice_fiscale, is_cpf, is_dni, is_insee, is_ssn
from pipeline.stages.redact.payment import CARD, IBAN, is_iban, passes_luhn
from pipeline.stages.redact.phones import PHONE, PHONE_BELOW
from tests.redact.planted import iban, luhn


def found(detector: LineDetector, text: str) -> list[str]:
    return [text[m.start : m.end] for m in detector.find(text, "a.txt") if m.confidence >= 0.5]


def test_check_digits() -> None:
    assert passes_luhn("79927398713")  # Wikipedia's example
    assert not passes_luhn("79927398710")
    assert is_iban("GB82WEST12345698765432")  # the registry's example
    assert not is_iban("GB82WEST12345698765433")
    assert is_cpf("52998224725")
    assert not is_cpf("52998224726")
    assert is_codice_fiscale("RSSMRA85T10A562S")
    assert not is_codice_fiscale("RSSMRA85T10A562T")
    assert is_dni("00000000T")
    assert not is_dni("00000000A")
    assert is_insee("255081416802538")
    assert is_ssn("460899847")
    assert not is_ssn("078051120")
    assert not is_ssn("666121234")


CARD_NUMBER, GROUPED = luhn("455673758689985"), "4556 7375 8689 9855"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"my card {CARD_NUMBER}", [CARD_NUMBER]),
        (f"x = {CARD_NUMBER}", []),  # one number in ten passes Luhn's check
        (f"no {GROUPED}", [GROUPED]),
        (f"card {CARD_NUMBER[:-1]}0", []),
        ("card " + "4242" * 4, []),
        ("card 4111 1111 1111 1111", []),
        (f"card 1{CARD_NUMBER}000", []),
    ],
)
def test_cards(text: str, expected: list[str]) -> None:
    assert found(CARD, text) == expected


def test_accounts() -> None:
    account = iban("DE", "370400440532013009")
    grouped = " ".join(account[at : at + 4] for at in range(0, len(account), 4))
    assert found(IBAN, f"to {account}.") == [account]
    assert found(IBAN, f"to {grouped} please") == [grouped]
    assert found(IBAN, f"to {account.lower()}") == [account.lower()]
    assert found(IBAN, f"to {account[:-1]}0 {account}0 DE89370400440532013000") == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("call +49 30 901820 now", ["+49 30 901820"]),
        ("Phone: 0341 8387176", ["0341 8387176"]),
        ("(212) 664-7665", ["(212) 664-7665"]),
        ("fax 930.167.3943", ["930.167.3943"]),
        ("416 60 039 office", ["416 60 039"]),
        ("+1 212 555 0123", []),  # for fiction
        ("+999 12 345 678", []),
        ("phone = 123-456-7890", []),
        ("2020-10-11 1.2.3.4 10 20 30 40 50 (1, 2, 3)", []),
        ("range 100-200-3000", []),
    ],
)
def test_phones(text: str, expected: list[str]) -> None:
    assert found(PHONE, text) == expected


def test_a_phone_below_its_label() -> None:
    data = b"Phone:\n467 3395\n\nCount:\n467 3395\n"
    assert [data[m.start : m.end] for m in PHONE_BELOW.find(data, 0, 6)] == [b"467 3395"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SSN: 460-89-9847", ["460-89-9847"]),
        ("460-89-9847", []),
        ("social security number is 460-89-9847", ["460-89-9847"]),
        ("ssn 078-05-1120 ssn 000-12-3456", []),
        ("cpf 529.982.247-25", ["529.982.247-25"]),
    ],
)
def test_identity_numbers(text: str, expected: list[str]) -> None:
    assert found(NATIONAL_ID, text) == expected
