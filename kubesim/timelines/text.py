"""The text of a run: what happened and why, the rows of ``kubectl get pod -w``, the view in the end, and caveats.

Four columns: TIME since t=0, WHO acted, WHAT happened, and WHY with the rules followed in brackets. A line that says
the same time and actor as the one before leaves them blank. Colour only as the given style allows.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from typing import Final

from kubesim.history.history import History
from kubesim.history.records import ComponentHeader
from kubesim.timelines.lost_sidecars import LostSidecar, lost_sidecars
from kubesim.timelines.repeats import Shown, folded_lines
from kubesim.timelines.story import Line, story
from kubesim.timelines.style import PLAIN, Style
from kubesim.timelines.tables import (
    cron_jobs_table,
    deployments_table,
    jobs_table,
    jobs_watch,
    pods_table,
    pods_watch,
    replica_sets_table,
)
from kubesim.units import HOUR, MILLISECOND, MINUTE, SECOND, Duration, format_duration

_WIDEST_WHAT: Final = 52
_NARROWEST_WHAT: Final = 28
_NARROWEST_WHY: Final = 24
_GAP: Final = "  "
_UNBROKEN: Final = ",\N{NO-BREAK SPACE}"
"""Between rules, which stay on one line."""


def text(history: History, style: Style = PLAIN, *, every: bool = False) -> str:
    """The whole text of a run, with a line end; ``every``: with the lines that only repeat, and all output."""
    blocks = [
        heading(history, style),
        timeline(history, style, every=every),
        *_kubectl(history, style, every=every),
        *notes(history, style),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def heading(history: History, style: Style) -> list[str]:
    """What ran where."""
    header = history.header
    components = [_component("control plane", header.control_plane), *(_component(n.name, n) for n in header.nodes)]
    same = len({(c.release, tuple(c.feature_gates.items())) for c in (header.control_plane, *header.nodes)}) == 1
    where = _component("release", header.control_plane) if same else ", ".join(components)
    timing = header.timing.get("name", "")
    rest = [f"timing {timing}"] if timing else []
    rest += [f"seed {header.seed}"] if header.seed else []
    rest += [f"draw {header.draw}"] if header.draw else []
    first = style.paint("title", header.scenario or "run") + style.paint("dim", f"  {', '.join([where, *rest])}")
    return [first, *(textwrap.wrap(header.title, style.width) if header.title else [])]


def timeline(history: History, style: Style, *, every: bool = False) -> list[str]:
    """The table of what happened; no lines if nothing did. ``every``: also lines that else are only counted."""
    told = [Shown(one) for one in story(history, output_lines=None)] if every else folded_lines(story(history))
    if not told:
        return []
    lines = [shown.one for shown in told]
    times = [relative_time(line.at - history.started) for line in lines]
    time_width = max(map(len, [*times, "TIME"]))
    who_width = max(len(line.who) for line in lines)
    room = style.width - time_width - who_width - 2 * len(_GAP)
    reasoned = [len(line.what) for line in lines if line.why or line.rules]
    what_width = min(max([_NARROWEST_WHAT, *reasoned]), _WIDEST_WHAT, room - _NARROWEST_WHY - len(_GAP))
    head = ["TIME".rjust(time_width), "WHO".ljust(who_width), "WHAT".ljust(what_width), "WHY"]
    found = [style.paint("dim", _GAP.join(head))]
    before: tuple[str, str] = ("", "")
    for time, line, shown in zip(times, lines, told, strict=True):
        same_time, same_who = time == before[0], (time, line.who) == before
        before = (time, line.who)
        shown_time = style.paint("dim", (" " * time_width) if same_time else time.rjust(time_width))
        shown_who = style.paint("who", ("" if same_who else line.who).ljust(who_width))
        more = _more(shown.more, relative_time(shown.last.at - history.started)) if shown.last else ""
        cells = _cells(line, more, what_width, room, style)
        found.append((shown_time + _GAP + shown_who + _GAP + cells[0]).rstrip())
        indent = " " * (time_width + who_width + 2 * len(_GAP))
        found += [(indent + cell).rstrip() for cell in cells[1:]]
    if any(shown.more for shown in told):
        found.append(style.paint("dim", f"{' ' * time_width}{_GAP}(what only repeats is counted; --all tells each)"))
    return found


def _more(count: int, last: str) -> str:
    return f"… {count} more times until {last}"


def relative_time(after: Duration) -> str:
    """``+12.345s``; from ten minutes on ``+1h02m03.450s``; before t=0 with a minus."""
    sign, length = ("-", -after) if after < 0 else ("+", after)
    milliseconds = (length + MILLISECOND // 2) // MILLISECOND
    if length < 10 * MINUTE:
        return f"{sign}{milliseconds // 1000}.{milliseconds % 1000:03}s"
    hours, rest = divmod(milliseconds, HOUR // MILLISECOND)
    minutes, rest = divmod(rest, MINUTE // MILLISECOND)
    seconds, milliseconds = divmod(rest, SECOND // MILLISECOND)
    clock = f"{minutes:02}m{seconds:02}.{milliseconds:03}s" if hours else f"{minutes}m{seconds:02}.{milliseconds:03}s"
    return f"{sign}{hours}h{clock}" if hours else f"{sign}{clock}"


def _cells(line: Line, more: str, what_width: int, room: int, style: Style) -> list[str]:
    """WHAT and WHY of one line, side by side, each wrapped in its column; below the reason what follows like it.

    What is longer than its column and has no reason beside it takes the whole room.
    """
    rules = f"[{_UNBROKEN.join(line.rules)}]" if line.rules else ""
    why = f"{line.why} {rules}".strip()
    if not why and (not more or len(line.what) > what_width):
        below = [style.paint("dim", " " * (what_width + len(_GAP)) + more)] if more else []
        return [*(style.paint(_ink(line), part) for part in _wrapped(line.what, room)), *below]
    whats = _wrapped(line.what, what_width)
    whys = [*(_wrapped(why, room - what_width - len(_GAP)) if why else ()), *([more] if more else ())]
    height = max(len(whats), len(whys))
    found = []
    for index in range(height):
        what = whats[index] if index < len(whats) else ""
        reason = whys[index] if index < len(whys) else ""
        left = style.paint(_ink(line), what) + " " * (what_width - len(what))
        found.append(left + _GAP + _painted_rules(reason, style))
    return found


def _ink(line: Line) -> str:
    return "bold" if line.tone == "who" else line.tone


def _painted_rules(reason: str, style: Style) -> str:
    words, bracket, rules = reason.rpartition("[")
    if bracket and rules.endswith("]"):
        return words + style.paint("rule", bracket + rules)
    return reason


def _wrapped(words: str, width: int) -> list[str]:
    """Lines of at most ``width``; blanks inside an output line are kept."""
    if len(words) <= width:
        return [words.replace(_UNBROKEN, ", ")]
    lines = textwrap.wrap(words, width, break_on_hyphens=False, subsequent_indent="  ")
    return [line.replace(_UNBROKEN, ", ") for line in lines] or [""]


def _component(name: str, component: ComponentHeader) -> str:
    settings = [f"{gate}={str(on).lower()}" for gate, on in component.feature_gates.items()]
    settings += [f"bug {bug} {'on' if on else 'off'}" for bug, on in component.bugs.items()]
    return f"{name} {component.release}" + (f" ({', '.join(settings)})" if settings else "")


def _kubectl(history: History, style: Style, *, every: bool) -> Iterator[list[str]]:
    for command, table in (
        ("kubectl get pod -w", pods_watch(history, every=every)),
        ("kubectl get job -w", jobs_watch(history, every=every)),
        ("kubectl get pod", pods_table(history)),
        ("kubectl get job", jobs_table(history)),
        ("kubectl get cronjob", cron_jobs_table(history)),
        ("kubectl get deployment", deployments_table(history)),
        ("kubectl get replicaset", replica_sets_table(history)),
    ):
        if table:
            yield _command(command, table, style)
        elif command == "kubectl get pod" and history.pods:
            yield _command(command, ["No resources found in default namespace."], style)


def _command(command: str, table: list[str], style: Style) -> list[str]:
    return [style.paint("dim", f"$ {command}"), *table]


def notes(history: History, style: Style) -> Iterator[list[str]]:
    """Which sidecars are none, what was taken for granted, what was not acted upon; nothing to say, nothing said."""
    if lost := lost_sidecars(history):
        yield [style.paint("warn", "No sidecar any more:"), *(line for one in lost for line in _lost(one, style))]
    if history.assumptions:
        yield _note("Assumed", ((note.subject, note.text) for note in history.assumptions), style)
    if history.not_modelled:
        fields = ((f"{note.subject} {note.field}".strip(), note.text) for note in history.not_modelled)
        yield _note("Not modelled", fields, style)


def _lost(lost: LostSidecar, style: Style) -> Iterator[str]:
    """A sidecar that became an ordinary init container: by whose doing, what came of it, and what would help."""
    rules = f"[{_UNBROKEN.join(lost.rules)}]"
    cause = f"{lost.key.name}/{lost.container}: {lost.culprit} {lost.what}: {lost.why} {rules}"
    yield from _indented(cause, style, 2)
    if lost.consequence:
        yield from _indented(lost.consequence, style, 4)
    for number, remedy in enumerate(lost.remedies):
        yield from _indented(f"{'or ' if number else 'to change that: '}{remedy}", style, 4)


def _indented(words: str, style: Style, by: int) -> list[str]:
    lines = textwrap.wrap(words, style.width, initial_indent=" " * by, subsequent_indent=" " * (by + 2))
    return [line.replace(_UNBROKEN, ", ") for line in lines]


def _note(title: str, notes: Iterable[tuple[str, str]], style: Style) -> list[str]:
    found = [style.paint("warn", f"{title}:")]
    for subject, words in notes:
        found += textwrap.wrap(f"{subject}: {words}", style.width, initial_indent="  ", subsequent_indent="    ")
    return found


def elapsed(history: History) -> str:
    """How long the run lasted, in virtual time."""
    return format_duration(max(history.ended - history.started, 0))
