"""How people write licences in manifests: ids, full names, short forms, trove classifiers; and what they
mean.
"""

from __future__ import annotations

import re

from pipeline.stages.license import table
from pipeline.stages.license.expression import ExpressionError, SpdxExpression, any_of, parse, states_license

# How people write licences that are neither ids nor full names of the table. "GPL" and "LGPL" without a
# version mean any, "BSD" is read as its three-clause form, "Apache" as 2.0: as ScanCode reads them.
_WRITTEN = {
    "apache": "Apache-2.0",
    "apache 2": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "apache2": "Apache-2.0",
    "apache2.0": "Apache-2.0",
    "apache license": "Apache-2.0",
    "apache license 2": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "apache software license 2.0": "Apache-2.0",
    "asl 2.0": "Apache-2.0",
    "al2": "Apache-2.0",
    "bsd": "BSD-3-Clause",
    "bsd license": "BSD-3-Clause",
    "bsd 2 clause": "BSD-2-Clause",
    "bsd 2-clause license": "BSD-2-Clause",
    "simplified bsd": "BSD-2-Clause",
    "bsd 3 clause": "BSD-3-Clause",
    "3-clause bsd": "BSD-3-Clause",
    "3-clause bsd license": "BSD-3-Clause",
    "bsd 3-clause license": "BSD-3-Clause",
    "new bsd": "BSD-3-Clause",
    "new bsd license": "BSD-3-Clause",
    "modified bsd": "BSD-3-Clause",
    "modified bsd license": "BSD-3-Clause",
    "expat": "MIT",
    "expat license": "MIT",
    "mit license": "MIT",
    "mit license mit": "MIT",
    "mit licensed": "MIT",
    "mit x11": "MIT",
    "x11 mit": "MIT",
    "mit licence": "MIT",
    "isc license": "ISC",
    "isc license iscl": "ISC",
    "psf": "PSF-2.0",
    "psf license": "PSF-2.0",
    "psfl": "PSF-2.0",
    "python software foundation license": "PSF-2.0",
    "zpl 2.1": "ZPL-2.1",
    "zope public license": "ZPL-2.1",
    "zlib libpng license": "Zlib",
    "boost software license 1.0": "BSL-1.0",
    "boost software license 1.0 bsl-1.0": "BSL-1.0",
    "the unlicense unlicense": "Unlicense",
    "unlicense": "Unlicense",
    "historical permission notice and disclaimer hpnd": "HPND",
    "universal permissive license upl": "UPL-1.0",
    "mit no attribution license mit-0": "MIT-0",
    "university of illinois ncsa open source license": "NCSA",
    "cc0 1.0 universal cc0 1.0 public domain dedication": "CC0-1.0",
    "public domain": "LicenseRef-scancode-public-domain",
    "academic free license afl": "AFL-3.0",
    "artistic license": "Artistic-1.0",
    "mpl": "MPL-2.0",
    "mpl 2.0": "MPL-2.0",
    "mozilla public license 1.1 mpl 1.1": "MPL-1.1",
    "mozilla public license 2.0 mpl 2.0": "MPL-2.0",
    "eclipse public license 1.0 epl-1.0": "EPL-1.0",
    "eclipse public license 2.0 epl-2.0": "EPL-2.0",
    "gpl": "GPL-1.0-or-later",
    "gnu gpl": "GPL-1.0-or-later",
    "gnu general public license gpl": "GPL-1.0-or-later",
    "gplv2": "GPL-2.0-only",
    "gpl 2": "GPL-2.0-only",
    "gplv2+": "GPL-2.0-or-later",
    "gnu general public license v2 gplv2": "GPL-2.0-only",
    "gnu general public license v2 or later gplv2+": "GPL-2.0-or-later",
    "gplv3": "GPL-3.0-only",
    "gpl 3": "GPL-3.0-only",
    "gnu gplv3": "GPL-3.0-only",
    "gplv3+": "GPL-3.0-or-later",
    "gnu general public license v3 gplv3": "GPL-3.0-only",
    "gnu general public license v3 or later gplv3+": "GPL-3.0-or-later",
    "lgpl": "LGPL-2.0-or-later",
    "gnu lgpl": "LGPL-2.0-or-later",
    "gnu library or lesser general public license lgpl": "LGPL-2.0-or-later",
    "gnu lesser general public license v2 lgplv2": "LGPL-2.1-only",
    "gnu lesser general public license v2 or later lgplv2+": "LGPL-2.1-or-later",
    "gnu lgpl 2.1 or later": "LGPL-2.1-or-later",
    "gnu gpl 2 or later": "GPL-2.0-or-later",
    "gnu gpl 3 or later": "GPL-3.0-or-later",
    "lgplv2.1": "LGPL-2.1-only",
    "lgplv2.1+": "LGPL-2.1-or-later",
    "lgplv3": "LGPL-3.0-only",
    "gnu lesser general public license v3 lgplv3": "LGPL-3.0-only",
    "lgplv3+": "LGPL-3.0-or-later",
    "gnu lesser general public license v3 or later lgplv3+": "LGPL-3.0-or-later",
    "agplv3": "AGPL-3.0-only",
    "gnu affero general public license v3": "AGPL-3.0-only",
    "gnu affero general public license v3 or later agplv3+": "AGPL-3.0-or-later",
    "european union public licence 1.2 eupl 1.2": "EUPL-1.2",
    "other proprietary license": "LicenseRef-scancode-proprietary-license",
    "proprietary": "LicenseRef-scancode-proprietary-license",
    "proprietary license": "LicenseRef-scancode-proprietary-license",
    "commercial": "LicenseRef-scancode-commercial-license",
    "unlicensed": "LicenseRef-scancode-proprietary-license",
    "all rights reserved": "LicenseRef-scancode-proprietary-license",
}
_SAYS_NOTHING = frozenset({"", "unknown", "none", "n/a", "tbd", "see license", "license", "dual", "other", "custom"})
_LONGEST = 200  # characters; a longer field is a licence text, not a name
_NOISE = re.compile(r"\b(?:the|version)\b|\bv(?=[\d ])")
_CHOICE = re.compile(r"\s*/\s*|\s+or\s+|\s*\|\|?\s*", re.IGNORECASE)


