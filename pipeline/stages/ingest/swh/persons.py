"""Persons: as pseudonyms, and taken out of messages.

An export names a person by the sha256 of "Name <mail>". Whoever guesses that line can make the same digest, and lists
of such lines are easily had (every public repository is one); so the digest is as good as the name. A pseudonym is
therefore a keyed commitment to the digest: who holds the key file can tell whether somebody is meant, nobody else can.
One person has one pseudonym in the whole data set, as long as the key is the same; without a key there are none.

Messages hold names in the clear. What is found: every mail address, with the name beside it; the values of trailers
such as Signed-off-by; capitalised names after "by", "thanks to" and the like; handles in merge lines and in mentions;
and whatever was found, wherever else it stands in the same message. A name that nothing of this marks is not found:
nothing short of a register of names could.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.commitment import Key, commitment
from pipeline.stages.redact import Scanner, redact

_DIGEST_BYTES = 32


def pseudonym(key: Key | None, person: bytes | None) -> str | None:
    """32 hex digits that stand for a person of an export, or for "Name <mail>" in the clear; None without a key.

    The same for both forms of one person: a name is digested first, as exports do it.
    """
    if key is None or person is None:
        return None
    digest = person if len(person) == _DIGEST_BYTES else hashlib.sha256(person).digest()
    return commitment(key, "person", digest).hex()


@dataclass(frozen=True, slots=True)
class Message:
    """A message fit to be published."""

    text: str
    encoding: str
    """How its bytes were read: utf-8, or latin-1 where they are not."""
    redactions: int
    """Places that gave way to something else."""


def redacted_message(message: bytes, key: Key | None, scanner: Scanner) -> Message:
    """`message` without persons, then without all that the redact stage finds in a text.

    A person becomes REDACTED_PERSON_ and the pseudonym, which is that of the columns author and committer if the
    message has "Name <mail>" as they have it; without a key, the number of the person within the message. Addresses
    go whatever `scanner` is told to keep. What comes out depends on the message, the key and the scanner's
    configuration alone. Time linear in the bytes and in the names found.
    """
    try:
        text, encoding = message.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        text, encoding = message.decode("latin-1"), "latin-1"
    places = _merged(_persons(text))
    places = _merged([*places, *_again(text, places)])
    numbers: dict[str, int] = {}
    pieces: list[str] = []
    done = 0
    for start, end in places:
        person = text[start:end]
        name = pseudonym(key, _as_in_exports(person, encoding)) or str(numbers.setdefault(person, len(numbers) + 1))
        pieces += [text[done:start], f"{_MARK}{name}"]
        done = end
    data = "".join([*pieces, text[done:]]).encode()
    spans = scanner.scan(data, b"")
    return Message(redact(data, spans).decode(), encoding, len(places) + len(spans))


def _as_in_exports(person: str, encoding: str) -> bytes:
    # Digested here, lest a name of 32 bytes be taken for a digest.
    return hashlib.sha256(person.encode(encoding)).digest()


# --- where persons stand --------------------------------------------------------------------------

_MARK = "REDACTED_PERSON_"
_MAIL = re.compile(
    r"(?:[^\W_]|[._%+~-]){1,64}@(?!\d+x\.)(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}(?![\w@])"
    r"|[\w.%+-]{1,64}\s?(?:\(at\)|\[at\]|\{at\})\s?(?:[\w-]{1,63}\s?(?:\.|\(dot\)|\[dot\]|\{dot\}|\bdot\b)\s?){1,8}"
    r"[^\W\d_]{2,24}"
    r"|[\w.%+-]{1,64} at (?:[\w-]{1,63} (?:dot|DOT) ){1,8}[^\W\d_]{2,24}",
    re.IGNORECASE,
)
_BRACKETED = re.compile(r"[<(]\s*(?:[^<>()\s@]{1,128}@|[\w.%+-]{1,64} at \w)[^<>()\n]{0,128}[>)]", re.IGNORECASE)
_NAME_AFTER = re.compile(r"\s?\(([^()\n]{2,64})\)")  # jane@example.org (Jane Doe), as old tools wrote it
_WORD = re.compile(r"\"[^\"]{1,80}\"|(?<!\w)'[^']{1,80}'|[^\s\"<>()\[\]{}:;=|/]+|\S")
_BREAKS = frozenset('"<>()[]{}:;=|/')
_NO_NAME = frozenset(
    str.split(
        "a an and are as at be but by cc for from has have he her him his i if in is it me my not of on or our patch "
        "per said says she so thank thanks that the their them they this to us via was we were when who with wrote you"
    )
)
_MOST_WORDS, _REACH = 5, 200

_TRAILER = re.compile(
    r"^[ \t>*#|-]*(?:"
    r"(?!(?:caus|sort|order|group|divid|multipli|increas|decreas|trigger|follow|supersed|replac|prefix)(?:ed)?[-_ ]by)"
    r"[\w-]{1,40}[-_ ]by|cc|bcc|reply-to|(?:original[- ])?authors?|co-?authors?|committers?|contributors?|reviewers?|"
    r"maintainers?|submitters?|reporters?|testers?|approvers?|assignees?|credits?(?:[ -]to)?|thanks(?:[ -]to)?|"
    r"patch(?:es)?[ -](?:from|author)|signed[- ]off|on[- ]behalf[- ]of|e-?mail|tbr|mentors?"
    r")[ \t]*+[:=][ \t]*+(?:\r?\n[ \t]++)?(\S[^\r\n]*+)",
    re.IGNORECASE | re.MULTILINE,
)
_BETWEEN = re.compile(r"(?<=>)\s*+(?:[,;&]|and\b)\s*+")
_BETWEEN_NAMES = re.compile(r"(?<!\s)(?:\s*+[,;&]\s*+|\s++and\s++)")
_CAPITALISED = r"[^\W\d_a-zà-öø-ÿ][\w.'’-]{0,40}"
_NAMED = re.compile(
    r"(?:\b(?i:by|thanks(?:,| to)?|thx(?: to)?|cc|credits?(?: goes)?(?: to)?|courtesy of|on behalf of|kudos(?: to)?|"
    r"hat tip(?: to)?|authors?|reporters?)\b:?|\b(?i:from|to|user|name|owner|contact|r)[:=])[ \t]+"
    rf"({_CAPITALISED}(?:[ \t]+(?:(?:van|von|de|der|den|di|da|del|la|le|bin|al|y)[ \t]+){{0,3}}{_CAPITALISED}){{1,4}})"
)
_MERGED = re.compile(
    r"^Merge (?:pull request \S{1,20} from ([\w.-]{1,64})/"
    r"|.{0,200}? of \S{0,200}?[:/]([\w.-]{1,64})/[\w.-]{1,100}/?(?=\s|$))",
    re.MULTILINE,
)
_OF_PEOPLE = re.compile(
    r"\b(?:by|cc|thank|thx|credit|kudos|author|review|report|suggest|via|ping|h/t|from|ask|approv|sign|fyi)",
    re.IGNORECASE,
)
_MENTION = re.compile(r"(?<![\w@/.])@([A-Za-z0-9](?:[A-Za-z0-9-]{0,38}))")

_AROUND = " \t\"',<>()[]"
_FIRST = re.compile(r"\w+")
_LONGEST = 80

_Place = tuple[int, int]


def _persons(text: str) -> Iterator[_Place]:
    """Where persons stand in a text; places may overlap."""
    for found in _TRAILER.finditer(text):
        start, end = found.start(1), found.start(1) + len(found[1].rstrip())
        between = _BETWEEN if "<" in found[1] else _BETWEEN_NAMES
        for gap in between.finditer(text, start, end):
            yield start, gap.start()
            start = gap.end()
        yield start, end
    if "@" in text or "at" in text.lower():
        for found in _BRACKETED.finditer(text):
            yield _name_before(text, found.start()), _name_after(text, found.end())
        for found in _MAIL.finditer(text):
            if found[0].lower().startswith("git@"):  # the user of a server
                continue
            yield found.start(), _name_after(text, found.end())
    for found in _NAMED.finditer(text):
        yield found.span(1)
    for found in _MERGED.finditer(text):
        yield found.span(found.lastindex or 0)
    for found in _MENTION.finditer(text):
        before = text[max(found.start() - _REACH, 0) : found.start()].rpartition("\n")[2]
        if _OF_PEOPLE.search(before):
            yield found.span(1)


def _name_before(text: str, end: int) -> int:
    """Where the name begins that ends before a mail address in brackets, on the same line."""
    line = max(end - _REACH, 0, text.rfind("\n", max(end - _REACH, 0), end) + 1)
    for taken, word in enumerate(reversed([*_WORD.finditer(text, line, end)])):
        plain = word[0].strip(",.").lower()
        sentence_ends = len(word[0]) > 4 and word[0].endswith((".", "!", "?"))
        list_goes_on = word[0].endswith(",") and taken != 1  # but "Doe, Jane <...>"
        if taken == _MOST_WORDS or word[0] in _BREAKS or plain in _NO_NAME or sentence_ends or list_goes_on:
            break
        end = word.start()
        if word[0].endswith((",", '"', "'")):
            break
    return end


def _name_after(text: str, start: int) -> int:
    """Where the name in brackets ends that follows a mail address."""
    found = _NAME_AFTER.match(text, start)
    return found.end() if found else start


def _again(text: str, places: list[_Place]) -> Iterator[_Place]:
    """The names of `places`, of two words or more, and their addresses, wherever else they stand."""
    known: dict[str, dict[int, set[str]]] = {}  # by first word, then by length
    for start, end in places:
        name, *addresses = re.split(r"[<(]", text[start:end])
        own = [name.strip(_AROUND)] if " " in name.strip(_AROUND) else []
        for some in (*own, *(address.strip(_AROUND) for address in addresses)):
            first = _FIRST.match(some)
            if first and 3 <= len(some) <= _LONGEST:
                known.setdefault(first[0].lower(), {}).setdefault(len(some), set()).add(some.lower())
    if not known:
        return
    for word in _FIRST.finditer(text):
        for length, names in known.get(word[0].lower(), {}).items():
            end = word.start() + length
            if text[word.start() : end].lower() in names and not text[end : end + 1].isalnum():
                yield word.start(), end


def _merged(places: Iterator[_Place] | list[_Place]) -> list[_Place]:
    """Overlapping places as one, sorted, without empty ones."""
    found: list[_Place] = []
    for start, end in sorted(place for place in places if place[0] < place[1]):
        if found and start < found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((start, end))
    return found
