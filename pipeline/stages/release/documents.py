"""The documents of a release: manifest, checksum list, card and metadata, every number taken from the data."""

from __future__ import annotations

import hashlib
import html
import json
from collections import Counter
from importlib import metadata
from pathlib import Path
from typing import Any

from pipeline.commitment import load_key
from pipeline.local_path import made_logical
from pipeline.manifest.model import Entry, Previous, Release, Totals, entries_text, read_release
from pipeline.repositories import digest
from pipeline.schema import SCHEMA_VERSION
from pipeline.stages.language.languages import about
from pipeline.stages.license.policy import load as load_policy
from pipeline.stages.license.reviews import reviews_of
from pipeline.stages.optout.registry import registry_of
from pipeline.stages.redact.policy import digest as redaction_digest
from pipeline.stages.release.croissant import croissant
from pipeline.stages.release.subsets import added, column
from pipeline.stages.screen.benchmarks import digests
from pipeline.stages.screen.parsing import parser_versions

DOCUMENTS = (
    "release.json", "manifest.jsonl", "manifest-sha256.txt", "README.md", "report.html", "croissant.json",
    "CITATION.cff", "CHANGELOG.md",
)  # fmt: skip
# Libraries whose version can decide a released byte.
_LIBRARIES = (
    "chardet", "datasketch", "detect-secrets", "enry-python", "hyperscan", "license-expression", "numpy",
    "permastack", "pyahocorasick", "pyarrow", "scancode-toolkit", "xxhash",
)  # fmt: skip


def build_documents(
    settings: dict[str, Any],
    entries: list[Entry],
    totals: dict[str, int],
    collections: list[dict[str, Any]],
    scanner: str,
) -> dict[str, bytes]:
    """Every document by its name; `scanner` is what looked for malware. No clock decides, nor this machine."""
    release = _release(settings, entries, totals)
    release.collections = collections
    release.versions["clamav"] = scanner
    documents = {
        "README.md": _card(release, entries).encode(),
        "report.html": _report(release).encode(),
        "croissant.json": croissant(release, entries).encode(),
        "CITATION.cff": _citation(release).encode(),
        "CHANGELOG.md": _changelog(release).encode(),
    }
    entries = entries + [
        Entry(path=name, table="file", bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
        for name, data in documents.items()
    ]
    release.root = release.computed_root(entries)
    documents["release.json"] = release.text()
    documents["manifest.jsonl"] = entries_text(entries)
    sums = [(entry.sha256, entry.path) for entry in entries]
    sums += [(hashlib.sha256(documents[name]).hexdigest(), name) for name in ("release.json", "manifest.jsonl")]
    documents["manifest-sha256.txt"] = "".join(
        f"{sha}  {path}\n" for sha, path in sorted(sums, key=lambda s: s[1])
    ).encode()
    return documents


def _release(settings: dict[str, Any], entries: list[Entry], totals: dict[str, int]) -> Release:
    dataset = settings["dataset"]
    data = [entry for entry in entries if entry.table == "data"]
    extra = [entry.model_dump() for entry in entries]
    languages: Counter[str] = Counter()
    for entry in data:
        languages[entry.language or ""] += entry.rows or 0
    licenses: Counter[str] = Counter()
    classes: Counter[str] = Counter()
    for fields in extra:
        licenses.update(fields.get("licenses") or {})
        classes.update(fields.get("classes") or {})
    dropped = {name: count for name, count in sorted(totals.items()) if "." in name}
    released, merged = totals.get("released", 0), totals.get("merged", 0)
    return Release(
        schema_version=SCHEMA_VERSION,
        name=dataset.name,
        version=dataset.version,
        description=dataset.description,
        previous=_previous(settings["release"].previous),
        totals=Totals(
            listed=released + merged + sum(dropped.values()), released=released, merged=merged, dropped=dropped
        ),
        origins=sum(entry.rows or 0 for entry in entries if entry.table == "repositories"),
        languages=dict(sorted(languages.items())),
        licenses=dict(sorted(licenses.items())),
        redactions=dict(sorted(classes.items())),
        subsets=dict(added(fields.get("subsets") or {} for fields in extra)),
        configuration={name: made_logical(section) for name, section in settings.items()},
        policies=_policies(settings),
        versions={
            **{name: _version(name) for name in _LIBRARIES},
            **parser_versions(settings["screen"]),
            "linguist": about()["commit"],
        },
        commitment_key_ids=_key_ids(settings),
        quarantine={"origins": dropped.get("ingest.quarantined", 0)},
    )


def document_versions(settings: dict[str, Any]) -> dict[str, str]:
    """What besides tables and settings the documents show: digests of policies, key ids, versions, the chain."""
    previous = _previous(settings["release"].previous)
    return {
        **_policies(settings),
        **{name: _version(name) for name in _LIBRARIES},
        **parser_versions(settings["screen"]),
        **{f"key {name}": key_id for name, key_id in _key_ids(settings).items()},
        "linguist": about()["commit"],
        "previous": previous.root if previous else "none",
    }


def _policies(settings: dict[str, Any]) -> dict[str, str]:
    registry = registry_of(settings["optout"])
    policies = {
        "license": load_policy(settings["license"].policy).digest,
        "optout": registry.digest,
        "redact": redaction_digest(settings["redact"]),
    }
    reviews = reviews_of(settings["license"]).digest
    policies |= {"reviews": reviews} if reviews != "none" else {}
    policies |= {f"benchmark {name}": digest for name, digest in digests(settings["screen"]).items()}
    tables = {registry.aliases, digest(settings["ingest"].repositories)} - {"none"}
    return policies | ({"repositories": " ".join(sorted(tables))} if tables else {})


def _key_ids(settings: dict[str, Any]) -> dict[str, str]:
    keys = {name: load_key(settings[name].commitment_key) for name in ("optout", "redact")}
    return {name: key.id for name, key in keys.items() if key}


def _version(library: str) -> str:
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return "absent"


def _previous(path: str | None) -> Previous | None:
    if path is None:
        return None
    release = read_release(Path(path))
    return Previous(version=release.version, root=release.root)


def _table(rows: list[tuple[str, int]]) -> str:
    return "".join(f"| {_cell(name)} | {count:,} |\n" for name, count in rows)


def _cell(text: str) -> str:
    """Text from the data, safe in a Markdown table."""
    return html.escape(text or "(none)").replace("|", "&#124;").replace("\n", " ").replace("`", "&#96;")


def _largest(counts: dict[str, int], number: int = 20) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:number]


