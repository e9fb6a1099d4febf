"""A Pod that stands still because of a known bug of its kubelet: which one, and where it is fixed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from kubesim.explanations.view import View
from kubesim.releases.tables import load
from kubesim.timelines.lanes_model import Role
from kubesim.units import MINUTE

_PROBES_END: Final = "sidecar_probes_end_in_never_pods"
_MAINS_FORGOTTEN: Final = "mains_forgotten_after_kubelet_restart"
_ITS_TURN: Final = MINUTE
"""A container that is to start again and has not after this long, without a back-off, is forgotten."""


@dataclass(frozen=True, slots=True)
class Hindrance:
    """A bug that keeps a container from starting."""

    why: str
    rules: tuple[str, ...]
    changes: tuple[str, ...]


def not_started(view: View) -> Hindrance | None:
    """The bug because of which a main container has not started although nothing seems to be in its way."""
    return _hindrance(view, _PROBES_END)


def not_restarted(view: View, name: str) -> Hindrance | None:
    """The bug because of which a main container that is to be started again is not."""
    run = view.run(name)
    if view.roles.get(name) is not Role.MAIN or run is None or run.exit is None or view.at - run.exit < _ITS_TURN:
        return None
    return _hindrance(view, _MAINS_FORGOTTEN)


def _hindrance(view: View, name: str) -> Hindrance | None:
    bug = next((one for one in view.bugs if one.name == name), None)
    if bug is None:
        return None
    fixed = (f"{bug.fixed_in} and later do not have it",) if bug.fixed_in else ()
    rules = tuple(rule for rule in load("bugs")[name]["rules"] if " " not in rule)
    return Hindrance(
        f"a known bug of {bug.release}, {name}: {bug.summary}",
        rules,
        (*fixed, f"--bug {name}=off shows the run without"),
    )