_GNU = re.compile(
    r"(?P<family>(?:gnu\s+)?(?:[al]?gpl|(?:(?P<kind>affero|lesser|library)\s+)?general\s+public\s+licen[cs]e))"
    r"[\s,(-]*(?:v|version\s*)?(?P<version>\d(?:\.\d)?)?(?P<rest>.*)",
    re.IGNORECASE | re.DOTALL,
)
_LATER = re.compile(r"\+|or[- ]+(?:any[- ]+)?(?:later|newer|above|higher)|later[- ]version", re.IGNORECASE)
_FIRST = {"GPL": "1.0", "LGPL": "2.0", "AGPL": "3.0"}


def normalise(text: str) -> SpdxExpression | None:
    """The expression that a field's words mean; None where they say nothing or are unclear.

    >>> str(normalise("Apache License, Version 2.0")), str(normalise("MIT/Apache-2.0"))
    ('Apache-2.0', 'Apache-2.0 OR MIT')
    >>> normalise("see LICENSE") is None
    True
    """
    text = " ".join(text.split())
    if text.lower() in _SAYS_NOTHING or len(text) > _LONGEST:
        return None
    named = _one(text)
    if named is not None:
        return named
    try:
        expression = parse(text)
    except ExpressionError:
        # Cargo's old form of a choice (MIT/Apache-2.0), and how people write one.
        parts = _CHOICE.split(text)
        options = [option for part in parts if (option := _one(part)) is not None]
        return any_of(options) if 1 < len(parts) == len(options) else None
    return expression if states_license(expression) else None


def gnu(text: str) -> SpdxExpression | None:
    """The GNU licence that a text begins with, in whatever words its version stands.

    >>> str(gnu("GNU General Public License v2.0 only")), str(gnu("AGPLv3+")), str(gnu("LGPL"))
    ('GPL-2.0-only', 'AGPL-3.0-or-later', 'LGPL-2.0-or-later')
    """
    found = _GNU.match(text.strip())
    if found is None or re.search(
        r"\bor\b(?!\W+(?:any|later|newer|above|higher))|\band\b|/", found["rest"], re.IGNORECASE
    ):
        return None
    kind = (found["kind"] or "").lower()
    short = re.search(r"([al]?)gpl", found["family"], re.IGNORECASE)
    letter = short[1].upper() if short else {"affero": "A", "lesser": "L", "library": "L"}.get(kind, "")
    family = f"{letter}GPL"
    version = found["version"]
    if version is None:
        return parse(f"{family}-{_FIRST[family]}-or-later")
    version = version if "." in version else f"{version}.0"
    entry = table.by_id(f"{family}-{version}-{'or-later' if _LATER.search(found['rest']) else 'only'}")
    return parse(entry.spdx) if entry else parse(f"{family}-{_FIRST[family]}-or-later")


def _one(text: str) -> SpdxExpression | None:
    known = _MEANINGS.get(_plain(text))
    if known:
        return parse(known)
    entry = table.by_name(text) if " " in text else table.by_id(text)
    if entry is None:
        return gnu(text)
    # `unknown`, `see-license` and the like are ScanCode's keys, and no licence that somebody declares.
    if entry.is_silent or entry.is_exception:
        return None
    return parse(entry.key)


def _plain(text: str) -> str:
    return " ".join(_NOISE.sub(" ", re.sub(r"[(),;:\"'/]", " ", text.lower())).split()).rstrip(".")


_MEANINGS = {_plain(written): meaning for written, meaning in _WRITTEN.items()}
