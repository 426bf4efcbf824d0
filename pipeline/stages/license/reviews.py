"""What people found on reading: verdicts that go before detection, in an append-only file of JSON lines.

A review is about one content: a licence file, a manifest, or a source file with a header. It says what that content
states, everywhere or in one origin, and who read it, when and why. It is applied where the content's facts are read,
so that it shows in the evidence as such (`matcher` is `review`), reaches every path that the content speaks for, and
is carried into each later release that names the file. Where two readers differ, neither is applied. Each is signed by
its reader (`signatures`), unless the configuration takes unsigned ones.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import combinations
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from pipeline.errors import ConfigError
from pipeline.stages.license.config import LicenseConfig
from pipeline.stages.license.evidence import Fact, Finding
from pipeline.stages.license.expression import ExpressionError, parse
from pipeline.stages.license.signatures import Signers, load_signers
from pipeline.swhid import parse_swhid

EVERYWHERE = "everywhere"
NOTHING = "NONE"


class Review(BaseModel):
    """One reader's verdict."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    subject: str = Field(description="The content that was read: swh:1:cnt:...")
    expression: str = Field(description="What it states, as an SPDX expression; NONE: nothing.")
    reviewer: str = Field(min_length=1, max_length=200)
    date: date
    reason: str = Field(min_length=1, max_length=2000)
    scope: str = Field(default=EVERYWHERE, min_length=1, description="everywhere, or the origin in which it holds.")
    signature: str | None = Field(default=None, description="Of all the rest, by the reviewer's key.")

    @field_validator("subject")
    @classmethod
    def _is_a_content(cls, subject: str) -> str:
        if parse_swhid(subject)[0] != "cnt":
            raise ValueError(f"{subject} is no content (swh:1:cnt:...)")
        return subject

    @field_validator("expression")
    @classmethod
    def _can_be_read(cls, expression: str) -> str:
        try:
            return expression if expression == NOTHING else str(parse(expression))
        except ExpressionError as error:
            raise ValueError(str(error)) from error

    @property
    def blob(self) -> bytes:
        return parse_swhid(self.subject)[1]

    def line(self) -> str:
        """As it stands in a file."""
        return json.dumps(self.model_dump(mode="json", exclude_none=True), sort_keys=True, ensure_ascii=False)

    def message(self) -> bytes:
        """What is signed: the line without its signature."""
        return self.model_copy(update={"signature": None}).line().encode()


class Reviews:
    """Reviews by content and scope."""

    def __init__(self, reviews: Iterable[Review] = ()) -> None:
        self.all = list(dict.fromkeys(reviews))
        self._by_subject: dict[tuple[bytes, str], list[Review]] = {}
        for review in self.all:
            self._by_subject.setdefault((review.blob, review.scope), []).append(review)

    @property
    def digest(self) -> str:
        """sha256 over all of them, in any order; `none` for none."""
        if not self.all:
            return "none"
        return hashlib.sha256("\n".join(sorted(review.line() for review in self.all)).encode()).hexdigest()

    def of(self, blob: bytes, origin: str | None) -> Review | None:
        """The review that holds for a content in an origin: of that origin before one for everywhere, of each reader
        the newest; None where readers differ.
        """
        for scope in (origin, EVERYWHERE):
            found = self._by_subject.get((blob, scope)) if scope is not None else None
            if found:
                newest = sorted({r.reviewer: r for r in sorted(found, key=_age)}.values(), key=_age)
                return newest[-1] if len({review.expression for review in newest}) == 1 else None
        return None

    def applied(self, fact: Fact, origin: str | None) -> Fact:
        """A fact as its reader has it."""
        review = self.of(fact.blob, origin) if self.all else None
        if review is None:
            return fact
        if review.expression == NOTHING:
            return Fact(fact.blob, ())
        rule = f"{review.reviewer}, {review.date}: {review.reason}"
        return Fact(fact.blob, (Finding(parse(review.expression), rule, "review", 100.0),))

    def agreement(self) -> tuple[int, int, list[str]]:
        """Of the contents that two or more people read in the same scope: how many they agree on, how many there are,
        and the contents on which they differ.
        """
        shared = {key: found for key, found in self._by_subject.items() if len({r.reviewer for r in found}) > 1}
        differing = sorted(found[0].subject for key, found in shared.items() if self.of(key[0], key[1]) is None)
        return len(shared) - len(differing), len(shared), differing

    def pairs(self) -> list[Agreement]:
        """The agreement of every two readers on what both read in the same scope, by their newest word."""
        newest: dict[tuple[bytes, str], dict[str, str]] = {
            key: {r.reviewer: r.expression for r in sorted(found, key=_age)} for key, found in self._by_subject.items()
        }
        readers = sorted({review.reviewer for review in self.all})
        both = {
            (a, b): [(said[a], said[b]) for said in newest.values() if a in said and b in said]
            for a, b in combinations(readers, 2)
        }
        return [
            Agreement(names, len(said), sum(a == b for a, b in said), cohens_kappa(said))
            for names, said in both.items()
            if said
        ]


