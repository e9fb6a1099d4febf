"""A Pod that stands still because of a known bug of its kubelet: which one, and where it is fixed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from kubesim.explanations.view import View
from kubesim.releases.tables import load
from kubesim.timelines.lanes_model import Role

_STUCK_PROBES: Final = "sidecar_probes_end_in_never_pods"


@dataclass(frozen=True, slots=True)
class KnownBug:
    """A bug that a Pod has met: its name in ``--bug``, what it does, and what helps."""

    name: str
    why: str
    rules: tuple[str, ...]
    changes: tuple[str, ...]


def met_bug(view: View) -> KnownBug | None:
    """The known bug because of which a main container is not started although nothing seems to be in its way."""
    kubelet = view.kubelet
    probed = [
        name
        for name, role in view.roles.items()
        if role is Role.SIDECAR and view.container(name).get("startupProbe") and view.run(name) is not None
    ]
    if kubelet is None or not probed:
        return None
    restarted = [name for name in probed if len(view.runs(name)) > 1]
    if restarted and kubelet.has_bug(_STUCK_PROBES) and view.spec.get("restartPolicy") == "Never":
        return _bug(_STUCK_PROBES, kubelet.name, ", ".join(restarted))
    return None


def _bug(name: str, release: str, subject: str) -> KnownBug:
    known: dict[str, Any] = load("bugs")[name]
    fixed = [span["fixed_in"] for span in known["affected"] if span.get("fixed_in", "").count(".") == 2]
    summary = " ".join(str(known["summary"]).split())
    rules = tuple(rule for rule in known["rules"] if " " not in rule)
    return KnownBug(
        name,
        f"{subject} has met a known bug of {release} ({name}): {summary}",
        rules,
        (f"a patch without it: {', '.join(fixed)}", f"--bug {name}=off shows the run without it"),
    )
