"""The registry: all detectors, in a fixed order. Imports detect-secrets."""

from __future__ import annotations

from . import addresses, armour, detect_secrets_adapter, url_credentials
from .config import RedactConfig
from .detector import Detector


def registry(config: RedactConfig) -> tuple[Detector, ...]:
    """The detectors that a configuration wants."""
    return (
        addresses.EMAIL,
        addresses.IPV4,
        addresses.IPV6,
        armour.PEM,
        armour.PUTTY,
        url_credentials.URL_PASSWORD,
        *detect_secrets_adapter.detectors(config.entropy),
    )
