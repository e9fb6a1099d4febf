"""``kubesim plot``: the picture of a scenario, on one release or on several; or one of its graphs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from kubesim.commands import options
from kubesim.commands.options import DeleteAt, Setting
from kubesim.commands.progress import Waiting

if TYPE_CHECKING:
    from kubesim.graphs.drawing import Drawing
    from kubesim.graphs.wait_for import Deadlock, Step
    from kubesim.history.history import History

PICTURES: Final = (".png", ".svg", ".pdf")
SUFFIXES: Final[dict[str, tuple[str, ...]]] = {
    "timeline": (*PICTURES, ".html", ".json", ".mmd", ".txt"),
    "causes": (".svg", ".dot", ".txt"),
    "waits": (".svg", ".dot", ".txt"),
    "states": (".mmd",),
}
"""What can be shown, and as which kinds of file; ``.json`` is a trace for Perfetto, ``.mmd`` is Mermaid."""

ENDS: Final = {"started": "started", "ended": "exited"}
"""What can be asked about a container, and the kind of fact that it is."""

ONE_RUN: Final = (".json", ".mmd", ".dot", ".txt")


@click.command("plot")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option(
    "-o", "--output", required=True, type=click.Path(dir_okay=False, writable=True), metavar="OUT",
    help="Where to; the suffix says the format: png, svg, pdf, html, json (Perfetto), mmd (Mermaid), dot, txt.",
)  # fmt: skip
@click.option(
    "--releases", "--release", "releases", metavar="R,R...", **options.OF_RELEASES,
    help="Releases to stack on one time axis, such as 1.28,1.29.",
)  # fmt: skip
@options.GATES
@click.option(
    "--show", type=click.Choice(list(SUFFIXES)),
    help="What to draw; without it the timeline, and for .dot the causes.",
)  # fmt: skip
@click.option("--of", "container", metavar="CONTAINER", help="For causes: why this one started; for states: whose.")
@click.option(
    "--why", type=click.Choice(list(ENDS)), default="started", show_default=True,
    help="For causes: why the last run of --of started only then, or why it ended.",
)  # fmt: skip
@click.option("--theme", type=click.Choice(["light", "dark"]), default="light", show_default=True, help="Colours.")
@click.option("--width", type=click.FloatRange(6, 40), default=11.0, show_default=True, help="Width in inches.")
@click.option(
    "--view", type=click.Choice(["auto", "pods", "jobs"]), default="auto", show_default=True,
    help="Pods with their containers, or Jobs with their Pods.",
)  # fmt: skip
@options.DELETE_AT
@options.UNTIL
@options.SEED
@options.TIMING
@options.DRAW
@click.option("--actions", metavar="FILE", help="Timed actions, as in a recording's ID.actions.json.")
def command(
    files: tuple[str, ...],
    output: str,
    releases: str | None,
    gates: tuple[Setting, ...],
    show: str | None,
    container: str | None,
    why: str,
    theme: str,
    width: float,
    view: str,
    delete_at: DeleteAt | None,
    until: int | None,
    seed: int | None,
    timing: str | None,
    draw: int,
    actions: str | None,
) -> None:
    """Draw what happens to Pods over time, and why.

    FILE holds Kubernetes manifests and at most one Scenario; "-" is standard input. Files that end in .jsonl are
    histories of runs (kubesim run -o jsonl), drawn as they are, side by side.
    """
    target = Path(output)
    show = show or ("causes" if target.suffix.lower() == ".dot" else "timeline")
    suffix = _suffix(target, show)
    if show == "waits":
        _write_graph(_waits(files), suffix, target)
        return
    if all(file.endswith(".jsonl") for file in files):
        from kubesim.history.history import History

        histories = [History.read(file) for file in files]
    else:
        histories = _run(files, releases, gates, delete_at, actions, until=until, seed=seed, timing=timing, draw=draw)
    if len(histories) > 1 and (suffix in ONE_RUN or show != "timeline"):
        raise click.UsageError(f"{show} as {suffix} shows one run; give one release")
    with Waiting(f"drawing {target.name}"):
        _write(histories, show, suffix, target, container, why=why, theme=theme, width=width, view=view)


def _suffix(target: Path, show: str) -> str:
    suffix = target.suffix.lower()
    if suffix not in SUFFIXES[show]:
        known = ", ".join(word.removeprefix(".") for word in SUFFIXES[show])
        raise click.UsageError(f"{target}: {show} can be written as {known}; the name's suffix says which")
    return suffix


def _run(
    files: tuple[str, ...],
    releases: str | None,
    gates: tuple[Setting, ...],
    delete_at: DeleteAt | None,
    actions: str | None,
    *,
    until: int | None,
    seed: int | None,
    timing: str | None,
    draw: int,
) -> list[History]:
    from kubesim import api
    from kubesim.commands.inputs import read_scenario

    scenario = read_scenario(files, actions=actions, gates=gates, delete_at=delete_at)
    wanted = [release.strip() for release in releases.split(",")] if releases else [None]
    histories = []
    for release in wanted:
        with Waiting(f"running {scenario.name}" + (f" on {release}" if release else "")):
            histories.append(api.run(scenario, release=release, seed=seed, timing=timing, until=until, draw=draw))
    return histories


def _write(
    histories: list[History],
    show: str,
    suffix: str,
    target: Path,
    container: str | None,
    *,
    why: str,
    theme: str,
    width: float,
    view: str,
) -> None:
    match show, suffix:
        case "timeline", ".json":
            from kubesim.timelines.perfetto import perfetto

            target.write_text(perfetto(histories[0]), encoding="utf-8")
        case "timeline", ".txt":
            from kubesim.timelines.text import text

            target.write_text(text(histories[0]), encoding="utf-8")
        case "timeline", ".mmd":
            from kubesim.timelines.mermaid import gantt

            target.write_text(gantt(histories[0]), encoding="utf-8")
        case "timeline", _:
            write_timeline(histories, target, theme=theme, width=width, view=view)
        case "states", _:
            from kubesim.timelines.mermaid import life_diagram

            if container is None:
                raise click.UsageError("--show states needs --of CONTAINER")
            target.write_text(life_diagram(histories[0], container), encoding="utf-8")
        case _:
            _write_causes(histories[0], suffix, target, container, why)


def write_timeline(
    histories: Sequence[History],
    target: Path,
    *,
    theme: str = "light",
    width: float = 11.0,
    view: str = "auto",
    labels: Sequence[str] = (),
    said: Sequence[str] | None = None,
) -> None:
    """Write the picture of one or several runs, or the page, as the suffix of the file says."""
    if target.suffix.lower() == ".html":
        from kubesim.graphs.answers import answers, as_rows
        from kubesim.timelines.html import write_page

        known = [[as_rows(answer, one.started) for answer in answers(one)] for one in histories]
        write_page(histories, target, known, labels=labels, said=said)
        return
    from kubesim.timelines.plot import plot, save

    save(plot(histories, theme=theme, width=width, view=view, labels=labels, said=said), target)


def _write_causes(history: History, suffix: str, target: Path, container: str | None, asked: str) -> None:
    from kubesim.graphs.answers import drawing_of, text
    from kubesim.graphs.facts import Kind
    from kubesim.graphs.happens_before import find, happens_before, why

    graph = happens_before(history)
    steps = why(graph, find(graph, container, Kind(ENDS[asked]))) if container else ()
    if suffix == ".txt" and steps:
        target.write_text(text(steps, history.started), encoding="utf-8")
    else:
        _write_graph(drawing_of(history, graph, steps), suffix, target)


def _waits(files: tuple[str, ...]) -> Drawing:
    """The wait-for graph of the first Pod or Job of the files, with what can never come true in bold."""
    from kubesim.commands.inputs import read_scenario
    from kubesim.graphs.drawing import drawing
    from kubesim.graphs.wait_for import deadlock, step_words, wait_for

    scenario = read_scenario(files)
    raws = [document.raw for document in scenario.objects if document.kind in ("Pod", "Job")]
    if not raws:
        raise click.UsageError("the files hold no Pod and no Job")
    found = deadlock(raws[0])
    title = found.sentence if found else f"{raws[0]['metadata']['name']}: nothing certain stands in the way"
    return drawing(wait_for(raws[0]), title, step_words, strong=_around(found) if found else ())


def _around(found: Deadlock) -> tuple[Step, ...]:
    """The steps that stand out; a cycle closes."""
    return (*found.steps, found.steps[0]) if found.is_cycle else found.steps


def _write_graph(shown: Drawing, suffix: str, target: Path) -> None:
    from kubesim.graphs import drawing

    make = {".svg": drawing.svg, ".dot": drawing.dot, ".txt": drawing.text}[suffix]
    target.write_text(make(shown), encoding="utf-8")
