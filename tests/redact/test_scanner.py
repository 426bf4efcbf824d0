from __future__ import annotations

import pickle
import random
import socket
import subprocess
import sys
from typing import NoReturn

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.stages.redact import RedactConfig, Scanner, Span, redact
from pipeline.stages.redact.core import versions
from tests.redact.conftest import TRAPS, standard_library
from tests.redact.planted import ALNUM, Plant, plants

PATHS = (b"a.py", b"conf.yaml", b"x/app.ini", b"m.go", b"main.c", b"n.cpp", b"README", b"\xff.js")


def check(scanner: Scanner, data: bytes, path: bytes) -> bytes:
    """Every invariant of one text; returns the redacted bytes."""
    spans = scanner.scan(data, path)
    out = redact(data, spans)
    at = shift = 0
    for span in spans:
        assert at <= span.start < span.end
        assert out[at + shift : span.start + shift] == data[at : span.start]
        assert span.line == data.count(b"\n", 0, span.start) + 1
        shift += len(span.surrogate.encode()) - (span.end - span.start)
        at = span.end
    assert out[at + shift :] == data[at:]
    assert out.count(b"\n") == data.count(b"\n")
    assert scanner.scan(out, path) == []
    assert scanner.scan(data, path) == spans
    return out


@pytest.mark.parametrize("plant", plants(11), ids=lambda plant: plant.cls)
@pytest.mark.parametrize("path", PATHS[:3])
def test_every_class_is_found_and_gone(scanner: Scanner, plant: Plant, path: bytes) -> None:
    data = plant.line.encode()
    assert plant.cls in {span.cls for span in scanner.scan(data, path)}
    assert plant.value.encode() not in check(scanner, data, path)


def test_tokens_go_as_a_whole(scanner: Scanner) -> None:
    """detect-secrets' values would leave these tokens in place, or the ends of longer ones."""
    token = "gh" + "p_" + "aB3" * 12
    text = f"# ghp and {token} and {token}Zz9\n".encode()
    assert redact(text, scanner.scan(text, b"a.py")) == (
        b"# ghp and REDACTED_GITHUB_TOKEN_1 and REDACTED_GITHUB_TOKEN_2\n"
    )


def test_all_secrets_of_a_line_and_each_value_one_surrogate(scanner: Scanner) -> None:
    text = (
        b'{"password": "hunter22x", "b": {"db_password": "corr3ct-horse"}, "passwd": "hunter22x"} '
        b"a@b.org c@b.org a@b.org"
    )
    assert check(scanner, text, b"a.json") == (
        b'{"password": "REDACTED_PASSWORD_1", "b": {"db_password": "REDACTED_PASSWORD_2"}, '
        b'"passwd": "REDACTED_PASSWORD_1"} user1@example.com user2@example.com user1@example.com'
    )


@pytest.mark.parametrize(
    "line",
    [
        'password = "changeme"',
        'password = "${DB_PASSWORD}"',
        "password = os.environ['PASSWORD_1']",
        "password: {{ vault_password }}",
        'password = getpass.getpass("Password: ")',
        '"secret_key": "secret_key"',
        'private_key_path = "/etc/ssl/key1.pem"',
        'api_key = "123e4567-e89b-12d3-a456-426614174000"',
        'password = "Enter your p4ssword here"',
        "url = https://user:password@host/",
        "url = https://user:$PASS@host/ https://u:<pw1>@h/ https://u:%s@h",
        'sha256 = "' + "0123456789abcdef" * 4 + '"',
        'integrity = "sha512-' + "aB3/x9Zk" * 8 + '"',
        "AK" + "IA" + "IOSFODNN7EXAMPLE",
        "gh" + "p_" + "x" * 36,
        'x = "' + ALNUM[::2] + ALNUM[1::3] + '"',
    ],
)
def test_what_is_no_secret_stays(scanner: Scanner, line: str) -> None:
    assert scanner.scan(line.encode(), b"a.py") == []


