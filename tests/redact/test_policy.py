from __future__ import annotations

import pytest

from pipeline.stages.redact import RedactConfig, Scanner, Span
from pipeline.stages.redact.config import Override
from pipeline.stages.redact.findings import PERSONAL
from pipeline.stages.redact.policy import digest, levels, risk, rules_for

WEAK = b'db_password = "' + b"marigold" + b'"\n'  # a plain word in code
SURE = b'db_password = "' + b"q7" + b'Zx!91kdw"\n'
MAIL = b"# ask jane@corp.org\n"


def classes(config: RedactConfig, data: bytes, path: bytes = b"src/a.py") -> list[str]:
    return [span.cls for span in Scanner(config).scan(data, path)]


def test_the_dial() -> None:
    data = WEAK + SURE + MAIL
    assert classes(RedactConfig(sensitivity="secrets-only"), data) == ["PASSWORD"]
    assert classes(RedactConfig(), data) == ["PASSWORD", "EMAIL"]
    assert classes(RedactConfig(sensitivity="strict"), data) == ["PASSWORD", "PASSWORD", "EMAIL"]


def test_what_secrets_only_leaves_is_all_personal_data() -> None:
    assert set(levels()["secrets-only"]["without"]) == PERSONAL


@pytest.mark.parametrize(
    ("override", "path", "expected"),
    [
        (Override(paths=("tests/*",), action="keep"), b"tests/x/a.py", []),
        (Override(paths=("tests/*",), action="keep"), b"src/a.py", ["PASSWORD", "EMAIL"]),
        (Override(languages=("Python",), sensitivity="strict"), b"a.py", ["PASSWORD", "PASSWORD", "EMAIL"]),
        (Override(languages=("Go",), sensitivity="strict"), b"a.py", ["PASSWORD", "EMAIL"]),
        (Override(classes=("EMAIL",), action="keep"), b"a.py", ["PASSWORD"]),
        (Override(classes=("PASSWORD",), least=0.95), b"a.py", ["EMAIL"]),
    ],
)
def test_overrides(override: Override, path: bytes, expected: list[str]) -> None:
    assert classes(RedactConfig(overrides=(override,)), WEAK + SURE + MAIL, path) == expected


def test_a_later_override_goes_over_an_earlier_one() -> None:
    config = RedactConfig(
        sensitivity="secrets-only",
        overrides=(Override(classes=("EMAIL",), action="replace"), Override(paths=("*.md",), action="keep")),
    )
    assert classes(config, MAIL, b"a.py") == ["EMAIL"]
    assert classes(config, MAIL, b"a.md") == []


def test_only_files_under_an_override_have_rules_of_their_own() -> None:
    config = RedactConfig(overrides=(Override(paths=("tests/*",), action="keep"),))
    assert rules_for(config, b"src/a.py").id == ""
    assert rules_for(config, b"tests/a.py").id == rules_for(config, b"tests/b.py").id != ""


def test_the_digest_names_what_decides() -> None:
    told = digest(RedactConfig())
    assert told == digest(RedactConfig(engine="re2"))
    assert told != digest(RedactConfig(sensitivity="strict"))
    assert told != digest(RedactConfig(overrides=(Override(action="keep"),)))


def test_risk_grows_with_what_is_found() -> None:
    def span(cls: str, confidence: float) -> Span:
        return Span(0, 1, cls, "d", "1", confidence, "code", "S", 1)

    mail, key = span("EMAIL", 0.95), span("PRIVATE_KEY", 0.99)
    assert risk([]) == 0
    assert 0 < risk([mail]) < risk([mail, mail]) < risk([key]) <= risk([key, mail]) <= 1


@pytest.mark.parametrize(
    ("override", "path", "gone"),
    [
        (Override(action="drop"), b"a.py", True),
        (Override(action="drop", paths=("keys/*",)), b"keys/a.py", True),
        (Override(action="drop", paths=("keys/*",)), b"src/a.py", False),
        (Override(action="drop", languages=("Go",)), b"a.py", False),
        (Override(action="drop", classes=("PRIVATE_KEY",)), b"a.py", False),
        (Override(action="drop", classes=("PASSWORD",)), b"a.py", True),
        (Override(action="drop", classes=("PASSWORD",), risk=0.9), b"a.py", False),
    ],
)
def test_what_drops_a_file(override: Override, path: bytes, gone: bool) -> None:
    config = RedactConfig(overrides=(override,))
    found = Scanner(config).scan(SURE + MAIL, path)
    reason = rules_for(config, path).drops(found)
    assert (reason is not None) is gone
    assert [span.cls for span in found] == ["PASSWORD", "EMAIL"]  # elsewhere they give way as ever
    assert reason is None or "PASSWORD (risk 0." in reason.replace("EMAIL, ", "")


def test_a_file_without_findings_is_not_dropped() -> None:
    config = RedactConfig(overrides=(Override(action="drop"),))
    assert rules_for(config, b"a.py").drops([]) is None
