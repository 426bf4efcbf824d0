"""What an audit found."""

from __future__ import annotations

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

    def check(self, name: str, about: str) -> Check:
        check = Check(name, about)
        self.checks.append(check)
        return check

    def as_json(self) -> dict[str, Any]:
        checks = [{"name": c.name, "about": c.about, "problems": c.problems} for c in self.checks]
        return {"root": self.root, "ok": not self.problems, "checks": checks}
