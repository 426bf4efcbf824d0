"""A run over packages that say path by path what holds, with a review and with metadata; and its audit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pytest

from pipeline.audit.attribution import attributions, bundle
from pipeline.audit.explain import Explainer
from pipeline.audit.verify import audit_release
from pipeline.audit.what_if import Stored, stored_in, what_if
from pipeline.build import build
from pipeline.config import make_config
from pipeline.errors import ConfigError, InputError
from pipeline.stages.license.policy import load
from pipeline.stages.license.reviews import Review
from pipeline.swhid import content_id
from tests.corpus import GPL_HEADER, MAIL, MIT, long_module, tar_of

GPL = "This program is licensed under the GNU General Public License version 2.\n"
OURS = "This is somebody's own licence: licensed under the GPL version 2, or so it seems.\n"
PACKAGES: dict[str, dict[str, str]] = {
    "prose": {
        "COPYING": "Everything in lib/ is under the MIT license.\n\n"
        "Everything else is under the GNU General Public License version 2,\n"
        "unless otherwise mentioned at the beginning of the file.\n",
        "lib/a.py": long_module("prose_a"),
        "b.py": long_module("prose_b"),
        "c.py": "# SPDX-License-Identifier: MIT\n" + long_module("prose_c"),
        "d.py": GPL_HEADER + long_module("prose_d"),
    },
    "debian": {
        "debian/copyright": "Files: *\nLicense: GPL-2+\n\nFiles: free/*\nLicense: Expat\n\n"
        "Files: free/x/*\nLicense: GPL-3\n",
        "COPYING": GPL,
        "free/a.py": long_module("debian_a"),
        "free/x/b.py": long_module("debian_b"),
        "c.py": long_module("debian_c"),
    },
    "reuse": {
        "LICENSES/MIT.txt": MIT.format(holder="R"),
        "LICENSES/GPL-2.0-only.txt": GPL,
        "REUSE.toml": '[[annotations]]\npath = "img/**"\nSPDX-License-Identifier = "CC0-1.0"\n',
        "img/a.svg": "<svg>" + long_module("reuse_a") + "</svg>\n",
        "b.py": "# SPDX-License-Identifier: MIT\n" + long_module("reuse_b"),
        "c.py": long_module("reuse_c"),
    },
    "reviewed": {"LICENSE": OURS, "a.py": long_module("reviewed_a")},
    "metadata": {"a.py": long_module("metadata_a"), "gpl/COPYING": GPL, "gpl/b.py": long_module("metadata_b")},
    "owed": {
        "LICENSE-MIT": MIT.format(holder="Ann Author <" + MAIL + ">"),
        "LICENSE-APACHE": "This is licensed under the Apache License, Version 2.0.\n",
        "NOTICE": f"This product has software of Ann Author <{MAIL}>.\n",
        "a.py": f"# Copyright 2020 Ann Author <{MAIL}>\n" + long_module("owed_a"),
        "sub/NOTICE.txt": "Nearer.\n" * 10,
        "sub/b.py": long_module("owed_b"),
        "hidden/NOTICE": "This one opted out.\n" * 10,
        "hidden/c.py": long_module("owed_c"),
    },
    "large": {"LICENSE": "licence terms " * 2_000, "a.py": long_module("large_a")},
}
OPTED_OUT = (
    '{"id": "1", "received": "2026-01-02", "action": "exclude", '
    '"scope": {"kind": "path_glob", "value": "hidden/NOTICE", "origin": "pkg:generic/owed.tar.gz"}}'
)
KEPT = {
    *("prose lib/a.py", "prose c.py", "debian free/a.py", "reuse img/a.svg", "reuse b.py", "reviewed a.py"),
    *("metadata a.py", "owed a.py", "owed sub/b.py", "owed hidden/c.py"),
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, facts: Path) -> dict[str, Any]:
    root = tmp_path_factory.mktemp("licences")
    (root / "in").mkdir()
    for name, files in PACKAGES.items():
        (root / f"in/{name}.tar.gz").write_bytes(tar_of(name, dict(files)))
    review = Review.model_validate(
        {
            "subject": f"swh:1:cnt:{content_id(OURS.encode()).hex()}",
            "expression": "MIT",
            "reviewer": "Ann",
            "date": "2026-01-02",
            "reason": "it is not the GPL",
        }
    )
    (root / "reviews.jsonl").write_text(review.line() + "\n", "utf-8")
    (root / "optout.jsonl").write_text(OPTED_OUT + "\n", "utf-8")
    (root / "known.csv").write_text("origin,license\npkg:generic/metadata.tar.gz,MIT\n", "utf-8")
    return {
        "ingest": {
            "sources": [{"kind": "archives", "path": f"{root}/in/*", "origin": "pkg:generic/{filename}"}],
            "repositories": str(root / "known.csv"),
        },
        "optout": {"registry": str(root / "optout.jsonl")},
        "license": {
            "reviews": str(root / "reviews.jsonl"),
            "unsigned_reviews": True,
            "max_header_bytes": 20_000,
        },
        "execution": {
            "work": str(root / "work"),
            "releases": str(root / "releases"),
            "facts": str(facts),
            "parts": 2,
            "buckets": 2,
            "cluster": {"kind": "inline"},
        },
    }


@pytest.fixture(scope="module")
def built(data: dict[str, Any]) -> Any:
    return build(make_config(data, [], Path("/"), "test"))


@pytest.fixture(scope="module")
def by_stack_v2(data: dict[str, Any]) -> Any:
    work = Path(data["execution"]["work"]).with_name("work-v2")
    changes = ['license.mode="stack-v2"', "dataset.version=0.1.1", "near.enabled=false", f"execution.work={work}"]
    return build(make_config(data, changes, Path("/"), "test"))


def test_what_is_kept(built: Any) -> None:
    explainer = Explainer(built.folder)
    kept = {
        f"{name} {path}"
        for name, files in PACKAGES.items()
        for path in files
        if path.rpartition("/")[2][:2] in ("a.", "b.", "c.", "d.")
        and explainer.explain(f"pkg:generic/{name}.tar.gz {path}")[0]["outcome"] == "released"
    }
    assert kept == KEPT


def test_the_audit_finds_the_same(built: Any) -> None:
    assert audit_release(built.folder).problems == []


def test_the_review_and_the_budget_are_told(built: Any) -> None:
    explainer = Explainer(built.folder)
    (reviewed,) = explainer.explain("pkg:generic/reviewed.tar.gz a.py")
    assert [(e["matcher"], e["rule"]) for e in reviewed["license"]["evidence"]] == [
        ("review", "Ann, 2026-01-02: it is not the GPL")
    ]
    (large,) = explainer.explain("pkg:generic/large.tar.gz a.py")
    assert (large["outcome"], large["rule"]) == ("dropped", "over_budget")
    assert built.release.policies["reviews"] != "none"


def verdicts(folder: Path) -> dict[tuple[str, bytes], tuple[str, str | None]]:
    files = stored_in(folder).files.to_pylist()
    return {(r["origin"], r["path"]): (r["license_type"], r["license_expression"]) for r in files}


def test_another_mode_from_the_same_evidence_is_what_its_run_finds(built: Any, by_stack_v2: Any) -> None:
    assert audit_release(by_stack_v2.folder).problems == []
    strict, theirs = verdicts(built.folder), verdicts(by_stack_v2.folder)
    moved = [(old, theirs[file]) for file, old in strict.items() if old[0] != theirs[file][0]]
    found = what_if(stored_in(built.folder), load("permissive-2"), {"mode": "stack-v2"})
    assert sum(change.files for change in found.changes.values()) == len(moved) > 3
    assert {old[0] for old, _ in moved} == {old for old, _ in found.changes}
    # A GPL header in a repository that metadata calls MIT: nobody looks at it.
    assert theirs["pkg:generic/metadata.tar.gz", b"gpl/b.py"] == ("permissive", "MIT")
    with pytest.raises(ConfigError, match=r"--mode strict: this was built with mode stack-v2.*only a run can tell"):
        what_if(stored_in(by_stack_v2.folder), load("permissive-2"), {"mode": "strict"})


def without_the_opted_out(stored: Stored) -> Stored:
    own = pc.not_equal(stored.files.column("origin"), "pkg:generic/owed.tar.gz")
    return replace(stored, files=stored.files.filter(own))


def test_a_work_folder_answers_like_its_release(built: Any, data: dict[str, Any], tmp_path: Path) -> None:
    work, release = (without_the_opted_out(stored_in(f)) for f in (Path(data["execution"]["work"]), built.folder))
    for changes in ({}, {"mode": "standard"}, {"mode": "stack-v2"}):
        of_work = what_if(work, load("permissive-1"), changes).as_json()
        assert of_work == what_if(release, load("permissive-1"), changes).as_json()
    with pytest.raises(InputError, match="is neither a release nor the work folder of a run"):
        stored_in(tmp_path)
    (tmp_path / "inputs.json").write_text("[]", "utf-8")
    with pytest.raises(InputError, match=r"step ingest\.list is not finished: let its run go on"):
        stored_in(tmp_path)


def test_what_is_owed_stands_in_the_rows_and_is_redacted(built: Any) -> None:
    owed = {row["path"]: row for row in attributions(built.folder) if row["origin"] == "pkg:generic/owed.tar.gz"}
    notice = PACKAGES["owed"]["NOTICE"].encode()
    assert owed["a.py"]["notice"] == f"swh:1:cnt:{content_id(notice).hex()}"
    nearer = PACKAGES["owed"]["sub/NOTICE.txt"].encode()
    assert owed["sub/b.py"]["notice"] == f"swh:1:cnt:{content_id(nearer).hex()}"
    assert owed["hidden/c.py"]["notice"] is None
    assert owed["a.py"]["copyright_holders"] == ["Ann Author"]
    assert owed["a.py"]["or_choice"] == "Apache-2.0"
    texts = [PACKAGES["owed"][name].encode() for name in ("LICENSE-MIT", "LICENSE-APACHE")]
    assert owed["a.py"]["license_texts"] == sorted(f"swh:1:cnt:{content_id(text).hex()}" for text in texts)
    shipped = "".join(bundle(built.folder))
    assert "This product has software of Ann Author" in shipped
    assert "files under Apache-2.0 OR MIT, taken as Apache-2.0" in shipped
    assert "This one opted out" not in shipped
    assert MAIL not in shipped + str(owed)


def test_reviews_are_not_dropped_in_silence(built: Any, data: dict[str, Any]) -> None:
    after = {**data, "license": {}, "release": {"previous": str(built.folder / "release.json")}}
    with pytest.raises(
        ConfigError, match=r"license\.reviews is not set, and the release before, dataset 0\.1\.0, was made"
    ):
        build(make_config(after, ["dataset.version=0.2.0"], Path("/"), "test"))
