"""Made-up secrets of every class, built from parts at run time so that none stands in this file."""

from __future__ import annotations

import base64
import random
import string
from typing import NamedTuple

ALNUM = string.ascii_letters + string.digits


class Plant(NamedTuple):
    """A line with a value of a class; the value is what must be gone."""

    cls: str
    line: str
    value: str


def _word(rng: random.Random, length: int, alphabet: str = ALNUM) -> str:
    return "".join(rng.choice(alphabet) for _ in range(length))


def jwt(rng: random.Random) -> str:
    def part(told: str) -> str:
        return base64.urlsafe_b64encode(told.encode()).decode().rstrip("=")

    body = part(f'{{"sub":"{_word(rng, 10)}"}}')
    return ".".join((part('{"alg":"HS256"}'), body, _word(rng, 43)))


def key_body(rng: random.Random, lines: int = 6, width: int = 64) -> list[str]:
    return [_word(rng, width, ALNUM + "+/") for _ in range(lines)] + [_word(rng, 10) + "=="]


def pem(rng: random.Random, kind: str = "RSA ") -> tuple[str, list[str]]:
    body = key_body(rng)
    name = f"{kind}PRIVATE " + "KEY"
    return "\n".join((f"-----BEGIN {name}-----", *body, f"-----END {name}-----")), body


def luhn(digits: str) -> str:
    """The digits with their check digit behind them."""
    total = sum(sum(divmod(int(d) * (2 - i % 2), 10)) for i, d in enumerate(reversed(digits)))
    return digits + str(-total % 10)


def iban(country: str, account: str) -> str:
    """An account with its check digits (ISO 7064, MOD 97-10)."""
    number = int("".join(str(int(c, 36)) for c in f"{account}{country}00"))
    return f"{country}{98 - number % 97:02d}{account}"


def plants(seed: int) -> list[Plant]:
    """One plant of every class that a line can hold, and one PEM block."""
    rng = random.Random(seed)
    hexa, upper = string.digits + "abcdef", string.ascii_uppercase + string.digits
    made = {
        "GITHUB_TOKEN": "gh" + "p_" + _word(rng, 36),
        "GITLAB_TOKEN": "gl" + "pat-" + _word(rng, 20),
        "AWS_KEY": "AK" + "IA" + _word(rng, 16, upper),
        "SLACK_TOKEN": "xox" + "b-" + _word(rng, 12, string.digits) + "-" + _word(rng, 24),
        "STRIPE_KEY": "sk_" + "live_" + _word(rng, 24),
        "SENDGRID_KEY": "SG" + "." + _word(rng, 22) + "." + _word(rng, 43),
        "OPENAI_KEY": "sk" + "-" + _word(rng, 20) + "T3Blb" + "kFJ" + _word(rng, 20),
        "PYPI_TOKEN": "pypi-" + "AgEIcHlwaS5vcmc" + _word(rng, 80),
        "DISCORD_TOKEN": "M" + _word(rng, 24) + "." + _word(rng, 6) + "." + _word(rng, 27),
        "TELEGRAM_TOKEN": _word(rng, 9, "123456789") + ":" + _word(rng, 35),
        "MAILCHIMP_KEY": _word(rng, 32, hexa) + "-us" + "12",
        "SQUARE_TOKEN": "sq0" + "csp-" + _word(rng, 43),
        "TWILIO_KEY": "A" + "C" + _word(rng, 32, hexa),
        "JWT": jwt(rng),
        "IPV4": f"93.{rng.randrange(10, 250)}.{rng.randrange(1, 250)}.{rng.randrange(1, 250)}",
        "IPV6": f"2a00:1450:{rng.randrange(16, 9999):x}::{rng.randrange(16, 9999):x}",
        "EMAIL": f"{_word(rng, 8).lower()}@{_word(rng, 7, string.ascii_lowercase)}.org",
    }
    lines = [Plant(cls, f'a = f("{value}")', value) for cls, value in made.items()]
    word = _word(rng, 14) + "7x"
    lines += [
        Plant("PASSWORD", f'db_password = "{word}"', word),
        Plant("SECRET", f'"client_secret": "{word[::-1]}",', word[::-1]),
        Plant("URL_PASSWORD", f"dsn: postgres://app:{word.swapcase()}@db.internal:5432/x", word.swapcase()),
    ]
    aws = _word(rng, 40)
    lines.append(Plant("AWS_KEY", f'aws_token("{aws}")', aws))
    azure = _word(rng, 86) + "=="
    lines.append(Plant("AZURE_KEY", "x;Account" + f"Key={azure};y", azure))
    npm = "npm" + "_" + _word(rng, 36)
    lines.append(Plant("NPM_TOKEN", "//packages.corp.net/:_auth" + f"Token={npm}", npm))
    soft = _word(rng, 64, hexa)
    lines.append(Plant("SOFTLAYER_KEY", f"softlayer_api_key: {soft}", soft))
    cloudant = _word(rng, 64, hexa)
    lines.append(Plant("CLOUDANT_KEY", f"cloudant_pw = {cloudant}", cloudant))
    ibm = _word(rng, 44)
    lines.append(Plant("IBM_CLOUD_KEY", f"ibm_cloud_key: {ibm}", ibm))
    cos = _word(rng, 48, hexa)
    lines.append(Plant("IBM_COS_KEY", f"cos_secret_access_key: {cos}", cos))
    artifactory = "AK" + "C" + _word(rng, 30)
    lines.append(Plant("ARTIFACTORY_TOKEN", f"h: {artifactory} ", artifactory))
    salt = _word(rng, 44, ALNUM)
    lines.append(Plant("SECRET", f'cookie_salt = "{salt}"', salt))
    card = luhn("45567" + _word(rng, 10, string.digits))
    lines.append(Plant("CARD", f"credit card: {card}", card))
    account = iban("GB", "NWBK" + _word(rng, 14, string.digits))
    lines.append(Plant("IBAN", f"account {account}", account))
    number = f"{rng.randrange(130, 600)}-{rng.randrange(11, 99)}-{rng.randrange(1111, 9999)}"
    lines.append(Plant("SSN", f"SSN: {number}", number))
    phone = f"+49 30 90{rng.randrange(1820, 9000)}"
    lines.append(Plant("PHONE", f"Phone: {phone}", phone))
    hashed = "$2" + "b$12$" + _word(rng, 53, ALNUM)
    lines.append(Plant("PASSWORD_HASH", f"root:{hashed}:0", hashed))
    word = _word(rng, 9) + "q8"
    lines.append(Plant("DSN_PASSWORD", f"Server=db;User Id=app;Pwd={word};Database=x", word))
    block, body = pem(rng, rng.choice(("RSA ", "EC ", "DSA ", "", "OPENSSH ", "ENCRYPTED ")))
    lines.append(Plant("PRIVATE_KEY", block, body[0]))
    return lines
