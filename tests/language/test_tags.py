"""Tags of small files: the language, the rule that decided, and the flags."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from pipeline.stages.language.config import LanguageConfig
from pipeline.stages.language.core import tag, tag_many, versions

CONFIG = LanguageConfig()

PYTHON = b'''import os\nfrom collections import Counter


class Walker:
    """Count the files below a folder."""

    def __init__(self, root: str) -> None:
        self.root = root

    def count(self) -> Counter:
        found = Counter()
        for folder, _, names in os.walk(self.root):
            for name in names:
                if name.endswith(".py"):
                    found[folder] += 1
        return found


if __name__ == "__main__":
    print(Walker(".").count())
'''
C_HEADER = b"#ifndef A_H\n#define A_H\n#include <stdio.h>\nint add(int a, int b);\n#endif\n"
CPP_HEADER = b"#pragma once\n#include <string>\nnamespace a { class B { public: std::string c; }; }\n"
OBJC_HEADER = b"#import <Foundation/Foundation.h>\n@interface A : NSObject\n@end\n"
PROLOG = b"parent(a, b).\nancestor(X, Y) :- parent(X, Y).\nancestor(X, Y) :- parent(X, Z), ancestor(Z, Y).\n"
PERL = b'#!/usr/bin/perl\nuse strict;\nuse warnings;\nmy $x = 1;\nprint "$x\\n";\n'


@pytest.mark.parametrize(
    ("path", "data", "language", "method"),
    [
        (b"src/a.py", PYTHON, "Python", "linguist:extension"),
        (b"src/a.pyx", b"cdef int f(int x):\n    return x\n", "Cython", "linguist:extension"),
        (b"a.css", b"a { color: red }\n", "CSS", "linguist:extension"),
        (b"a.js", b"const a = () => 1\n", "JavaScript", "linguist:extension"),
        (b"a/b.json", b'{"a": 1}\n', "JSON", "enry:heuristics"),
        (b"index.html", b"<!doctype html>\n<p>a\n", "HTML", "enry:heuristics"),
        (b"inc/a.h", C_HEADER, "C", "enry:heuristics"),
        (b"inc/a.h", CPP_HEADER, "C++", "enry:heuristics"),
        (b"inc/a.h", OBJC_HEADER, "Objective-C", "enry:heuristics"),
        (b"a.pl", PROLOG, "Prolog", "enry:heuristics"),
        (b"bin/start", b"#!/bin/sh\nset -e\nexec true\n", "Shell", "enry:shebang"),
        (b"bin/start", b"#!/usr/bin/env python3\nprint(1)\n", "Python", "enry:shebang"),
        (b"Makefile", b"all:\n\tcc a.c\n", "Makefile", "linguist:filename"),
        (b"docker/Dockerfile", b"FROM scratch\n", "Dockerfile", "linguist:filename"),
        (b"CMakeLists.txt", b"project(a)\n", "CMake", "linguist:filename"),
        (b"odd.txt", b"# -*- mode: ruby -*-\nputs 1\n", "Ruby", "enry:modeline"),
        (b"odd", b"a = 1\n" * 20 + b"# vim: set ft=python:\n", "Python", "enry:modeline"),
        (b"noext", b'<?xml version="1.0"?>\n<a/>\n', "XML", "enry:xml"),
        (b"\xff\xfe/caf\xe9.py", PYTHON, "Python", "linguist:extension"),
        (b"a.h", b"", None, None),
        (b"__init__.py", b" \n\t\n", None, None),
        (b"a.py", b"x = 1\n\0", None, None),
        (b"a.py", b"x" * 9000 + b"\0", None, None),
        (b"unknown", b"hello\n", None, None),
        (b"", b"hello\n", None, None),
    ],
)
def test_the_language_and_the_rule_that_decided(
    path: bytes, data: bytes, language: str | None, method: str | None
) -> None:
    found = tag(path, data, CONFIG)
    assert (found.language, found.method, found.confidence) == (language, method, None)


def test_the_classifier_answers_where_no_rule_does() -> None:
    found = tag(b"unknown", PYTHON, CONFIG)
    assert (found.language, found.method) == ("Python", "classifier")
    assert found.confidence is not None
    assert CONFIG.confidence_threshold <= found.confidence <= 1
    assert found.confidence == round(found.confidence, 4)


def test_a_confidence_below_the_threshold_gives_null() -> None:
    confidence = tag(b"unknown", PYTHON, CONFIG).confidence
    assert confidence is not None
    assert tag(b"unknown", PYTHON, LanguageConfig(confidence_threshold=confidence)).language == "Python"
    closed = tag(b"unknown", PYTHON, LanguageConfig(confidence_threshold=confidence + 0.0001))
    assert (closed.language, closed.method, closed.confidence) == (None, None, None)


@pytest.mark.parametrize(
    ("path", "data", "language"),
    [
        (b"tools/run", PERL, "Perl"),
        (b"a.pl", b"foo => 1,\nbar => [qw(a b c)],\nprint $x, @y;\n$h{a}->{b} = shift @_;\n", "Perl"),
        (b"a.pc", b"prefix=/usr\nName: a\nDescription: b\nLibs: -L${libdir} -la\n", "pkg-config"),
    ],
)
def test_where_the_name_leaves_several_the_classifier_takes_one_of_them(
    path: bytes, data: bytes, language: str
) -> None:
    found = tag(path, data, LanguageConfig(confidence_threshold=1.0))
    assert (found.language, found.method) == (language, "classifier")
    assert found.confidence is not None
    assert tag(path, data, LanguageConfig(use_classifier=False)).language is None


def test_the_classifier_can_be_left_out_and_the_stage_switched_off() -> None:
    assert tag(b"unknown", PYTHON, LanguageConfig(use_classifier=False)).language is None
    assert set(tag(b"vendor/a.py", PYTHON, LanguageConfig(enabled=False))) == {None, False}


MINIFIED = b"var a=function(b){return b+1};" * 200 + b"\n"
PROTOBUF = b"# -*- coding: utf-8 -*-\n# Generated by the protocol buffer compiler.  DO NOT EDIT!\nimport sys\n"


@pytest.mark.parametrize(
    ("path", "data", "raised"),
    [
        (b"src/a.py", PYTHON, set()),
        (b"a_pb2.py", PROTOBUF, {"is_generated"}),
        (b"js/a.js", MINIFIED, {"is_generated", "is_minified"}),
        (b"a.js", b"let a\n" * 20_000 + b"//# sourceMappingURL=a.js.map\n", {"is_generated"}),
        (b"node_modules/left-pad/index.js", b"module.exports = 1\n", {"is_generated", "is_vendor"}),
        (b"vendor/lib/a.c", C_HEADER, {"is_vendor"}),
        (b"third_party/a.c", C_HEADER, {"is_vendor"}),
        (b"docs/guide.md", b"# Guide\n", {"is_documentation"}),
        (b"README.md", b"# Read me\n", {"is_documentation"}),
        (b"a/conf.toml", b"a = 1\n", {"is_configuration"}),
        (b"tests/test_a.py", PYTHON, {"is_test"}),
        (b"vendor/empty.py", b"", {"is_vendor"}),
        (b"a/b.ipynb", b"{}", {"is_notebook"}),
        (b"a.min.css", b"a {}\n", {"is_minified", "is_vendor"}),
        (b"a.csv", b"a,b\n1,2\n", {"is_data_dump"}),
        (b"a.json", b"[" + b"1.25, " * 20_000 + b"1]\n", {"is_configuration", "is_data_dump"}),
        (b"a.sql", b"INSERT INTO a VALUES (1);\n" * 3_000, {"is_data_dump"}),
        (b"a.sql", b"SELECT a FROM b WHERE c;\n" * 3_000, set()),
        (b"lib/a.freezed.dart", b"// GENERATED CODE - DO NOT MODIFY BY HAND\n\nclass A {}\n", {"is_generated"}),
    ],
)
def test_flags(path: bytes, data: bytes, raised: set[str]) -> None:
    found = tag(path, data, CONFIG)._asdict()
    assert {name for name, value in found.items() if name.startswith("is_") and value} == raised


def test_vendoring_needs_the_full_path_not_the_base_name() -> None:
    assert tag(b"node_modules/a/index.js", b"a\n", CONFIG).is_vendor
    assert not tag(b"index.js", b"a\n", CONFIG).is_vendor


ROWS = st.tuples(
    st.one_of(
        st.binary(max_size=20),
        st.sampled_from([b"a.h", b"a.m", b"a.pl", b"x", b"Makefile", b"d/a.inc", b"a.pc", b"a.srt"]),
    ),
    st.one_of(
        st.binary(max_size=200),
        st.text(max_size=200).map(str.encode),
        st.sampled_from([PYTHON, C_HEADER, PROLOG]),
    ),
)


@settings(max_examples=60)
@example([(b"a\0.py", PYTHON), (b"/../a.py", b"\xff"), (b"\xff" * 300, b"\xf0\x9f")])
@given(st.lists(ROWS, max_size=6))
def test_any_input_is_tagged_and_no_tag_depends_on_the_other_rows(rows: list[tuple[bytes, bytes]]) -> None:
    alone = [tag(path, data, CONFIG) for path, data in rows]
    assert tag_many(rows, CONFIG) == alone
    assert tag_many(rows[::-1], CONFIG) == alone[::-1]
    for found in alone:
        assert (found.language is None) == (found.method is None)
        assert (found.confidence is not None) == (found.method == "classifier")


def test_a_large_text_is_tagged_by_its_first_part() -> None:
    assert tag(b"a.h", CPP_HEADER + b"/* filler */\n" * 800_000, CONFIG).language == "C++"
    assert tag(b"unknown", PYTHON * 100 + b"x" * 5_000_000, CONFIG).language == "Python"


def test_versions_name_the_library_its_data_and_the_weights() -> None:
    found = versions()
    assert found["enry-python"] == "0.2.0"
    assert len(found["guesslang"]) == len(found["guesslang-names"]) == 64


def test_reading_the_configuration_loads_neither_enry_nor_numpy() -> None:
    code = (
        "import sys, pipeline.stages.language.config as c; c.LanguageConfig(); "
        "sys.exit(any(name in sys.modules for name in ('enry', 'numpy')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("field", [{"confidence_threshold": 1.5}, {"confidence_threshold": -0.1}, {"guesslang": True}])
def test_wrong_configuration_is_refused(field: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        LanguageConfig.model_validate(field)
