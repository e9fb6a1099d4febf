"""Which API fields a release's API server knows, and which it drops because their gate is off.

Source: versions.md section 6, control-plane.md C-10 to C-14 and C-20.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from kubesim.releases.release import Release
from kubesim.releases.tables import load, parse_point


@dataclass(frozen=True, slots=True)
class Field:
    """One field that is younger than 1.27 or hangs on a gate, as one release treats it."""

    kind: str
    path: str
    """From the root of the object, such as ``spec.initContainers[].restartPolicy``."""
    gate: str | None
    known: bool
    """False: the API server does not know the field, so it is an unknown field (C-10 to C-12)."""
    dropped: bool
    """True: known, but its gate is off, so it is dropped in silence on create unless already in use (C-20)."""


@lru_cache(maxsize=256)
def fields(release: Release, kind: str) -> tuple[Field, ...]:
    """The fields of a kind (``Pod``, ``Job``) that some release of the table does not know or may drop.

    Paths of a Pod's spec hold below ``spec.template`` too; a Job's own fields do not name them again (C-13).
    """
    rows = load("fields").get(kind, {})
    return tuple(_field(release, kind, path, row) for path, row in rows.items())


def _field(release: Release, kind: str, path: str, row: dict[str, str]) -> Field:
    gate = row.get("gate")
    known = release.point >= parse_point(row["since"])
    return Field(kind, path, gate, known, known and gate is not None and not release.enabled(gate))
