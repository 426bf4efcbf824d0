"""The registry: all detectors, in a fixed order; those of other distributions last. Imports detect-secrets."""

from __future__ import annotations

from . import (
    addresses,
    armour,
    assignments,
    commands,
    detect_secrets_adapter,
    json_web_tokens,
    keyword_tokens,
    national_ids,
    password_hashes,
    payment,
    phones,
    sql_inserts,
    url_credentials,
    vendor_tokens,
    wrapped,
)
from .config import RedactConfig
from .detector import Detector
from .extensions import installed


def registry(config: RedactConfig) -> tuple[Detector, ...]:
    """The detectors that a configuration wants."""
    return (
        addresses.EMAIL,
        addresses.IPV4,
        addresses.IPV6,
        phones.PHONE,
        phones.PHONE_BELOW,
        payment.CARD,
        payment.IBAN,
        national_ids.NATIONAL_ID,
        armour.PEM,
        armour.PUTTY,
        url_credentials.URL_PASSWORD,
        url_credentials.KEYWORD_LIST,
        url_credentials.OTHER_STRINGS,
        json_web_tokens.JWT,
        *vendor_tokens.detectors(),
        password_hashes.PASSWORD_HASH,
        wrapped.KUBERNETES,
        wrapped.BASE64_KEY,
        wrapped.LOGIN,
        wrapped.BY_NAME,
        commands.COMMAND,
        assignments.ASSIGNMENT,
        assignments.BELOW,
        sql_inserts.SQL_INSERT,
        keyword_tokens.KEYWORD_TOKEN,
        keyword_tokens.SERVICE_TOKEN,
        *detect_secrets_adapter.detectors(config.entropy),
        *installed(),
    )
