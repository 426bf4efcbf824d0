"""Revisions as rows: dates and parents as they are, and nobody's name or address."""

from __future__ import annotations

import hashlib
import random
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.commitment import Key
from pipeline.engine.storage import Location
from pipeline.schema import REVISIONS
from pipeline.stages.ingest.swh.export import SCHEMA, GraphExport
from pipeline.stages.ingest.swh.history import Ancestry, read_history
from pipeline.stages.ingest.swh.persons import pseudonym, redacted_message
from pipeline.stages.ingest.swh.revisions import COLUMNS, described, offset
from pipeline.stages.redact import RedactConfig, Scanner
from pipeline.stages.release.histories import leading_to
from pipeline.stages.release.shards import ordered
from tests.swh.git_history import Tables, load
from tests.swh.hostile_repositories import git

KEY = Key(b"k" * 32)
AT = "@"
YEAR_5000 = 95_617_584_000
GIVEN, FAMILY, ADDRESS = "Jorunn", "Plantedsson", f"jorunn.p{AT}planted-mail.net"
NAME = f"{GIVEN} {FAMILY}"
PERSON = f"{NAME} <{ADDRESS}>"


@pytest.fixture(scope="module")
def scanner() -> Scanner:
    # A user may want addresses kept in code; in messages they go all the same.
    return Scanner(RedactConfig(engine="re2", keep_classes=("EMAIL",)))


def digest(person: str) -> bytes:
    return hashlib.sha256(person.encode()).digest()


def rows_of(tables: Tables, head: bytes, scanner: Scanner, key: Key | None = KEY) -> list[dict[str, Any]]:
    ancestry = Ancestry(read_history(tables.read, [head]))
    message = partial(redacted_message, key=key, scanner=scanner)
    pieces = [described(piece, ancestry, key, message) for piece in tables.read("revision", COLUMNS)]
    found = ordered(leading_to(ancestry.ancestors(head)[-1:], ancestry, pa.concat_tables(pieces)), "revisions")
    assert found.schema == REVISIONS
    return list(found.to_pylist())


def test_what_is_read_is_what_the_export_has() -> None:
    assert set(COLUMNS) == set(SCHEMA["revision"])


def test_a_row_says_what_the_commit_says(scanner: Scanner) -> None:
    tables = Tables()
    one, two = b"1" * 20, b"2" * 20
    tables.add(b"0" * 20)  # of another origin
    tables.add(
        two, [one, b"9" * 20], directory=b"d" * 20, message="café\n".encode(), author=digest(PERSON),
        date=-1_500_000, date_offset=0, date_raw_offset_bytes=b"-0000", committer=digest("Another <a>"),
        committer_date=YEAR_5000 * 10**6 + 7, committer_offset=330,
    )  # fmt: skip
    tables.add(one, message=b"caf\xe9")
    first, second = rows_of(tables, two, scanner)
    assert second == {
        "revision": "swh:1:rev:" + "32" * 20,
        "parents": ["swh:1:rev:" + "31" * 20, "swh:1:rev:" + "39" * 20], "missing_parents": 1,
        "directory": "swh:1:dir:" + "64" * 20,
        "type": "git", "author": pseudonym(KEY, digest(PERSON)), "author_seconds": -2,
        "author_microseconds": 500_000, "author_offset": "-0000",
        "committer": pseudonym(KEY, digest("Another <a>")), "committer_seconds": YEAR_5000,
        "committer_microseconds": 7, "committer_offset": "+0530", "message": "café\n", "message_encoding": "utf-8",
        "message_redactions": 0,
    }  # fmt: skip
    assert (first["message"], first["message_encoding"], first["parents"]) == ("café", "latin-1", [])
    empty = ("author", "author_seconds", "author_microseconds", "author_offset", "committer_seconds")
    assert [first[name] for name in empty] == [None] * 5


@pytest.mark.parametrize(
    ("minutes", "raw", "expected"),
    [
        (120, b"+0200", "+0200"), (0, b"-0000", "-0000"), (0, b"+051800", "+051800"), (-210, None, "-0330"),
        (None, None, None), (60, PERSON.encode(), "+0100"), (0, b"", "+0000"), (5, b"+0\n", "+0005"),
    ],
)  # fmt: skip
def test_offsets_are_as_written_or_nothing_else(minutes: int | None, raw: bytes | None, expected: str | None) -> None:
    assert offset(minutes, raw) == expected


def test_a_pseudonym_needs_the_key_and_is_the_same_for_a_digest_and_the_name_itself() -> None:
    assert pseudonym(None, digest(PERSON)) is None
    assert pseudonym(KEY, None) is None
    ours = pseudonym(KEY, digest(PERSON))
    assert ours == pseudonym(KEY, PERSON.encode())
    assert ours is not None
    assert len(ours) == 32
    assert ours != pseudonym(Key(b"l" * 32), digest(PERSON))
    assert ours not in digest(PERSON).hex()


