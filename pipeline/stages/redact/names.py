"""What the name beside a value says of it: a password, a secret, a key of some kind, or nothing.

A name is read as words, whatever its style (`dbPassword`, `DB_PASSWORD`, `spring.datasource.password`). Its last
telling word decides, and what follows it must not turn it into something else: `password_file`, `tokenUrl` and
`secretName` are no secrets, `password_prod` and `secret_key_base` are.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

Kind = Literal["password", "secret", "key", "weak"]

_PASSWORD = frozenset(
    str.split(
        "password passwords passwd passphrase passwort passcode pwd psw pswd passw pass pw contraseña contrasena "
        "contraseÑa senha motdepasse requirepass masterauth kennwort parola wachtwoord lozinka haslo sshpass "
        "pgpassword psk bindpw rootpw authtok rocommunity rwcommunity"
    )
)
_SECRET = frozenset(str.split("secret secrets token apikey credential credentials cred creds bearer pat apitoken"))
_KEYS = frozenset(
    str.split(
        "api access secret private encryption encrypt crypt crypto cipher decryption signing signature sign auth "
        "authentication master service account storage license licence consumer app application client shared "
        "session security subscription admin deploy hmac aes des jwt rsa ssh webhook server developer dev user host "
        "write read rest integration oauth project ingest instrumentation data primary secondary vault unseal root"
    )
)
_WEAK = frozenset(str.split("key keys auth salt pepper signature sig sas nonce cookie sessionid session seed"))
_SERVERS = frozenset(("fastcgi", "uwsgi", "scgi", "grpc"))  # nginx passes requests to them
# Beside a password, words of labels and messages.
_IN_DIALOGUES = frozenset(
    str.split("invalid wrong forgot show reset change hide no is has missing incorrect validate your remember retype")
)
_OF_MESSAGES = frozenset(("nonce", "signature", "sig"))  # they hold for one message
_OF_FORMS = frozenset(("csrf", "xsrf", "authenticity", "antiforgery", "verification"))
_SUFFIX = re.compile(
    r"(?:(?P<password>password|passwd|passphrase|passwort|pwd|passwrd|contrase(?:n|ñ)a|(?<!by)(?<!com)(?<!sur)(?<!tres)(?<!over)pass)"
    r"|(?P<secret>secret|token|apikey|secretkey|accesskey|privatekey|authkey|masterkey|licen[sc]ekey|encryptionkey|"
    r"signingkey|appkey|credentials?))[0-9]{0,3}$",
    re.ASCII,
)
_TAIL = frozenset(
    str.split(
        "value text plain plaintext string str default dev development prod production test testing staging stage qa "
        "uat local live sandbox private old new current previous base64 b64 raw encoded encrypted confirm "
        "confirmation repeat again base env environment v v1 v2 production primary secondary main prd tst stg a b x s "
        "data bytes hex input"
    )
)
# Where a word of these stands in a name, it speaks about keys and tokens of other kinds, or about a form.
_OTHER = frozenset(
    str.split(
        "public pub pubkey peer foreign partition sort cache max min num count total next page pagination "
        "continuation pad padding eos bos unk sep stop special keyword keywords hotkey shortcut i18n label prompt "
        "placeholder forgot invalid wrong missing incorrect mismatch show hide toggle is has no without enable "
        "enabled disable disabled validate validation validator policy strength regex pattern length size expiry "
        "expires expiration ttl timeout url uri file path dir name type id ids field column header param parameter "
        "prefix suffix format provider manager store storepath reset change update link button event press down up "
        "code index object row map dict idempotency commit merge checksum digest integrity fingerprint sha sha1 "
        "sha256 md5 uuid guid etag parse parser lexer syntax tokenizer vocab embedding version translation msgid "
        "locale message error errors help hint title description desc warn warning info alert text2 color symbol kind "
        "class tag author authors authority"
    )
)
_SPLIT = re.compile(r"[^A-Za-z0-9\u00c0-\u024f]+|(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", re.ASCII)


@lru_cache(maxsize=65_536)
def kind_of(name: str) -> Kind | None:
    """What a value of this name would be. Linear in the name, which is at most some 200 characters."""
    words = [word.lower() for word in _SPLIT.split(name) if word]
    at = len(words)
    while at:
        at -= 1
        word = words[at]
        kind = _of_word(word, words[at - 1] if at else "")
        if kind is not None:
            before = words[max(0, at - 4) : at]
            if any(other in _OTHER for other in before) and not (kind == "password" and before[-1:] != ["no"]):
                return None
            if kind == "password" and (word.startswith("your") or not _IN_DIALOGUES.isdisjoint(before)):
                return None
            return kind
        if word not in _TAIL and not word.isdigit():
            return None
    return None


def _of_word(word: str, before: str) -> Kind | None:
    if word == "pass" and before in _SERVERS:
        return None
    if word in _PASSWORD:
        return "password"
    if word == "token" and before in _OF_FORMS:
        return "weak"  # it guards one form of one session
    if word == "authorization":
        return "secret"
    if word in _SECRET:
        return "secret" if word != "pat" or before else None  # alone it is a pattern
    if word in ("key", "keys") and before in _KEYS:
        return "secret" if before in ("api", "secret", "access", "private", "auth", "encryption", "signing") else "key"
    if word in _WEAK:
        if word in _OF_MESSAGES:
            return "weak"
        return "key" if before and word != "keys" else "weak" if word != "key" else None
    suffix = _SUFFIX.search(word)
    if suffix is None:
        return None
    return "password" if suffix["password"] else "secret"
