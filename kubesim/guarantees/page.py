"""The page docs/guarantees.md: what is promised, by whom, where it holds, and what each modelled kubelet does.

``python -m kubesim.guarantees.page > docs/guarantees.md`` writes it; a test holds the committed page to the catalogue.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import groupby
from typing import Final

from kubesim.guarantees.catalogue import CHECKS, UNJUDGED, Guarantee, check_of, guarantees
from kubesim.guarantees.verdicts import Check, Subject
from kubesim.releases import RELEASES, Component, Release, release

_HEAD: Final = """\
# The documented guarantees

Generated from `kubesim/guarantees/` by `python -m kubesim.guarantees.page`; change that, not this page.

What the Kubernetes documentation and the KEPs promise about the life of a Pod or a Job, in our words, and where it is
checked. `kubesim check FILE` judges a run by all of them; `kubesim guarantees ID` explains one.

A verdict is *held*, *broken*, or *not exercised* where nothing put the promise to the test. In the tables: ● promised
and kept; ◐ promised, but not kept in the cases named below the table; – not promised on that release. 1.28 is shown
with the gate SidecarContainers on."""


def guarantees_page() -> str:
    """The whole page, ending in a newline."""
    known = guarantees()
    judged = [one.id for one in CHECKS]
    core = [one.id for one in known.values() if one.tier == 1]
    of_core = len(set(core) & set(judged))
    counts = f"{len(judged)} of {len(known)} are judged, {of_core} of the {len(core)} of tier 1."
    parts = [_HEAD, counts]
    rows = sorted(known.values(), key=lambda one: (one.area, one.tier))
    for area, group in groupby(rows, key=lambda one: one.area):
        parts.append(f"## {area.capitalize()}")
        members = list(group)
        parts.append("\n".join(_table([one for one in members if check_of(one.id) is not None])))
        parts += list(_notes(members))
    parts += ["## Not judged yet", "\n".join(f"- `{id_}`: {why}." for id_, why in UNJUDGED.items())]
    return "\n\n".join(parts) + "\n"


def _table(members: list[Guarantee]) -> Iterator[str]:
    yield f"| Guarantee | Tier | Claim | {' | '.join(RELEASES)} |"
    yield f"|---|---|---|{'---|' * len(RELEASES)}"
    for one in members:
        found = check_of(one.id)
        if found is not None:
            cells = " | ".join(_cell(found, name) for name in RELEASES)
            claim = one.claim.replace("|", "\\|")
            yield f"| [{one.id}]({one.link}) | {one.tier} | {claim} | {cells} |"


def _cell(found: Check, name: str) -> str:
    kubelet, api = (_component(name, part) for part in (Component.KUBELET, Component.APISERVER))
    judged_by = _component(name, Component.CONTROLLER_MANAGER) if found.subject is Subject.JOB else kubelet
    if not found.scope.holds(judged_by if found.subject is Subject.JOB else api, judged_by):
        return "–"
    return "◐" if found.remarks or any(kept.on(judged_by) for kept in found.not_kept) else "●"


def _component(name: str, part: Component) -> Release:
    known = release(name, component=part)
    alpha = not known.enabled("SidecarContainers") and known.policy("sidecar_field_at_kubelet") == "reject"
    return release(name, {"SidecarContainers": True}, component=part) if alpha else known


def _notes(members: list[Guarantee]) -> Iterator[str]:
    """The readings chosen, the exceptions of what is not kept."""
    lines = []
    for one in members:
        found = check_of(one.id)
        if found is None:
            continue
        if one.reading:
            lines.append(f"- `{one.id}`: {one.reading}")
        lines += [f"- `{one.id}`, documented, not always kept: {remark}." for remark in found.remarks]
        for kept in found.not_kept:
            where = [name for name in RELEASES if kept.on(_component(name, Component.KUBELET))]
            if where:
                span = where[0] if len(where) == 1 else f"{where[0]} to {where[-1]}"
                lines.append(f"- `{one.id}`, documented, not kept on {span}: {kept.why}.")
    if lines:
        yield "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(guarantees_page())
