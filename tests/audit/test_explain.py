"""What `explain` answers about the tiny release."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from pipeline.audit.explain import Explainer, explanation_text
from pipeline.errors import IntegrityError
from pipeline.swhid import content_id, swhid
from tests.audit.forgery import Forgery
from tests.corpus import long_module

ALPHA, ALPHA_1 = (f"pkg:pypi/alpha@1.{n}?file_name=alpha-1.{n}.tar.gz" for n in (0, 1))
BETA, GAMMA = "pkg:pypi/beta@1.0?file_name=beta-1.0-py3-none-any.whl", "pkg:pypi/gamma@1.0?file_name=gamma-1.0.tar.gz"
COPIED = swhid("cnt", content_id(long_module("alpha").encode()))


@pytest.fixture(scope="module")
def explainer(tiny_release: Path) -> Explainer:
    return Explainer(tiny_release)


def _one(explainer: Explainer, target: str) -> dict[str, Any]:
    (answer,) = explainer.explain(target)
    assert answer["target"] == target
    json.dumps(answer)
    assert explanation_text(answer).startswith(answer["outcome"])
    return answer


def test_a_released_file(explainer: Explainer) -> None:
    answer = _one(explainer, f"{ALPHA} alpha/copy.py")
    assert (answer["outcome"], answer["stage"], answer["rule"]) == ("released", None, None)
    assert answer["swhid"] == COPIED
    assert answer["shard"] == "data/python/00000.parquet"
    assert answer["redactions"] == 0
    assert answer["copies"] == {
        "count": 2,
        "first": [{"origin": ALPHA, "path": "alpha/core.py"}, {"origin": ALPHA_1, "path": "alpha/copy.py"}],
    }
    assert answer["license"]["verdict"] == "permissive"
    assert [row["path"] for row in answer["license"]["evidence"]] == ["LICENSE", "PKG-INFO"]
    assert set(answer["license"]["evidence"][0]) == {
        "source", "path", "swhid", "distance", "expression", "rule", "matcher", "score", "lines",
    }  # fmt: skip


def test_a_content_is_told_once_with_its_copies(explainer: Explainer) -> None:
    assert _one(explainer, COPIED) | {"target": ""} == _one(explainer, f"{ALPHA} alpha/copy.py") | {"target": ""}
    assert _one(explainer, f"{COPIED};origin={ALPHA}")["outcome"] == "released"


def test_redactions_are_counted(explainer: Explainer) -> None:
    answer = _one(explainer, f"{ALPHA} alpha/setup_mail.py")
    assert answer["redactions"] == 2
    assert "redacted  2 places" in explanation_text(answer)


def test_a_history(explainer: Explainer) -> None:
    answer = _one(explainer, "https://git.example.org/library src/graph.py")
    assert [answer["history"][name]["date"] for name in ("first_seen", "last_changed")] == [
        "2020-11-10T09:20:00Z", "2021-12-20T11:33:20Z",
    ]  # fmt: skip
    assert "  came      2020-11-10T09:20:00Z by swh:1:rev:" in explanation_text(answer)
    assert _one(explainer, f"{ALPHA} alpha/copy.py")["history"] is None


def test_what_is_no_content_has_an_id_of_its_kind(explainer: Explainer) -> None:
    assert _one(explainer, "https://git.example.org/hostile sub")["swhid"].startswith("swh:1:rev:")
    empty = _one(explainer, "https://downloads.example.org/box-1.0.tar.gz box-1.0/empty")
    assert empty["swhid"].startswith("swh:1:dir:")


def test_an_exact_copy(explainer: Explainer) -> None:
    answer = _one(explainer, f"{ALPHA} alpha/core.py")
    assert (answer["outcome"], answer["stage"], answer["rule"]) == ("merged", "exact", "exact_copy")
    assert answer["duplicate_of"] == {
        "kind": "exact", "swhid": COPIED, "origin": ALPHA, "path": "alpha/copy.py", "jaccard": 1.0, "cluster": None,
    }  # fmt: skip
    assert f"kept      {ALPHA} alpha/copy.py" in explanation_text(answer)


def test_a_near_duplicate(explainer: Explainer) -> None:
    answer = _one(explainer, f"{ALPHA_1} alpha/core.py")
    assert (answer["outcome"], answer["stage"], answer["rule"]) == ("dropped", "near", "near_duplicate")
    twin = answer["duplicate_of"]
    assert (twin["kind"], twin["swhid"], twin["path"], twin["cluster"]) == ("near", COPIED, "alpha/copy.py", COPIED)
    assert 0.7 <= twin["jaccard"] < 1
    assert "Jaccard" in explanation_text(answer)
    assert [found["outcome"] for found in explainer.explain(answer["swhid"])] == ["dropped"]


def test_a_header_that_vetoes_comes_last_and_in_full(explainer: Explainer) -> None:
    answer = _one(explainer, f"{ALPHA} alpha/vendor/gpl.py")
    assert (answer["outcome"], answer["rule"]) == ("dropped", "header_veto")
    sources = [row["source"] for row in answer["license"]["evidence"]]
    assert sources[:2] == ["license_file", "manifest"]
    assert set(sources[2:]) == {"header"}
    text = explanation_text(answer)
    assert text.index("origin: LICENSE") < text.index("the file itself")


def test_a_content_with_several_fates_has_several_answers(explainer: Explainer) -> None:
    (first, *_) = explainer.explain(f"{ALPHA} link.py")
    answers = explainer.explain(first["swhid"])
    assert {answer["origin"] for answer in answers} == {
        ALPHA,
        ALPHA_1,
        GAMMA,
        "pkg:pypi/delta@1.0?file_name=delta-1.0.tar.gz",
    }
    assert {answer["rule"] for answer in answers} == {"symlink"}


def test_no_license_has_no_evidence(explainer: Explainer) -> None:
    answer = _one(explainer, f"{GAMMA} gamma.py")
    assert answer["license"] == {"expression": None, "verdict": "no_license", "evidence": []}
    assert "none found" in explanation_text(answer)


def test_an_origin_alone_sums_up(explainer: Explainer) -> None:
    answer = _one(explainer, ALPHA_1)
    assert answer["counts"] == {"listed": 14, "released": 1, "merged": 8, "dropped": 5}
    assert sum(answer["rules"].values()) == 5
    assert _one(explainer, answer["swhid"])["origin"] == ALPHA_1
    assert _one(explainer, GAMMA)["outcome"] == "dropped"


@pytest.mark.parametrize(
    "target",
    [f"{ALPHA} alpha/nothing.py", "https://github.com/o/r", "https://github.com/o/r a b", "swh:1:cnt:" + "0" * 40,
     "swh:1:rev:" + "0" * 40, "swh:1:cnt:xyz", "", "\0", "\udcff", f"{ALPHA} \\xff\\xfe"],
)  # fmt: skip
def test_the_unknown_says_that_opt_outs_are_not_named(target: str, explainer: Explainer) -> None:
    (answer,) = explainer.explain(target)
    assert answer["outcome"] == "unknown"
    assert "opted out is not named" in answer["reason"]
    assert answer["license"] is None


def test_what_opted_out_is_as_unknown_as_what_never_was(forgery: Forgery) -> None:
    row = forgery.rows("data", lambda row: row["path"] == "beta/work.py")[0]
    forgery.remove("data", row)
    hidden = dict.fromkeys(forgery.rows("decisions")[0])
    forgery.add("decisions", hidden | {"stage": "optout", "rule": "optout_path", "reason": "asked", "count": 1})
    explainer = Explainer(forgery.seal())
    for target in (row["swhid"], f"{BETA} beta/work.py"):
        (answer,) = explainer.explain(target)
        (never,) = explainer.explain("swh:1:cnt:" + "0" * 40)
        assert answer | {"target": ""} == never | {"target": ""}


def test_paths_that_are_not_utf8_and_paths_with_blanks(forgery: Forgery) -> None:
    forgery.rows("data", lambda row: row["path"] == "beta/work.py")[0].update(
        path="beta/caf\\xe9.py", path_bytes=b"beta/caf\xe9.py"
    )
    forgery.rows("data", lambda row: row["path"] == "beta/__init__.py")[0].update(path="beta/a b.py")
    forgery.rows("decisions", lambda row: row["path"] == b"gamma.py")[0].update(path=b"g\xff.py")
    explainer = Explainer(forgery.seal())
    assert _one(explainer, f"{BETA} beta/caf\\xe9.py")["outcome"] == "released"
    assert _one(explainer, f"{BETA} beta/a b.py")["outcome"] == "released"
    assert _one(explainer, f"{GAMMA} g\\xff.py")["rule"] == "no_license"


def test_every_listed_file_is_explained(forgery: Forgery, explainer: Explainer) -> None:
    asked = {"released": 0, "merged": 0, "dropped": 0}
    for row in forgery.rows("data"):
        asked[_one(explainer, f"{row['origin']} {row['path']}")["outcome"]] += 1
    for table in ("copies", "decisions"):
        for row in forgery.rows(table):
            if row["path"] is None:
                asked["dropped"] += row["count"]  # a whole origin
                continue
            path = row["path"].decode("utf-8", "backslashreplace")
            asked[_one(explainer, f"{row['origin']} {path}")["outcome"]] += 1
    totals = forgery.release.totals
    assert asked == {"released": totals.released, "merged": totals.merged, "dropped": sum(totals.dropped.values())}


def test_thousands_of_targets_are_quick(explainer: Explainer) -> None:
    _one(explainer, COPIED)
    start = time.perf_counter()
    for _ in range(500):
        explainer.explain(COPIED)
        explainer.explain("swh:1:cnt:" + "0" * 40)
    # Loading the tables for each would take some twenty times as long.
    assert time.perf_counter() - start < 10


def test_no_release_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(IntegrityError, match="release\\.json"):
        Explainer(tmp_path)
