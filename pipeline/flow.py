"""The flow: every step in its order, what it reads and writes, and what decides its result."""

from __future__ import annotations

from typing import Any

from pipeline import schema as s
from pipeline.engine.step import Out, Step
from pipeline.stages.exact import steps as exact
from pipeline.stages.ingest import steps as ingest
from pipeline.stages.ingest.swh import history_steps as history
from pipeline.stages.ingest.swh import steps as swh
from pipeline.stages.language import steps as language
from pipeline.stages.license import steps as license
from pipeline.stages.near import steps as near
from pipeline.stages.optout import steps as optout
from pipeline.stages.redact import steps as redact
from pipeline.stages.release import histories
from pipeline.stages.release import steps as release
from pipeline.stages.screen import scan_steps as scan
from pipeline.stages.screen import steps as screen

_INGEST, _LICENSE, _OPTOUT = (
    ("stages/ingest", "stages/decisions.py", "engine/storage.py"),
    ("stages/license",),
    ("stages/optout", "stages/license/names.py", "repositories.py"),
)
_NEAR, _REDACT, _RELEASE = (
    ("stages/near", "engine/compiled.py"),
    ("stages/redact", "commitment.py"),
    ("stages/release", "manifest"),
)
_EXACT = ("stages/exact",)
_DECODING = ("stages/ingest/decoding.py", "stages/ingest/guessing.py")
_SETTLED = ("near.stand/priors", "near.stand/pairs")
_LANGUAGE = ("stages/language", "engine/compiled.py")
_DECISIONS = Out(s.DECISIONS, to="origin")


def _published(config: Any) -> dict[str, Any]:
    return {name: getattr(config, name) for name in type(config).model_fields if name != "execution"}


