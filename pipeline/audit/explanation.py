"""An explanation as text for a person."""

from __future__ import annotations

from typing import Any

Row = dict[str, Any]


def explanation_text(answer: Row) -> str:
    """One answer of `Explainer.explain` for a person, over several lines."""
    place = " ".join(text for text in (answer["origin"], answer["path"]) if text) or answer["target"]
    lines = [f"{answer['outcome']:<9} {place}"]
    if answer["swhid"] and answer["swhid"] != place:
        lines.append(f"  id        {answer['swhid']}")
    by = f"{answer['stage']}.{answer['rule']}: " if answer["stage"] else ""
    lines.append(f"  why       {by}{answer['reason']}")
    for rule, number in answer.get("rules", {}).items():
        lines.append(f"            {number:,} by {rule}")
    if twin := answer["duplicate_of"]:
        lines += _twin_lines(twin)
    if other := answer.get("elsewhere"):
        lines.append(f"  elsewhere {other['origin']} {other['path']}")
    if answer["license"]:
        lines += _license_lines(answer)
    if answer.get("language"):
        lines.append(f"  language  {answer['language']}")
    for name, word in (("first_seen", "came"), ("last_changed", "changed")):
        if answer.get("history"):
            seen = answer["history"][name]
            lines.append(f"  {word:<9} {seen['date'] or 'at a date out of range'} by {seen['revision']}")
    if answer.get("redactions"):
        lines.append(f"  redacted  {answer['redactions']} places of its text")
    if copies := answer.get("copies"):
        lines += [f"  copies    {copies['count']:,}"] if copies["count"] else []
        lines += [f"            {copy['origin']} {copy['path']}" for copy in copies["first"]]
        if copies["count"] > len(copies["first"]):
            lines.append(f"            ... and {copies['count'] - len(copies['first']):,} more")
    if answer.get("shard"):
        lines.append(f"  shard     {answer['shard']}")
    return "\n".join(lines)


def _twin_lines(twin: Row) -> list[str]:
    place = f"{twin['origin']} {twin['path']}" if twin["origin"] else twin["swhid"]
    if twin["kind"] == "exact":
        return [f"  kept      {place}"]
    lines = [f"  kept      {place}"]
    if twin["jaccard"] is not None:
        lines.append(f"            Jaccard similarity {twin['jaccard']:.4f}, cluster {twin['cluster']}")
    return lines


def _license_lines(answer: Row) -> list[str]:
    license = answer["license"]
    chosen = f", taken as {license['or_choice']}" if "or_choice" in license else ""
    verdict = f"{chosen} ({license['verdict']})" if license["verdict"] else ""
    lines = [f"  licence   {license['expression'] or 'none found'}{verdict}"]
    for row in license["evidence"]:
        where = "the file itself" if row["source"] == "header" else f"{_folder(answer['path'], row)} {row['path']}"
        at = f", lines {row['lines'][0]}-{row['lines'][1]}" if row["lines"] else ""
        how = f"{row['rule']} by {row['matcher']}, score {row['score']:g}{at}"
        lines.append(f"            {where}: {row['expression']} [{how}]")
    return lines


def _folder(path: str | None, row: Row) -> str:
    """Where a piece of evidence stands in the hierarchy above a file."""
    if "/" not in row["path"] or row["source"] == "dist_info":
        return "origin:"
    own = (path or "").rpartition("/")[0]
    return "folder:" if row["path"].rpartition("/")[0] != own else "same folder:"
