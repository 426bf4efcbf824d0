"""What an audit found."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Check:
    """One promise that was looked at, and where it is not kept."""

    name: str
    about: str
    problems: list[str] = field(default_factory=list)

    def expect(self, kept: bool, problem: str) -> None:
        if not kept:
            self.problems.append(problem)


@dataclass
class Report:
    """All checks of one audit."""

    root: str
    checks: list[Check] = field(default_factory=list)

    @property
    def problems(self) -> list[str]:
        return [f"{check.name}: {problem}" for check in self.checks for problem in check.problems]

    @property
    def violated(self) -> set[str]:
        """The names of the checks that found something."""
        return {check.name for check in self.checks if check.problems}

    def check(self, name: str, about: str) -> Check:
        check = Check(name, about)
        self.checks.append(check)
        return check

    @contextmanager
    def judging(self, what: str) -> Iterator[None]:
        """Turn whatever goes wrong inside into a problem. What is audited may be anybody's forgery: a value that no
        check foresaw must end in the report, and must not keep the other checks from their work."""
        try:
            yield
        except Exception as error:
            self.check("readable", "all that a check rests on can be read").problems.append(
                f"{what} cannot be judged: {type(error).__name__}: {error}"
            )

    def as_json(self) -> dict[str, Any]:
        checks = [{"name": c.name, "about": c.about, "problems": c.problems} for c in self.checks]
        return {"root": self.root, "ok": not self.problems, "checks": checks}
