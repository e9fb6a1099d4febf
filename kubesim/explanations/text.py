"""Explanations as text for people and as data for machines."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, overload

from kubesim.explanations.explain import Choice, Subject
from kubesim.explanations.explanation import Explanation
from kubesim.explanations.finding import Finding
from kubesim.explanations.view import KnownBug
from kubesim.graphs.answers import answers
from kubesim.graphs.answers import text as path_text
from kubesim.history.history import History
from kubesim.timelines.html_rules import rule_page, rule_pages
from kubesim.timelines.style import Style
from kubesim.timelines.text import relative_time
from kubesim.units import to_seconds

MOST_SHOWN: Final = 12
"""So many Pods are explained at length; of more it is said how many there are."""
_LABEL: Final = 8


@dataclass(frozen=True, slots=True)
class Told(Sequence[Subject]):
    """Explanations that print as text, and show themselves so in a notebook."""

    subjects: tuple[Subject, ...]

    def __len__(self) -> int:
        return len(self.subjects)

    @overload
    def __getitem__(self, index: int) -> Subject: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Subject, ...]: ...
    def __getitem__(self, index: int | slice) -> Subject | tuple[Subject, ...]:
        return self.subjects[index]

    def __str__(self) -> str:
        return "\n".join(lines(self.subjects, Style()))

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"


def path_lines(history: History, choice: Choice, style: Style) -> Iterator[str]:
    """For each start that took its time, each kill and each restart: what it had waited for, step by step."""
    for question, steps in answers(history):
        named = question.replace("/", " ").split()
        if choice.container and choice.container not in named:
            continue
        yield ""
        yield style.paint("title", question)
        yield from (f"  {line}" for line in path_text(steps, history.started).splitlines())


def bug_lines(bug: KnownBug, style: Style) -> Iterator[str]:
    """A known bug that the run has met."""
    yield style.paint("warn", f"It meets a known bug of {bug.release}: {bug.name}")
    yield from _entry("found", bug.summary, style, "")
    fixed = f"{bug.fixed_in} and later do not have it; " if bug.fixed_in else ""
    yield from _entry("instead", f"{fixed}--bug {bug.name}=off shows the run without it", style, "")


def bug_data(bugs: Iterable[KnownBug]) -> list[dict[str, Any]]:
    """The known bugs for machines."""
    return [{"name": one.name, "release": one.release, "fixedIn": one.fixed_in, "summary": one.summary} for one in bugs]


def finding_lines(found: Sequence[Finding], style: Style) -> Iterator[str]:
    """One block for each finding: where it is written, what it says, what to change, where to read on."""
    for one in found:
        yield f"{style.paint('dim', one.place)} {style.paint('warn', one.kind)} ({one.field_text})"
        yield from _entry("found", f"{one.said} [{', '.join(one.rules)}]", style, "")
        yield from _entry("instead", one.way_out, style, "")
        page = next((page.page for page in rule_pages(one.rules).values()), "")
        yield from _entry("see", page, style, "") if page else ()


def finding_data(found: Iterable[Finding]) -> list[dict[str, Any]]:
    """The findings for machines."""
    return [
        {
            "kind": one.kind,
            "object": f"{one.site.document.kind} {one.site.document.name}",
            "container": one.container.name,
            "file": one.site.document.source.path,
            "line": one.position[0],
            "column": one.position[1],
            "field": one.field_text,
            "said": one.said,
            "wayOut": one.way_out,
            "rules": list(one.rules),
            "pages": sorted({page.page for page in rule_pages(one.rules).values()}),
        }
        for one in found
    ]


def lines(subjects: Sequence[Subject], style: Style) -> Iterator[str]:
    """One block for each Job and Pod; the pages of the documentation come last."""
    pods = 0
    shown: list[Explanation] = []
    for subject in subjects:
        pods += subject.explanation.kind == "Pod"
        if pods > MOST_SHOWN:
            continue
        shown += [subject.explanation, *subject.parts]
        if len(shown) > 1 + len(subject.parts):
            yield ""
        yield from _block(subject.explanation, style, "")
        for part in subject.parts:
            yield from _block(part, style, "  ")
    if pods > MOST_SHOWN:
        yield ""
        yield f"{pods - MOST_SHOWN} more Pods: name one with --pod"
    yield from _pages(shown, style)


def data(subjects: Iterable[Subject]) -> list[dict[str, Any]]:
    """The explanations for machines: instants in seconds since t=0."""
    return [{**_datum(one.explanation), "containers": [_datum(part) for part in one.parts]} for one in subjects]


def _datum(one: Explanation) -> dict[str, Any]:
    pages = rule_pages(one.rules)
    upcoming = one.upcoming
    return {
        "kind": one.kind,
        "name": one.subject,
        "where": one.where,
        "since": None if one.since is None else to_seconds(one.since),
        "why": one.why,
        "waitsFor": list(one.waits_for),
        "changes": list(one.changes),
        "next": None
        if upcoming is None
        else {"t": to_seconds(upcoming.at), "what": upcoming.what, "why": upcoming.why},
        "rules": list(one.rules),
        "pages": sorted({page.page for page in pages.values()}),
    }


def _block(one: Explanation, style: Style, indent: str) -> Iterator[str]:
    since = "" if one.since is None else f" since {relative_time(one.since)}"
    head = style.paint("title", f"{one.kind} {one.subject}") + f": {one.where}" + style.paint("dim", since)
    yield indent + head
    rules = f" [{', '.join(one.rules)}]" if one.rules else ""
    if one.why or rules:
        yield from _entry("because", f"{one.why}{rules}".strip(), style, indent)
    for label, texts in (("waits for", one.waits_for), ("changes", one.changes)):
        for number, text in enumerate(texts):
            yield from _entry("" if number else label, text, style, indent)
    if one.upcoming is not None:
        reason = f" ({one.upcoming.why})" if one.upcoming.why else ""
        yield from _entry("next", f"{relative_time(one.upcoming.at)} {one.upcoming.what}{reason}", style, indent)


def _entry(label: str, text: str, style: Style, indent: str) -> Iterator[str]:
    start = f"{indent}  {label.ljust(_LABEL + 1)} "
    wrapped = textwrap.wrap(text, style.width - len(start), break_on_hyphens=False, break_long_words=False)
    for number, part in enumerate(wrapped):
        lead = style.paint("dim", start) if number == 0 else " " * len(start)
        yield (lead + part).rstrip()


def _pages(shown: Iterable[Explanation], style: Style) -> Iterator[str]:
    """Where the documentation tells of the rules that were named: a page once, with all its rules."""
    rules = dict.fromkeys(rule for one in shown for rule in one.rules)
    by_page: dict[tuple[str, str], list[str]] = {}
    for rule in rules:
        if (found := rule_page(rule)) is not None:
            by_page.setdefault((found.title, found.page), []).append(rule)
    if by_page:
        yield ""
        yield style.paint("dim", "Read more:")
    for (title, page), named in by_page.items():
        yield f"  {', '.join(named)}  {title}"
        yield style.paint("rule", f"      {page}")
