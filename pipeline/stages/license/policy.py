"""Policies: which licences are permissive, as a versioned data file, and what an expression means under one.

A policy is data (`configs/policies/*.toml`), so that it can be read, replaced and named by its digest. An id
that stands in no rule is non_permissive: silence never makes a licence permissive.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, model_validator

from pipeline.errors import ConfigError
from pipeline.stages.license import table
from pipeline.stages.license.expression import Join, Leaf, SpdxExpression, all_of

_PACKAGE = Path(__file__).resolve().parents[2]
_SHIPPED = (_PACKAGE / "shipped/configs/policies", _PACKAGE.parent / "configs/policies")


class LicenseType(StrEnum):
    """The verdicts of a release's column `license_type`."""

    PERMISSIVE = "permissive"
    PERMISSIVE_WEAK = "permissive_weak"
    NO_LICENSE = "no_license"
    NON_PERMISSIVE = "non_permissive"
    CONTESTED = "contested"


# From what may be chosen first to what forbids most. `no_license` has no place in it: what is silent leaves
# the judgement to its neighbours.
_BEST_FIRST = (
    LicenseType.PERMISSIVE,
    LicenseType.PERMISSIVE_WEAK,
    LicenseType.CONTESTED,
    LicenseType.NON_PERMISSIVE,
)


class Rule(BaseModel):
    """Ids that share a verdict, and on whose word."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    verdict: Literal["permissive", "permissive_weak", "contested", "non_permissive", "neutral"]
    source: str = Field(description="Whose judgement it is, or the reason.")
    ids: tuple[str, ...] = Field(description="SPDX ids and LicenseRef-scancode-* ids.")


class Policy(BaseModel):
    """A policy file. Every id stands in at most one rule, written as the licence table writes it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    version: int = Field(ge=1)
    rules: tuple[Rule, ...]

    _verdicts: dict[str, LicenseType] = PrivateAttr(default_factory=dict)

    @model_validator(mode="after")
    def _read_one_way(self) -> Policy:
        seen: dict[str, str] = {}
        for rule in self.rules:
            for spdx in rule.ids:
                entry = table.by_id(spdx)
                if entry and entry.spdx != spdx:
                    raise ValueError(f"the id {spdx!r} must be written {entry.spdx!r}")
                if spdx in seen:
                    raise ValueError(f"the id {spdx!r} stands under {seen[spdx]!r} and under {rule.source!r}")
                seen[spdx] = rule.source
                self._verdicts[spdx] = _type_of(rule)
        return self

    @property
    def digest(self) -> str:
        """sha256 over the meaning: name, version and the verdict of each id, whatever the order or layout."""
        meaning = [
            self.name,
            self.version,
            sorted((spdx, str(type_)) for spdx, type_ in self._verdicts.items()),
        ]
        return hashlib.sha256(json.dumps(meaning, separators=(",", ":")).encode()).hexdigest()

    def classify(self, expression: SpdxExpression | None) -> LicenseType:
        """The verdict of an expression: OR by its best operand, AND by its worst, WITH by its licence.

        Silent operands are left out; an expression of nothing else, and none at all, is no_license. An
        exception never improves a verdict: it only adds permissions to a licence that is judged by itself.
        """
        if expression is None:
            return LicenseType.NO_LICENSE
        if isinstance(expression, Leaf):
            return self._verdicts.get(expression.spdx, LicenseType.NON_PERMISSIVE)
        return _judge(expression, (self.classify(operand) for operand in expression.operands))

    def choose(self, expression: SpdxExpression) -> SpdxExpression:
        """An expression with the best operand in place of each choice; of equal ones the first as it is written."""
        if isinstance(expression, Leaf):
            return expression
        if expression.operator == "AND":
            return all_of(map(self.choose, expression.operands)) or expression
        stating = [o for o in expression.operands if self.classify(o) is not LicenseType.NO_LICENSE]
        best = min(stating, key=lambda o: _BEST_FIRST.index(self.classify(o)), default=expression.operands[0])
        return self.choose(best)


def load(name: str) -> Policy:
    """The policy of a shipped name (`permissive-2`) or of a file's path. Raises ConfigError."""
    if name.endswith(".toml"):
        return read(Path(name))
    for folder in _SHIPPED:
        if (folder / f"{name}.toml").is_file():
            return read(folder / f"{name}.toml")
    known = sorted({path.stem for folder in _SHIPPED for path in folder.glob("*.toml")})
    raise ConfigError(
        f"license.policy: no shipped policy is named {name!r} (there are: {', '.join(known) or 'none'}); "
        "name one of these, or give the path of a .toml file"
    )


def read(path: Path) -> Policy:
    """The policy of a file. Raises ConfigError with what is wrong in it."""
    try:
        return Policy.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ConfigError(f"license.policy: {path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, ValidationError) as error:
        raise ConfigError(f"license.policy: {path} is not a policy file: {error}") from error


def _type_of(rule: Rule) -> LicenseType:
    return LicenseType.NO_LICENSE if rule.verdict == "neutral" else LicenseType(rule.verdict)


def _judge(expression: Join, operands: Iterable[LicenseType]) -> LicenseType:
    ranks = [_BEST_FIRST.index(o) for o in operands if o is not LicenseType.NO_LICENSE]
    if not ranks:
        return LicenseType.NO_LICENSE
    return _BEST_FIRST[min(ranks) if expression.operator == "OR" else max(ranks)]
