"""croissant.json: the release described for data set search engines and loaders (MLCommons Croissant 1.1)."""

from __future__ import annotations

import json
from typing import Any

from pipeline.manifest.model import Entry, Release
from pipeline.stages.release.subsets import released_schema

_TYPES = {
    "int64": "sc:Integer",
    "int32": "sc:Integer",
    "double": "sc:Float",
    "bool": "sc:Boolean",
    "string": "sc:Text",
    "large_string": "sc:Text",
}
_TERMS = (
    "citeAs", "column", "equivalentProperty", "extract", "field", "fileObject", "fileProperty", "fileSet", "format",
    "includes", "isLiveDataset", "jsonPath", "key", "md5", "parentField", "path", "recordSet", "references", "regex",
    "repeated", "replace", "samplingRate", "separator", "source", "subField", "transform",
)  # fmt: skip
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    **{term: f"cr:{term}" for term in _TERMS},
}


def croissant(release: Release, entries: list[Entry]) -> str:
    """The description of the data shards, each with its sha256, and of their columns of simple types."""
    shards = sorted((entry for entry in entries if entry.table == "data"), key=lambda entry: entry.path)
    files = [
        {
            "@type": "cr:FileObject",
            "@id": shard.path,
            "name": shard.path,
            "contentUrl": shard.path,
            "contentSize": f"{shard.bytes} B",
            "sha256": shard.sha256,
            "encodingFormat": "application/x-parquet",
        }
        for shard in shards
    ]
    together = {
        "@type": "cr:FileSet",
        "@id": "shards",
        "name": "shards",
        "encodingFormat": "application/x-parquet",
        "includes": "data/*/*.parquet",
    }
    fields = [
        {
            "@type": "cr:Field",
            "@id": f"files/{column.name}",
            "name": column.name,
            "dataType": _TYPES[str(column.type)],
            "source": {"fileSet": {"@id": "shards"}, "extract": {"column": column.name}},
        }
        for column in released_schema(list(release.subsets))
        if str(column.type) in _TYPES
    ]
    document = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.1",
        "name": release.name,
        "version": release.version,
        "description": release.description or f"Source code of the data set {release.name}",
        "distribution": [*files, together],
        "recordSet": [{"@type": "cr:RecordSet", "@id": "files", "name": "files", "field": fields}],
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"
