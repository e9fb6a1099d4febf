"""The rows of a sweep as a Parquet file or a DuckDB table, with the header beside them. Needs ``kubesim[tables]``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from kubesim.errors import KubesimError
from kubesim.exploration.sweep import Sweep, encode_header

FORMATS: Final = (".parquet", ".duckdb")


class ExportError(KubesimError):
    """A format that cannot be written: the message says what to install or to write."""


def check_format(path: Path) -> None:
    """Raises ExportError for a name that ends in no format, before hours of work."""
    if path.suffix not in FORMATS:
        raise ExportError(f"{path.name}: rows are written to files that end in {' or '.join(FORMATS)}")


def export(path: Path, sweep: Sweep, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write the rows; the header goes into the file's metadata (``kubesim.sweep``), or a table ``header``.

    Raises ExportError if the library for the format is not there.
    """
    check_format(path)
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as problem:
        raise ExportError(f"{path.name}: writing it needs pyarrow: pip install 'kubesim[tables]'") from problem
    columns = (*sweep.columns, "error")
    kept = list(rows)
    data = {name: _column([row.get(name) for row in kept]) for name in columns}
    table = pyarrow.table({name: pyarrow.array(values) for name, values in data.items()})
    header = encode_header(sweep.header)
    if path.suffix == ".parquet":
        pyarrow.parquet.write_table(table.replace_schema_metadata({b"kubesim.sweep": header}), path)
        return
    try:
        import duckdb
    except ImportError as problem:
        raise ExportError(f"{path.name}: writing it needs duckdb: pip install 'kubesim[tables]'") from problem
    with duckdb.connect(str(path)) as connection:
        connection.register("given", table)
        connection.execute("create or replace table rows as select * from given")
        connection.execute("create or replace table header as select ? as header", [header.decode()])


def _column(values: list[Any]) -> list[Any]:
    """Values of one type: where types are mixed, their text."""
    kinds = {type(value) for value in values if value is not None}
    if len(kinds) <= 1 and not kinds & {dict, list}:
        return values
    if kinds <= {int, float}:
        return [None if value is None else float(value) for value in values]
    return [None if value is None else str(value) for value in values]
