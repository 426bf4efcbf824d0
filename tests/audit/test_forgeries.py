"""Forgeries that leave every digest, count and root consistent: only what the data mean can tell."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from pipeline.audit.verify import audit_release
from pipeline.stages.release.rows import extension
from pipeline.stages.screen.config import ScreenConfig
from pipeline.stages.screen.parsing import parser_versions, parses
from pipeline.swhid import content_id, swhid
from tests.audit.forgery import Forgery, Row

ALPHA, ALPHA_1 = (f"pkg:pypi/alpha@1.{n}?file_name=alpha-1.{n}.tar.gz" for n in (0, 1))
BETA, GAMMA = "pkg:pypi/beta@1.0?file_name=beta-1.0-py3-none-any.whl", "pkg:pypi/gamma@1.0?file_name=gamma-1.0.tar.gz"


def _row(forgery: Forgery, path: str, origin: str = ALPHA) -> Row:
    return forgery.rows("data", lambda row: row["path"] == path and row["origin"] == origin)[0]


def _decision(forgery: Forgery, path: bytes) -> Row:
    return forgery.rows("decisions", lambda row: row["path"] == path)[0]


def duplicate_a_row(forgery: Forgery) -> None:
    row = _row(forgery, "alpha/copy.py")
    forgery.add("data", dict(row), like=row)


def duplicate_a_content(forgery: Forgery) -> None:
    row = _row(forgery, "alpha/copy.py")
    copy = forgery.rows("copies", lambda other: other["path"] == b"alpha/core.py")[0]
    forgery.remove("copies", copy)
    forgery.add("data", row | {"path": "alpha/core.py", "n_copies": 1}, like=row)


def remove_a_row(forgery: Forgery) -> None:
    forgery.remove("data", _row(forgery, "beta/work.py", BETA))


def turn_a_row_into_an_opt_out(forgery: Forgery) -> None:
    forgery.remove("data", _row(forgery, "beta/work.py", BETA))
    hidden = dict.fromkeys(forgery.rows("decisions")[0])
    forgery.add("decisions", hidden | {"stage": "optout", "rule": "optout_path", "reason": "asked", "count": 1})


def edit_content(forgery: Forgery) -> None:
    row = _row(forgery, "alpha/copy.py")
    row["content"] = row["content"].replace("alpha_7", "alpha_8", 1)


def edit_content_with_its_digests(forgery: Forgery) -> None:
    row = _row(forgery, "beta/work.py", BETA)
    row["content"] += "# mine\n"
    data = row["content"].encode()
    row |= {
        "swhid": swhid("cnt", content_id(data)),
        "sha256": hashlib.sha256(data).hexdigest(),
        "length_bytes": len(data),
    }


def edit_redacted_content(forgery: Forgery) -> None:
    row = _row(forgery, "alpha/setup_mail.py")
    row["content"] = row["content"].replace("Jane", "Joan")


def put_a_mail_address_back(forgery: Forgery) -> None:
    row = _row(forgery, "alpha/setup_mail.py")
    row["content"] = row["content"].replace("user1@", "jane1@")
    row["redacted_sha256"] = hashlib.sha256(row["content"].encode()).hexdigest()


def change_a_license(forgery: Forgery) -> None:
    _row(forgery, "alpha/copy.py").update(license_expression="Apache-2.0", detected_licenses=["Apache-2.0"])


def change_detected_licenses(forgery: Forgery) -> None:
    _row(forgery, "alpha/copy.py").update(detected_licenses=["Apache-2.0", "MIT"])


def take_another_branch(forgery: Forgery) -> None:
    _row(forgery, "alpha/copy.py").update(or_choice="MIT")


def claim_a_copyright(forgery: Forgery) -> None:
    _row(forgery, "alpha/copy.py").update(copyrights=["Copyright 1999 Somebody"], copyright_holders=["Somebody"])


def forget_a_license_text(forgery: Forgery) -> None:
    _row(forgery, "alpha/copy.py").update(license_texts=[])


def name_a_notice(forgery: Forgery) -> None:
    row = _row(forgery, "alpha/copy.py")
    row.update(notice=row["license_texts"][0])


def take_the_evidence_of_another_origin(forgery: Forgery) -> None:
    _row(forgery, "alpha/copy.py").update(
        evidence_id=forgery.rows("decisions", lambda r: r["origin"] == ALPHA_1)[0]["evidence_id"]
    )


def edit_evidence(forgery: Forgery) -> None:
    forgery.rows("evidence", lambda row: row["source"] == "license_file")[0]["expression"] = "Apache-2.0"


def edit_evidence_lines(forgery: Forgery) -> None:
    forgery.rows("evidence", lambda row: row["source"] == "header")[0]["end_line"] += 1


def remove_evidence(forgery: Forgery) -> None:
    forgery.remove("evidence", forgery.rows("evidence", lambda row: row["source"] == "license_file")[0])


def remove_a_headers_evidence(forgery: Forgery) -> None:
    row = forgery.rows("data", lambda row: row["path"] == "LICENSE" and row["header_evidence_id"] is not None)[0]
    key = row["header_evidence_id"]
    row["header_evidence_id"] = None
    for evidence in forgery.rows("evidence", lambda other: other["evidence_id"] == key):
        assert evidence["expression"] == "MIT"


def move_a_redaction(forgery: Forgery) -> None:
    forgery.rows("redactions")[0]["end"] += 1


def move_a_redaction_whole(forgery: Forgery) -> None:
    row = forgery.rows("redactions")[0]
    for name in ("start", "end", "released_start", "released_end"):
        row[name] += 1


def rename_a_redactions_class(forgery: Forgery) -> None:
    forgery.rows("redactions", lambda row: row["cls"] == "EMAIL")[0]["cls"] = "IPV4"


def change_a_redactions_line(forgery: Forgery) -> None:
    forgery.rows("redactions")[0]["line"] += 1


def remove_a_redaction(forgery: Forgery) -> None:
    forgery.remove("redactions", forgery.rows("redactions")[0])
    _row(forgery, "alpha/setup_mail.py")["n_redactions"] = 1


def remove_a_copy(forgery: Forgery) -> None:
    copy = forgery.rows("copies", lambda row: row["path"] == b"alpha/core.py")[0]
    forgery.remove("copies", copy)
    _row(forgery, "alpha/copy.py")["n_copies"] -= 1


def count_fewer_copies(forgery: Forgery) -> None:
    _row(forgery, "alpha/copy.py")["n_copies"] -= 1


def point_a_copy_elsewhere(forgery: Forgery) -> None:
    forgery.rows("copies")[0]["kept_path"] = b"alpha/__init__.py"


def change_a_copys_license(forgery: Forgery) -> None:
    forgery.rows("copies")[0]["license_expression"] = "Apache-2.0"


def change_a_rule(forgery: Forgery) -> None:
    _decision(forgery, b"alpha/vendor/gpl.py")["rule"] = "no_license"


def change_a_reason(forgery: Forgery) -> None:
    _decision(forgery, b"gamma.py")["reason"] = "because"


def call_a_file_a_symlink(forgery: Forgery) -> None:
    _decision(forgery, b"docs/latin.txt")["rule"] = "symlink"


def call_a_file_too_large(forgery: Forgery) -> None:
    _decision(forgery, b"docs/latin.txt")["rule"] = "too_large"


def drop_what_the_policy_keeps(forgery: Forgery) -> None:
    row = _row(forgery, "beta/work.py", BETA)
    forgery.remove("data", row)
    like = _decision(forgery, b"gamma.py")
    same = {name: row[name] for name in ("origin", "mode", "license_type", "license_expression", "evidence_id")}
    blob = bytes.fromhex(row["swhid"][10:])
    forgery.add("decisions", like | same | {"path": b"beta/work.py", "blob": blob, "length": row["length_bytes"]})


def release_what_is_not_permissive(forgery: Forgery) -> None:
    _release_dropped(forgery, b"gamma.py", "x = 1\n", "no_license", None)


def release_against_a_header(forgery: Forgery) -> None:
    _release_dropped(forgery, b"stolen.py", "x = 1\n", "permissive", "MIT")


def _release_dropped(forgery: Forgery, path: bytes, text: str, kind: str, expression: str | None) -> None:
    decision = _decision(forgery, path)
    forgery.remove("decisions", decision)
    like = _row(forgery, "alpha/copy.py")
    about = forgery.rows("repositories", lambda row: row["origin"] == decision["origin"])[0]
    row = like | {
        "swhid": swhid("cnt", decision["blob"]), "origin": decision["origin"], "repo_name": decision["origin"],
        "path": path.decode(), "directory_id": swhid("dir", about["directory"]), "license_type": kind,
        "license_expression": expression, "detected_licenses": [expression] if expression else [], "evidence_id": None,
        "header_evidence_id": None, "n_copies": 0, "cluster_id": None, "content": text,
        "length_bytes": decision["length"],
    }  # fmt: skip
    forgery.add("data", row, like=like)


def put_a_row_into_another_language(forgery: Forgery) -> None:
    row = _row(forgery, "alpha/copy.py")
    css = forgery.rows("data", lambda other: other["language"] == "CSS")[0]
    forgery.remove("data", row)
    forgery.add("data", row, like=css)


def rename_a_language_folder(forgery: Forgery) -> None:
    entry = forgery.entry("data/css/00000.parquet")
    forgery.tables["data/cascading/00000.parquet"] = forgery.tables.pop(entry.path)
    (forgery.folder / entry.path).unlink()
    (forgery.folder / "data/css").rmdir()
    entry.path = "data/cascading/00000.parquet"


def change_a_path(forgery: Forgery) -> None:
    _row(forgery, "beta/work.py", BETA)["path"] = "beta/play.py"


def change_an_extension(forgery: Forgery) -> None:
    row = _row(forgery, "beta/work.py", BETA)
    assert row["extension"] == extension(row["path"])
    row["extension"] = "txt"


def call_a_guess_certain(forgery: Forgery) -> None:
    row = _row(forgery, "alpha/static/site.css")
    assert (row["src_encoding"], row["encoding_method"]) == ("cp1251", "guess")
    row["encoding_method"] = "mark"


def change_an_encoding(forgery: Forgery) -> None:
    _row(forgery, "alpha/static/site.css")["src_encoding"] = "koi8-r"


def change_a_repo_name(forgery: Forgery) -> None:
    _row(forgery, "beta/work.py", BETA)["repo_name"] = "somebody/else"


def change_a_qualified_id(forgery: Forgery) -> None:
    row = _row(forgery, "beta/work.py", BETA)
    row["qualified_swhid"] = row["qualified_swhid"].replace("work.py", "play.py")


def change_a_visit_date(forgery: Forgery) -> None:
    row = forgery.rows("data", lambda row: row["visit_date"] is not None)[0]
    row["visit_date"] += timedelta(days=1)


def change_a_mode(forgery: Forgery) -> None:
    _row(forgery, "beta/work.py", BETA)["mode"] = 0o100755


def give_stars(forgery: Forgery) -> None:
    _row(forgery, "beta/work.py", BETA)["star_events_count"] = 1000


def claim_a_revision(forgery: Forgery) -> None:
    _row(forgery, "beta/work.py", BETA)["revision_id"] = "swh:1:rev:" + "0" * 40


def change_an_origins_license(forgery: Forgery) -> None:
    forgery.rows("repositories", lambda row: row["origin"] == GAMMA)[0]["license_expression"] = "MIT"


def change_jaccard(forgery: Forgery) -> None:
    forgery.rows("duplicates")[0]["jaccard"] = 0.71


def point_a_duplicate_elsewhere(forgery: Forgery) -> None:
    other = bytes.fromhex(_row(forgery, "beta/work.py", BETA)["swhid"][10:])
    forgery.rows("duplicates")[0]["kept"] = other
    forgery.rows("decisions", lambda row: row["stage"] == "near")[0]["duplicate_of"] = other


def remove_a_pair(forgery: Forgery) -> None:
    forgery.remove("duplicates", forgery.rows("duplicates")[0])


def edit_a_license_text(forgery: Forgery) -> None:
    row = forgery.rows("licenses", lambda row: "MIT License" in row["text"])[0]
    row["text"] = row["text"].replace("MIT License", "My License")


def remove_a_license_text(forgery: Forgery) -> None:
    forgery.remove("licenses", forgery.rows("licenses", lambda row: "MIT License" in row["text"])[0])


def name_a_repository_twice(forgery: Forgery) -> None:
    forgery.add("repositories", dict(forgery.rows("repositories")[0]))


def claim_a_repository(forgery: Forgery) -> None:
    row = forgery.rows("repositories", lambda row: row["origin"] == GAMMA)[0]
    forgery.add("repositories", row | {"origin": "pkg:pypi/omega@1.0"})


def speak_for_nothing(forgery: Forgery) -> None:
    from dataclasses import asdict

    from pipeline.stages.license.evidence import Evidence, as_set

    row = forgery.rows("evidence", lambda row: row["source"] == "header")[0]
    (alone,) = as_set([Evidence(**row | {"blob": b"\1" * 20})])
    forgery.add("evidence", asdict(alone))


def _dated(forgery: Forgery) -> Row:
    return forgery.rows("data", lambda row: row["first_seen_revision"] != row["last_changed_revision"])[0]


def remove_a_revision(forgery: Forgery) -> None:
    heads = {row["revision"] for row in forgery.rows("repositories")}
    forgery.remove("revisions", forgery.rows("revisions", lambda row: row["revision"] not in heads)[0])


def add_a_revision(forgery: Forgery) -> None:
    forgery.add("revisions", forgery.rows("revisions")[0] | {"revision": "swh:1:rev:" + "0" * 40})


def make_a_path_older(forgery: Forgery) -> None:
    _dated(forgery)["first_seen"] -= timedelta(days=1)


def date_a_path_by_no_revision(forgery: Forgery) -> None:
    _dated(forgery)["first_seen_revision"] = None


def date_a_path_by_another_revision(forgery: Forgery) -> None:
    row = _dated(forgery)
    row["first_seen_revision"] = row["last_changed_revision"]


def commit_at_another_time(forgery: Forgery) -> None:
    revision = _dated(forgery)["first_seen_revision"]
    forgery.rows("revisions", lambda row: row["revision"] == revision)[0]["committer_seconds"] += 1


def praise_a_text(forgery: Forgery) -> None:
    _row(forgery, "alpha/copy.py")["duplicate_line_share"] = 0.001


def take_a_row_out_of_a_subset(forgery: Forgery) -> None:
    _row(forgery, "alpha/copy.py")["in_full"] = False


def call_code_data(forgery: Forgery) -> None:
    _row(forgery, "alpha/copy.py")["language_type"] = "data"


def loosen_a_filter(forgery: Forgery) -> None:
    _row(forgery, "alpha/copy.py").update(is_vendor=True)
    forgery.release.configuration["release"]["subsets"]["strict"]["filters"]["vendored"] = "not is_vendor or True"
    _row(forgery, "beta/work.py", BETA)["in_strict"] = False


def call_a_file_contaminated(forgery: Forgery) -> None:
    _row(forgery, "alpha/copy.py").update(is_contaminated=True, benchmark="own", benchmark_item=0, benchmark_share=1.0)


def call_a_file_clean_of_malware(forgery: Forgery) -> None:
    _row(forgery, "alpha/copy.py").update(is_malware=False)


def say_that_a_file_parses(forgery: Forgery) -> None:
    _row(forgery, "alpha/copy.py").update(parses=True)


def _parse_all(forgery: Forgery) -> None:
    """As if the release had been built with `screen.parse = true`, by the grammars that are installed."""
    forgery.release.configuration["screen"]["parse"] = True
    forgery.release.versions.update(parser_versions(ScreenConfig(parse=True)))
    for row in forgery.rows("data"):
        row["parses"] = parses(row["content"].encode(), row["language"])


def say_that_a_file_does_not_parse(forgery: Forgery) -> None:
    _parse_all(forgery)
    row = _row(forgery, "alpha/copy.py")
    assert row["parses"] is True
    row["parses"] = False


def hide_that_a_file_parses(forgery: Forgery) -> None:
    _parse_all(forgery)
    _row(forgery, "alpha/copy.py")["parses"] = None


def say_that_a_text_parses_for_which_there_is_no_grammar(forgery: Forgery) -> None:
    _parse_all(forgery)
    forgery.release.versions["tree-sitter"] = "0.1"
    (row, *_) = forgery.rows("data", lambda row: row["language"] == "CSS")
    row["parses"] = True


def call_a_file_clean_by_a_scan_of_others(forgery: Forgery) -> None:
    forgery.release.versions["clamav"] = "ClamAV 1.4.3/27500"
    _row(forgery, "alpha/copy.py").update(is_malware=False)


def give_a_file_outputs(forgery: Forgery) -> None:
    _row(forgery, "alpha/copy.py").update(output_spans=[0, 1])


FORGERIES: dict[Callable[[Forgery], None], str] = {
    duplicate_a_row: "unique",
    duplicate_a_content: "unique",
    remove_a_row: "trees",
    turn_a_row_into_an_opt_out: "totals",
    edit_content: "contents",
    edit_content_with_its_digests: "trees",
    edit_redacted_content: "redactions",
    put_a_mail_address_back: "redactions",
    change_a_license: "licenses",
    change_detected_licenses: "licenses",
    take_another_branch: "licenses",
    claim_a_copyright: "owed",
    forget_a_license_text: "owed",
    name_a_notice: "owed",
    take_the_evidence_of_another_origin: "evidence",
    edit_evidence: "evidence",
    edit_evidence_lines: "evidence",
    remove_evidence: "evidence",
    remove_a_headers_evidence: "licenses",
    move_a_redaction: "redactions",
    move_a_redaction_whole: "redactions",
    rename_a_redactions_class: "redactions",
    change_a_redactions_line: "redactions",
    remove_a_redaction: "redactions",
    remove_a_copy: "trees",
    count_fewer_copies: "copies",
    point_a_copy_elsewhere: "copies",
    change_a_copys_license: "licenses",
    change_a_rule: "licenses",
    change_a_reason: "licenses",
    call_a_file_a_symlink: "refusals",
    call_a_file_too_large: "refusals",
    drop_what_the_policy_keeps: "licenses",
    release_what_is_not_permissive: "licenses",
    release_against_a_header: "licenses",
    put_a_row_into_another_language: "order",
    rename_a_language_folder: "tables",
    change_a_path: "trees",
    change_an_extension: "columns",
    call_a_guess_certain: "columns",
    change_an_encoding: "contents",
    change_a_repo_name: "columns",
    change_a_qualified_id: "columns",
    change_a_visit_date: "origins",
    change_a_mode: "trees",
    give_stars: "origins",
    claim_a_revision: "origins",
    change_an_origins_license: "evidence",
    change_jaccard: "duplicates",
    point_a_duplicate_elsewhere: "duplicates",
    remove_a_pair: "duplicates",
    edit_a_license_text: "attribution",
    remove_a_license_text: "attribution",
    name_a_repository_twice: "ledgers",
    claim_a_repository: "trees",
    speak_for_nothing: "evidence",
    remove_a_revision: "histories",
    add_a_revision: "histories",
    make_a_path_older: "histories",
    date_a_path_by_no_revision: "histories",
    date_a_path_by_another_revision: "histories",
    commit_at_another_time: "histories",
    praise_a_text: "signals",
    call_a_file_contaminated: "benchmarks",
    call_a_file_clean_of_malware: "malware",
    say_that_a_file_parses: "unparsed",
    say_that_a_file_does_not_parse: "parses",
    hide_that_a_file_parses: "parses",
    say_that_a_text_parses_for_which_there_is_no_grammar: "unparsed",
    call_a_file_clean_by_a_scan_of_others: "malware",
    give_a_file_outputs: "notebooks",
    take_a_row_out_of_a_subset: "subsets",
    call_code_data: "languages",
    loosen_a_filter: "subsets",
}


def test_an_untouched_release_that_is_sealed_again_is_the_same(forgery: Forgery, tiny_release: Path) -> None:
    before = {path.name: path.read_bytes() for path in tiny_release.iterdir() if path.is_file()}
    folder = forgery.seal()
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before
    assert audit_release(folder).problems == []


@pytest.mark.parametrize(("forge", "check"), FORGERIES.items(), ids=[forge.__name__ for forge in FORGERIES])
def test_a_consistent_forgery_is_found(
    forge: Callable[[Forgery], None], check: str, forgery: Forgery, tiny_release: Path
) -> None:
    forge(forgery)
    report = audit_release(forgery.seal(), manifest=tiny_release / "release.json")
    assert check in report.violated
    # The forger did his work: nothing but meaning, and the root that was published, speaks against him.
    assert not report.violated & {"files", "root", "checksums", "readable", "statistics"}
    assert "published" in report.violated


def forge_a_whole_origin_anew(forgery: Forgery) -> None:
    forgery.remove("data", _row(forgery, "beta/work.py", BETA))
    forgery.regrow(BETA)


def forge_redacted_text(forgery: Forgery) -> None:
    row = _row(forgery, "alpha/setup_mail.py")
    row["content"] = row["content"].replace("Jane", "Joan")
    row["redacted_sha256"] = hashlib.sha256(row["content"].encode()).hexdigest()


def forge_a_language(forgery: Forgery) -> None:
    row = _row(forgery, "alpha/copy.py")
    row.update(is_generated=True, in_train=False, in_strict=False)


def forge_another_refusal(forgery: Forgery) -> None:
    _decision(forgery, b"docs/latin.txt").update(rule="binary", reason="it holds a NUL byte")


def forge_a_description(forgery: Forgery) -> None:
    (forgery.folder / "README.md").write_text("Trust me.\n")


def forge_a_scan(forgery: Forgery) -> None:
    forgery.release.versions["clamav"] = "ClamAV 1.4.3/27500"
    for row in forgery.rows("data"):
        row["is_malware"] = False


def forge_a_parse_by_other_grammars(forgery: Forgery) -> None:
    say_that_a_file_does_not_parse(forgery)
    forgery.release.versions["tree-sitter"] = "0.1"


def forge_a_screen_for_a_benchmark(forgery: Forgery) -> None:
    forgery.release.configuration["screen"]["benchmarks"] = {"own": {"path": "own.jsonl", "format": "humaneval"}}
    forgery.release.policies["benchmark own"] = hashlib.sha256(b"").hexdigest()
    for row in forgery.rows("data"):
        row.update(is_contaminated=False, benchmark_share=0.0)


@pytest.mark.parametrize(
    "forge",
    [
        forge_a_whole_origin_anew,
        forge_redacted_text,
        forge_a_language,
        forge_another_refusal,
        forge_a_description,
        forge_a_scan,
        forge_a_parse_by_other_grammars,
        forge_a_screen_for_a_benchmark,
    ],
    ids=lambda forge: forge.__name__,
)
def test_what_only_a_published_root_tells(
    forge: Callable[[Forgery], None], forgery: Forgery, tiny_release: Path
) -> None:
    forge(forgery)
    folder = forgery.seal()
    assert audit_release(folder).problems == []
    assert audit_release(folder, manifest=tiny_release / "release.json").violated == {"published"}


def test_a_release_that_was_parsed_stands(forgery: Forgery) -> None:
    _parse_all(forgery)
    assert audit_release(forgery.seal()).problems == []


def test_the_docs_name_every_check(tiny_release: Path) -> None:
    docs = (Path(__file__).parents[2] / "docs" / "audit.md").read_text("utf-8")
    named = {name for line in docs.splitlines() if line.startswith("| `") for name in re.findall(r"`(\w+)", line)}
    report = audit_release(tiny_release, manifest=tiny_release / "release.json")
    assert {check.name for check in report.checks} <= named


def test_rows_out_of_order_are_found(forgery: Forgery) -> None:
    for _, rows in forgery.files("data"):
        rows.reverse()
    assert audit_release(forgery.seal(sort=False)).violated >= {"order"}


def test_ledger_rows_out_of_order_are_found(forgery: Forgery) -> None:
    forgery.files("decisions")[0][1].reverse()
    assert "ledgers" in audit_release(forgery.seal(sort=False)).violated


@pytest.mark.parametrize("name", ["listed", "released", "merged"])
def test_totals_that_do_not_fit_are_found(name: str, forgery: Forgery) -> None:
    totals = forgery.release.totals
    setattr(totals, name, getattr(totals, name) + 1)
    assert "totals" in audit_release(forgery.seal(recount=False)).violated


@pytest.mark.parametrize("name", ["languages", "licenses", "redactions"])
def test_counts_on_the_card_that_do_not_fit_are_found(name: str, forgery: Forgery) -> None:
    counts = getattr(forgery.release, name)
    counts[max(counts)] += 1
    assert audit_release(forgery.seal(recount=False)).violated == {"totals"}


def test_another_policy_of_the_same_name_is_found(forgery: Forgery) -> None:
    forgery.release.policies["license"] = "0" * 64
    assert audit_release(forgery.seal()).violated == {"licenses"}


def test_a_policy_that_is_a_place_on_this_machine_is_not_read(forgery: Forgery, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("name = 'mine'\nversion = 1\nrules = []\n")
    forgery.release.configuration["license"]["policy"] = str(tmp_path / "mine.toml")
    assert audit_release(forgery.seal()).violated == {"licenses"}


def test_wider_keep_does_not_admit_another_verdict(forgery: Forgery) -> None:
    forgery.release.configuration["license"]["keep"] = ["permissive", "no_license"]
    release_what_is_not_permissive(forgery)
    # What it released is now in the policy, but gamma's README was dropped by the rule that was in force.
    assert {"licenses", "contents"} <= audit_release(forgery.seal()).violated


@pytest.mark.parametrize(
    "scope",
    [
        {"kind": "origin", "value": "pkg:pypi/alpha"},
        {"kind": "path_glob", "value": "beta/*"},
        {"kind": "path_glob", "value": "beta/work.py", "origin": "pkg:pypi/beta"},
    ],
    ids=["origin", "glob", "path"],
)
def test_what_opted_out_is_found(scope: dict[str, str], tiny_release: Path, tmp_path: Path) -> None:
    registry = tmp_path / "optout.jsonl"
    registry.write_text(json.dumps({"id": "1", "received": "2024-01-01", "scope": scope}) + "\n")
    problems = [p for p in audit_release(tiny_release, registry=registry).problems if "opted out" in p]
    assert problems
    assert audit_release(tiny_release, registry=registry).violated == {"optouts"}


def test_an_opted_out_blob_is_found(forgery: Forgery, tmp_path: Path) -> None:
    row = _row(forgery, "alpha/copy.py")
    registry = tmp_path / "optout.jsonl"
    registry.write_text(
        json.dumps({"id": "1", "received": "2024-01-01", "scope": {"kind": "blob", "value": row["swhid"]}}) + "\n"
    )
    # The forger claims that the registry was in force.
    forgery.release.policies["optout"] = hashlib.sha256(registry.read_bytes()).hexdigest()
    problems = audit_release(forgery.seal(), registry=registry).problems
    assert {text.partition(":")[0] for text in problems} == {"optouts"}
    assert any("this content opted out" in text for text in problems)
    assert any("ledger copies" in text for text in problems)


def test_an_opted_out_owner_is_found(forgery: Forgery, tmp_path: Path) -> None:
    registry = tmp_path / "optout.jsonl"
    scope = {"kind": "owner", "value": "https://github.com/o"}
    registry.write_text(json.dumps({"id": "1", "received": "2024-01-01", "scope": scope}) + "\n")
    forgery.release.policies["optout"] = hashlib.sha256(registry.read_bytes()).hexdigest()
    for table in ("data", "repositories"):
        for row in forgery.rows(table, lambda row: row["origin"] == BETA):
            row["origin"] = "https://github.com/o/r"
            row.update({"repo_name": "o/r"} if table == "data" else {})
    assert "optouts" in audit_release(forgery.seal(), registry=registry).violated


def test_the_manifest_of_another_release_is_told_apart(tiny_release: Path, forgery: Forgery) -> None:
    forgery.release.description = "another"
    other = forgery.seal() / "release.json"
    assert audit_release(tiny_release, manifest=other).violated == {"published"}
    assert audit_release(tiny_release, manifest=tiny_release / "release.json").problems == []


def test_a_funnel_that_does_not_fit_is_found(forgery: Forgery) -> None:
    forgery.release.subsets["train"]["rows"] += 1
    assert audit_release(forgery.seal(recount=False)).violated == {"subsets"}


def test_filters_that_cannot_be_read_end_in_the_report(forgery: Forgery) -> None:
    forgery.release.configuration["release"]["subsets"]["train"]["filters"]["evil"] = "__import__('os')"
    forgery.seal_manifest()
    (problem,) = audit_release(forgery.folder).problems
    assert "the subsets cannot be used" in problem
