"""What near_dedup measured, as Markdown."""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import Any

_LIBRARIES = ("datasketch", "numba", "numpy", "pyarrow")


def as_markdown(results: dict[str, Any]) -> str:
    sections = [_head(results)]
    for name, section in (
        ("signatures", _speed),
        ("clustering", _clustering),
        ("whole", _whole),
        ("quality", _quality),
    ):
        if name in results:
            sections.append(section(results))
    return "\n".join(sections)


def _head(results: dict[str, Any]) -> str:
    about = next(results[name] for name in ("whole", "signatures", "quality") if name in results)
    size = f", {about['MB']:,.0f} MB" if "MB" in about else ""
    return (
        "# Near-deduplication, measured\n\n`scripts/bench/near_dedup` made this page: one run, one machine, one thread "
        "each, CPU seconds.\n\n"
        f"- Python {platform.python_version()}; {', '.join(f'{name} {version(name)}' for name in _LIBRARIES)}\n"
        f"- input: {about['documents']:,} distinct texts of wheels and sdists{size}\n"
    )


def _speed(results: dict[str, Any]) -> str:
    ours, number = results["signatures"]["MB/s"], results["signatures"]["documents"]
    lines = [
        "## Signatures\n",
        "| | documents | MB/s a core | ours is so many times as fast |",
        "| --- | ---: | ---: | ---: |",
        f"| ours (datasketch's bits, 256 values) | {number:,} | {ours['verified']:.1f} | 1 |",
        f"| ours, profile stack-v2 (BigCode's bits, 250) | {number:,} | {ours['stack-v2']:.1f} | |",
    ]
    names = {
        "datatrove": "datatrove 0.10.1, shingles and signature, 25x10",
        "bigcode-v2": "BigCode's v2 formula, numpy, 250 values",
        "datasketch": "datasketch 2.0.0 update_batch, xxh32, 256 values",
    }
    for key, name in names.items():
        if "MB/s" in results.get(key, {}):
            found = results[key]
            times = ours["verified"] / found["MB/s"]
            lines.append(f"| {name} | {found['documents']:,} | {found['MB/s']:.3f} | {times:.0f} |")
    return "\n".join(lines) + "\n"


def _clustering(results: dict[str, Any]) -> str:
    ours = results["clustering"]
    rate = ours["documents"] / ours["seconds"]
    lines = [
        "## From signatures to clusters, 25 bands of 10 rows\n",
        "| | documents | seconds | documents a second | ours is so many times as fast | removed |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
        f"| ours | {ours['documents']:,} | {ours['seconds']:.2f} | {rate:,.0f} | 1 | {ours['removed']:,} |",
    ]
    names = {
        "datatrove-lsh": "datatrove 0.10.1, stages 2 and 3",
        "datasketch-lsh": "datasketch 2.0.0 MinHashLSH, insert and query",
    }
    for key, name in names.items():
        if "seconds" in results.get(key, {}):
            found = results[key]
            theirs = found["documents"] / found["seconds"]
            removed = f"{found['removed']:,}" if "removed" in found else ""
            lines.append(
                f"| {name} | {found['documents']:,} | {found['seconds']:.2f} | {theirs:,.0f} | {rate / theirs:.0f} "
                f"| {removed} |"
            )
    return "\n".join(lines) + "\n"


