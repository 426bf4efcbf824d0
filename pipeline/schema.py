"""The borders: every table that passes between steps or leaves in a release, with its exact columns.

Inside the pipeline a blob is its 20-byte git id; a release writes SWHIDs. `SCHEMA_VERSION` stands in
every manifest; changing a released table is a MAJOR version of the dataset.
"""

from __future__ import annotations

import pyarrow as pa

SCHEMA_VERSION = 5

BLOB = pa.binary(20)
LICENSE_TYPES = ("permissive", "permissive_weak", "no_license", "contested", "non_permissive")
# Milliseconds, and lists whose field is called element: what Parquet gives back of what it is given.
_TIME = pa.timestamp("ms", tz="UTC")


def _list(kind: pa.DataType) -> pa.DataType:
    return pa.list_(pa.field("element", kind))


def _table(*fields: tuple[str, pa.DataType] | tuple[str, pa.DataType, str]) -> pa.Schema:
    """A schema from `(name, type)` (never null) or `(name, type, "null")` (nullable)."""
    return pa.schema([pa.field(f[0], f[1], nullable=len(f) == 3) for f in fields])


# --- between steps --------------------------------------------------------------------------------

# The graph of Software Heritage. Object ids are the raw 20 bytes; `source` is a source's place in the configuration.

HEADS = _table(  # one row per listing: an origin at one visit; with a rule: an origin of which nothing can be listed
    ("origin", pa.string()),
    ("source", pa.int32()),
    ("visit", pa.int64(), "null"),
    ("visit_type", pa.string(), "null"),
    ("visit_date", _TIME, "null"),
    ("visit_status", pa.string(), "null"),  # full, partial
    ("snapshot", BLOB, "null"),
    ("branch", pa.binary(), "null"),
    ("branch_rule", pa.string(), "null"),  # head, main, master, trunk, develop, release, newest
    ("release", BLOB, "null"),
    ("revision", BLOB, "null"),
    ("revision_date", _TIME, "null"),  # of the committer; null outside the years 1 to 9999
    ("directory", BLOB, "null"),
    ("rule", pa.string(), "null"),
    ("reason", pa.string(), "null"),
)

COLLECTIONS = _table(("about", pa.string()))  # JSON for the manifest: of an export or a dataset

DIRECTORY_ENTRIES = _table(
    ("directory", BLOB),
    ("name", pa.binary()),
    ("mode", pa.int32()),
    ("target", BLOB),
)

DIRECTORY_MANIFESTS = _table(
    ("directory", BLOB), ("manifest", pa.binary())
)  # where the export gives the tree as it was

DIRECTORIES = _table(("directory", BLOB))

FRONTIER = _table(("directory", BLOB), ("part", pa.int32()))  # which part of the origins needs that directory

REACHED = _table(("blob", BLOB), ("part", pa.int32()))

LOST_DIRECTORIES = _table(("directory", BLOB), ("rule", pa.string()), ("reason", pa.string()))

GRAPH_CONTENTS = _table(
    ("blob", BLOB),
    ("source", pa.int32()),
    ("sha1", pa.binary(20), "null"),
    ("sha256", pa.binary(32), "null"),
    ("blake2s256", pa.binary(32), "null"),
    ("length", pa.int64(), "null"),
    ("status", pa.string()),  # visible, hidden, absent
    ("reason", pa.string(), "null"),  # why it is absent, in the export's own words
)

DATASET_ROWS = _table(  # a file of a dataset, by what its row says and what was found
    ("origin", pa.string()),
    ("path", pa.binary()),
    ("mode", pa.int32()),
    ("blob", BLOB, "null"),  # null: only sha1 is known
    ("sha1", BLOB, "null"),  # as the dataset gives it
    ("length", pa.int64(), "null"),
    ("encoding", pa.string(), "null"),  # of the content, where it was text
    ("proof", pa.string()),  # see dataset.contents.Proof
    ("stars", pa.int64(), "null"),
    ("forks", pa.int64(), "null"),
    ("date", _TIME, "null"),
    ("snapshot", BLOB, "null"),
    ("revision", BLOB, "null"),
    ("directory", BLOB, "null"),
    ("branch", pa.string(), "null"),
    ("visit_date", _TIME, "null"),
    ("given_licenses", _list(pa.string())),
)

