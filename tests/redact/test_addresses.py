from __future__ import annotations

import pytest

from pipeline.stages.redact.addresses import EMAIL, IPV4, IPV6
from pipeline.stages.redact.detector import LineDetector


def found(detector: LineDetector, text: str) -> list[str]:
    return [text[m.start : m.end] for m in detector.find(text, "a.py")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Jane <jane.doe+x@corp-mail.co.uk>, bob@a.io", ["jane.doe+x@corp-mail.co.uk", "bob@a.io"]),
        ("email=j@corp.com", ["j@corp.com"]),
        ("mailto:j@corp.com.", ["j@corp.com"]),
        (r'"a\nbob@corp.com"', ["bob@corp.com"]),
        (r'"a\\nbob@corp.com"', ["nbob@corp.com"]),
        ("J@CORP.COM", ["J@CORP.COM"]),
        ("git@github.com:org/repo", []),
        ("x@example.com y@sub.example.org z@a.example k@b.test", []),
        ("noreply@corp.com no-reply@corp.com 1+bob@users.noreply.github.com", []),
        ("postgres://u:pass@corp.com/x ssh://bob@corp.com", []),
        ("(q@k.mT) x@y.shape a@b.reshape(2) W@x.T", []),
        ("icon@2x.png lodash@4.17.21 getty@tty1.service", []),
        ("@decorator.name\n@a.b", []),
        ("root@localhost me@printer.local", []),
        ("é" + "bob@corp.com", ["bob@corp.com"]),
    ],
)
def test_email(text: str, expected: list[str]) -> None:
    assert found(EMAIL, text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("93.184.216.34,93.184.216.35", ["93.184.216.34", "93.184.216.35"]),
        ("93.184.216.34-93.184.216.40", ["93.184.216.34", "93.184.216.40"]),
        ("http://93.184.216.34:80/ (93.184.216.34).", ["93.184.216.34", "93.184.216.34"]),
        ("host = '5.6.7.8'", ["5.6.7.8"]),
        ("x = '5.6.7.8'", []),
        ("1.2.3.14 The title", []),
        (" * (7.19.6.1) fprintf", []),
        ("# 12.4.13.1. heading", []),
        ("see section 4.12.3.1, RFC 3261 16.12.11.2", []),
        ("pkg 12.34.5.61.tar.gz x 12.34.5.61-rc1", []),
        ("server 23.4.15.16", ["23.4.15.16"]),
        ("93.184.216.34 Example", ["93.184.216.34"]),
        ("23.14.15.16 example.org", ["23.14.15.16"]),
        ("10.1.2.3 127.0.0.1 192.168.1.1 172.16.0.9 169.254.1.1 100.64.0.1 0.0.0.0 255.255.255.255", []),
        ("192.0.2.7 198.51.100.7 203.0.113.7 224.0.0.251 240.1.1.1 198.18.0.1", []),
        ("8.8.8.8 1.1.1.1", []),
        ('version = "93.184.216.34"', []),
        ("v93.184.216.34 lib-93.184.216.34 Chrome/93.0.4472.124 pkg==93.184.216.34 Section 93.1.22.3", []),
        ("1.3.6.1 2.5.29.15 93.184.216.34.5 1.93.184.216.34 93.184.216.256 93.184.216.034", []),
    ],
)
def test_ipv4(text: str, expected: list[str]) -> None:
    assert found(IPV4, text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[2a00:1450:4001:82a::200e]:443", ["2a00:1450:4001:82a::200e"]),
        ("2606:2800:220:1:248:1893:25c8:1946", ["2606:2800:220:1:248:1893:25c8:1946"]),
        ("at 2a00:1450::8: refused", ["2a00:1450::8"]),
        ("net 2a00:1450::/32", ["2a00:1450::"]),
        ("2001:db8::1 2001::1 2002:c000:204::1 3fff::1 fe80::1 fd00::1 ::1 2001:4860:4860::8888", []),
        ("12:30:45 2021:10:11 std::abc aa:bb:cc:dd:ee:ff 2a00:1450", []),
        ("2a00:14:50:4f:aa:bb:cc:dd:ee:ff:00:11", []),
    ],
)
def test_ipv6(text: str, expected: list[str]) -> None:
    assert found(IPV6, text) == expected