def front_matter(name: str, entries: list[Entry]) -> str:
    """The card's head: the configurations that `datasets.load_dataset` knows, all, each language's, and subsets'."""
    folders: dict[str, list[str]] = {}
    for entry in entries:
        if entry.table == "data":
            folders.setdefault(str(Path(entry.path).parent), []).append(entry.path)
    # An empty language has no folder of its own that a loader could read.
    configs = "".join(
        f"- config_name: {Path(folder).name}\n  data_files: {folder}/*.parquet\n" for folder in sorted(folders)
    )
    front = f"---\npretty_name: {json.dumps(name)}\ntask_categories:\n- text-generation\ntags:\n- code\nconfigs:\n"
    front += "- config_name: default\n  default: true\n  data_files: data/*/*.parquet\n" + configs
    for subset, files in configurations(entries).items():
        front += f"- config_name: {column(subset)}\n  data_files:\n" + "".join(f"  - {path}\n" for path in files)
    return front + "---\n"


def _card(release: Release, entries: list[Entry]) -> str:
    totals = release.totals
    return front_matter(release.name, entries) + (
        f"\n# {release.name} {release.version}\n\n{release.description}\n\n"
        f"Permissively licensed source code: {totals.released:,} files, each with its SWHID, the evidence for its "
        "licence, and a record of each redaction. Every listed file that is not here is in a ledger with the rule that "
        "removed it.\n\n"
        "| outcome | files |\n|---|---:|\n"
        f"| listed | {totals.listed:,} |\n| released | {totals.released:,} |\n"
        f"| merged as exact copies | {totals.merged:,} |\n{_table(list(totals.dropped.items()))}\n"
        f"| language | files |\n|---|---:|\n{_table(_largest(release.languages))}\n"
        f"| licence | files |\n|---|---:|\n{_table(_largest(release.licenses))}\n"
        f"| redacted | spans |\n|---|---:|\n{_table(_largest(release.redactions))}\n"
        + _subsets(release, entries)
        + "## Use\n\n"
        '```python\nimport datasets\nrows = datasets.load_dataset("PATH_OF_THIS_FOLDER", split="train")\n```\n\n'
        "Each file keeps its own licence: see `license_expression`, `ledger/evidence` and `attribution/`. "
        "Check the folder with `sha256sum -c manifest-sha256.txt`, and everything else with `permastack audit .`.\n"
    )