DATASET_REFUSALS = _table(
    ("origin", pa.string()),
    ("path", pa.binary()),  # empty where the row has none
    ("mode", pa.int32()),
    ("blob", BLOB, "null"),  # set where the path has a place in the tree
    ("length", pa.int64(), "null"),
    ("rule", pa.string()),
    ("reason", pa.string()),
)

HISTORY = _table(  # a revision that leads to a head; sorted by id
    ("revision", BLOB),
    ("directory", BLOB),
    ("committer_date", pa.int64(), "null"),  # microseconds since 1970; null outside the years 1 to 9999
    ("parents", _list(BLOB)),  # by rank, missing ones too
)

PATH_DATES = _table(  # of a path in a head; dates are the committer's, and null where they are out of range
    ("origin", pa.string()),
    ("path", pa.binary()),
    ("first_seen", _TIME, "null"),
    ("first_seen_revision", BLOB, "null"),  # null: trees that could tell are not there
    ("last_changed", _TIME, "null"),
    ("last_changed_revision", BLOB, "null"),
)

ANSWERS = pa.schema([GRAPH_CONTENTS.field(name) for name in ("blob", "length", "status", "reason")])

ORIGINS = _table(
    ("origin", pa.string()),
    ("kind", pa.string()),  # archives, git, swh, parquet
    ("input_digest", pa.string()),  # sha256:... of an archive, swh:1:rev:... of a clone, swh:1:snp:... of a visit
    ("visit_type", pa.string(), "null"),
    ("visit_date", _TIME, "null"),
    ("visit_status", pa.string(), "null"),
    ("directory", BLOB, "null"),  # git tree id over every listed path; null where nothing could be listed
    ("snapshot", pa.string(), "null"),
    ("release", pa.string(), "null"),
    ("revision", pa.string(), "null"),
    ("root_revision", pa.string(), "null"),  # of a clone: where the line of first parents behind the revision begins
    ("branch", pa.string(), "null"),
    ("branch_rule", pa.string(), "null"),
    ("revision_date", _TIME, "null"),
    ("stars", pa.int64(), "null"),
    ("forks", pa.int64(), "null"),
    ("archived", pa.bool_(), "null"),
    ("fork_of", pa.string(), "null"),
    ("aliases", _list(pa.string()), "null"),
    (
        "declared_license",
        pa.string(),
        "null",
    ),  # by a table of repositories or a dataset; speaks where nothing else does
    ("listed", pa.int64()),
    ("messages", _list(pa.string())),
)

OCCURRENCES = _table(
    ("origin", pa.string()),
    ("path", pa.binary()),
    ("mode", pa.int32()),
    ("blob", BLOB),
    ("length", pa.int64()),
)

BYTES = _table(("blob", BLOB), ("data", pa.large_binary()))

LICENSE_TEXTS = _table(  # data is null where the spool has it
    ("blob", BLOB), ("kind", pa.string()), ("part", pa.int32()), ("data", pa.large_binary(), "null")
)

LICENSE_FACTS = _table(("blob", BLOB), ("kind", pa.string()), ("fact", pa.large_string()))

_OWED = (  # what must go with a file: the licence texts in its evidence, and the nearest NOTICE
    pa.field("license_texts", _list(BLOB)),
    pa.field("notice", BLOB),
    pa.field("notice_path", pa.binary()),
)

RESOLVED = pa.schema(
    [
        *OCCURRENCES,
        pa.field("path_expression", pa.string()),
        pa.field("beside_header", pa.string()),  # what of it holds where the file speaks for itself
        pa.field("evidence_id", pa.string()),
        *_OWED,
        pa.field("stars", pa.int64()),
        pa.field("date", _TIME),
    ]
)

