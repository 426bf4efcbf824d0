"""Reading the texts of benchmarks. They come from the user, and go nowhere: only digests of their files do."""

from __future__ import annotations

import ast
import functools
import gzip
import hashlib
import json
import zlib
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.errors import ConfigError, InputError
from pipeline.stages.screen.config import BenchmarkConfig, ScreenConfig

_MAX_BYTES = 1 << 30
"""Of one benchmark, unpacked."""


class BenchmarkText(NamedTuple):
    """One text of a benchmark. `item` is its item's place, counted from 0 in the order of the file or of the paths."""

    benchmark: str
    item: int
    name: str  # ID:FIELD
    data: bytes


def benchmark_texts(config: ScreenConfig) -> list[BenchmarkText]:
    """Every text of every benchmark but the exempted ones, in order.

    Raises InputError where a file is missing or is not what its format says, ConfigError where an exemption names
    nothing. Memory: the texts.
    """
    return [text for name, benchmark in config.benchmarks.items() for text in _texts(name, benchmark)]


def digests(config: ScreenConfig) -> dict[str, str]:
    """Of each benchmark the sha256 of its file, or of a folder's sorted paths and their files' sha256."""
    found = {}
    for name, benchmark in config.benchmarks.items():
        total = hashlib.sha256()
        if benchmark.format == "text":
            for path, data in _folder(benchmark):
                total.update(f"{hashlib.sha256(data).hexdigest()}  {path}\n".encode())
        else:
            total.update(_file(benchmark))
        found[name] = total.hexdigest()
    return found


def _texts(name: str, benchmark: BenchmarkConfig) -> Iterator[BenchmarkText]:
    exempt = set(benchmark.exempt)
    seen: dict[str, None] = {}
    for number, (item, parts) in enumerate(_items(benchmark)):
        seen[item] = None
        for field, data in parts.items():
            full = f"{item}:{field}" if field else item
            seen[full] = None
            if not exempt & {item, full}:
                yield BenchmarkText(name, number, full, data)
    for one in sorted(exempt - seen.keys()):
        near = get_close_matches(one, list(seen), 1)
        raise ConfigError(
            f"screen.benchmarks.{name}.exempt: {benchmark.path} has no text {one!r}"
            + (f"; did you mean {near[0]!r}?" if near else ": expected ID or ID:FIELD")
        )
    if not seen:
        raise InputError(f"{benchmark.path}: benchmark {name} holds no text: expected at least one")


def _items(benchmark: BenchmarkConfig) -> Iterator[tuple[str, dict[str, bytes]]]:
    if benchmark.format == "text":
        for path, data in _folder(benchmark):
            yield path, {"": data}
        return
    for number, line in enumerate(_unpacked(benchmark).split(b"\n"), 1):
        if not line.strip():
            continue
        where = f"{benchmark.path}: line {number}"
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            raise InputError(f"{where}: is no JSON: expected one object per line ({benchmark.format})") from None
        if not isinstance(row, dict):
            raise InputError(f"{where}: expected an object, found {type(row).__name__}")
        yield _item(row, number, benchmark, where)


def _item(row: dict[str, Any], number: int, benchmark: BenchmarkConfig, where: str) -> tuple[str, dict[str, bytes]]:
    match benchmark.format:
        case "humaneval":
            id_ = str(_field(row, ("task_id",), where))
            prompt, solution = (_text(row, (key,), where) for key in ("prompt", "canonical_solution"))
            docstring = _docstring(prompt, str(row.get("entry_point", "")))
            return id_, {"docstring": docstring.encode(), "canonical_solution": solution.encode()}
        case "mbpp":  # the sanitized form calls its text prompt
            id_ = str(_field(row, ("task_id",), where))
            text, code = _text(row, ("text", "prompt"), where), _text(row, ("code",), where)
            return id_, {"text": text.encode(), "code": code.encode()}
        case _:
            return str(number), {name: _text(row, (name,), where).encode() for name in benchmark.fields}


def _field(row: dict[str, Any], names: tuple[str, ...], where: str) -> Any:
    for name in names:
        if name in row:
            return row[name]
    raise InputError(f"{where}: has no field {' or '.join(names)}, but {', '.join(sorted(row)) or 'none'}")


def _text(row: dict[str, Any], names: tuple[str, ...], where: str) -> str:
    value = _field(row, names, where)
    if not isinstance(value, str):
        raise InputError(f"{where}: field {' or '.join(names)}: expected a text, found {type(value).__name__}")
    return value.encode("utf-8", "replace").decode()  # JSON may hold halves of characters


def _docstring(prompt: str, entry_point: str) -> str:
    """The docstring of the function to be written; the whole prompt where there is none to be found."""
    try:
        functions = [node for node in ast.parse(prompt).body if isinstance(node, ast.FunctionDef)]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return prompt
    named = [node for node in functions if node.name == entry_point] or functions[-1:]
    return (ast.get_docstring(named[0], clean=False) if named else None) or prompt


def _file(benchmark: BenchmarkConfig) -> bytes:
    try:
        return Path(benchmark.path).read_bytes()
    except OSError as error:
        raise InputError(f"{benchmark.path}: the benchmark cannot be read: {error.strerror}") from error


def _unpacked(benchmark: BenchmarkConfig) -> bytes:
    data = _file(benchmark)
    if not benchmark.path.endswith(".gz"):
        return data
    try:
        with gzip.open(benchmark.path) as packed:
            unpacked = packed.read(_MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{benchmark.path}: is no whole gzip file: {error}") from error
    if len(unpacked) > _MAX_BYTES:
        raise InputError(f"{benchmark.path}: unpacks to more than {_MAX_BYTES} bytes, at most so many are read")
    return unpacked


def _folder(benchmark: BenchmarkConfig) -> Iterator[tuple[str, bytes]]:
    folder = Path(benchmark.path)
    if not folder.is_dir():
        raise InputError(f'{folder}: is no folder: expected one of text files (format = "text")')
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    for name in sorted(files):
        try:
            yield name, files[name].read_bytes()
        except OSError as error:
            raise InputError(f"{files[name]}: the benchmark cannot be read: {error.strerror}") from error


def texts_of(config: ScreenConfig) -> tuple[BenchmarkText, ...]:
    """As `benchmark_texts`; the same object while settings and files stay the same."""
    return _cached(config.model_dump_json(), *digests(config).values())


@functools.lru_cache(maxsize=2)
def _cached(settings: str, *digests: str) -> tuple[BenchmarkText, ...]:
    return tuple(benchmark_texts(ScreenConfig.model_validate_json(settings)))
