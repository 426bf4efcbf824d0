"""Jupyter notebooks: the language of their code cells, and where the outputs of these stand.

Notebooks of the formats 3 and 4 are read. Nothing here changes a text: `output_spans` says of a released text which
bytes are outputs, and `without_outputs` takes them out for whoever wants that.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Sequence
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any, NamedTuple

import numpy as np

from pipeline.stages.language.languages import languages

MAX_DEPTH = 200
"""A notebook that nests deeper is none; otherwise the depth of the interpreter's own stack would decide."""

# Numbers stay as they are written: how many digits one may have is a setting of the interpreter.
_DECODER = json.JSONDecoder(parse_int=str, parse_float=str)
_BLANK = re.compile(r"[ \t\n\r]*")
_STRING = re.compile(rb'"(?:[^"\\]++|\\.?)*+"?', re.DOTALL)  # to the end where it has none: linear whatever comes
_VERSION = re.compile(r"[\s\-.\d]+$")
# What kernels call languages that linguist calls otherwise.
_CALLED = {
    "ipython": "Python", "ipython2": "Python", "ipython3": "Python", "python2": "Python", "python3": "Python",
    "ir": "R", "bash": "Shell", "sh": "Shell", "c++11": "C++", "c++14": "C++", "c++17": "C++", "csharp": "C#",
    "fsharp": "F#", "golang": "Go", "node": "JavaScript", "sagemath": "Sage", "octave": "MATLAB",
    "pwsh": "PowerShell", "wolfram language": "Wolfram Language", "mathematica": "Wolfram Language",
}  # fmt: skip


class Notebook(NamedTuple):
    """What a notebook says: the language by its metadata, as written there, and its code cells' sources in order.

    `outputs` are the spans between the brackets of each list of outputs that is not empty, in bytes of the text.
    """

    stated: str | None
    code: tuple[str, ...]
    outputs: tuple[tuple[int, int], ...]


class _MalformedError(ValueError):
    """A text that is no notebook."""


def read_notebook(text: bytes) -> Notebook | None:
    """A notebook of UTF-8 text; None where the text is none: no JSON, nested too deep, or without cells.

    Time and memory are linear in the text, whatever it is.
    """
    if _depth(text) > MAX_DEPTH:
        return None
    try:
        walk = _Walk(text.decode())
        walk.root()
    except ValueError:  # no JSON, or no notebook
        return None
    return walk.notebook() if walk.has_cells else None


def output_spans(text: bytes) -> list[int] | None:
    """Start and end of each span of outputs, one after another, in bytes of the text; None where it is no notebook."""
    notebook = read_notebook(text)
    return None if notebook is None else [place for span in notebook.outputs for place in span]


def without_outputs(content: str, spans: Sequence[int] | None) -> str:
    """A released notebook without outputs, by the column `output_spans` of its row; any other text as it is.

    What is left is a valid notebook in which each list of outputs is empty; all else stays, byte for byte. Raises
    ValueError where the spans do not lie in the text one after another.

    >>> without_outputs('{"outputs": [1, 2], "x": 0}', [13, 17])
    '{"outputs": [], "x": 0}'
    """
    if not spans:
        return content
    data = content.encode()
    if len(spans) % 2 or any(a > b for a, b in zip([0, *spans], [*spans, len(data)], strict=True)):
        raise ValueError(f"the spans do not lie one after another in a text of {len(data)} bytes: are they this row's?")
    bounds = [0, *spans, len(data)]
    return b"".join(data[a:b] for a, b in zip(bounds[::2], bounds[1::2], strict=True)).decode()


def named_language(stated: str | None) -> str | None:
    """Linguist's name of the language that a notebook's metadata states; None where that is unknown.

    >>> named_language("ipython3"), named_language("julia-1.6"), named_language("mine")
    ('Python', 'Julia', None)
    """
    name = (stated or "").strip().lower()
    return _by_name().get(name) or _by_name().get(_VERSION.sub("", name))


@functools.cache
def _by_name() -> dict[str, str]:
    return _CALLED | {name.lower(): name for name in languages()}