ROOTS = _table(("origin", pa.string()), ("expression", pa.string(), "null"))

CONTENTS = _table(
    ("blob", BLOB),
    ("text", pa.large_string()),
    ("src_encoding", pa.string()),
    ("sha256", pa.binary(32)),
)

VERDICTS = pa.schema(
    [
        *OCCURRENCES,
        pa.field("license_type", pa.string(), nullable=False),
        pa.field("license_expression", pa.string()),
        pa.field("or_choice", pa.string()),
        pa.field("detected_licenses", _list(pa.string())),
        pa.field("evidence_id", pa.string()),
        pa.field("header_evidence_id", pa.string()),
        *_OWED,
        pa.field("stars", pa.int64()),
        pa.field("date", _TIME),
    ]
)

KEPT = pa.schema([*VERDICTS, pa.field("n_copies", pa.int64(), nullable=False)])

SURVIVORS = pa.schema([*KEPT, pa.field("cluster", BLOB)])

BLOBS = _table(("blob", BLOB))

RELEASED_KEYS = _table(
    ("origin", pa.string()),
    ("path", pa.binary()),
    ("evidence_id", pa.string(), "null"),
    ("license_type", pa.string()),
    ("notice", BLOB, "null"),
)

REJECTED = _table(("blob", BLOB), ("rule", pa.string()), ("reason", pa.string()))

SIZES = _table(("language", pa.string(), "null"), ("rows", pa.int64()), ("bytes", pa.int64()))

SHARDS = _table(
    ("table", pa.string()),  # data, or the name of a ledger
    ("language", pa.string(), "null"),
    ("folder", pa.string()),
    ("bucket", pa.int64()),
    ("buckets", pa.int64()),  # of the same table and language
)

ENTRIES = _table(("path", pa.string()), ("entry", pa.string()))

TOTALS = _table(("outcome", pa.string()), ("count", pa.int64()))

NEAR_DOCUMENTS = _table(
    ("blob", BLOB),
    ("component", BLOB),
    ("guard", pa.bool_()),
    ("prior", pa.bool_()),
    ("license_type", pa.string(), "null"),
    ("stars", pa.int64(), "null"),
    ("date", _TIME, "null"),
    ("origin", pa.string(), "null"),
    ("path", pa.binary(), "null"),
    ("shingles", _list(pa.uint64())),
    ("keys", _list(pa.uint64())),
    ("normalised", pa.binary(16), "null"),  # digest of the content without what its line ends decide
    ("piece", pa.uint32()),  # of a giant component
)

SPAN = pa.struct(
    [
        pa.field("start", pa.int64(), nullable=False),
        pa.field("end", pa.int64(), nullable=False),
        pa.field("cls", pa.string(), nullable=False),
        pa.field("detector", pa.string(), nullable=False),
        pa.field("version", pa.string(), nullable=False),
        pa.field("confidence", pa.float64(), nullable=False),
        pa.field("zone", pa.string(), nullable=False),
        pa.field("line", pa.int64(), nullable=False),
        pa.field("surrogate", pa.string(), nullable=False),
        pa.field("commitment", pa.binary(16)),
    ]
)

SPANS = _table(("blob", BLOB), ("spans", _list(SPAN)))

TAGS = _table(
    ("blob", BLOB),
    ("language", pa.string(), "null"),
    ("language_method", pa.string(), "null"),
    ("language_confidence", pa.float64(), "null"),
    ("is_vendor", pa.bool_()),
    ("is_generated", pa.bool_()),
    ("is_documentation", pa.bool_()),
    ("is_configuration", pa.bool_()),
    ("is_test", pa.bool_()),
    ("is_minified", pa.bool_()),
    ("is_notebook", pa.bool_()),
    ("is_data_dump", pa.bool_()),
    ("notebook_language", pa.string(), "null"),
    ("notebook_language_method", pa.string(), "null"),
)

