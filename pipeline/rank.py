"""The one total order of occurrences: who is kept where several could be.

Best first: released before (a prior release's files are never displaced), licence verdict, stars (most
first, unknown last), earliest date (unknown last), origin, path bytes, blob. Origin and path identify an
occurrence, so no two are equal and the order depends on nothing else. exact, near and incremental runs share it.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

VERDICT_ORDER = ("permissive", "permissive_weak", "no_license", "contested", "non_permissive")


def ranked(table: pa.Table) -> pa.Table:
    """`table` in rank order. Columns used: license_type, stars, date, origin, path, blob, and prior where it has it.

    A null licence verdict (a guard) comes before all others.
    """
    verdicts = pc.index_in(table.column("license_type"), value_set=pa.array(VERDICT_ORDER))
    keys = {
        "license": pc.fill_null(verdicts, -1),
        "stars": pc.fill_null(pc.negate(table.column("stars")), 1),
        "date": pc.fill_null(table.column("date").cast(pa.int64()), 2**62),
        "origin": pc.fill_null(table.column("origin"), ""),
        "path": pc.fill_null(table.column("path"), b""),
        "blob": table.column("blob"),
    }
    if "prior" in table.column_names:
        keys = {"prior": pc.invert(table.column("prior")).cast(pa.int8())} | keys
    order = pc.sort_indices(pa.table(keys), sort_keys=[(name, "ascending") for name in keys])
    return table.take(order)