def _depth(text: bytes) -> int:
    bare = np.frombuffer(_STRING.sub(b"", text), np.uint8)
    steps = np.isin(bare, (0x5B, 0x7B)).astype(np.int64) - np.isin(bare, (0x5D, 0x7D))
    return int(np.cumsum(steps).max(initial=0))


class _Walk:
    """One pass over the text: what is wanted is walked through, the rest skipped by the decoder of `json`."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._metadata: list[str] = []  # by what goes first: language_info, kernelspec, language of a cell
        self._cell_languages: list[str] = []
        self._code: list[str] = []
        self._outputs: list[tuple[int, int]] = []
        self.has_cells = False

    def root(self) -> None:
        metadata: Any = None
        for key, at in self._object(self._blank(0)):
            if key == "metadata":
                metadata = self._value(at)
            elif key == "cells":
                self._cells(at)
            elif key == "worksheets":
                for sheet in self._array(at):
                    for inner, place in self._object(sheet):
                        if inner == "cells":
                            self._cells(place)
                        else:
                            self._value(place)
            else:
                self._value(at)
        if self._blank(self._end) != len(self._text):
            raise _MalformedError
        for keys in (("language_info", "name"), ("kernelspec", "language"), ("kernelspec", "name"), ("language",)):
            found = metadata
            for step in keys:
                found = found.get(step) if isinstance(found, dict) else None
            if isinstance(found, str) and found.strip():
                self._metadata.append(found)

    def notebook(self) -> Notebook:
        stated = next((name for name in (*self._metadata, *self._cell_languages) if named_language(name)), None)
        first = next(iter((*self._metadata, *self._cell_languages)), None)
        return Notebook(stated or first, tuple(self._code), tuple(self._in_bytes()))

    def _in_bytes(self) -> Iterator[tuple[int, int]]:
        done, size = 0, 0
        places = []
        for place in (place for span in self._outputs for place in span):
            size += len(self._text[done:place].encode())
            done = place
            places.append(size)
        return zip(places[::2], places[1::2], strict=True)

    def _cells(self, at: int) -> None:
        self.has_cells = True
        for cell in self._array(at):
            fields: dict[str, Any] = {}
            outputs: list[tuple[int, int]] = []
            for key, place in self._object(cell):
                value = self._value(place)
                if key == "outputs" and isinstance(value, list) and value:
                    outputs.append((place + 1, self._end - 1))
                elif key in ("cell_type", "source", "input", "language"):
                    fields[key] = value
            if fields.get("cell_type") != "code":
                continue
            self._outputs += outputs
            source = fields.get("source", fields.get("input"))
            lines = source if isinstance(source, list) else [source]
            self._code.append("".join(line for line in lines if isinstance(line, str)))
            if isinstance(fields.get("language"), str):
                self._cell_languages.append(fields["language"])

    def _blank(self, at: int) -> int:
        found = _BLANK.match(self._text, at)
        assert found is not None
        return found.end()

    def _value(self, at: int) -> Any:
        value, self._end = _DECODER.raw_decode(self._text, at)
        return value

    def _expect(self, at: int, *characters: str) -> str:
        found = self._text[at : at + 1]
        if found not in characters:
            raise _MalformedError
        return found

    def _object(self, at: int) -> Iterator[tuple[str, int]]:
        """Each key and where its value begins; whoever iterates reads the value, which sets `_end`."""
        self._expect(at, "{")
        at = self._blank(at + 1)
        if self._text[at : at + 1] == "}":
            self._end = at + 1
            return
        while True:
            self._expect(at, '"')
            key, at = scanstring(self._text, at + 1, True)
            at = self._blank(at)
            self._expect(at, ":")
            yield key, self._blank(at + 1)
            at = self._blank(self._end)
            if self._expect(at, ",", "}") == "}":
                self._end = at + 1
                return
            at = self._blank(at + 1)

    def _array(self, at: int) -> Iterator[int]:
        """Where each element begins; whoever iterates reads it."""
        self._expect(at, "[")
        at = self._blank(at + 1)
        if self._text[at : at + 1] == "]":
            self._end = at + 1
            return
        while True:
            yield at
            at = self._blank(self._end)
            if self._expect(at, ",", "]") == "]":
                self._end = at + 1
                return
            at = self._blank(at + 1)