def configurations(entries: list[Entry]) -> dict[str, list[str]]:
    """Of each named subset by which the shards are partitioned, its files: globs of whole folders, and paths.

    Shards are partitioned by a subset where each of them lies in it whole or not at all, and one of them does.
    """
    shards = [(entry, entry.model_dump().get("subsets") or {}) for entry in entries if entry.table == "data"]
    shards = sorted(((entry, funnels) for entry, funnels in shards if entry.rows), key=lambda shard: shard[0].path)
    found = {}
    for name in sorted({name for _, funnels in shards for name in funnels}):
        inside = [entry.path for entry, funnels in shards if funnels[name]["rows"] == entry.rows]
        outside = [entry.path for entry, funnels in shards if funnels[name]["rows"] == 0]
        if inside and len(inside) + len(outside) == len(shards):
            split = {str(Path(path).parent) for path in outside}
            folders = ((str(Path(path).parent), path) for path in inside)
            found[name] = sorted({path if folder in split else f"{folder}/*.parquet" for folder, path in folders})
    return found


def _subsets(release: Release, entries: list[Entry]) -> str:
    """The named subsets and their funnels, in Markdown."""
    loadable = configurations(entries)
    about = release.configuration.get("release", {}).get("subsets", {})
    lines = ["| subset | filter | fail | fail it alone |", "|---|---|---:|---:|"]
    words = []
    for name, funnel in release.subsets.items():
        how = ", a configuration, too" if name in loadable else ""
        described = _cell(about.get(name, {}).get("description", ""))
        if about.get(name, {}).get("transform"):
            described += " Its notebooks are to be read without outputs: cut `output_spans` out of `content`."
        words.append(f"- `{column(name)}`{how}: {funnel['rows']:,} files. {described}")
        lines += [
            f"| {name} | {rule} | {number:,} | {funnel['fail_alone'][rule]:,} |"
            for rule, number in funnel["fail"].items()
        ]
    return "## Subsets\n\n" + "\n".join([*words, "", *lines]) + "\n\n"


def _report(release: Release) -> str:
    totals = release.totals
    outcomes = [("released", totals.released), ("merged as copies", totals.merged), *totals.dropped.items()]
    longest = max([count for _, count in outcomes] + [1])
    bars = "".join(
        f"<tr><th scope=row>{html.escape(name)}</th><td>{count:,}</td>"
        f'<td class=bar><div style="width:{100 * count / longest:.2f}%"></div></td></tr>\n'
        for name, count in outcomes
    )

    def section(title: str, counts: dict[str, int]) -> str:
        rows = "".join(
            f"<tr><th scope=row>{html.escape(name or '(none)')}</th><td>{count:,}</td></tr>\n"
            for name, count in _largest(counts, 50)
        )
        return f"<h2>{title}</h2>\n<table>\n{rows}</table>\n" if rows else ""

    return (
        "<!doctype html>\n<html lang=en><meta charset=utf-8>\n"
        '<meta name=viewport content="width=device-width,initial-scale=1">\n'
        f"<title>{html.escape(release.name)} {release.version}</title>\n"
        "<style>body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
        "table{border-collapse:collapse;width:100%}th{text-align:left;font-weight:400}th,td{padding:.15rem .5rem}"
        "td{text-align:right;font-variant-numeric:tabular-nums;width:6rem}td.bar{width:50%}"
        "td.bar div{background:#2b6cb0;height:.8rem;min-width:1px}</style>\n"
        f"<h1>{html.escape(release.name)} {release.version}</h1>\n<p>{html.escape(release.description)}</p>\n"
        f"<h2>What became of {totals.listed:,} listed files from {release.origins:,} origins</h2>\n"
        f"<table>\n{bars}</table>\n"
        + section("Languages", release.languages)
        + section("Licences", release.licenses)
        + section("Redactions", release.redactions)
        + section("Subsets", {name: funnel["rows"] for name, funnel in release.subsets.items()})
        + "".join(
            section(f"What the filters of {name} remove", funnel["fail"]) for name, funnel in release.subsets.items()
        )
        + "</html>\n"
    )


def _citation(release: Release) -> str:
    return (
        "cff-version: 1.2.0\nmessage: If you use this dataset, please cite it.\ntype: dataset\n"
        f"title: {json.dumps(release.name)}\nversion: {release.version}\nauthors:\n- name: {json.dumps(release.name)}\n"
    )


def _changelog(release: Release) -> str:
    before = f"Follows {release.previous.version} ({release.previous.root})." if release.previous else "First version."
    return f"# Changelog\n\n## {release.version}\n\n{before} {release.totals.released:,} files released.\n"
