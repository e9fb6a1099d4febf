"""``kubesim explain``: why is it so, of every Pod, container and Job at an instant; and what a manifest gives away."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, Final

import click

from kubesim.commands import options
from kubesim.commands.options import DeleteAt, Setting
from kubesim.commands.progress import Waiting
from kubesim.units import MINUTE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubesim.explanations.explain import Asked, Choice, Subject
    from kubesim.explanations.finding import Finding
    from kubesim.history.history import History
    from kubesim.scenario.load import Scenario

_LOOK_AHEAD: Final = 15 * MINUTE
"""How far beyond the instant a run goes on, so that the next thing that happens is known; no back-off is longer."""


@click.command("explain")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--at", type=options.duration, metavar="WHEN", help="The instant, counted from t=0; default: the end.")
@click.option("--pod", default="", metavar="NAME", help="Only this Pod.")
@click.option("--container", default="", metavar="NAME", help="Only this container, of every Pod that has it.")
@click.option("--job", default="", metavar="NAME", help="Only this Job and its Pods.")
@options.RELEASE
@options.GATES
@options.BUGS
@options.DELETE_AT
@options.SEED
@click.option("--paths", is_flag=True, help="Also, for starts and ends: what each had waited for, step by step.")
@click.option("--static", is_flag=True, help="Only what the manifests give away without being run.")
@click.option("-o", "--output", "form", type=click.Choice(("text", "json")), default="text", show_default=True)
def command(
    files: tuple[str, ...],
    at: int | None,
    pod: str,
    container: str,
    job: str,
    release: str | None,
    gates: tuple[Setting, ...],
    bugs: tuple[Setting, ...],
    delete_at: DeleteAt | None,
    seed: int | None,
    static: bool,
    paths: bool,
    form: str,
) -> None:
    """Say where every Pod, container and Job is at an instant, why, what it waits for, and what would change that.

    FILE holds manifests and at most one Scenario; a history (.jsonl) is explained as it is. What the manifests give
    away without being run comes first. The exit status is 1 if the API server refused an object, and with --static if
    anything was found.
    """
    from kubesim.explanations.explain import REFUSED, Asked, Choice, explain
    from kubesim.explanations.findings import findings

    if all(file.endswith(".jsonl") for file in files):
        if static:
            raise click.UsageError("--static reads manifests; a history was run already")
        from kubesim.history.history import History

        history = History.read(files[0])
        asked = Asked(history, _instant(history, at), (), Choice(pod, container, job))
        found: list[Finding] = []
    else:
        from kubesim.commands.inputs import read_scenario

        scenario = read_scenario(files, gates=gates, bugs=bugs, delete_at=delete_at)
        scenario = scenario.on(release) if release else scenario
        found = findings(scenario)
        if static:
            _print_findings(found, form)
            click.get_current_context().exit(1 if found else 0)
        asked = _run(scenario, at, Choice(pod, container, job), seed)
    subjects = explain(asked)
    _print(asked, subjects, found, form)
    if paths and form == "text":
        _print_paths(asked)
    refused = any(subject.explanation.where.startswith(REFUSED) for subject in subjects)
    click.get_current_context().exit(1 if refused else 0)


def _run(scenario: Scenario, at: int | None, choice: Choice, seed: int | None) -> Asked:
    """The run of a scenario, which goes on beyond the instant that is asked about, to know what comes next."""
    from kubesim import api
    from kubesim.explanations.explain import Asked
    from kubesim.explanations.view import KnownBug
    from kubesim.exploration.bugs_met import bugs_met

    wanted = scenario.until if at is None else at
    until = None if wanted is None else wanted + _LOOK_AHEAD

    def run(variant: Scenario) -> History:
        return api.run(variant, seed=seed, until=until)

    with Waiting(f"running {scenario.name}"):
        history = run(scenario)
        met = bugs_met(scenario, history, run)
    sent = tuple(document.raw for document in scenario.objects)
    bugs = tuple(KnownBug(bug.name, bug.summary, bug.release, bug.fixed_in) for bug in met)
    return Asked(history, _instant(history, wanted), sent, choice, bugs)


def _print_findings(found: list[Finding], form: str) -> None:
    import os

    from kubesim.explanations.text import finding_data, finding_lines
    from kubesim.timelines.style import style_for

    if form == "json":
        click.echo(json.dumps({"findings": finding_data(found)}, indent=2, ensure_ascii=False))
    else:
        told = list(finding_lines(found, style_for(sys.stdout, os.environ)))
        click.echo("\n".join(told or ["nothing found"]))


def _print_paths(asked: Asked) -> None:
    import os

    from kubesim.explanations.text import path_lines
    from kubesim.timelines.style import style_for

    for line in path_lines(asked.history, asked.choice, style_for(sys.stdout, os.environ)):
        click.echo(line)


def _print(asked: Asked, subjects: Sequence[Subject], found: list[Finding], form: str) -> None:
    from kubesim.explanations.text import bug_data, bug_lines, data, finding_data, finding_lines, lines

    if form == "json":
        head = _head(asked.history)
        at = (asked.at - asked.history.started) / 1e9
        whole = {
            **head,
            "at": at,
            "findings": finding_data(found),
            "knownBugs": bug_data(asked.bugs),
            "explanations": data(subjects),
            "assumed": [{"subject": one.subject, "text": one.text} for one in asked.history.assumptions],
            "notModelled": [
                {"subject": one.subject, "field": one.field, "text": one.text} for one in asked.history.not_modelled
            ],
        }
        click.echo(json.dumps(whole, indent=2, ensure_ascii=False))
        return
    import os

    from kubesim.timelines.style import style_for
    from kubesim.timelines.text import heading, notes, relative_time

    style = style_for(sys.stdout, os.environ)
    said = heading(asked.history, style)
    said[0] += style.paint("dim", f", at {relative_time(asked.at - asked.history.started)}")
    for bug in asked.bugs:
        said += ["", *bug_lines(bug, style)]
    if found:
        said += ["", style.paint("warn", "Without running it:"), *finding_lines(found, style)]
    said += ["", *lines(subjects, style)]
    for block in notes(asked.history, style):
        said += ["", *block]
    click.echo("\n".join(said))


def _instant(history: History, at: int | None) -> int:
    """The instant on the history's own clock; without one, the end."""
    return history.ended if at is None else history.started + at


def _head(history: History) -> dict[str, Any]:
    nodes = {node.name: node.release for node in history.header.nodes}
    return {"scenario": history.header.scenario, "release": history.header.control_plane.release, "nodes": nodes}