MALWARE = _table(("blob", BLOB), ("is_malware", pa.bool_()), ("malware", pa.string(), "null"))

SCANNERS = _table(("scanner", pa.string()))  # the daemon and its database, as it names them

SCREENS = _table(  # what they mean: stages/screen
    ("blob", BLOB),
    ("is_contaminated", pa.bool_(), "null"),
    ("benchmark", pa.string(), "null"),
    ("benchmark_item", pa.int64(), "null"),
    ("benchmark_share", pa.float64(), "null"),
    ("parses", pa.bool_(), "null"),
)

# --- in a release ---------------------------------------------------------------------------------
# Column names follow The Stack v2 where the meaning is the same.

SIGNALS = _table(  # what they mean: stages/language/signals.py
    ("n_lines", pa.int64()),
    ("mean_line_length", pa.float64()),
    ("max_line_length", pa.int64()),
    ("alpha_share", pa.float64()),
    ("alnum_share", pa.float64()),
    ("encoded_share", pa.float64()),
    ("longest_encoded", pa.int64()),
    ("comment_share", pa.float64(), "null"),
    ("duplicate_line_share", pa.float64()),
    ("n_tokens", pa.int64()),
    ("visible_characters", pa.int64(), "null"),
    ("visible_share", pa.float64(), "null"),
    ("says_generated", pa.bool_()),
)

RELEASED = _table(
    ("swhid", pa.string()),
    ("qualified_swhid", pa.string()),  # with origin, visit, anchor and path
    ("origin", pa.string()),
    ("repo_name", pa.string()),
    ("path", pa.string()),  # bytes that are not UTF-8 are written \xNN; then path_bytes has the truth
    ("path_bytes", pa.binary(), "null"),
    ("mode", pa.int32()),
    ("snapshot_id", pa.string(), "null"),
    ("revision_id", pa.string(), "null"),
    ("directory_id", pa.string()),
    ("branch_name", pa.string(), "null"),
    ("visit_date", _TIME, "null"),
    ("revision_date", _TIME, "null"),
    ("first_seen", _TIME, "null"),  # with a history: when the path came, and when it last changed
    ("first_seen_revision", pa.string(), "null"),
    ("last_changed", _TIME, "null"),
    ("last_changed_revision", pa.string(), "null"),
    ("star_events_count", pa.int64(), "null"),
    ("fork_events_count", pa.int64(), "null"),
    ("license_type", pa.string()),
    ("license_expression", pa.string(), "null"),
    ("or_choice", pa.string(), "null"),  # the expression with the branch taken of each choice; null without a choice
    ("detected_licenses", _list(pa.string())),
    ("evidence_id", pa.string(), "null"),
    ("header_evidence_id", pa.string(), "null"),
    ("license_texts", _list(pa.string())),  # SWHIDs of the licence files in its evidence; their texts: attribution/
    ("notice", pa.string(), "null"),  # SWHID of the nearest NOTICE
    ("copyrights", _list(pa.string())),  # as they stand in the released text
    ("copyright_holders", _list(pa.string())),
    ("language", pa.string(), "null"),
    ("language_id", pa.int64(), "null"),  # linguist's, as are type and group
    ("language_type", pa.string(), "null"),  # programming, markup, data, prose
    ("language_group", pa.string(), "null"),  # the language that this one is counted with, else itself
    ("language_method", pa.string(), "null"),
    ("language_confidence", pa.float64(), "null"),
    ("is_vendor", pa.bool_()),
    ("is_generated", pa.bool_()),
    ("is_documentation", pa.bool_()),
    ("is_configuration", pa.bool_()),
    ("is_test", pa.bool_()),
    ("is_minified", pa.bool_()),
    ("is_notebook", pa.bool_()),
    ("is_data_dump", pa.bool_()),
    ("notebook_language", pa.string(), "null"),  # of its code cells
    ("notebook_language_method", pa.string(), "null"),  # metadata, classifier
    ("output_spans", _list(pa.int64()), "null"),  # of a notebook: start, end, start, end ... in the text's UTF-8 bytes
    ("extension", pa.string()),
    ("length_bytes", pa.int64()),
    ("src_encoding", pa.string()),
    ("encoding_method", pa.string()),  # utf-8, mark, guess
    ("sha256", pa.string()),  # of the original bytes
    ("n_copies", pa.int64()),
    ("cluster_id", pa.string(), "null"),
    ("n_redactions", pa.int64()),
    ("redacted_sha256", pa.string(), "null"),  # of the UTF-8 text, where n_redactions > 0
    *((field.name, field.type, "null") if field.nullable else (field.name, field.type) for field in SIGNALS),
    *((field.name, field.type, "null") for table in (SCREENS, MALWARE) for field in table if field.name != "blob"),
    # here the columns of the named subsets: see stages/release/subsets.py
    ("content", pa.large_string()),
)

