"""``kubesim record``: what a real cluster does with manifests, written as ``kubesim conform`` reads it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from kubesim.commands import options

if TYPE_CHECKING:
    from kubesim.objects.yaml import Document
    from kubesim.recording.client import Client
    from kubesim.recording.kubeconfig import Access
    from kubesim.recording.session import Plan, WallClock

_HORIZON: Final = "5m"
_NAMESPACE_SECONDS: Final = 30


@click.command("record")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--kubeconfig", type=click.Path(), help="Default: $KUBECONFIG, else ~/.kube/config.")
@click.option("--context", metavar="NAME", help="Context of the kubeconfig; default: its current one.")
@click.option("-n", "--namespace", help="Record in this namespace; default: one made for it, and deleted afterwards.")
@click.option("--actions", metavar="FILE", help="Timed actions, as in a recording's ID.actions.json.")
@click.option(
    "--for", "horizon", type=options.duration, metavar="DURATION", help=f"At most so long. [default: {_HORIZON}]"
)
@click.option("--name", metavar="ID", help="What the recording is called; default: the first file's name.")
@click.option("--config", metavar="NAME", help="What the configuration is called; default: the server's release.")
@click.option(
    "--out", type=click.Path(file_okay=False), default="recordings", show_default=True, help="Where to write."
)
def command(
    files: tuple[str, ...],
    kubeconfig: str | None,
    context: str | None,
    namespace: str | None,
    actions: str | None,
    horizon: int | None,
    name: str | None,
    config: str | None,
    out: str,
) -> None:
    """Create what FILE holds on a real cluster, watch what becomes of it, and write that as a recording.

    It ends some 3 s after everything is finished, or after --for. Only Pods, Jobs and Events are watched; what the
    runtime did is read off container statuses, to the second. `kubesim conform` then says what kubesim does otherwise.
    """
    from kubesim.recording.client import Client
    from kubesim.recording.kubeconfig import load_kubeconfig

    identity = name or re.sub(r"[^a-z0-9-]+", "-", Path(files[0]).stem.lower()).strip("-") or "recording"
    documents, manifest = _read(files)
    plan, asked = _plan(identity, documents, actions, horizon)
    access = load_kubeconfig(kubeconfig or _default_kubeconfig(), context)
    try:
        record_with(Client(access), access, plan, asked, manifest, namespace=namespace, config=config, out=Path(out))
    except Refused:
        click.get_current_context().exit(1)


def record_with(
    client: Client,
    access: Access,
    plan: Plan,
    asked: dict[str, Any],
    manifest: str,
    *,
    namespace: str | None,
    config: str | None,
    out: Path,
    clock: WallClock | None = None,
) -> None:
    """Record with a client at hand, write the files and say what to do with them."""
    from kubesim.history.records import ActionDone
    from kubesim.recording.cluster import look_at
    from kubesim.recording.files import recorded_trace, write_recording
    from kubesim.recording.session import Session, WallClock

    cluster = look_at(client)
    chosen = config or cluster.control_plane.release
    with _namespace(client, namespace, plan.name) as place:
        click.echo(f"recording {plan.name} on {access.server}, {cluster.control_plane.release}, in {place}", err=True)
        session = Session(client, cluster, place, clock or WallClock(), lambda text: click.echo(f"  {text}", err=True))
        history = session.record(plan)
    nodes = [pod.versions[-1].object["spec"].get("nodeName") for pod in history.pods]
    if len(set(nodes) - {None}) > 1:
        click.echo("Warning: the Pods ran on several nodes; conform knows one, so record on one", err=True)
    node = next((one for one in nodes if one), None)
    recorded = recorded_trace(history, chosen)
    path = write_recording(out, plan.name, chosen, manifest, asked, recorded, cluster.configuration(node))
    refused = [one for one in history.of(ActionDone) if one.do.startswith("create ") and one.code >= 300]
    for one in refused:
        click.echo(one.kubectl, err=True)
    click.echo(f"wrote {path}: {recorded['duration']} s, {len(history.pods)} Pods, {len(history.events)} Events")
    click.echo(f"next: kubesim conform {path}")
    if refused:
        raise Refused


class Refused(Exception):
    """The API server refused an object: recorded, and the answer is no."""


def _default_kubeconfig() -> str:
    return os.environ.get("KUBECONFIG", "").split(os.pathsep)[0] or str(Path.home() / ".kube" / "config")


def _read(files: tuple[str, ...]) -> tuple[list[Document], str]:
    """The objects of the files, and their text as it goes into ``scenarios/``."""
    from kubesim.objects.yaml import documents_of, read_source
    from kubesim.scenario.load import is_scenario

    sources = [read_source(file) for file in files]
    documents = [document for source in sources for document in documents_of(source)]
    for document in documents:
        if is_scenario(document):
            raise document.error("a Scenario cannot be recorded; give the manifests, and actions with --actions")
        if (document.raw.get("metadata") or {}).get("namespace"):
            raise document.error("leave the namespace out; --namespace says where to record", ("metadata", "namespace"))
    if not documents:
        raise click.UsageError(f"{files[0]} holds no objects")
    return documents, "\n---\n".join(source.text.rstrip("\n") for source in sources) + "\n"


def _plan(
    name: str, documents: list[Document], actions: str | None, horizon: int | None
) -> tuple[Plan, dict[str, Any]]:
    """What is to be done, and the ``actions.json`` that says so."""
    from kubesim.recording.session import Plan
    from kubesim.scenario.recorded import load_actions
    from kubesim.units import parse_duration, to_seconds

    asked: dict[str, Any] = {"id": name, "title": "", "horizon": 0, "actions": []}
    longest = horizon
    if actions is not None:
        longest = longest or load_actions(actions).horizon
        asked |= json.loads(Path(actions).read_text(encoding="utf-8"))
    longest = longest or parse_duration(_HORIZON)
    asked |= {"id": name, "horizon": to_seconds(longest)}
    timed = sorted(asked["actions"], key=lambda action: float(action["t"]))
    return Plan(name, asked["title"], tuple(one.raw for one in documents), tuple(timed), longest), asked


@contextmanager
def _namespace(client: Client, given: str | None, name: str) -> Iterator[str]:
    """The namespace to record in: the one given, or a new one that is deleted again."""
    import time

    from kubesim.recording.client import ClusterError

    if given is not None:
        yield given
        return
    place = f"kubesim-{name}"[:63].rstrip("-")
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": place}}
    made = client.request("POST", "/api/v1/namespaces", body)
    if not made.ok:
        why = made.body.get("message", "") if isinstance(made.body, dict) else made.code
        raise ClusterError(f"cannot make the namespace {place}: {why}; give one with --namespace")
    try:
        account, waited = f"/api/v1/namespaces/{place}/serviceaccounts/default", time.monotonic()
        while not client.request("GET", account).ok and time.monotonic() - waited < _NAMESPACE_SECONDS:
            time.sleep(0.1)
        yield place
    finally:
        client.request("DELETE", f"/api/v1/namespaces/{place}")
