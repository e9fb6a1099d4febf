"""The documentation's example manifests do what the documentation says, where their text is at hand."""

from __future__ import annotations

from typing import Any

import pytest

from tests.doc_examples.page import PAGE, page
from tests.doc_examples.running import EXAMPLES, cases, examples, problems

needs_manifests = pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the documentation's manifests are not here")


@needs_manifests
@pytest.mark.parametrize("row", examples(), ids=lambda row: row["path"].rsplit("/", 1)[-1])
def test_example_does_what_the_documentation_says(row: dict[str, Any]) -> None:
    found = {case.label: wrong for case in cases(row) if (wrong := problems(case))}
    assert not found, found


@needs_manifests
def test_every_manifest_has_a_row() -> None:
    there = {str(path.relative_to(EXAMPLES)) for path in EXAMPLES.rglob("*.yaml")}
    assert there == {row["path"] for row in examples()}


@needs_manifests
def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "write it again: python -m tests.doc_examples.page"
