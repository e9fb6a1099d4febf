"""Writes ``docs/coverage.md``: what of a Pod is acted upon, and where kubesim departs from Kubernetes.

    python -m tools.coverage_page

The fields come from the table that a run itself uses, the departures from the source, where each is said at its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from kubesim.releases.field_tables import field_table
from kubesim.releases.release import release
from kubesim.releases.tables import RELEASES
from kubesim.sim.coverage import MODELLED, NO_EFFECT, coverage, missing_of, row_of

ROOT: Final = Path(__file__).resolve().parents[1]
PAGE: Final = ROOT / "docs" / "coverage.md"
_HEAD: Final = """\
# What is modelled, and what is not

This page is generated (`python -m tools.coverage_page`): its tables from `kubesim/sim/coverage.yaml`, which a run
itself goes by, the departures from the source.

A run says at its end, once for each field, what of its input it did not act upon (`Not modelled:`), and what it took
for granted (`Assumed:`). "No effect" fields are stored and shown, and nothing that is modelled depends on them. What
the API server checks and drops on each release goes further than this: it knows every field.

"""
_DEPARTURE: Final = re.compile(
    r"Departures?: ((?:.|\n)*?)(?:\n\s*\n|\"\"\"|\n\s*(?:Source|Sources|Raises|Returns)\b|\Z)"
)


def first_release(type_: str, field: str) -> str:
    """The first release that knows a field; empty for those that all releases know."""
    known = [name for name in RELEASES if field in field_table(release(name, {})).get(f"core.v1.{type_}", {})]
    return "" if not known or known[0] == RELEASES[0] else f" ({known[0]})"


def fields_of(type_: str) -> list[str]:
    """Every field that some release knows of a type."""
    found = {name for one in RELEASES for name in field_table(release(one, {})).get(f"core.v1.{type_}", {})}
    return sorted(found)


def type_lines(type_: str) -> Iterator[str]:
    """The rows of one type: what is modelled, what has no effect, and what is missing."""
    names = fields_of(type_) + (["targetContainerName"] if type_ == "Container" else [])
    groups: dict[str, list[str]] = {}
    for name in names:
        row = row_of(type_, name)
        groups.setdefault(missing_of(row) or str(row), []).append(f"`{name}`{first_release(type_, name)}")
    ordered = [key for key in (MODELLED, NO_EFFECT) if key in groups]
    ordered += [key for key in groups if key not in (MODELLED, NO_EFFECT)]
    for key in ordered:
        label = {MODELLED: "modelled", NO_EFFECT: "no effect"}.get(key, f"**not as in Kubernetes**: {key}")
        yield f"| {', '.join(groups[key])} | {label} |"


def departures() -> Iterator[tuple[str, str]]:
    """Module and sentence of each departure said in the source."""
    for path in sorted((ROOT / "kubesim").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        for match in _DEPARTURE.finditer(text):
            sentence = " ".join(match[1].replace("``", "`").replace("#", " ").split())
            yield str(path.relative_to(ROOT / "kubesim")), sentence


def page() -> str:
    """The whole page."""
    lines = ["## Fields of a Pod", ""]
    for type_ in coverage():
        lines += [
            f"### {type_}",
            "",
            "| fields (the first release that has them) | |",
            "|---|---|",
            *type_lines(type_),
            "",
        ]
    lines += ["## Departures", "", "Where kubesim does otherwise than Kubernetes, and knows it.", ""]
    lines += ["| in | what |", "|---|---|"]
    lines += [f"| `{module}` | {sentence.replace('|', chr(92) + '|')} |" for module, sentence in departures()]
    return _HEAD + "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE.name}")
