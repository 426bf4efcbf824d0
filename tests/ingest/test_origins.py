"""How inputs are found and called."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import InputError
from pipeline.stages.ingest.inputs import matches
from pipeline.stages.ingest.origins import (
    Named,
    checked_origin,
    from_template,
    origin_of_remote,
    read_origins,
)

TOKEN = "gh" + "p_" + "x" * 36


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://github.com/o/r.git", "https://github.com/o/r"),
        ("https://GitHub.com/O/r.git/", "https://github.com/O/r"),
        ("https://github.com/o/r", "https://github.com/o/r"),
        (f"https://{TOKEN}@github.com/o/r.git", "https://github.com/o/r"),
        (f"https://user:{TOKEN}@github.com/o/r.git", "https://github.com/o/r"),
        (f"https://user:p@{TOKEN}@host/o/r", "https://host/o/r"),
        (f"https://host/o/r.git?token={TOKEN}#{TOKEN}", "https://host/o/r"),
        ("git@github.com:o/r.git", "https://github.com/o/r"),
        ("github.com:o/r", "https://github.com/o/r"),
        (f"user:{TOKEN}@host:o/r.git", "https://host/o/r"),
        ("ssh://git@host:2222/o/r.git", "https://host/o/r"),
        ("git://host:9418/o/r", "git://host:9418/o/r"),
        ("http://host:8080/o/r", "http://host:8080/o/r"),
        ("https://[::1]:80/o/r", "https://[::1]:80/o/r"),
        ("/home/someone/r", None),
        ("../r", None),
        ("file:///home/someone/r", None),
        ("C:\\code\\r", None),
        ("C:/code/r", None),
        ("https://host", None),
        ("https://host/a b", None),
        (f"https://{TOKEN}/x@host/o/r", None),
        (f"https://user:{TOKEN}/x@host/o/r", None),
        ("ext::sh -c evil", None),
        ("", None),
    ],
)
def test_a_remote_becomes_a_logical_name(url: str, origin: str | None) -> None:
    assert origin_of_remote(url) == origin
    assert TOKEN not in str(origin)


@pytest.mark.parametrize(
    ("template", "name", "stem", "origin"),
    [
        ("pkg:pypi/{name}@{version}", "six-1.17.0.tar.gz", "six-1.17.0", "pkg:pypi/six@1.17.0"),
        (
            "pkg:pypi/{name}@{version}",
            "ruamel_yaml-0.18-py3-none-any.whl",
            "ruamel_yaml-0.18-py3-none-any",
            "pkg:pypi/ruamel-yaml@0.18",
        ),
        ("pkg:pypi/{name}@{version}", "a-1-2-py3-none-any.whl", "a-1-2-py3-none-any", "pkg:pypi/a@1"),
        ("pkg:pypi/{name}@{version}", "zope.i-18n-1.0.zip", "zope.i-18n-1.0", "pkg:pypi/zope-i-18n@1.0"),
        ("local:{filename}", "x.tar", "x", "local:x.tar"),
        ("local:{stem}", "x.tar", "x", "local:x"),
    ],
)
def test_a_template_names_an_archive(template: str, name: str, stem: str, origin: str) -> None:
    assert from_template(template, Path("/in", name), stem) == origin


def test_a_template_that_a_name_cannot_fill_is_an_error() -> None:
    with pytest.raises(InputError, match=r"/in/README\.zip: expected a name such as NAME-VERSION"):
        from_template("pkg:pypi/{name}", Path("/in/README.zip"), "README")


@pytest.mark.parametrize("origin", ["", " ", " a", "a\n", "/home/x", "./x", "~/x", "file:///x", "C:\\x", "a\udcff"])
def test_what_names_nothing_to_others_is_refused(origin: str) -> None:
    with pytest.raises(InputError, match=r"^row 1: "):
        checked_origin(origin, "row 1")


@pytest.fixture
def inputs(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / "in" / "a.zip", tmp_path / "in" / "b.zip", tmp_path / "more" / "b.zip"]
    for path in paths:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"")
    return paths


def test_a_table_names_inputs(tmp_path: Path, inputs: list[Path]) -> None:
    table = tmp_path / "origins.csv"
    table.write_bytes(
        b"\xef\xbb\xbfpath,origin,stars,forks,date\r\n"
        b"a.zip,pkg:a/a@1,12,,1970-01-02\r\n"
        b'more/b.zip,"pkg:a/b,c",,3,1970-01-01T01:00:00+01:00\r\n'
        b"./in/b.zip,pkg:a/b,,,\r\n"
    )
    assert read_origins(table, inputs) == {
        inputs[0]: Named("pkg:a/a@1", 12, None, 86400),
        inputs[2]: Named("pkg:a/b,c", None, 3, 0),
        inputs[1]: Named("pkg:a/b", None, None, None),
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected the columns path, origin"),
        ("path\na.zip\n", "expected the columns path, origin"),
        ("path,origin,star\na.zip,x,1\n", "expected the columns path, origin"),
        ("path,origin,origin\na.zip,x,y\n", "expected the columns path, origin"),
        ("path,origin\na.zip\n", "line 2: expected 2 values"),
        ("path,origin\na.zip,x,y\n", "line 2: expected 2 values"),
        ("path,origin\nc.zip,x\n", "line 2: the path 'c.zip' names 0 of the inputs"),
        ("path,origin\nb.zip,x\n", "line 2: the path 'b.zip' names 2 of the inputs"),
        ("path,origin\na.zip,x\nin/a.zip,y\n", "line 3: a second row for"),
        ("path,origin\na.zip,/home/x\n", "line 2: the origin '/home/x' is a path of this machine"),
        ("path,origin,stars\na.zip,x,-1\n", "line 2: expected a whole number of stars"),
        ("path,origin,forks\na.zip,x,1e3\n", "line 2: expected a whole number of forks"),
        ("path,origin,date\na.zip,x,yesterday\n", "line 2: expected a date"),
        ('path,origin\n"a.zip,x\n', "expected a CSV file in UTF-8"),
        ("path,origin\na.zip,\udcff\n", "expected a CSV file in UTF-8"),
    ],
)
def test_a_bad_table_is_an_error_that_says_where(tmp_path: Path, inputs: list[Path], text: str, message: str) -> None:
    table = tmp_path / "origins.csv"
    table.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(InputError, match=rf"origins\.csv.*{message}"):
        read_origins(table, inputs)


def test_a_missing_table_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.csv: expected a readable CSV file of origins: No such file"):
        read_origins(tmp_path / "nowhere.csv", [])


def test_patterns_are_resolved_sorted_and_merged(tmp_path: Path, inputs: list[Path]) -> None:
    assert matches("*/*.zip", tmp_path) == inputs
    assert matches(["more/b.zip", str(tmp_path / "in/*"), "in/../in/a.zip"], tmp_path) == inputs
    (tmp_path / "in" / "[a].zip").write_bytes(b"")
    assert matches("in/[a].zip", tmp_path) == [tmp_path / "in" / "[a].zip"]


def test_a_pattern_without_match_is_an_error(tmp_path: Path) -> None:
    for pattern in ("*.whl", "missing.zip"):
        with pytest.raises(InputError, match="matches nothing: expected a file or folder at"):
            matches(pattern, tmp_path)
    (tmp_path / "dangling.zip").symlink_to("gone")
    with pytest.raises(InputError, match="dangling symbolic link"):
        matches("dangling.zip", tmp_path)


def test_an_input_inside_an_input_is_an_error(tmp_path: Path, inputs: list[Path]) -> None:
    with pytest.raises(InputError, match="the second lies in the first"):
        matches("**/*", tmp_path)
