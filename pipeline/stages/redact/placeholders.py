"""Values that stand where a secret would stand, but are none: examples, templates, references."""

from __future__ import annotations

import re

from .surrogates import is_reserved

_STOCK = frozenset(
    str.split(
        "password passwd passphrase pwd pass secret token key apikey api_key user username root foo bar baz foobar "
        "none null nil true false undefined string str bool boolean int integer number float object array list dict "
        "map any bytes required optional default empty unknown changeme change_me change-me changeit todo tbd fixme "
        "test testing tests example sample dummy fake mock placeholder value text hidden secure redacted removed "
        "masked unset disabled enabled yes no on off n/a credentials auth basic bearer oauth oauth2 digest plain ldap "
        "env environment prompt stdin keyring vault inherit auto manual static dynamic sha1 sha256 sha512 md5 bcrypt "
        "privatekey publickey publickeytoken void char self this varchar text/plain application/json"
    )
)
# Words that say that a value is not meant: in the languages of the documentation that people copy from.
_TELLS = re.compile(
    r"example|sample|placeholder|change.?(?:me|this|it)|dummy|fake|redacted|omitted|masked|hidden|not.?a.?real|"
    r"notreal|for.?testing|"
    r"\byour|your[-_. ]?(?:own|api|app|aws|db|key|pass|secret|token|client|access|account|private|real|super|strong|"
    r"secure|github|user|smtp|mail|bot|auth|jwt|random)|[-_]your|"
    r"\bmy[-_. ]?(?:pass|secret|token|key|api)|<[\w .:-]+>|(?:insert|replace|enter|put|add|paste|fill|set)[-_. ]?"
    r"(?:me|your|with|here|in|this|a|the)|[-_. ]?here\b|goes.?here|"
    r"(?<![a-z0-9])(?:todo|tbd|fixme|foobar)(?![a-z0-9])|x{4,}|\*{3,}|\.{3}|_{4,}|-{4,}|#{3,}|\?{5,}|[•●…]|"
    r"(?:key|token|secret|password)[-_ ]?value|some[-_. ]?(?:pass|secret|token|key|random|value|api)|"
    r"(?:very|super|top|long|strong)[-_. ]?(?:secret|secure)|secret.?(?:key|token|value).?(?:here|for)|"
    r"generate|must.?be|at.?least|-----(?:BEGIN|END)",
    re.IGNORECASE | re.ASCII,
)
_TEMPLATE = re.compile(
    r"^(?:[{<\[%@]|\$[A-Za-z_({]|\$\$|env[:.(]|vault:|secretref|ssm:|arn:|op://|ref\+)|\$\{|\{\{|<%|%\(|%[sdv]\b|^%\w+%$|"
    r"\{[A-Za-z_0-9.]*\}|\$\(|[\"'] ?[+.]|^[\"'] ?\$|#\{|"
    r"\\\(|&lt;|!(?:Ref|Sub|vault|secret|env)|^__\w+__$|^:[a-z_]+$|^@\w+@$",
    re.IGNORECASE | re.ASCII,
)
_RUNS = ("abcdefghijklmnopqrstuvwxyz", "01234567890123456789", "qwertyuiop", "zyxwvutsrqponm", "9876543210")
_SAMPLE_UUIDS = ("123e4567-e89b-12d3-a456-", "00000000-0000-0000-0000-", "xxxxxxxx-xxxx-xxxx-xxxx-")


def is_placeholder(value: str) -> bool:
    """Whether a password-like value is a stock word, a template, an example or a surrogate. Linear."""
    folded = value.lower()
    return (
        len(value) < 3
        or folded.strip("\"'`") in _STOCK
        or is_reserved(value)
        or len(set(folded)) < 3
        or _TEMPLATE.search(value) is not None
        or _TELLS.search(value) is not None
        or folded.startswith(_SAMPLE_UUIDS)
        or is_alphabet_run(folded)
    )


def is_alphabet_run(folded: str) -> bool:
    """Whether a value is mostly the alphabet, the digits or a row of the keyboard in their order."""
    if not _RUN.search(folded):
        return False
    letters = _NOT_ALNUM.sub("", folded)
    for run in _RUNS:
        for size in (len(run), 10, 6):
            if size <= len(run) and run[:size] in letters and 3 * min(len(letters), 64) <= 4 * size + 6:
                return True
    return False


_RUN = re.compile("abcd|0123|1234|qwer|zyxw|9876")
_NOT_ALNUM = re.compile("[^a-z0-9]")
_MADE_UP = re.compile(
    r"EXAMPLE|REDACTED|PLACEHOLDER|DUMMY|YOUR[-_]?|TOKEN[-_]?HERE|X{6,}|0{12,}|\*{3,}", re.IGNORECASE | re.ASCII
)
_FILLED = re.compile(r"(.)\1{7,}|(..)\2{5,}", re.ASCII)


def is_made_up_token(value: str) -> bool:
    """Whether a value in a vendor's token format is an example or filler. Linear."""
    return (
        is_reserved(value)
        or len(set(value[-16:])) < 3
        or _MADE_UP.search(value) is not None
        or (_FILLED.search(value) is not None and len(set(value)) < 14)
    )
