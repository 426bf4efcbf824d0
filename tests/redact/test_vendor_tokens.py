from __future__ import annotations

import base64
import random
import zlib

import pytest

from pipeline.stages.redact import Scanner, redact
from pipeline.stages.redact.detector import LineDetector
from pipeline.stages.redact.vendor_tokens import (
    detectors,
    has_bech32_checksum,
    has_crc32_of_github,
    has_crc32_of_gitlab,
)
from tests.redact.planted import ALNUM
from tests.redact.sampling import sample

BASE62 = "0123456789" + "ABCDEFGHIJKLMNOPQRSTUVWXYZ" + "abcdefghijklmnopqrstuvwxyz"


def github_token(body: str) -> str:
    check, digits = zlib.crc32(body.encode()), ""
    for _ in range(6):
        check, digit = divmod(check, 62)
        digits = BASE62[digit] + digits
    return "gh" + "p_" + body + digits


def test_checksums() -> None:
    good = github_token("aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0")
    assert has_crc32_of_github(good)
    assert not has_crc32_of_github(good[:-1] + ("a" if good[-1] != "a" else "b"))
    head = "gl" + "pat-" + base64.b64encode(b"o:1234567890-abcdefghi").decode().rstrip("=") + ".01"
    check, digits = zlib.crc32(head.encode()), ""
    for _ in range(7):
        check, digit = divmod(check, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    assert has_crc32_of_gitlab(head + digits)
    assert not has_crc32_of_gitlab(head + digits[::-1] + "0")
    # BIP 173 lists these strings.
    assert has_bech32_checksum("A12UEL5L")
    assert has_bech32_checksum("split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w")
    assert not has_bech32_checksum("A12UEL5M")


def test_a_right_checksum_is_surer(scanner: Scanner) -> None:
    good = github_token("aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0")
    (sure,) = scanner.scan(f"t = {good}".encode(), b"a")
    (less,) = scanner.scan(f"t = {good[:-1]}{'a' if good[-1] != 'a' else 'b'}".encode(), b"a")
    assert sure.confidence > less.confidence >= 0.5


@pytest.mark.parametrize("detector", detectors(), ids=lambda detector: detector.name)
def test_every_format_is_found_whole(detector: LineDetector) -> None:
    (necessary,) = detector.necessary
    rng = random.Random(5)
    for _ in range(4):
        text = sample(necessary.pattern, rng)
        for around in (f'k = "{text}"', f"k: {text}", f"x={text} "):
            told = [around[m.start : m.end] for m in detector.find(around, "a.yaml")]
            assert told
            assert all(part in text for part in told)


@pytest.mark.parametrize(
    "token",
    [
        "gh" + "s_" + ALNUM[5:41],
        "github" + "_pat_" + ALNUM[:22] + "_" + ALNUM[:59],
        "glpat" + "-" + ALNUM[3:23],
        "A" + "KIA" + "QWERTYUIOPAS2345",
        "AI" + "za" + "Sy" + ALNUM[4:37],
        "xox" + "b-" + "2345678901-2345678902-" + ALNUM[10:34],
        "sk_" + "live_" + ALNUM[20:44],
        "sk-" + "ant-api03-" + (ALNUM * 2)[:93] + "AA",
        "hf" + "_" + ALNUM[:34].swapcase(),
        "dop" + "_v1_" + "0123456789abcdef" * 4,
        "hv" + "s." + ALNUM[8:40],
        "npm" + "_" + ALNUM[7:43],
        "SG" + "." + ALNUM[:22] + "." + ALNUM[:43],
    ],
)
def test_tokens_go_as_a_whole_anywhere(scanner: Scanner, token: str) -> None:
    for text in (f"{token}\n", f"x('{token}')", f"https://h/?t={token}&b=1", f"<a>{token}</a>", f'\\"{token}\\"'):
        data = text.encode()
        out = redact(data, scanner.scan(data, b"a.js"))
        assert token.encode() not in out
        assert token[-8:].encode() not in out


@pytest.mark.parametrize(
    "text",
    [
        "AK" + "IA" + "X" * 16,
        "gh" + "p_" + "0" * 36,
        "sk-" + "your-api-key-here-0123456789abcdef0123456789abcdef",
        "TODAYINASIAASACKOFRICEFELLOVER",
        "pk_" + "live_" + ALNUM[:24],
        "xoxo-indieweb-1.jpg",
        "integrity sha512-" + "Ab3/" * 21 + "==",
        "https://host/path/ghp_readme",
    ],
)
def test_what_is_no_token_stays(scanner: Scanner, text: str) -> None:
    assert scanner.scan(text.encode(), b"a.md") == []


def test_a_random_seed_of_tokens_never_survives(scanner: Scanner) -> None:
    rng = random.Random(3)
    for _ in range(20):
        token = github_token("".join(rng.choice(ALNUM) for _ in range(30)))
        data = f"{token} {token}\n".encode()
        assert token.encode() not in redact(data, scanner.scan(data, b"a"))
