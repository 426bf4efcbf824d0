"""Reviews: what people read goes before detection, where it was read, and only where readers agree."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_ssh_private_key,
)

from pipeline.errors import ConfigError
from pipeline.stages.license.config import LicenseConfig
from pipeline.stages.license.evidence import Fact, Finding
from pipeline.stages.license.expression import parse
from pipeline.stages.license.reviews import Review, Reviews, load_reviews, reviews_of
from pipeline.stages.license.signatures import NAMESPACE, load_signers, sign

BLOB = b"\1" * 20
SUBJECT = "swh:1:cnt:" + BLOB.hex()
GPL = Fact(BLOB, (Finding(parse("GPL-2.0-only"), "gpl.RULE", "2-aho", 100.0),))


def review(
    expression: str = "MIT", reviewer: str = "Ann", day: str = "2026-01-02", scope: str = "everywhere"
) -> Review:
    return Review.model_validate(
        {
            "subject": SUBJECT,
            "expression": expression,
            "reviewer": reviewer,
            "date": day,
            "reason": "read it",
            "scope": scope,
        }
    )


def applied(*reviews: Review, origin: str | None = None) -> str | None:
    expression = Reviews(reviews).applied(GPL, origin).expression
    return None if expression is None else str(expression)


def test_a_review_goes_before_detection_and_says_so() -> None:
    (finding,) = Reviews([review()]).applied(GPL, None).findings
    assert (str(finding.expression), finding.matcher, finding.rule) == ("MIT", "review", "Ann, 2026-01-02: read it")
    assert applied(review("NONE")) is None
    assert applied() == "GPL-2.0-only"
    assert Reviews([review()]).applied(Fact(b"\2" * 20, ()), None).findings == ()


def test_scopes() -> None:
    own = review("ISC", scope="https://example.org/x")
    assert applied(own) == "GPL-2.0-only"
    assert applied(own, origin="https://example.org/x") == "ISC"
    assert applied(own, review(), origin="https://example.org/x") == "ISC"
    assert applied(own, review(), origin="https://example.org/y") == "MIT"


def test_readers_who_differ_are_not_applied() -> None:
    assert applied(review(), review("ISC", "Bob")) == "GPL-2.0-only"
    assert applied(review(), review("MIT", "Bob")) == "MIT"
    assert applied(review("ISC"), review("MIT", day="2026-02-01"), review("MIT", "Bob")) == "MIT"
    assert Reviews([review(), review("MIT", "Bob")]).agreement() == (1, 1, [])
    assert Reviews([review(), review("ISC", "Bob")]).agreement() == (0, 1, [SUBJECT])
    assert Reviews([review()]).agreement() == (0, 0, [])


def test_the_digest_is_about_the_reviews_not_their_order() -> None:
    one, two = review(), review("ISC", "Bob")
    assert Reviews([one, two]).digest == Reviews([two, one, one]).digest != Reviews([one]).digest
    assert Reviews().digest == "none"


def test_a_file_round_trips(tmp_path: Path) -> None:
    file = tmp_path / "reviews.jsonl"
    file.write_text(review().line() + "\n\n" + review("ISC", "Bob").line() + "\n", "utf-8")
    assert load_reviews(file).all == [review(), review("ISC", "Bob")]
    assert load_reviews(None).all == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"subject": "swh:1:dir:" + "0" * 40}, "is no content"),
        ({"expression": "MIT AND"}, "not a licence expression"),
        ({"expression": "Our own"}, "stands where AND, OR or the end was expected|lists"),
        ({"reviewer": ""}, "reviewer"),
        ({"date": "yesterday"}, "date"),
        ({"resaon": "x"}, "resaon"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(tmp_path: Path, change: dict[str, str], said: str) -> None:
    file = tmp_path / "reviews.jsonl"
    file.write_text(json.dumps(json.loads(review().line()) | change), "utf-8")
    with pytest.raises(ConfigError, match=rf"reviews\.jsonl, line 1: .*({said})"):
        load_reviews(file)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_reviews(tmp_path / "none.jsonl")


def test_agreement_beyond_chance() -> None:
    def read(number: int, ann: str, bob: str) -> list[Review]:
        subject = f"swh:1:cnt:{number:040x}"
        return [review(e, who).model_copy(update={"subject": subject}) for who, e in (("Ann", ann), ("Bob", bob))]

    several = [*read(1, "MIT", "MIT"), *read(2, "MIT", "ISC"), *read(3, "ISC", "ISC"), *read(4, "ISC", "ISC")]
    (pair,) = Reviews([*several, review("MIT", "Cid")]).pairs()
    assert (pair.readers, pair.shared, pair.agreed, pair.kappa) == (("Ann", "Bob"), 4, 3, 0.5)
    assert Reviews(read(1, "MIT", "MIT")).pairs()[0].kappa is None
    assert Reviews([review()]).pairs() == []


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return new_key(tmp_path / "ann")


def new_key(path: Path) -> Path:
    path.write_bytes(Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    return path


def public(key: Path) -> str:
    private = load_ssh_private_key(key.read_bytes(), None)
    return private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def signed(made: Review, key: Path) -> Review:
    return made.model_copy(update={"signature": sign(made.message(), key)})


def config_of(tmp_path: Path, *reviews: Review, key: Path | None, **more: Any) -> LicenseConfig:
    (tmp_path / "reviews.jsonl").write_text("".join(r.line() + "\n" for r in reviews), "utf-8")
    if key is not None:
        (tmp_path / "reviewers").write_text(f"# who reads\nAnn,'Ann Author' {public(key)}\n", "utf-8")
        more["reviewers"] = str(tmp_path / "reviewers")
    return LicenseConfig(reviews=str(tmp_path / "reviews.jsonl"), **more)


def test_a_signed_review_is_taken(tmp_path: Path, key: Path) -> None:
    ours = signed(review(), key)
    assert reviews_of(config_of(tmp_path, ours, signed(review("ISC", "Ann Author"), key), key=key)).all[0] == ours
    assert reviews_of(LicenseConfig()).all == []


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda r: r.model_copy(update={"signature": None}), "it is not signed"),
        (lambda r: r.model_copy(update={"expression": "ISC"}), "it was changed after it was signed"),
        (lambda r: r.model_copy(update={"reason": "another"}), "it was changed after it was signed"),
        (lambda r: r.model_copy(update={"reviewer": "Bob"}), "has no key of 'Bob'"),
        (lambda r: r.model_copy(update={"signature": "????"}), "cannot be read"),
        (lambda r: r.model_copy(update={"signature": r.signature[:-8]}), "cannot be read"),
        (lambda r: r.model_copy(update={"signature": "U1NIU0lH"}), "cannot be read"),
    ],
)
def test_a_review_that_its_reader_did_not_sign_is_refused(tmp_path: Path, key: Path, spoil: Any, said: str) -> None:
    config = config_of(tmp_path, spoil(signed(review(), key)), key=key)
    where = rf"reviews\.jsonl, line 1: the review of {SUBJECT} by \w+ is refused"
    with pytest.raises(ConfigError, match=f"{where}: .*{said}"):
        reviews_of(config)


def test_another_key_is_refused(tmp_path: Path, key: Path) -> None:
    config = config_of(tmp_path, signed(review(), new_key(tmp_path / "bob")), key=key)
    with pytest.raises(ConfigError, match="signed with a key that is none of 'Ann'"):
        reviews_of(config)


def test_unsigned_reviews_need_the_configurations_word(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"license\.reviewers is not set: .*unsigned_reviews = true"):
        reviews_of(config_of(tmp_path, review(), key=None))
    assert reviews_of(config_of(tmp_path, key=None)).all == []
    assert reviews_of(config_of(tmp_path, review(), key=None, unsigned_reviews=True)).all == [review()]


@pytest.mark.parametrize("line", ["Ann", "Ann ssh-rsa AAAA", "Ann ssh-ed25519 AAAA", 'Ann "ssh-ed25519'])
def test_a_line_of_keys_that_cannot_be_read_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "reviewers").write_text(line + "\n", "utf-8")
    with pytest.raises(ConfigError, match=r"reviewers, line 1: .*Expected a reader's name, ssh-ed25519 and the key"):
        load_signers(tmp_path / "reviewers")
    with pytest.raises(ConfigError, match=r"license\.reviewers: .* cannot be read"):
        load_signers(tmp_path / "none")


def test_a_key_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("not a key", "utf-8")
    with pytest.raises(ConfigError, match="no OpenSSH private key without a passphrase"):
        sign(b"x", tmp_path / "key")


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="there is no ssh-keygen to compare with")
def test_ssh_keygen_agrees(tmp_path: Path, key: Path) -> None:
    """What is signed here verifies there, and the other way round."""
    key.chmod(0o600)
    (tmp_path / "signers").write_text(f"Ann {public(key)}\n", "utf-8")
    (tmp_path / "message").write_bytes(b"a review")
    armored = f"-----BEGIN SSH SIGNATURE-----\n{sign(b'a review', key)}\n-----END SSH SIGNATURE-----\n"
    (tmp_path / "ours").write_text(armored, "ascii")
    verify = ["ssh-keygen", "-Y", "verify", "-f", "signers", "-I", "Ann", "-n", NAMESPACE, "-s", "ours"]
    done = subprocess.run(verify, cwd=tmp_path, input=b"a review", capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    make = ["ssh-keygen", "-Y", "sign", "-f", str(key), "-n", NAMESPACE, "message"]
    subprocess.run(make, cwd=tmp_path, check=True, capture_output=True)
    theirs = "".join((tmp_path / "message.sig").read_text("ascii").splitlines()[1:-1])
    signers = load_signers(tmp_path / "signers")
    assert signers.refusal("Ann", b"a review", theirs) is None
    assert signers.refusal("Ann", b"another", theirs) is not None
