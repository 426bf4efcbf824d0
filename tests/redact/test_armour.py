from __future__ import annotations

import ast
import json
import random

import pytest

from pipeline.stages.redact import Scanner, redact
from tests.redact.planted import key_body, pem

KINDS = ["RSA ", "DSA ", "EC ", "OPENSSH ", "ENCRYPTED ", "", "ANY NEW "]


def redacted(scanner: Scanner, text: str, path: bytes = b"a.py") -> str:
    data = text.encode()
    out = redact(data, scanner.scan(data, path))
    assert out.count(b"\n") == data.count(b"\n")
    assert scanner.scan(out, path) == []
    return out.decode()


def gone(text: str, body: list[str]) -> None:
    assert not [line for line in body if line in text]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_body_goes_and_the_armour_stays(scanner: Scanner, kind: str, end: str) -> None:
    block, body = pem(random.Random(1), kind)
    lines = block.split("\n")
    text = f"a\n{end.join(lines)}{end}b\n"
    out = redacted(scanner, text)
    expected = [lines[0], *["REDACTED"] * len(body), lines[-1]]
    assert out == f"a\n{end.join(expected)}{end}b\n"


def test_fields_and_indentation(scanner: Scanner) -> None:
    body = key_body(random.Random(2))
    name = "RSA PRIVATE " + "KEY"
    fields = ["Proc-Type: 4,ENCRYPTED", "DEK-Info: AES-128-CBC,0123456789ABCDEF0123456789ABCDEF", ""]
    lines = [f"-----BEGIN {name}-----", *fields, *body, f"-----END {name}-----"]
    out = redacted(scanner, "key: |\n" + "\n".join("  " + line for line in lines) + "\n", b"a.yml")
    gone(out, body)
    assert out.endswith(f"  REDACTED\n  -----END {name}-----\n")
    assert "0123456789ABCDEF" not in out


def test_pgp_ssh2_and_putty(scanner: Scanner) -> None:
    body = key_body(random.Random(3))
    pgp = "PGP PRIVATE " + "KEY BLOCK"
    text = "\n".join((f"-----BEGIN {pgp}-----", "Version: x", "", *body, "=ab1Z", f"-----END {pgp}-----"))
    out = redacted(scanner, text)
    gone(out, [*body, "=ab1Z"])
    ssh2 = "SSH2 ENCRYPTED PRIVATE " + "KEY"
    out = redacted(scanner, "\n".join((f"---- BEGIN {ssh2} ----", *body, f"---- END {ssh2} ----")))
    gone(out, body)
    for version in "23":
        head = f"PuTTY-User-Key-File-{version}: ssh-rsa\nEncryption: none\nPublic-Lines: 1\nAAAAB3public"
        out = redacted(scanner, "\n".join((head, f"Private-Lines: {len(body)}", *body, "Private-MAC: 00ff")))
        gone(out, body)
        assert out.startswith(head)
        assert out.endswith("Private-MAC: 00ff")


def test_in_strings_the_code_still_parses(scanner: Scanner) -> None:
    block, body = pem(random.Random(4))
    once = f"k = {block!r}\n"
    gone(redacted(scanner, once), body)
    assert ast.literal_eval(redacted(scanner, once)[4:]).startswith("-----BEGIN RSA ")
    joined = "k = (\n" + "\n".join(f'    "{line}\\n"' for line in block.split("\n")) + "\n)\n"
    gone(redacted(scanner, joined), body)
    ast.parse(redacted(scanner, joined))
    told = json.dumps({"private_key": block + "\n", "b": 1})
    gone(redacted(scanner, told, b"a.json"), body)
    assert json.loads(redacted(scanner, told, b"a.json"))["b"] == 1
    slashes = told.replace("/", "\\/")
    assert json.loads(redacted(scanner, slashes, b"a.json"))["b"] == 1


def test_without_an_end(scanner: Scanner) -> None:
    block, body = pem(random.Random(5))
    text = "\n".join(block.split("\n")[:-1]) + "\n\nprint('hello world')\n"
    out = redacted(scanner, text)
    gone(out, body)
    assert out.endswith("\n\nprint('hello world')\n")


@pytest.mark.parametrize(
    "text",
    [
        'if "-----BEGIN RSA PRIVATE ' + 'KEY-----" in text:\n    return load_pem(text)\n',
        'A = "-----BEGIN PRIVATE ' + 'KEY-----"\nB = "-----END PRIVATE ' + 'KEY-----"\n',
        "-----BEGIN PUBLIC KEY-----\n" + "MIIBIjANBgkqhkiG9w0BAQEFAAOC" * 2 + "\n-----END PUBLIC KEY-----\n",
        "-----BEGIN CERTIFICATE-----\n" + "MIIBIjANBgkqhkiG9w0BAQEFAAOC" * 2 + "\n-----END CERTIFICATE-----\n",
        "-----BEGIN RSA PRIVATE " + "KEY-----\n...\n-----END RSA PRIVATE " + "KEY-----\n",
    ],
)
def test_what_holds_no_private_key_stays(scanner: Scanner, text: str) -> None:
    assert scanner.scan(text.encode(), b"a.py") == []
