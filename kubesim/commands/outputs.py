"""A history in the format that ``-o`` names."""

from __future__ import annotations

import json
from typing import Any, Final

from kubesim.history.history import History
from kubesim.history.records import OutputWritten
from kubesim.timelines.describe import describe_all
from kubesim.timelines.describe_nodes import describe_nodes
from kubesim.timelines.logs import log_lines
from kubesim.timelines.pod_summaries import summary_lines
from kubesim.timelines.style import Style
from kubesim.timelines.tables import TABLES, events_table
from kubesim.timelines.text import relative_time, text
from kubesim.timelines.trace import render, trace

_SILENT_KINDS: Final = ("Event", "Lease", "Namespace", "Node", "ServiceAccount")


def formatted(history: History, form: str, style: Style, *, config: str | None = None, every: bool = False) -> str:
    """The whole output; empty if there is nothing to show. ``every``: the text tells also what only repeats."""
    if form == "text" and history.header.level != "full":
        return "".join(f"{line}\n" for line in summary_lines(history))
    match form:
        case "table" | "wide":
            blocks = [table(history, wide=form == "wide") for table in TABLES.values()]
            return "\n\n".join("\n".join(block) for block in blocks if block) + ("\n" if any(blocks) else "")
        case "events":
            return "".join(f"{line}\n" for line in events_table(history))
        case "describe":
            return "".join(f"{line}\n" for line in describe_all(history))
        case "nodes":
            return "".join(f"{line}\n" for line in describe_nodes(history))
        case "logs":
            return "".join(f"{line}\n" for line in log_lines(history))
        case "json":
            return json.dumps(final_list(history), indent=4) + "\n"
        case "yaml":
            return _yaml(final_list(history))
        case "jsonl":
            return history.to_jsonl()
        case "trace":
            return render(trace(history, config=config))
        case _:
            return text(history, style, every=every)


def nothing_shown(history: History, form: str) -> str:
    """What to say, beside an output that is empty, so that nobody takes it for a failure; empty if it is not."""
    match form:
        case "table" | "wide" | "describe" if not _listed_kinds(history):
            return nothing_found(history, "Pod")
        case "events" if not history.events:
            return nothing_found(history, "Event")
        case "logs" if not any(True for _ in history.of(OutputWritten)):
            return "No container printed anything; of programs that are not interpreted the output is not known."
        case _:
            return ""


def nothing_found(history: History, kind: str) -> str:
    """kubectl's words where there is nothing of a kind, and which Pods there were."""
    gone = [life for life in history.pods if life.gone is not None and kind == "Pod"]
    said = "No resources found in default namespace."
    if not gone:
        return said
    last = relative_time(max(life.gone or 0 for life in gone) - history.started)
    which = f"Pod {gone[0].name} went" if len(gone) == 1 else f"{len(gone)} Pods went, the last"
    return f"{said} ({which} at {last}.)"


def _listed_kinds(history: History) -> set[str]:
    return {key.kind for key in history.objects() if key.kind in TABLES}


def final_list(history: History) -> dict[str, Any]:
    """The objects that exist in the end, as ``kubectl get -o json`` lists them; the cluster's own are left out."""
    items = [raw for key, raw in history.objects().items() if key.kind not in _SILENT_KINDS]
    return {"apiVersion": "v1", "items": items, "kind": "List", "metadata": {"resourceVersion": ""}}


def _yaml(value: dict[str, Any]) -> str:
    import yaml  # slow to import, and one format needs it

    return yaml.safe_dump(value, default_flow_style=False, allow_unicode=True)
