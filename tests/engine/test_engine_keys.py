"""Keys: equal values, equal bytes; and nothing that decides a result is left out of them."""

from __future__ import annotations

import ast
import importlib
import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.engine.keys import PACKAGE, canonical_json, digest_of, source_digest
from pipeline.engine.runner import SHARED_CODE
from pipeline.engine.step import Step
from pipeline.flow import FLOW

_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text("aé\u2028\0"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abé", max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(_values)
def test_canonical_json_says_what_json_says(value: object) -> None:
    assert json.loads(canonical_json(value)) == value
    assert digest_of(json.loads(canonical_json(value))) == digest_of(value)


def test_canonical_json_does_not_know_the_order_of_keys() -> None:
    assert canonical_json({"b": 1, "a": [1, 2]}) == canonical_json({"a": (1, 2), "b": 1}) == b'{"a":[1,2],"b":1}'
    assert canonical_json([1, 2]) != canonical_json([2, 1])


def test_nan_is_refused() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json(float("nan"))


def test_source_digest_knows_names_and_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.engine.keys.PACKAGE", tmp_path)
    digest = source_digest.__wrapped__
    (tmp_path / "stage").mkdir()
    (tmp_path / "stage" / "core.py").write_text("x = 1")
    first = digest(("stage",))
    assert digest(("stage/core.py",)) == first
    (tmp_path / "stage" / "__pycache__").mkdir()
    (tmp_path / "stage" / "__pycache__" / "core.pyc").write_bytes(b"compiled")
    assert digest(("stage",)) == first
    (tmp_path / "stage" / "core.py").write_text("x = 2")
    assert digest(("stage",)) != first
    (tmp_path / "stage" / "core.py").rename(tmp_path / "stage" / "kernel.py")
    (tmp_path / "stage" / "kernel.py").write_text("x = 1")
    assert digest(("stage",)) != first


# Modules that move, keep and run things, and decide nothing of what is in them. `config` and `local_path` decide by
# what they give a step, which is in its key as its settings; `flow` is asked for schemas, which are shared.
PLUMBING = {
    *(f"engine/{name}.py" for name in ("__init__", "blame", "facts", "keys", "publication", "receipts", "services")),
    *("__init__.py", "config.py", "config_errors.py", "local_path.py", "flow.py", "stages/__init__.py"),
}
# What the last steps say of policies, registry, repositories and key is their digests, which stand in their keys as
# versions.
DIGESTED = {
    step: {"commitment.py", "repositories.py", "stages/license/", "stages/optout/", "stages/redact/"}
    for step in ("release.shards", "release.manifest")
}


@cache
def _tree(module: Path) -> ast.Module:
    return ast.parse(module.read_bytes())


def _imports(module: Path, nodes: Iterable[ast.AST]) -> dict[str, set[Path]]:
    """The files of the package that import statements among `nodes` mean, by the name that each gives them."""
    found: dict[str, set[Path]] = {}
    for node in nodes:
        if not isinstance(node, ast.ImportFrom):
            assert not (isinstance(node, ast.Import) and "pipeline" in ast.unparse(node)), f"{module}: use from-imports"
            continue
        folder = module.parents[node.level - 1].relative_to(PACKAGE).parts if node.level else ()
        base = (*folder, *(node.module or "").split(".")[0 if node.level else 1 :])
        if not node.level and str(node.module).split(".")[0] != "pipeline":
            continue
        for alias in node.names:
            # A module of that name, or else a name in the module.
            places = (PACKAGE.joinpath(*base, alias.name), PACKAGE.joinpath(*base))
            files = [file for place in places for file in (place.with_suffix(".py"), place / "__init__.py")]
            found[alias.asname or alias.name] = set([file for file in files if file.is_file()][:1])
    return found


def _called(step: Step) -> set[Path]:
    """What the step's function can call, itself or through functions of its own module."""
    module = Path(str(importlib.import_module(step.run.__module__).__file__)).resolve()
    own = {node.name: node for node in _tree(module).body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    imported = _imports(module, _tree(module).body)
    waiting, names = [step.run.__name__], set[str]()
    while waiting:
        name = waiting.pop()
        if name in own and name not in names:
            waiting += [node.id for node in ast.walk(own[name]) if isinstance(node, ast.Name)]
        names.add(name)
    inner = [node for name in names & own.keys() for node in ast.walk(own[name])]
    paths = set().union(*(imported.get(name, set()) for name in names), *_imports(module, inner).values())
    return paths | {module}


def _reached(step: Step) -> set[str]:
    """Every file of the package that a step's function can call, by the imports of what it calls."""
    called = _called(step)
    waiting, reached = list(called), set[str]()
    own = importlib.import_module(step.run.__module__).__file__
    while waiting:
        module = waiting.pop()
        name = module.relative_to(PACKAGE).as_posix()
        if name not in reached:
            reached.add(name)
            if name not in PLUMBING and str(module) != own:
                waiting += set().union(*_imports(module, ast.walk(_tree(module))).values())
    return reached


@pytest.mark.parametrize("step", FLOW, ids=lambda step: step.name)
def test_every_module_that_a_step_can_call_is_in_its_key(step: Step) -> None:
    declared = (*SHARED_CODE, *(code if code.endswith(".py") else f"{code}/" for code in step.code))
    keyed = (*declared, *DIGESTED.get(step.name, ()))
    left_out = {name for name in _reached(step) - PLUMBING if not name.startswith(keyed)}
    assert left_out == set()


@pytest.mark.parametrize("name", sorted({*SHARED_CODE, *(code for step in FLOW for code in step.code)}))
def test_declared_code_exists(name: str) -> None:
    assert (PACKAGE / name).exists()
