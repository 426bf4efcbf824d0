"""Redaction: personal data and secrets give way to surrogates; all other bytes stay."""

from __future__ import annotations

from .config import RedactConfig
from .core import Scanner, versions
from .spans import Span, redact

__all__ = ["RedactConfig", "Scanner", "Span", "redact", "versions"]
