"""One key for all spellings of an origin."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.stages.optout.canonical import account_keys, canonical_origin, without_version

REPOSITORY = "https://github.com/o/r"
SPELLINGS = {
    "http://github.com/o/r": REPOSITORY,
    "git://github.com/o/r": REPOSITORY,
    "git+ssh://git@github.com/o/r.git": REPOSITORY,
    "https://www.github.com/o/r": REPOSITORY,
    "https://github.com/o/r/": REPOSITORY,
    "https://github.com//o///r": REPOSITORY,
    "https://github.com/o/r.git": REPOSITORY,
    "https://github.com/o/r.git/": REPOSITORY,
    "https://github.com/o/r.git.git": REPOSITORY,
    "https://github.com/o/r/.git": REPOSITORY,
    "git@github.com:o/r": REPOSITORY,
    "git@github.com:o/r.git": REPOSITORY,
    "github.com:o/r.git": REPOSITORY,
    "github.com/o/r": REPOSITORY,
    "ssh://git@github.com:22/o/r.git": REPOSITORY,
    "HTTPS://GitHub.com/O/R": REPOSITORY,
    "https://github.com./o/r": REPOSITORY,
    "https://github.com/o/r?tab=readme#top": REPOSITORY,
    "https://user:token@github.com:443/o/r": REPOSITORY,
    "https://gitlab.com/Group/Sub/P": "https://gitlab.com/group/sub/p",
    "https://git.example.org/Group/P": "https://git.example.org/Group/P",
    "https://git.example.org:8443/o/r": "https://git.example.org:8443/o/r",
    "https://[2001:DB8::1]:8443/o/r": "https://[2001:db8::1]:8443/o/r",
    "https://github.com/o/r%2Ejs": "https://github.com/o/r.js",
    "https://git.example.org/o/%7Er": "https://git.example.org/o/~r",
    "https://git.example.org/o/r%c3%a9": "https://git.example.org/o/r%C3%A9",
    "https://git.example.org/o/ré": "https://git.example.org/o/r%C3%A9",
    "https://git.example.org/o/100%": "https://git.example.org/o/100%25",
    "https://gist.github.com/o/ID": "https://gist.github.com/o/id",
    "https://bücher.example/o/r": "https://xn--bcher-kva.example/o/r",
    "https://BÜCHER.example/o/r": "https://xn--bcher-kva.example/o/r",
    "https://XN--BCHER-KVA.example/o/r": "https://xn--bcher-kva.example/o/r",
    "pkg:pypi/NAME@1.0": "pkg:pypi/name@1.0",
    "pkg:pypi/Some_Na.me@1.0?file_name=x.whl#sub": "pkg:pypi/some-na-me@1.0",
    "pkg:PyPI/a__b": "pkg:pypi/a-b",
    "pkg:npm/%40Scope/Name@1.0": "pkg:npm/@scope/name@1.0",
    "pkg:cargo/Serde@1.0": "pkg:cargo/Serde@1.0",
    "local:Folder_Name": "local:Folder_Name",
    "anything else": "anything else",
    "file:///srv/x": "file:///srv/x",
}
AMBIGUOUS = [
    "https://github.com/o%2Fr",
    "https://github.com/o%2fr/x",
    "https://github.com/o/../p/r",
    "https://github.com/o/%2e%2e/r",
    "https://github.com/o/./r",
    "https://github.com/o/r%00",
    "https://github.com/o/r\n",
    "https://github.com/o/a b",
    "https://github.com:port/o/r",
    "pkg:npm/a%2Fb",
]


@pytest.mark.parametrize(("spelling", "key"), SPELLINGS.items())
def test_table_of_spellings(spelling: str, key: str) -> None:
    assert canonical_origin(spelling) == key


@pytest.mark.parametrize("origin", AMBIGUOUS)
def test_ambiguous_origins_are_refused(origin: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        canonical_origin(origin)


def test_other_repositories_keep_other_keys() -> None:
    others = [
        "https://github.com/o/r2",
        "https://github.com/o2/r",
        "https://github.com/other-o/r",
        "https://gitlab.com/o/r",
    ]
    assert len({canonical_origin(origin) for origin in [REPOSITORY, *others]}) == 5


_PIECES = st.sampled_from(
    ["%2E", "%25", "%", "%41", "%c3", ".", "..", ".git", ".GIT", "/", "//", "@", ":", "o", "R", "é", "ß",
     "www.", "x.org",
     "github.com", "https://", "ssh://", "git@", "pkg:", "pypi", "npm", "_", "-", ":80", ":443", "?", "#", "İ", "K"]
)  # fmt: skip


@given(st.one_of(st.text(max_size=30), st.lists(_PIECES, max_size=12).map("".join)))
@example("http://h.org:443/o")
@example("A://WWW..0")
@example("a://www..www./x")
@example("https://www.www.github.com/o/r")
@example("https://git.example.org/%2541")
@example("https://git.example.org/%%341")
def test_a_key_is_its_own_key(origin: str) -> None:
    try:
        key = canonical_origin(origin)
    except ValueError:
        return
    assert canonical_origin(key) == key


def test_a_token_is_not_part_of_a_key() -> None:
    assert "secret" not in canonical_origin("https://user:secret@git.example.org/o/r")


@pytest.mark.parametrize(
    ("key", "accounts"),
    [
        ("https://github.com/o/r", ["https://github.com/o"]),
        ("https://gitlab.com/g/s/p", ["https://gitlab.com/g", "https://gitlab.com/g/s"]),
        ("https://gist.github.com/o/id", ["https://github.com/o"]),
        ("https://github.com/o", []),
        ("pkg:pypi/x@1", []),
        ("local:x/y/z", []),
    ],
)
def test_accounts_above_a_repository(key: str, accounts: list[str]) -> None:
    assert account_keys(key) == accounts


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("pkg:pypi/x@1", "pkg:pypi/x"),
        ("pkg:npm/@scope/name@1", "pkg:npm/@scope/name"),
        ("pkg:npm/@scope/name", "pkg:npm/@scope/name"),
        ("https://h.org/a@1", "https://h.org/a@1"),
    ],
)
def test_without_version(key: str, expected: str) -> None:
    assert without_version(key) == expected
