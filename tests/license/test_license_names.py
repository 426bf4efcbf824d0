"""Which names are licence files and manifests."""

from __future__ import annotations

import pytest

from pipeline.stages.license.names import kind_of

LICENSE_FILES = """
LICENSE LICENCE license.txt License.md LICENSE-MIT LICENSE.APACHE2 LICENSE_BSD MIT-LICENSE
apache-license.txt COPYING COPYING3 COPYINGv2 COPYING.LESSER COPYING.LIB copying.txt COPYRIGHT
copyright UNLICENSE Legal LISENCE
Apache2.0 ISC ISC.txt Zlib.txt WTFPL
0BSD.txt GPL LGPLv3 LICENCA EULA.txt ThirdPartyLicenses.txt third_party_licenses.txt THIRD-PARTY-LICENSES.md
src/foo.c.license LICENSES/MIT.txt LICENSES/GPL-3.0-or-later LICENSES/GPL-3.0-or-later.txt
licenses/Apache-2.0 licenses/BSD3 licenses/sub/AUTHORS LICENSE/bakoma.txt x-1.0.dist-info/LICENSE
x-1.0.dist-info/licenses/src/x/Vendored
"""

# The Stack v2's patterns take README, about.txt, mit.c, license.py and the like; the strict names do not.
OTHERS = """
README about.txt guidelines.md license.py LICENSE.json
license.html legal.c licensee licensing.rst unlicensed copyist.txt COPYRIGHT.in license.html.erb
package-lock.json sub/METADATA METADATA pyproject.toml.bak licenses/views.py licenses/data.bin
licenses/.gitkeep legalese.txt x.dist-info/RECORD
mit.c gpl.svg bsd.c apache.conf isc.py LICENSE~ README.md NOTICE about.html artistic.css dep5 copyrights.csv
"""

MANIFESTS = {
    "PKG-INFO": "metadata:pkg-info",
    "src/x.egg-info/PKG-INFO": "metadata:pkg-info",
    "x-1.0.dist-info/METADATA": "metadata:wheel",
    "a/b/pyproject.toml": "metadata:pyproject",
    "setup.cfg": "metadata:setup.cfg",
    "package.json": "metadata:package.json",
    "Cargo.toml": "metadata:cargo",
    "setup.py": "metadata:setup.py",
    "x/pom.xml": "metadata:pom",
    "x.gemspec": "metadata:gemspec",
    "composer.json": "metadata:composer",
    "aeson.cabal": "metadata:cabal",
    "pkg/DESCRIPTION": "metadata:r",
    "debian/copyright": "paths:debian",
    "a/debian/copyright": "paths:debian",
    ".reuse/dep5": "paths:dep5",
    "lib/REUSE.toml": "paths:reuse",
}


@pytest.mark.parametrize("path", LICENSE_FILES.split())
def test_license_files(path: str) -> None:
    assert kind_of(path.encode()) == "license"


@pytest.mark.parametrize("path", OTHERS.split())
def test_other_files(path: str) -> None:
    assert kind_of(path.encode()) is None


@pytest.mark.parametrize(("path", "kind"), MANIFESTS.items())
def test_manifests(path: str, kind: str) -> None:
    assert kind_of(path.encode()) == kind


def test_a_name_that_is_no_text() -> None:
    assert kind_of(b"LICENSE.\xff\xfe\n") == "license"
    assert kind_of(b"\xff") is None
    assert kind_of(b"") is None