@dataclass(frozen=True)
class Agreement:
    """Of the contents that two readers both read: how many they agree on, and Cohen's kappa, the same beyond chance:
    1 for full agreement, 0 for what chance alone gives; None where chance alone would give full agreement.
    """

    readers: tuple[str, str]
    shared: int
    agreed: int
    kappa: float | None


def cohens_kappa(verdicts: Sequence[tuple[str, str]]) -> float | None:
    """Of the verdicts of two readers on the same contents (Cohen 1960).

    >>> cohens_kappa([("MIT", "MIT"), ("MIT", "ISC"), ("ISC", "ISC"), ("ISC", "ISC")])
    0.5
    """
    number = len(verdicts)
    first, second = Counter(a for a, _ in verdicts), Counter(b for _, b in verdicts)
    by_chance = sum(first[name] * second[name] for name in first) / number**2 if number else 1.0
    observed = sum(a == b for a, b in verdicts) / number if number else 1.0
    return None if by_chance == 1.0 else (observed - by_chance) / (1 - by_chance)


def load_reviews(path: str | Path | None, signers: Signers | None = None) -> Reviews:
    """The reviews of a file; none without one. Raises ConfigError with the line that cannot be read, or that is not
    signed by its reader where there are `signers`.
    """
    if path is None:
        return Reviews()
    try:
        text = Path(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"reviews: {path} cannot be read: {error}") from error
    lines = {number: line for number, line in enumerate(text.splitlines(), 1) if line.strip()}
    return Reviews(_review(line, f"{path}, line {number}", signers) for number, line in lines.items())


def reviews_of(config: LicenseConfig) -> Reviews:
    """The reviews that a configuration names. Raises ConfigError where one is not signed by its reader, unless the
    configuration takes unsigned ones.
    """
    if config.reviews is None or config.unsigned_reviews:
        return load_reviews(config.reviews)
    if config.reviewers is None:
        if not load_reviews(config.reviews).all:
            return Reviews()
        raise ConfigError(
            "license.reviewers is not set: expected the file with the reviewers' public keys, by which the reviews of "
            f"{config.reviews} are checked; or say unsigned_reviews = true to take them without"
        )
    return load_reviews(config.reviews, load_signers(config.reviewers))


def _review(line: str, where: str, signers: Signers | None) -> Review:
    try:
        review = Review.model_validate(json.loads(line))
    except (json.JSONDecodeError, ValidationError, ValueError) as error:
        detail = error.errors()[0] if isinstance(error, ValidationError) else {"loc": (), "msg": str(error)}
        field = ".".join(map(str, detail["loc"])) or "the line"
        raise ConfigError(
            f"{where}: {field}: {detail['msg']}. Expected a JSON object with subject, expression, reviewer, date, "
            "reason and optionally scope and signature"
        ) from error
    refusal = signers.refusal(review.reviewer, review.message(), review.signature) if signers else None
    if refusal is not None:
        raise ConfigError(f"{where}: the review of {review.subject} by {review.reviewer} is refused: {refusal}")
    return review


def _age(review: Review) -> tuple[Any, ...]:
    return (review.date, review.reviewer, review.expression)
