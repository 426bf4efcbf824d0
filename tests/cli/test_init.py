"""The configuration that `init` writes is valid, complete, and says the defaults."""

from __future__ import annotations

import re
from pathlib import Path

from pipeline.cli.template import template
from pipeline.config import Config, load_config
from tests.cli.invoking import invoke


def test_the_written_file_loads_and_equals_the_defaults(tmp_path: Path) -> None:
    path = tmp_path / "permastack.toml"
    done = invoke("init", path)
    assert (done.code, done.out) == (0, "")
    assert f"then: permastack run {path}" in done.err
    loaded, defaults = load_config(path), Config()
    (source,) = loaded.ingest.sources
    assert source.kind == "git"
    published, expected = loaded.published(), defaults.published()
    published["ingest"]["sources"] = expected["ingest"]["sources"]
    assert published == expected
    assert loaded.execution.work == str(tmp_path / "work")
    assert loaded.execution.releases == str(tmp_path / "releases")


def test_defaults_that_are_written_out_change_nothing(tmp_path: Path) -> None:
    text = re.sub(r"^# (\w+ = (?!.*PATH).*)$", r"\1", template().split("[dataset]")[1], flags=re.MULTILINE)
    path = tmp_path / "all.toml"
    path.write_text("[dataset]" + text, "utf-8")
    assert len(re.findall(r"^\w+ = ", text, re.MULTILINE)) > 40
    assert load_config(path).published() == Config().published()


def test_every_setting_is_named(tmp_path: Path) -> None:
    text = template()
    for section, field in Config.model_fields.items():
        assert f"\n[{section}]" in text
        for key in field.annotation.model_fields:  # type: ignore[union-attr]
            assert re.search(rf"^(# )?(\[.*)?{key}\b", text, re.MULTILINE), key