PLANTED = [
    "Signed-off-by: {person}",
    "signed-off-by : {person}, {person}",
    "Co-authored-by: {name}",
    "Reviewed by: {given}",
    "Reported-and-tested-by:\n  {name}\n  <{address}>",
    "Cc: {name} <{address}>, {person} # 4.4+",
    "Acked-by: {given} {family} (company) <{address}>",
    "Tested-by: {upper}",
    "Approved by:\t{given} (mentor)",
    "Author: {name}",
    "Patch by {name}, who found it",
    "Thanks to {name} for looking at it.",
    "a change by {person}.",
    "written with {person} at a table",
    "with {lower} <{address}> and others",
    '"{family}, {given}" <{address}> wrote:',
    "{family}, {given} <{address}> wrote:",
    "mail {address} or ask",
    "mail <{address}> ({name})",
    "{name} ({address})",
    "old style {address} ({name})",
    "<mailto:{address}>",
    "by {given} <{given}{at}localhost>\nSigned-off-by: {person}",
    "by mail: {local} (at) planted-mail.net",
    "by mail: {local} at planted-mail dot net",
    "{name} had it first.\n\nSigned-off-by: {person}",
    "{upper} SHOUTS\n\nReviewed-by: {name}",
    "Merge pull request #7 from {given}/fix",
    "Merge branch 'fix' of https://github.com/{given}/project",
    "Merge branch 'fix' of git{at}github.com:{given}/project into main",
    "thanks {at}{given}, cc {at}{family}",
    "> Signed-off-by: {person}",
    "From: {name}\nTo: {name}",
    "id 12345+{given}{at}users.noreply.github.com",
    "{name} <>\n\nSigned-off-by: {name} <>",
]


def planted(template: str) -> str:
    return template.format(
        person=PERSON, name=NAME, address=ADDRESS, given=GIVEN, family=FAMILY, upper=NAME.upper(), lower=NAME.lower(),
        local=ADDRESS.partition(AT)[0], at=AT,
    )  # fmt: skip


def told(text: str) -> list[str]:
    """Which of the planted words a text holds, in any case."""
    return [word for word in (GIVEN, FAMILY, "planted-mail", ADDRESS) if word.lower() in text.lower()]


@pytest.mark.parametrize("key", [KEY, None])
@pytest.mark.parametrize("template", PLANTED)
def test_no_name_and_no_address_stays_in_a_message(template: str, key: Key | None, scanner: Scanner) -> None:
    message = planted(template)
    assert told(message)
    found = redacted_message(f"A change\n\n{message}\nthe end\n".encode(), key, scanner)
    assert not told(found.text)
    assert found.text.startswith("A change\n\n")
    assert found.text.endswith("\nthe end\n")
    assert found.redactions >= 1


@settings(max_examples=60)
@given(st.lists(st.sampled_from(PLANTED), min_size=1, max_size=6), st.sampled_from(["\n", "\n\n", "\r\n"]))
def test_nor_in_any_mixture(templates: list[str], between: str) -> None:
    message = between.join(planted(template) for template in templates)
    scanner = _scanner()
    assert not told(redacted_message(message.encode(), KEY, scanner).text)
    latin = redacted_message(message.encode() + b"\n\xff", KEY, scanner)
    assert latin.encoding == "latin-1"
    assert not told(latin.text)


def _scanner() -> Scanner:
    if not _SCANNERS:
        _SCANNERS.append(Scanner(RedactConfig(engine="re2")))
    return _SCANNERS[0]


_SCANNERS: list[Scanner] = []


@pytest.mark.parametrize(
    "message",
    [
        "Fix the stack\n\nIt lost an item. See https://github.com/some/project and git@github.com:some/project.\n",
        "Caused by: java.lang.NullPointerException: no item\nOrder by: name\nSort by: name",
        "use @Override and List<@NonNull String>, icon@2x.png, trunk@1234, HEAD@{1}",
        "look at stack.c (at line 3) and at foo.bar",
        "git-svn-id: https://svn.example.org/trunk@123 0-0-0-0",
        "Merge branch 'main' into feature",
        "a < b && c > d; x = a @ b",
        "",
    ],
)
def test_what_names_nobody_stays(message: str, scanner: Scanner) -> None:
    assert redacted_message(message.encode(), KEY, scanner).text == message