def test_what_hides_behind_another_match_is_found_too(scanner: Scanner) -> None:
    """The expression for npm's tokens runs over the line and yields the last; AWS's yields the first."""
    tokens = [f"npm_{letter * 3}{ALNUM[:33]}" for letter in "abc"]
    text = " ".join(f"//r.example/:_auth{'Token'}={token}" for token in tokens).encode()
    out = check(scanner, text, b".npmrc")
    assert [token for token in tokens if token.encode() in out] == []


def test_overlaps_become_one_span_of_the_secret(scanner: Scanner) -> None:
    text = b'secret = "bob17@corp.org"'
    (span,) = scanner.scan(text, b"a.py")
    assert (span.cls, text[span.start : span.end]) == ("SECRET", b"bob17@corp.org")


@pytest.mark.parametrize("mark", ["Copyright 2020", "(c) 2020", "\u00a9 2020", "SPDX-FileCopyrightText: 2020"])
def test_notices_keep_names_and_their_addresses_on_demand(scanner: Scanner, mark: str) -> None:
    data = f"# {mark} Jane Doe <jane@corp.org>\n# by joe@corp.org\n".encode()
    spans = scanner.scan(data, b"a.py")
    assert [(s.cls, s.zone) for s in spans] == [("EMAIL", "notice"), ("EMAIL", "comment")]
    assert b"Jane Doe <user1@example.com>" in redact(data, spans)
    keeping = Scanner(RedactConfig(notice_emails="keep", engine="re2"))
    assert [(s.zone, s.surrogate) for s in keeping.scan(data, b"a.py")] == [("comment", "user1@example.com")]


def test_configuration() -> None:
    data = f'1 = "{ALNUM[::2] + ALNUM[1::3]}" 93.184.216.34\n'.encode()
    for config, expected in (
        (RedactConfig(engine="re2"), ["IPV4"]),
        (RedactConfig(engine="re2", entropy="all"), ["HIGH_ENTROPY", "IPV4"]),
        (RedactConfig(engine="re2", entropy="all", keep_classes=("IPV4",)), ["HIGH_ENTROPY"]),
        (RedactConfig(engine="re2", keep_classes=("IPV4",)), []),
    ):
        assert [span.cls for span in Scanner(config).scan(data, b"a.py")] == expected


fragments = st.one_of(
    st.sampled_from([p.line for seed in (21, 22) for p in plants(seed)]),
    st.sampled_from([p.value for p in plants(23)]),
    st.sampled_from(
        [*TRAPS, "Copyright (c)", "password=", 'secret: "', "'", '"', "`", "://u:", "@", "\\n", "==", ",", ""]
    ),
    st.text(max_size=8),
)
glue = st.sampled_from(["", " ", "\n", "\r\n", '"', " = ", ": ", "@", "/", ".", "\u00e9", "\\"])


@settings(max_examples=250, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(fragments, glue), max_size=9), st.sampled_from(PATHS), st.binary(max_size=3))
def test_redaction_is_idempotent_and_local(
    scanner: Scanner, re2_scanner: Scanner, parts: list[tuple[str, str]], path: bytes, junk: bytes
) -> None:
    data = "".join(a + b for a, b in parts).encode("utf-8", "surrogatepass") + junk
    check(scanner, data, path)
    assert re2_scanner.scan(data, path) == scanner.scan(data, path)


def test_engines_agree_on_real_sources(scanner: Scanner, re2_scanner: Scanner) -> None:
    lines = [plant.line for plant in plants(31)]
    found = 0
    for number, (path, data) in enumerate(standard_library(600_000)):
        planted = data + lines[number % len(lines)].encode() + b"\n"
        spans = scanner.scan(planted, path.encode())
        assert re2_scanner.scan(planted, path.encode()) == spans
        assert redact(planted, spans)
        found += len(spans)
    assert found > 30