DECISIONS = _table(
    ("origin", pa.string(), "null"),  # null: hidden, because its owner opted out; then `commitment` may stand for it
    ("path", pa.binary(), "null"),  # null: hidden, or the decision is about the whole origin
    ("mode", pa.int32(), "null"),
    ("blob", BLOB, "null"),
    ("length", pa.int64(), "null"),
    ("stage", pa.string()),
    ("rule", pa.string()),
    ("reason", pa.string()),
    ("license_type", pa.string(), "null"),
    ("license_expression", pa.string(), "null"),
    ("evidence_id", pa.string(), "null"),
    ("header_evidence_id", pa.string(), "null"),
    ("duplicate_of", BLOB, "null"),
    ("other_origin", pa.string(), "null"),  # where else the content lies, if that is the reason
    ("other_path", pa.binary(), "null"),
    ("count", pa.int64()),  # occurrences that this row stands for
    ("commitment", pa.binary(16), "null"),  # keyed, of a hidden occurrence
)

COPIES = _table(
    ("origin", pa.string()),
    ("path", pa.binary()),
    ("mode", pa.int32()),
    ("blob", BLOB),
    ("kept_origin", pa.string()),
    ("kept_path", pa.binary()),
    ("license_type", pa.string()),
    ("license_expression", pa.string(), "null"),
    ("evidence_id", pa.string(), "null"),
)

EVIDENCE = _table(
    ("evidence_id", pa.string()),
    ("source", pa.string()),
    ("path", pa.binary(), "null"),
    ("blob", BLOB),
    ("distance", pa.int32(), "null"),
    ("expression", pa.string(), "null"),
    ("rule", pa.string(), "null"),
    ("matcher", pa.string(), "null"),
    ("score", pa.float64(), "null"),
    ("start_line", pa.int32(), "null"),
    ("end_line", pa.int32(), "null"),
    ("group", pa.string(), "null"),
    ("scope", pa.string(), "null"),  # patterns of the paths for which it holds; null: all that its file speaks for
)

DUPLICATES = _table(
    ("dropped", BLOB),  # of kind repository: the root directory of the copy, whether or not it was dropped
    ("kept", BLOB),
    ("kind", pa.string()),  # near, normalised, repository, directory (one that both origins have; nothing went for it)
    ("jaccard", pa.float64()),  # of shingles; of kind repository: of distinct contents
    ("component", BLOB),
    ("relation", pa.string(), "null"),  # of kind repository: mirror, fork, version, contained; else directory
    ("dropped_origin", pa.string(), "null"),
    ("kept_origin", pa.string(), "null"),
    ("containment", pa.float64(), "null"),  # share of the copy's contents that the original has; of its files
)

REDACTIONS = _table(
    ("blob", BLOB),
    ("cls", pa.string()),
    ("zone", pa.string()),
    ("start", pa.int64()),  # in the original text's UTF-8 bytes
    ("end", pa.int64()),
    ("released_start", pa.int64()),  # in the released text's UTF-8 bytes
    ("released_end", pa.int64()),
    ("line", pa.int64()),
    ("detector", pa.string()),
    ("detector_version", pa.string()),
    ("confidence", pa.float64()),
    ("surrogate", pa.string()),
    ("commitment", pa.binary(16), "null"),  # HMAC of the value; null without a key file
)