def test_a_person_in_a_trailer_has_the_pseudonym_of_the_author(scanner: Scanner) -> None:
    found = redacted_message(f"Signed-off-by: {PERSON}".encode(), KEY, scanner)
    assert found.text == f"Signed-off-by: REDACTED_PERSON_{pseudonym(KEY, digest(PERSON))}"
    latin = "José <jose>".encode("latin-1")
    found = redacted_message(b"Signed-off-by: " + latin, KEY, scanner)
    assert found.text.endswith(str(pseudonym(KEY, hashlib.sha256(latin).digest())))


def test_without_a_key_persons_are_numbered_within_the_message(scanner: Scanner) -> None:
    message = f"Reviewed-by: {PERSON}\nAcked-by: Someone Else <s{AT}else.net>\nTested-by: {PERSON}\n"
    found = redacted_message(message.encode(), None, scanner)
    assert found.text == ("Reviewed-by: REDACTED_PERSON_1\nAcked-by: REDACTED_PERSON_2\nTested-by: REDACTED_PERSON_1\n")
    assert found.redactions == 3


def test_secrets_in_messages_go_as_in_code(scanner: Scanner) -> None:
    token = "gh" + "p_" + "A1b2C3d4E5" * 3 + "f6G7h8"
    found = redacted_message(f"do not use {token}, nor 93.184.216.34\n".encode(), KEY, scanner)
    assert token not in found.text
    assert "93.184.216.34" not in found.text
    assert found.redactions == 2


@pytest.mark.parametrize(
    "piece",
    ["<a@b> ", "Signed-off-by: ", "by Ann Bo ", "@a ", "a", "( ", "- ", "' ", "Cc: x ,", " ", "a@", "Merge of "],
)
def test_a_long_message_comes_to_an_end(piece: str, scanner: Scanner) -> None:
    # Whatever took the square of this would take minutes.
    message = piece * (100_000 // len(piece))
    found = redacted_message(f"Cc: a{message}\nMerge x of {message}{NAME} <{ADDRESS}>".encode(), None, scanner)
    assert ADDRESS not in found.text


@pytest.mark.parametrize("in_clear", [False, True])
@pytest.mark.parametrize("key", [KEY, None])
def test_planted_everywhere_and_found_nowhere(
    tmp_path: Path, key: Key | None, in_clear: bool, scanner: Scanner
) -> None:
    git("init", "-q", "-b", "main", cwd=tmp_path)
    stream = []
    templates = list(PLANTED)
    random.Random(5).shuffle(templates)
    for number, template in enumerate(templates):
        message = planted(template).encode()
        who = [f"author {PERSON}".encode(), f"committer {NAME} <{ADDRESS}>".encode()]
        when = b" %d +0000" % (1_600_000_000 + number)
        stream += [b"commit refs/heads/main", *(line + when for line in who), b"data %d" % len(message), message]
    git("fast-import", "--quiet", "--date-format=raw", cwd=tmp_path, data=b"\n".join([*stream, b""]))
    head = bytes.fromhex(git("rev-parse", "refs/heads/main", cwd=tmp_path).decode().strip())
    tables = load(tmp_path).tables if not in_clear else _in_clear(load(tmp_path).tables)
    rows = rows_of(tables, head, scanner, key)
    assert len(rows) == len(PLANTED)
    shown = repr(rows)
    assert not told(shown)
    plain = digest(PERSON)
    for secret in (plain.hex(), plain.hex().upper(), repr(plain)[2:-1], hashlib.sha256(NAME.encode()).hexdigest()):
        assert secret not in shown
    assert {row["author"] for row in rows} == {pseudonym(key, plain)}


def _in_clear(tables: Tables) -> Tables:
    """As an export that was made without pseudonyms."""
    for row in tables.revisions:
        row["author"] = row["committer"] = PERSON.encode()
    return tables


def test_the_shipped_export_gives_rows(scanner: Scanner) -> None:
    export = GraphExport(Location("configs/quickstart/swh/orc"))
    ids = [i for piece in export.read("revision", ("id",)) for i in piece.column("id").to_pylist()]
    ancestry = Ancestry(read_history(export.read, ids))
    message = partial(redacted_message, key=KEY, scanner=scanner)
    rows = [
        row
        for piece in export.read("revision", COLUMNS)
        for row in described(piece, ancestry, KEY, message).to_pylist()
    ]
    assert len(rows) == len(ids) == len(ancestry)
    by_message = {row["message"].strip(): row for row in rows}
    future = by_message["from the future"]
    assert future["committer_seconds"] == YEAR_5000
    assert future["parents"] == [by_message["before time"]["revision"]]
    assert by_message["before time"]["author_seconds"] == -1000
    assert len(by_message["merge graphs"]["parents"]) == 2
    assert {"+0530", "-0330", "+1400"} <= {row["author_offset"] for row in rows}
    assert {row["author"] for row in rows} == {pseudonym(KEY, f"A <a{AT}example.org>".encode())}
