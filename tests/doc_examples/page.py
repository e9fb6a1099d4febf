"""The table of the documentation's examples: ``python -m tests.doc_examples.page`` writes ``docs/doc-examples.md``.

It names the manifests and what came of them; their text belongs to the Kubernetes documentation.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

from tests.doc_examples.running import COLUMNS, EXAMPLES, cases, examples, problems

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "doc-examples.md"
_PREFIXES: Final = ("content/en/examples/", "inline/content/en/docs/")
_HEAD: Final = """\
# The examples of the Kubernetes documentation

Every example manifest about the life of a Pod or a Job, run unmodified, on four releases (1.28 with the gate
SidecarContainers on). Paths are those of `kubernetes/website`, below `content/en/examples` or, for manifests printed
inside a page, the page's own. What a program that a manifest only names does, and what is done to the Pod meanwhile, is
said in `tests/doc_examples/examples.yaml`, with what is checked. This page is generated from those runs.

✓: what must happen, happens. **refused**: the release does not accept it, and says so in its words.

"""


def outcome(row: dict[str, Any], column: str) -> str:
    """The cell of one example on one release."""
    mine = [case for case in cases(row) if case.column == column]
    if any(problems(case) for case in mine):
        return "differs"
    refused = ["refused" in case.run for case in mine]
    if all(refused):
        return "**refused**"
    notes = [case.run["name"] for case in mine if case.run.get("name", "").startswith("the gate is off")]
    return "; ".join(["✓", *notes])


def page() -> str:
    """The whole page; runs every example."""
    lines = [f"| example | what must happen | {' | '.join(COLUMNS)} |", f"|{'---|' * (len(COLUMNS) + 2)}"]
    for row in examples():
        name = row["path"]
        for prefix in _PREFIXES:
            name = name.removeprefix(prefix)
        kind = " (its Pod template)" if "template" in row else ""
        cells = " | ".join(outcome(row, column) for column in COLUMNS)
        lines.append(f"| `{name}`{kind} | {row['says']} | {cells} |")
    runs = sum(len(cases(row)) for row in examples())
    return f"{_HEAD}{len(examples())} examples, {runs} runs.\n\n" + "\n".join(lines) + "\n"


if __name__ == "__main__":
    if not EXAMPLES.is_dir():
        sys.exit(f"the manifests are not there: {EXAMPLES}")
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE.name}")
