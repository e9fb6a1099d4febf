"""The page docs/releases.md: gates by release, and what each release changed against the one before.

``python -m kubesim.releases.page > docs/releases.md`` writes it; a test holds the committed page to the data.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from kubesim.releases.gates import known_gates
from kubesim.releases.release import bug_is_in
from kubesim.releases.tables import FIRST_MINOR, LATEST_PATCH, RELEASES, Point, load, parse_point, row_at, rows_of

_STAGES: Final = {"Alpha": "α", "Beta": "β", "GA": "GA", "Deprecated": "dep"}

_HEAD: Final = """\
# What each release does

Generated from the data files in `kubesim/releases/` by `python -m kubesim.releases.page`; change those, not this page.

A release such as 1.29 stands for its latest patch; 1.29.0 selects the bugs and texts of that very patch.
Everything that differs between releases is here: outside `kubesim/releases/` no code compares releases."""

_GATES: Final = """\
## Gates

Stage and default of the latest patch: α alpha, β beta, GA, dep deprecated; 🔒 locked to its default; – unknown, so that
setting it is refused. Only gates that touch the life of a pod are listed."""

_BUGS: Final = """\
## Known bugs

Each is a switch. A release has the bugs of its patch unless they are set otherwise."""


def releases_page() -> str:
    """The whole page, ending in a newline."""
    parts = [_HEAD, _GATES, "\n".join(_gate_table()), "## Changes"]
    parts += [part for minor in range(FIRST_MINOR + 1, FIRST_MINOR + len(RELEASES)) for part in _changes(minor)]
    parts += [_BUGS, *_bug_entries()]
    return "\n\n".join(parts) + "\n"


def _gate_table() -> Iterator[str]:
    yield f"| Gate | {' | '.join(RELEASES)} |"
    yield f"|---|{'---|' * len(RELEASES)}"
    for name in load("feature_gates"):
        cells = (_gate_cell(name, FIRST_MINOR + offset) for offset in range(len(RELEASES)))
        yield f"| {name} | {' | '.join(cells)} |"


def _gate_cell(name: str, minor: int) -> str:
    spec = known_gates((minor, LATEST_PATCH)).get(name)
    if spec is None:
        return "–"
    return f"{_STAGES[spec.stage]} {'on' if spec.default else 'off'}{' 🔒' if spec.locked else ''}"


def _changes(minor: int) -> Iterator[str]:
    """What the latest patch of a minor does otherwise than the latest patch of the one before."""
    yield f"### 1.{minor}"
    lines = [
        *_gate_changes(minor),
        *_row_changes("policies", "Policy", minor),
        *_bug_changes(minor),
        *_row_changes("constants", "Constant", minor),
        *_row_changes("texts", "Text", minor),
        *_new_fields(minor),
    ]
    yield "\n".join(lines)


def _gate_changes(minor: int) -> Iterator[str]:
    for name in load("feature_gates"):
        before, after = _gate_cell(name, minor - 1), _gate_cell(name, minor)
        if before != after:
            yield f"- Gate `{name}`: {before} → {after}"


def _row_changes(table: str, word: str, minor: int) -> Iterator[str]:
    for name, entry in load(table).items():
        before, after = (_row_words(entry, (at, LATEST_PATCH)) for at in (minor - 1, minor))
        if before != after:
            about = entry.get("summary", "")
            rules = ", ".join(entry["rules"]) if "rules" in entry else entry["source"]
            yield f"- {word} `{name}`: {before} → {after}. {about + ' ' if about else ''}({rules})"


def _bug_changes(minor: int) -> Iterator[str]:
    for name, entry in load("bugs").items():
        before, after = (bug_is_in(name, (at, LATEST_PATCH)) for at in (minor - 1, minor))
        if before != after:
            yield f"- Bug `{name}` {'appears' if after else 'is gone'}. ({', '.join(entry['rules'])})"


def _new_fields(minor: int) -> Iterator[str]:
    for kind, rows in load("fields").items():
        for path, row in rows.items():
            if parse_point(row["since"]) == (minor, 0):
                gate = f", gate `{row['gate']}`" if "gate" in row else ""
                yield f"- Field `{path}` of {kind} is known{gate}"


def _bug_entries() -> Iterator[str]:
    for name, entry in load("bugs").items():
        spans = "\n".join(f"- {_span_words(span)}" for span in entry["affected"])
        yield f"### {name}\n\n{entry['summary']} ({', '.join(entry['rules'])}; {entry['source']})\n\n{spans}"


def _span_words(span: Mapping[str, str]) -> str:
    end = f"until {span['fixed_in']}" if "fixed_in" in span else "not fixed"
    known = f" ({span['bracket']})" if "bracket" in span else ""
    return f"from {span['from']}, {end}{known}"


def _row_words(entry: Mapping[str, Any], point: Point) -> str:
    """One row in words: its value, and the values that gates choose instead."""
    row = row_at([(parse_point(row["since"]), row) for row in rows_of(entry)], point)
    if row is None:
        return "–"
    choices = [
        *_choices(row.get("when_off", {}).items(), "off"),
        *_choices(row.get("when_on", {}).items(), "on"),
    ]
    return _code(row["value"]) + (f" ({'; '.join(choices)})" if choices else "")


def _choices(items: Iterable[tuple[str, Any]], state: str) -> Iterator[str]:
    for gate, value in items:
        yield f"{_code(value)} with {gate} {state}"


def _code(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(_code(item) for item in value)
    return f"`` {value} ``" if "`" in str(value) else f"`{value}`" if value != "" else "nothing"


if __name__ == "__main__":
    sys.stdout.write(releases_page())