def test_idempotent_on_real_sources(scanner: Scanner) -> None:
    lines = [plant.line for seed in range(40, 44) for plant in plants(seed)]
    random.Random(7).shuffle(lines)
    for number, (path, data) in enumerate(standard_library(1_500_000)):
        planted = data.replace(b"\n\n", b"\n" + lines[number % len(lines)].encode() + b"\n\n", 3)
        check(scanner, planted, path.encode())


def test_no_network_and_no_verification(monkeypatch: pytest.MonkeyPatch) -> None:
    from detect_secrets.plugins.base import BasePlugin
    from detect_secrets.settings import get_settings

    def refuse(*_args: object, **_kwargs: object) -> NoReturn:
        raise AssertionError("network")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    for plugin in BasePlugin.__subclasses__():
        monkeypatch.setattr(plugin, "verify", refuse)
    data = "\n".join(plant.line for plant in plants(51)).encode()
    assert len(Scanner(RedactConfig(engine="re2")).scan(data, b"a.py")) > 20
    assert not [name for name in get_settings().filters if "verification" in name]


def test_spans_hold_no_value(scanner: Scanner) -> None:
    made = plants(61)
    data = "\n".join(plant.line for plant in made).encode()
    spans = scanner.scan(data, b"a.py")
    told = repr(spans).encode() + pickle.dumps(spans)
    assert not [plant.cls for plant in made if plant.value.encode() in told]
    with pytest.raises(Exception, match="disjoint") as error:
        redact(data, spans[::-1])
    assert not [plant.cls for plant in made if plant.value in str(error.value)]


def unclosed(count: int) -> bytes:
    return (b"-----BEGIN RSA PRIVATE " + b"KEY-----\n") * count


HOSTILE = {
    "at signs": b"a@" * 500_000,
    "headers": unclosed(3000),
    "bare headers": b"BEGIN RSA PRIVATE KEY " * 3000,
    "headers of PuTTY": b"PuTTY-User-Key-File-2: \n" * 40_000,
    "words": b'{"password":"x1y2z3qq","token":"abc"},' * 8000,
    "words alone": b"password=token=secret;" * 15_000,
    "words in words": b"secretpassword" * 3000,
    "digits": b"1" * 200_000,
    "numbers": b"1." * 300_000,
    "half a token": b"eyJ" * 300_000 + b".eyJ",
    "schemes": b"://a:" * 100_000 + b"@",
    "spaces": b"apikey" + b" " * 100_000 + b"x apikey=" + b"aB3dE5gH7jK" * 4,
    "one long line": b'x = [1, 2, "abc", foo]; ' * 210_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_input_is_redacted_for_good(scanner: Scanner, name: str) -> None:
    """Quadratic work on any of these takes minutes, and then faulthandler ends the run."""
    data = HOSTILE[name]
    out = redact(data, scanner.scan(data, b"a.yaml"))
    assert out.count(b"\n") == data.count(b"\n")
    assert scanner.scan(out, b"a.yaml") == []


def test_secrets_in_a_long_line(scanner: Scanner) -> None:
    made = [p for p in plants(71) if "\n" not in p.line]
    filler = "x = [1, 2, 3];" * 300
    data = (filler + filler.join(f" {p.line} " for p in made) + filler).encode()
    out = redact(data, scanner.scan(data, b"a.js"))
    assert [p.cls for p in made if p.value.encode() in out] == []


def test_the_configuration_is_light_and_the_scanner_lazy() -> None:
    code = (
        "import sys, pipeline.stages.redact.config, pipeline.stages.redact as r; "
        "print([m for m in ('detect_secrets', 'hyperscan', 're2', 'requests') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_versions_say_what_decides() -> None:
    told = versions()
    assert set(told) == {"detect-secrets", "phonenumbers", "redact-detectors", "redact-levels", "redact-rules"}
    assert told["detect-secrets"] == "1.5.0"
    assert told == versions()


def test_empty_text(scanner: Scanner) -> None:
    nothing: list[Span] = []
    assert scanner.scan(b"", b"a.py") == scanner.scan(b"\n\n\x00", b"") == nothing