FLOW = (
    # over graph exports and datasets, where there are any
    Step(
        "ingest.heads", swh.heads, by="one", reads=(), takes_items=True,
        writes={
            "heads": Out(s.HEADS, to="origin"), "frontier": Out(s.FRONTIER, to="directory"),
            "collections": Out(s.COLLECTIONS),
        },
        settings=lambda c: c.ingest, code=_INGEST, when=ingest.are_collections, counts=False,
    ),
    Step(
        "ingest.scan", ingest.scan, by="stripe", reads=(), takes_items=True,
        writes={
            "entries": Out(s.DIRECTORY_ENTRIES, to="directory"), "contents": Out(s.GRAPH_CONTENTS, to="blob"),
            "manifests": Out(s.DIRECTORY_MANIFESTS, to="directory"), "spool": Out(s.BYTES, to="blob"),
            "rows": Out(s.DATASET_ROWS, to="origin"), "refused": Out(s.DATASET_REFUSALS, to="origin"),
            "reached": Out(s.REACHED, to="blob"),
        },
        settings=lambda c: c.ingest, code=_INGEST, when=ingest.are_collections, counts=False,
    ),
    Step(
        "ingest.sort", swh.sort_trees, by="directory", reads=("ingest.scan/entries",),
        writes={"trees": Out(s.DIRECTORY_ENTRIES, to="slice"), "directories": Out(s.DIRECTORIES)},
        code=_INGEST, when=swh.is_needed, counts=False,
    ),
    Step(
        "ingest.walk", swh.walk, by="directory",
        reads=(
            "ingest.sort/trees", "ingest.sort/directories", "ingest.scan/manifests", "ingest.heads/frontier",
            "ingest.walk/frontier", "ingest.walk/seen",
        ),
        writes={
            "tree": Out(s.DIRECTORY_ENTRIES, to="origin"), "lost": Out(s.LOST_DIRECTORIES, to="origin"),
            "reached": Out(s.REACHED, to="blob"), "frontier": Out(s.FRONTIER, to="directory"), "seen": Out(s.FRONTIER),
        },
        code=_INGEST, when=swh.is_needed, counts=False,
    ),
    Step(
        "ingest.locate", swh.locate, by="blob",
        reads=("ingest.walk/reached", "ingest.scan/reached", "ingest.scan/contents"),
        writes={"contents": Out(s.GRAPH_CONTENTS), "answers": Out(s.ANSWERS, to="origin")},
        code=_INGEST, when=ingest.are_collections, counts=False,
    ),
    # by origin
    Step(
        "ingest.list", ingest.list_origins, by="origin", takes_items=True,
        reads=(
            "ingest.heads/heads", "ingest.walk/tree", "ingest.walk/lost", "ingest.locate/answers", "ingest.scan/rows",
            "ingest.scan/refused",
        ),
        writes={
            "origins": Out(s.ORIGINS), "occurrences": Out(s.OCCURRENCES), "decisions": Out(s.DECISIONS),
            "texts": Out(s.LICENSE_TEXTS, to="blob"), "spool": Out(s.BYTES, to="blob"),
        },
        settings=ingest.list_settings,
        code=(*_INGEST, "stages/license/config.py", "stages/license/names.py", "repositories.py"),
        versions=ingest.list_versions,
    ),
    # over the histories of graph exports, where they are asked for
    Step(
        "ingest.revisions", history.read_revisions, by="one", reads=("ingest.heads/heads",), takes_items=True,
        writes={
            "revisions": Out(s.HISTORY), "history": Out(s.HISTORY, to="origin"),
            "frontier": Out(s.FRONTIER, to="directory"),
        },
        settings=lambda c: c.ingest, code=_INGEST, when=history.is_needed, counts=False,
    ),
    Step(
        "ingest.past", history.walk_past, by="directory",
        reads=(
            "ingest.sort/trees", "ingest.sort/directories", "ingest.scan/manifests", "ingest.revisions/frontier",
            "ingest.past/frontier", "ingest.past/seen",
        ),
        writes={
            "tree": Out(s.DIRECTORY_ENTRIES, to="origin"), "lost": Out(s.LOST_DIRECTORIES, to="origin"),
            "frontier": Out(s.FRONTIER, to="directory"), "seen": Out(s.FRONTIER),
        },
        code=_INGEST, when=history.is_needed, counts=False,
    ),
    Step(
        "ingest.dates", history.date_paths, by="origin",
        reads=(
            "ingest.heads/heads", "ingest.revisions/history", "ingest.past/tree", "ingest.past/lost",
            "ingest.list/origins", "ingest.list/occurrences",
        ),
        writes={"dates": Out(s.PATH_DATES, to="blob")},
        settings=lambda c: c.ingest, code=_INGEST, when=history.is_needed, counts=False,
    ),
    Step(
        "ingest.describe", history.describe, by="revision", reads=("ingest.revisions/revisions",), takes_items=True,
        writes={"revisions": Out(s.REVISIONS)},
        settings=lambda c: {"ingest": c.ingest, "redact": c.redact}, code=(*_INGEST, *_REDACT),
        versions=history.describe_versions, when=history.is_needed, counts=False,
    ),
    # by blob
    Step(
        "ingest.texts", ingest.fetch_texts, by="blob",
        reads=("ingest.list/texts", "ingest.locate/contents", "ingest.scan/spool"), writes={"texts": Out(s.BYTES)},
        settings=lambda c: c.ingest, code=_INGEST, when=ingest.are_collections, counts=False,
    ),
    Step(
        "license.detect", license.detect, by="blob",
        reads=("ingest.list/texts", "ingest.list/spool", "ingest.texts/texts"),
        writes={"facts": Out(s.LICENSE_FACTS, to="origin")},
        settings=lambda c: license.detection_settings(c.license), code=_LICENSE, versions=license.versions,
        counts=False,
    ),
    # by origin
    Step(
        "license.resolve", license.resolve, by="origin",
        reads=("ingest.list/occurrences", "ingest.list/origins", "license.detect/facts"),
        writes={
            "occurrences": Out(s.RESOLVED, to="blob"), "evidence": Out(s.EVIDENCE), "roots": Out(s.ROOTS),
            "license_blobs": Out(s.BLOBS, to="blob"),
        },
        settings=lambda c: license.resolution_settings(c.license), code=_LICENSE, versions=license.resolution_versions,
    ),
    # by blob bucket
    Step(
        "ingest.fetch", ingest.fetch, by="blob",
        reads=(
            "license.resolve/occurrences", "ingest.list/spool", "ingest.scan/spool", "ingest.texts/texts",
            "ingest.locate/contents",
        ),
        writes={"contents": Out(s.CONTENTS, packed="text"), "occurrences": Out(s.RESOLVED), "decisions": _DECISIONS},
        settings=lambda c: c.ingest, code=_INGEST, versions=ingest.fetch_versions,
    ),
    Step(
        "license.decide", license.decide, by="blob", reads=("ingest.fetch/occurrences", "ingest.fetch/contents"),
        writes={"kept": Out(s.VERDICTS), "decisions": _DECISIONS, "evidence": Out(s.EVIDENCE)},
        settings=lambda c: c.license, code=(*_LICENSE, "stages/decisions.py"), versions=license.policy_versions,
    ),
    Step(
        "optout.apply", optout.apply, by="blob", reads=("license.decide/kept",),
        writes={"kept": Out(s.VERDICTS), "guards": Out(s.BLOBS), "decisions": _DECISIONS},
        settings=lambda c: c.optout, code=(*_OPTOUT, "stages/decisions.py"), versions=optout.versions,
    ),
    Step(
        "redact.drop", redact.drop, by="blob", reads=("optout.apply/kept", "ingest.fetch/contents"),
        writes={"kept": Out(s.VERDICTS), "decisions": _DECISIONS},
        settings=lambda c: c.redact, code=(*_REDACT, "stages/decisions.py"), versions=redact.step_versions,
    ),
    Step(
        "screen.scan", scan.scan, by="blob", reads=("redact.drop/kept", "ingest.fetch/contents"),
        writes={
            "kept": Out(s.VERDICTS), "decisions": _DECISIONS, "malware": Out(s.MALWARE), "scanners": Out(s.SCANNERS),
        },
        settings=lambda c: c.screen.malware, versions=scan.scan_versions,
        code=("stages/screen", "stages/decisions.py", *_DECODING),
    ),
    Step(
        "exact.share", exact.share, by="blob",
        reads=("screen.scan/kept", "optout.apply/kept", "license.decide/kept"),
        writes={
            "shares": Out(exact.SHARES), "sizes": Out(exact.SIZES), "left": Out(exact.ORIGIN_NAMES, to="origin"),
            "gone": Out(exact.PLACES, to="origin"),
        },
        code=_EXACT, when=exact.compares_repositories, counts=False,
    ),
    Step(
        "exact.trees", exact.find_trees, by="origin",
        reads=(
            "ingest.list/origins", "ingest.list/occurrences", "ingest.list/decisions", "exact.share/left",
            "exact.share/gone",
        ),
        writes={"trees": Out(exact.TREES, to="blob")}, code=_EXACT, when=exact.compares_repositories, counts=False,
    ),
    Step(
        "exact.directories", exact.share_trees, by="blob", reads=("exact.trees/trees",),
        writes={"shared": Out(exact.SHARED_TREES)}, code=_EXACT, when=exact.compares_repositories, counts=False,
    ),
    Step(
        "exact.repositories", exact.find_copies, by="one",
        reads=(
            "exact.share/shares", "exact.share/sizes", "exact.directories/shared", "ingest.list/origins",
            "ingest.revisions/revisions",
        ),
        writes={"duplicates": Out(s.DUPLICATES, to="blob"), "dropped": Out(exact.DROPPED_ORIGINS)},
        settings=exact.repository_settings, code=("stages/exact", "stages/near/prior.py"),
        versions=exact.prior_versions, when=exact.compares_repositories, counts=False,
    ),
    Step(
        "exact.keep", exact.keep, by="blob", reads=("screen.scan/kept", "exact.repositories/dropped"),
        writes={"kept": Out(s.KEPT), "copies": Out(s.COPIES, to="origin"), "decisions": _DECISIONS},
        code=("stages/exact", "stages/decisions.py"),
    ),
    # by component
    Step(
        "near.recall", near.recall, by="one", reads=(),
        writes={"released": Out(near.PRIORS, to="blob"), "pairs": Out(near.PRIOR_PAIRS, to="blob")},
        settings=lambda c: c.near, code=(*_NEAR, "manifest"), versions=near.prior_versions,
        when=near.follows_a_release, counts=False,
    ),
    Step(
        "near.stand", near.stand, by="blob", reads=("near.recall/released", "near.recall/pairs", "exact.keep/kept"),
        writes={"priors": Out(near.PRIORS), "pairs": Out(near.PRIOR_PAIRS, to="blob")},
        code=_NEAR, when=near.follows_a_release, counts=False,
    ),
    Step(
        "near.bands", near.bands, by="blob",
        reads=("exact.keep/kept", "optout.apply/guards", "ingest.fetch/contents", *_SETTLED),
        writes={"rows": Out(near.BAND_ROWS, to="band")},
        settings=lambda c: c.near, code=_NEAR, versions=near.versions, counts=False,
        prepare="pipeline.stages.near.kernels",
    ),
    Step(
        "near.edges", near.edges, by="band", reads=("near.bands/rows",),
        writes={"edges": Out(near.EDGES), "active": Out(near.BAND_ROWS)}, settings=lambda c: c.near, code=_NEAR,
        counts=False,
    ),
    Step(
        "near.meet", near.meet, by="blob",
        reads=("near.edges/active", "exact.keep/kept", "ingest.fetch/contents", *_SETTLED),
        writes={"edges": Out(near.EDGES), "settled": Out(near.SETTLED)},
        settings=lambda c: c.near, code=_NEAR, versions=near.versions, when=near.follows_a_release, counts=False,
    ),
    Step(
        "near.components", near.find_components, by="one",
        reads=("near.edges/edges", "near.meet/edges", "near.meet/settled", "optout.apply/guards"),
        writes={
            "members": Out(near.MEMBERS, to="blob"), "decided": Out(near.MEMBERS, to="blob"),
            "giants": Out(near.GIANTS),
        },
        settings=lambda c: c.near, code=_NEAR, counts=False,
    ),
    Step(
        "near.documents", near.documents, by="blob",
        reads=(
            "near.components/decided", "near.components/giants", "exact.keep/kept", "optout.apply/guards",
            "ingest.fetch/contents", *_SETTLED,
        ),
        writes={"documents": Out(s.NEAR_DOCUMENTS, to="component")},
        settings=lambda c: c.near, code=_NEAR, versions=near.versions, counts=False,
    ),
    Step(
        "near.choose", near.choose_kept, by="component", reads=("near.documents/documents",),
        writes={"dropped": Out(near.DUPLICATES, to="blob")},
        settings=lambda c: c.near, code=_NEAR, counts=False,
    ),
    Step(
        "near.apply", near.apply, by="blob",
        reads=(
            "exact.keep/kept", "near.choose/dropped", "near.components/members", "near.components/decided", *_SETTLED,
        ),
        writes={"kept": Out(s.SURVIVORS), "duplicates": Out(s.DUPLICATES), "decisions": _DECISIONS},
        code=(*_NEAR, "stages/decisions.py"),
    ),
    # by blob bucket
    Step(
        "redact.find", redact.find, by="blob",
        reads=("near.apply/kept", "ingest.fetch/contents", "license.resolve/license_blobs"),
        writes={"spans": Out(s.SPANS)},
        settings=lambda c: c.redact, code=(*_REDACT, "stages/decisions.py"), versions=redact.step_versions,
    ),
    Step(
        "language.tag", language.tag, by="blob", reads=("near.apply/kept", "ingest.fetch/contents"),
        writes={"tags": Out(s.TAGS), "sizes": Out(s.SIZES)},
        settings=lambda c: c.language, code=_LANGUAGE, versions=language.step_versions,
    ),
    Step(
        "screen.look", screen.look, by="blob",
        reads=("near.apply/kept", "ingest.fetch/contents", "redact.find/spans", "language.tag/tags"),
        writes={"found": Out(s.SCREENS)},
        settings=lambda c: c.screen, code=("stages/screen", *_REDACT), versions=screen.versions, when=screen.is_needed,
        counts=False,
    ),
    # by shard
    Step(
        "release.plan", release.plan_shards, by="one", reads=("language.tag/sizes",), writes={"shards": Out(s.SHARDS)},
        settings=lambda c: c.release, code=_RELEASE, counts=False,
    ),
    Step(
        "release.rows", release.send_rows, by="blob",
        reads=(
            "near.apply/kept", "ingest.fetch/contents", "redact.find/spans", "language.tag/tags", "ingest.list/origins",
            "near.apply/duplicates", "exact.repositories/duplicates", "license.decide/evidence",
            "ingest.fetch/occurrences", "ingest.dates/dates", "screen.look/found", "screen.scan/malware",
            "release.plan/shards",
        ),
        writes={
            "data": Out(s.RELEASED, to="shard"), "redactions": Out(s.REDACTIONS, to="shard"),
            "duplicates": Out(s.DUPLICATES, to="shard"), "evidence": Out(s.EVIDENCE, to="shard"),
            "released": Out(s.RELEASED_KEYS, to="origin"),
        },
        settings=lambda c: c.optout, versions=release.row_versions,
        code=(*_RELEASE, *_REDACT, *_OPTOUT, *_LANGUAGE, *_LICENSE, *_DECODING),
        prepare="pipeline.stages.language.kernels",
    ),
    Step(
        "release.account", release.account_for_origins, by="origin",
        reads=(
            "ingest.list/occurrences", "ingest.list/decisions", "ingest.list/origins", "license.resolve/evidence",
            "license.resolve/roots", "ingest.fetch/decisions", "license.decide/decisions", "optout.apply/decisions",
            "redact.drop/decisions", "screen.scan/decisions", "exact.keep/decisions", "exact.keep/copies",
            "near.apply/decisions",
            "release.rows/released", "release.plan/shards",
        ),
        writes={
            "decisions": Out(s.DECISIONS, to="shard"), "copies": Out(s.COPIES, to="shard"),
            "repositories": Out(s.REPOSITORIES, to="shard"), "evidence": Out(s.EVIDENCE, to="shard"),
            "license_blobs": Out(s.BLOBS, to="blob"), "revisions": Out(s.BLOBS), "totals": Out(s.TOTALS),
        },
        settings=lambda c: c.optout, versions=release.account_versions,
        code=(*_RELEASE, *_LICENSE, *_OPTOUT, "commitment.py"), counts=False,
    ),
    Step(
        "release.revisions", histories.send_revisions, by="revision",
        reads=(
            "ingest.describe/revisions", "ingest.revisions/revisions", "release.account/revisions",
            "release.plan/shards",
        ),
        writes={"revisions": Out(s.REVISIONS, to="shard")}, code=(*_RELEASE, *_INGEST), when=history.is_needed,
        counts=False,
    ),
    Step(
        "release.attribution", release.license_texts, by="blob",
        reads=(
            "release.account/license_blobs", "ingest.fetch/contents", "optout.apply/guards", "redact.find/spans",
            "release.plan/shards",
        ),
        writes={"licenses": Out(s.LICENSES, to="shard")}, counts=False,
        code=(*_RELEASE, *_REDACT, *_OPTOUT, *_LANGUAGE, *_LICENSE),
    ),
    Step(
        "release.shards", release.write_shards, by="shard", reads=("release.plan/shards", *release.SHARD_READS),
        writes={"shard.parquet": Out(None), "entries": Out(s.ENTRIES), "index": Out(s.INDEX)},
        settings=lambda c: c.release, code=_RELEASE, counts=False,
    ),
    Step(
        "release.manifest", release.sum_up, by="one",
        reads=(
            "release.shards/index", "release.shards/entries", "release.account/totals", "ingest.heads/collections",
            "screen.scan/scanners",
        ),
        writes={name: Out(None) for name in ("released.parquet", *release.DOCUMENTS)},
        settings=_published, code=(*_RELEASE, "stages/language", "stages/screen", "config.py"),
        versions=release.manifest_versions, counts=False,
    ),
)  # fmt: skip

STEPS = {step.name: step for step in FLOW}
