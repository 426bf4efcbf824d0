"""Origins whose source fails for the moment: no release without consent, and another try next time."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipeline.build import build
from pipeline.errors import EnvironmentalError
from pipeline.stages.ingest.archives import Archives
from pipeline.stages.ingest.source import Listing, OriginInput, Sink
from tests.conftest import Configure

_list = Archives.list


def _gamma_fails(self: Archives, item: OriginInput, sink: Sink) -> Listing:
    if "gamma" in item.origin:
        raise EnvironmentalError("the disk that holds it did not answer")
    return _list(self, item, sink)


def test_quarantine(configure: Configure, root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    config = configure()
    releases = Path(config.execution.releases)
    monkeypatch.setattr(Archives, "list", _gamma_fails)
    with pytest.raises(EnvironmentalError) as refused:
        build(config)
    words = str(refused.value)
    assert words.startswith("1 origins or contents could not be read (quarantine ")
    assert "pkg:pypi/gamma@1.0?file_name=gamma-1.0.tar.gz: the disk that holds it did not answer" in words
    assert "--accept-quarantine" in words
    assert not list(releases.glob("tiny/*/release.json"))

    accepted = build(config, accept_quarantine=True)
    assert accepted.release.totals.dropped["ingest.quarantined"] == 1
    assert accepted.release.totals.closes
    assert accepted.release.root != root
    ledger = pq.read_table(accepted.folder / "ledger" / "decisions").to_pylist()
    (row,) = [row for row in ledger if row["rule"] == "quarantined"]
    assert row["origin"].startswith("pkg:pypi/gamma@1.0")

    again = build(config, accept_quarantine=True)
    assert not any(state.missing for state in again.states), "what was accepted stays accepted"
    with pytest.raises(EnvironmentalError, match="could not be read"):
        build(config)

    monkeypatch.setattr(Archives, "list", _list)
    healed = build(configure(f"execution.releases={releases.parent}/healed"))
    assert healed.release.root == root