def _whole(results: dict[str, Any]) -> str:
    half, whole = results["half"], results["whole"]
    total = sum(whole["seconds"].values())
    slope = (whole["peak"] - half["peak"]) / (whole["documents"] - half["documents"]) * 1e6 / 1024
    lines = [
        "## The whole stage, 32 bands of 8 rows, verified\n",
        "Its own steps, part after part of about 25,000 texts, from texts that lie in files to what stays and what "
        "goes for what, in files.\n",
        "| step | seconds | share |",
        "| --- | ---: | ---: |",
        *(f"| {name} | {spent:.2f} | {spent / total:.0%} |" for name, spent in whole["seconds"].items()),
        f"| all | {total:.2f} | {whole['MB'] / total:.1f} MB/s, {whole['documents'] / total:,.0f} documents a second |",
        "",
        f"- {whole['dropped']:,} of {whole['documents']:,} documents dropped",
        f"- peak memory of the process and its child: {half['peak']:,.0f} MB for {half['documents']:,} documents "
        f"({half['MB']:,.0f} MB) and {whole['peak']:,.0f} MB for {whole['documents']:,} ({whole['MB']:,.0f} MB): "
        f"{slope:.2f} GB for each further million documents. A part has as many documents in both",
        "",
    ]
    peers = {
        "datatrove-whole": "datatrove 0.10.1, its four steps, no check of candidates",
        "text-dedup-whole": "text-dedup 0.4.0, its command, no check of candidates",
        "datasketch-whole": "datasketch 2.0.0, signatures, MinHashLSH and its estimate as a check",
    }
    if any("MB/s" in results.get(key, {}) for key in peers):
        lines += [
            "| the whole | documents | MB/s | ours is so many times as fast | removed |",
            "| --- | ---: | ---: | ---: | ---: |",
            f"| ours, verified | {whole['documents']:,} | {whole['MB'] / total:.1f} | 1 | "
            f"{whole['dropped'] / whole['documents']:.1%} |",
        ]
        for key, name in peers.items():
            if "MB/s" in results.get(key, {}):
                found = results[key]
                lines.append(
                    f"| {name} | {found['documents']:,} | {found['MB/s']:.3f} | "
                    f"{whole['MB'] / total / found['MB/s']:.0f} | {found['removed'] / found['documents']:.1%} |"
                )
        lines += ["", "Fewer documents have fewer that are alike: the shares that were removed are no comparison.", ""]
    return "\n".join(lines) + "\n" + _update(results)


def _update(results: dict[str, Any]) -> str:
    lines = ["### A release after another\n"]
    if "share" in results.get("update", {}):
        update = results["update"]
        lines += [
            f"{update['new']:,} new documents against {update['old']:,} old ones whose band keys are stored: "
            f"{update['update']:.2f} seconds, {update['share']:.1%} of the {update['full']:.2f} seconds that the old "
            "ones took. Texts lie in memory in both cases: reading them is no part of this.",
            "",
            "| work | seconds |",
            "| --- | ---: |",
            *(f"| {name} | {spent:.3f} |" for name, spent in update["seconds"].items()),
            "",
        ]
    if "seconds" in results.get("follow", {}):
        whole, follow = (sum(results[name]["seconds"].values()) for name in ("whole", "follow"))
        new = results["follow"]["documents"] - results["whole"]["documents"]
        lines += [
            f"As steps of a run, which read and write files, {new:,} documents more took {follow:.2f} seconds, "
            f"{follow / whole:.0%} of the {whole:.2f} seconds of the whole stage before:",
            "",
            "| step | seconds |",
            "| --- | ---: |",
            *(f"| {name} | {spent:.2f} |" for name, spent in results["follow"]["seconds"].items()),
            "",
        ]
    return "\n".join(lines)


def _quality(results: dict[str, Any]) -> str:
    found = results["quality"]
    verified, usual = found["verified"], found["stack-v2"]
    lines = [
        "## Quality, against all pairs\n",
        f"{found['documents']:,} documents; all pairs were compared: {found['pairs']:,} have a Jaccard similarity of "
        "0.7 or more (5 tokens of `\\w+` in a shingle).\n",
        "| bands x rows | candidate pairs | pairs found | of the candidates similar |",
        "| --- | ---: | ---: | ---: |",
    ]
    for name in ("32x8", "25x10", "14x8"):
        row = found[name]
        lines.append(f"| {name} | {row['candidates']:,} | {row['recall']:.2%} | {row['of candidates at 0.7']:.1%} |")
    lines += [
        "",
        "| similarity | pairs | found by 32x8 | expected | found by 25x10 | expected |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for ours, stack in zip(found["32x8"]["curve"], found["25x10"]["curve"], strict=True):
        lines.append(
            f"| {ours[0]:.2f} to {ours[1]:.2f} | {ours[2]:,} | {ours[3]:.1%} | {ours[4]:.1%} | {stack[3]:.1%} "
            f"| {stack[4]:.1%} |"
        )
    lines += [
        "",
        f"- verified (the default): {verified['dropped']:,} dropped; {verified['wrong']} of them without a similarity "
        f"of 0.7 to the file kept for it, {verified['for one that is dropped itself']} for one that is dropped itself, "
        f"{verified['stated otherwise']} with a wrong similarity in the ledger; {verified['pairs left']} similar pairs "
        "left, both files of which stay",
        f"- profile stack-v2 (the usual method): {usual['dropped']:,} dropped, of which {usual['below 0.7']:,} "
        f"({usual['below 0.7'] / max(usual['dropped'], 1):.0%}) are less than 0.7 like the file kept for them, and "
        f"{usual['below 0.5']:,} less than 0.5",
        "",
    ]
    return "\n".join(lines)
