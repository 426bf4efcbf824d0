"""The errors a user can meet, one small hierarchy.

A bad *record* is never an error: it is a decision with a reason. An error means that a stage, a
configuration or an input as a whole cannot be used, and says what was expected, what was found,
where, and what to do.
"""

from __future__ import annotations


class PermastackError(Exception):
    """Base of every error that Permastack raises on purpose. Exit code 1 unless a subclass says otherwise."""

    exit_code = 1


class ConfigError(PermastackError):
    """The configuration, registry or command line cannot be used. Exit code 2."""

    exit_code = 2


class InputError(PermastackError):
    """An input as a whole is missing, unreadable or empty."""


class IntegrityError(PermastackError):
    """Bytes on disk are not those that a digest promised, or counts do not close."""


class EnvironmentalError(PermastackError):
    """Time, memory, network or a dead process: running again may succeed."""


class BusyError(EnvironmentalError):
    """Another run holds the work folder."""


class AuditError(PermastackError):
    """An audit found that a release does not keep its promises. Exit code 3."""

    exit_code = 3
