"""What the finished steps of a run left in its work folder, read without the run's configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline.engine.artefacts import read_slice
from pipeline.engine.receipts import Receipt, read_receipt
from pipeline.errors import InputError


class WorkFolder:
    """A work folder, by its receipts. Nothing in it is changed."""

    def __init__(self, folder: Path) -> None:
        """Raises InputError where the folder is none."""
        self.folder = folder
        if not (folder / "inputs.json").is_file():
            raise InputError(
                f"{folder}: is neither a release nor the work folder of a run: expected release.json or inputs.json "
                "in it"
            )

    def receipts(self, step: str) -> list[Receipt]:
        """The receipts of a step by part. Raises InputError where a part is missing: the step is not finished."""
        stage, _, name = step.partition(".")
        found = [read_receipt(path) for path in sorted(self.folder.glob(f"??-{stage}/receipts/{name}-?????.json"))]
        read = [receipt for receipt in found if receipt is not None]
        if not read or len(read) < len(found) or [receipt.part for receipt in read] != list(range(len(read))):
            raise InputError(f"{self.folder}: step {step} is not finished: let its run go on, then ask again")
        return read

    def read(self, output: str, schema: pa.Schema) -> pa.Table:
        """All rows of `step/output`, each piece verified. Raises InputError where the step is not finished."""
        step, _, name = output.partition("/")
        stage, _, own = step.partition(".")
        tables = [schema.empty_table()]
        for receipt in self.receipts(step):
            (folder,) = self.folder.glob(f"??-{stage}/{own}/{receipt.part:05d}")
            tables += [read_slice(piece) for piece in receipt.pieces(name, folder)]
        return pa.concat_tables(tables).combine_chunks()

    def info(self, step: str) -> dict[str, Any]:
        """What the first part of a step noted."""
        return self.receipts(step)[0].info
