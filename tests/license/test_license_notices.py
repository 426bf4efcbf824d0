"""NOTICE files hold where licence files of the same place do, and the nearest goes before."""

from __future__ import annotations

import pytest

from pipeline.stages.license.notices import is_notice, nearest_notices


@pytest.mark.parametrize(
    "name", ["NOTICE", "notice.txt", "a/b/NOTICES.md", "ThirdPartyNotices.txt", "THIRD-PARTY-NOTICES"]
)
def test_names(name: str) -> None:
    assert is_notice(name.encode())


@pytest.mark.parametrize("name", ["notice.py", "NOTICE-BOARD.txt", "noticed", "a.NOTICE", "NOTICE/a.txt"])
def test_other_names(name: str) -> None:
    assert not is_notice(name.encode())


@pytest.mark.parametrize(
    ("tree", "path", "expected"),
    [
        (["NOTICE"], "a/b/c.py", "NOTICE"),
        (["NOTICE", "a/NOTICE.txt"], "a/b/c.py", "a/NOTICE.txt"),
        (["a/NOTICE"], "b.py", None),
        (["NOTICE", "NOTICE.md"], "b.py", "NOTICE"),
        (["x-1.dist-info/NOTICE", "x-1.dist-info/METADATA"], "x/a.py", "x-1.dist-info/NOTICE"),
        (["x-1.dist-info/licenses/NOTICE"], "x/a.py", "x-1.dist-info/licenses/NOTICE"),
        (["NOTICE"], "NOTICE", "NOTICE"),
        ([], "a.py", None),
    ],
)
def test_the_nearest(tree: list[str], path: str, expected: str | None) -> None:
    found = nearest_notices([path.encode(), *(name.encode() for name in tree if name != path)])
    assert found[0] == (expected.encode() if expected else None)
