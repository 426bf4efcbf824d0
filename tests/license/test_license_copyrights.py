"""Copyright statements: what states one, what only speaks of it."""

from __future__ import annotations

import pytest

from pipeline.stages.license.copyrights import MAX_STATEMENTS, statements


@pytest.mark.parametrize(
    ("line", "holder"),
    [
        ("Copyright (c) 2019 Ann Author", "Ann Author"),
        (
            " * Copyright 2001, 2003-2005 The Regents of the University. All rights reserved.",
            "The Regents of the University",
        ),
        ("# © 2020 Ann Author <ann@example.com>", "Ann Author"),
        ("// (c) 2020 by Ann Author", "Ann Author"),
        ("SPDX-FileCopyrightText: 2021 Example GmbH", "Example GmbH"),
        ("Copyright Example Inc.", "Example Inc"),
        ("Copyright 2020", None),
        ("Copyright &copy; 2007-2019 Lua.org, PUC-Rio.", "Lua.org, PUC-Rio"),
    ],
)
def test_statements(line: str, holder: str | None) -> None:
    assert [found for _, found in statements(f"first\n{line}\n\nlast\n".encode())] == [holder]


@pytest.mark.parametrize(
    "line",
    [
        "The above copyright notice and this permission notice shall be included",
        "THE COPYRIGHT HOLDERS OR CONTRIBUTORS BE LIABLE",
        "see the copyright law of your country",
        "def copyright():",
        "(c) the third case",
        "copyrighted by nobody",
        '<a href="copyright.html">License</a>',
        "",
    ],
)
def test_what_is_no_statement(line: str) -> None:
    assert statements(line.encode()) == []


def test_each_once_and_not_without_end() -> None:
    assert len(statements(b"Copyright 2020 A\n" * 5)) == 1
    many = "".join(f"Copyright {2000 + n % 20} Person{n}\n" for n in range(1000))
    assert len(statements(many.encode())) == MAX_STATEMENTS
    assert statements("©".encode() * 100_000 + b" " * 100_000) == statements("©".encode() * 100_000)


@pytest.mark.parametrize(
    ("text", "holder"),
    [
        (" * Copyright (C) 2001, 2002\n *   Example Inc.\n */", "Example Inc"),
        ("/* Copyright 1996-2018 by\n * David Turner and others.\n */", "David Turner and others"),
        ("# Copyright 2001\n#\n# Permission is granted", None),
        ("// Copyright 2001\n// Copyright 2002 Ann", None),
        ("Copyright 2001", None),
    ],
)
def test_a_holder_on_the_next_line(text: str, holder: str | None) -> None:
    assert statements(text.encode())[0][1] == holder


def test_what_is_far_from_a_word_is_left_out_of_a_long_line() -> None:
    (found,) = statements(b"x" * 1_000_000 + b" Copyright 2020 Ann" + b" " * 1_000_000)
    assert found[1] == "Ann"
