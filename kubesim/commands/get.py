"""``kubesim get``: what ``kubectl get`` would print at an instant of a run, raw paths of the API included."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from kubesim.commands import options
from kubesim.commands.options import Setting

if TYPE_CHECKING:
    from kubesim.history.history import History

_RESOURCES: Final = {
    **dict.fromkeys(("pod", "pods", "po"), "Pod"),
    **dict.fromkeys(("job", "jobs"), "Job"),
    **dict.fromkeys(("cronjob", "cronjobs", "cj"), "CronJob"),
    **dict.fromkeys(("deployment", "deployments", "deploy"), "Deployment"),
    **dict.fromkeys(("replicaset", "replicasets", "rs"), "ReplicaSet"),
    **dict.fromkeys(("event", "events", "ev"), "Event"),
    **dict.fromkeys(("node", "nodes", "no"), "Node"),
}
FORMATS: Final = ("table", "wide", "yaml", "json", "describe")
_CHOICE: Final = "pod, job, cronjob, deployment, replicaset, event, node"


@click.command("get")
@click.argument("words", nargs=-1, metavar="[RESOURCE] [NAME...] FILE...")
@click.option("--raw", metavar="PATH", help="Print what the API server answers to GET PATH, in place of a table.")
@click.option("--at", type=options.duration, metavar="INSTANT", help="When, such as 12s; without it, in the end.")
@click.option("-o", "--output", "form", type=click.Choice(FORMATS), default="table", show_default=True, help="Format.")
@options.RELEASE
@options.GATES
def command(
    words: tuple[str, ...], raw: str | None, at: int | None, form: str, release: str | None, gates: tuple[Setting, ...]
) -> None:
    """What kubectl get would print at an instant of a run; with -o describe, what kubectl describe would.

    RESOURCE is pod, job, cronjob, deployment, replicaset, event or node, or what kubectl takes for it: po, deploy, rs.

    \b
      kubesim get pods scenario.yaml --at 12s
      kubesim get pod web scenario.yaml -o yaml
      kubesim get deploy scenario.yaml --at 1m
      kubesim get --raw /metrics scenario.yaml
      kubesim get --raw /api/v1/nodes/node1/proxy/metrics scenario.yaml
    """
    from kubesim import api
    from kubesim.commands.inputs import read_scenario
    from kubesim.commands.outputs import nothing_found
    from kubesim.history.cut import cut
    from kubesim.store.kinds import KINDS

    kind, names, files = ("", (), words) if raw is not None else _resource(words)
    if not files:
        raise click.UsageError("name a scenario file; what is asked of it comes first: kubesim get pods FILE")
    if kind == "Event" and form in ("yaml", "json", "describe"):
        raise click.UsageError("Events are printed as a table; for machines there is kubesim run FILE -o jsonl")
    scenario = read_scenario(files, gates=gates)
    until = at if at is not None and at > 0 else scenario.until
    history = api.run(scenario, release=release, until=until)
    if at is not None:
        history = cut(history, history.started + at)
    if raw is not None:
        _print_raw(history, raw)
        return
    shown, missing = _shown(history, kind, names, form)
    click.echo(shown, nl=False)
    if not shown and not missing:
        click.echo(nothing_found(history, kind), err=True)
    for name in missing:
        click.echo(f'Error from server (NotFound): {KINDS[kind].resource} "{name}" not found', err=True)
    click.get_current_context().exit(1 if missing else 0)


def _resource(words: tuple[str, ...]) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """The kind, the names of objects, and the files: a word that is no file and does not look like one is a name."""
    first, rest = (words[0], words[1:]) if words else ("", ())
    if first not in _RESOURCES:
        raise click.UsageError(f'"{first}" is no resource; choose one of {_CHOICE}, or give --raw PATH')
    files = tuple(word for word in rest if word == "-" or Path(word).suffix or Path(word).exists())
    names = tuple(word for word in rest if word not in files)
    if names and _RESOURCES[first] == "Event":
        raise click.UsageError(f'Events are shown all together; leave out "{names[0]}"')
    return _RESOURCES[first], names, files


def _print_raw(history: History, path: str) -> None:
    from kubesim.store.raw import NotServed
    from kubesim.timelines.asked import raw_get

    try:
        answer = raw_get(history, path)
    except NotServed as problem:
        click.echo(str(problem), err=True)
        click.get_current_context().exit(1)
    click.echo(answer, nl=not answer.endswith("\n"))


def _shown(history: History, kind: str, names: tuple[str, ...], form: str) -> tuple[str, list[str]]:
    """What is printed, and the names that are not there."""
    import yaml

    from kubesim.timelines.asked import described

    there = {key.name for key in history.objects() if key.kind == kind}
    missing = [name for name in names if name not in there]
    if form in ("yaml", "json"):
        data = _listed(history, kind, names)
        text = yaml.safe_dump(data, default_flow_style=False) if form == "yaml" else json.dumps(data, indent=4) + "\n"
        return ("" if missing and not data.get("items", data) else text), missing
    if form == "describe":
        return "".join(f"{line}\n" for line in described(history, kind, names or None)), missing
    lines = _table(history, kind, wide=form == "wide")
    if names:
        column = lines[0].split().index("NAME") if lines else 0
        lines = [line for number, line in enumerate(lines) if not number or line.split()[column] in names]
        lines = lines if len(lines) > 1 else []
    return "".join(f"{line}\n" for line in lines), missing


def _table(history: History, kind: str, *, wide: bool) -> list[str]:
    from kubesim.timelines.asked import nodes_table
    from kubesim.timelines.tables import TABLES, events_table

    match kind:
        case "Event":
            return events_table(history)
        case "Node":
            return nodes_table(history)
    return TABLES[kind](history, wide=wide)


def _listed(history: History, kind: str, names: tuple[str, ...]) -> dict[str, Any]:
    """The object that ``kubectl get -o json`` prints: one that was asked for by its name, else a List."""
    found = [(key, raw) for key, raw in sorted(history.objects().items()) if key.kind == kind]
    items = [{**raw, "kind": kind} for key, raw in found if not names or key.name in names]
    if len(names) == 1 and len(items) == 1:
        return items[0]
    return {"apiVersion": "v1", "items": items, "kind": "List", "metadata": {"resourceVersion": ""}}