REPOSITORIES = _table(
    ("origin", pa.string()),
    ("kind", pa.string()),
    ("input_digest", pa.string()),
    ("visit_type", pa.string(), "null"),
    ("visit_date", _TIME, "null"),
    ("visit_status", pa.string(), "null"),
    ("directory", BLOB, "null"),
    ("snapshot", pa.string(), "null"),
    ("release", pa.string(), "null"),
    ("revision", pa.string(), "null"),
    ("branch", pa.string(), "null"),
    ("branch_rule", pa.string(), "null"),
    ("revision_date", _TIME, "null"),
    ("stars", pa.int64(), "null"),
    ("forks", pa.int64(), "null"),
    ("archived", pa.bool_(), "null"),
    ("fork_of", pa.string(), "null"),
    ("aliases", _list(pa.string()), "null"),
    (
        "declared_license",
        pa.string(),
        "null",
    ),  # by a table of repositories or a dataset; speaks where nothing else does
    ("license_expression", pa.string(), "null"),  # of the root folder
    ("license_conflict", pa.bool_()),  # whether what is declared and what holds at the root are both known and differ
    ("listed", pa.int64()),
    ("released", pa.int64()),
    ("merged", pa.int64()),
    ("dropped", pa.int64()),
    *((verdict, pa.int64()) for verdict in LICENSE_TYPES),  # files of which a verdict was reached, by verdict
)


def _moment(role: str) -> list[tuple[str, pa.DataType, str]]:
    return [
        (f"{role}_seconds", pa.int64(), "null"),  # since 1970; null outside the years 1 to 9999
        (f"{role}_microseconds", pa.int32(), "null"),
        (f"{role}_offset", pa.string(), "null"),  # as written: +0530, -0000
    ]


REVISIONS = _table(  # the history of what is released, each revision once whatever the origins that have it
    ("revision", pa.string()),
    ("parents", _list(pa.string())),  # by rank
    ("missing_parents", pa.int64()),  # how many of them the export does not hold
    ("directory", pa.string()),
    ("type", pa.string(), "null"),  # git, hg, svn, tar, dsc ...
    ("author", pa.string(), "null"),  # a pseudonym; null without a key
    *_moment("author"),
    ("committer", pa.string(), "null"),
    *_moment("committer"),
    ("message", pa.large_string(), "null"),  # without persons and secrets
    ("message_encoding", pa.string(), "null"),
    ("message_redactions", pa.int64(), "null"),
)

LICENSES = _table(("blob", BLOB), ("text", pa.large_string()))

INDEX = _table(
    ("swhid", pa.string()),
    ("origin", pa.string()),
    ("path", pa.string()),
    ("shard", pa.string()),
    ("row_digest", pa.binary(32)),
)

# Ledgers by name, and the order of their rows: total, because it ends in what identifies a row.
LEDGERS: dict[str, tuple[pa.Schema, tuple[str, ...]]] = {
    "decisions": (DECISIONS, ("origin", "path", "stage", "rule", "commitment", "blob", "length", "reason")),
    "copies": (COPIES, ("origin", "path")),
    "evidence": (
        EVIDENCE,
        (
            *("evidence_id", "source", "path", "blob", "start_line", "end_line", "rule", "expression"),
            *("scope", "group", "distance", "matcher", "score"),
        ),
    ),
    "duplicates": (DUPLICATES, ("dropped", "kind", "dropped_origin")),
    "redactions": (REDACTIONS, ("blob", "start")),
    "repositories": (REPOSITORIES, ("origin",)),
    "revisions": (REVISIONS, ("revision",)),
    "licenses": (LICENSES, ("blob",)),
}


def folder_of(table: str) -> str:
    """Where a release keeps a ledger's files."""
    return "attribution" if table == "licenses" else f"ledger/{table}"
