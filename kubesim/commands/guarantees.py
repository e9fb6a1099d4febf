"""``kubesim guarantees``: what the documentation promises, and what of it is checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from kubesim.guarantees.catalogue import Guarantee


@click.command("guarantees")
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--tier", type=click.IntRange(1, 2), help="Only the core (1) or the extension (2).")
@click.option("--area", help="Only one area, such as sidecar or termination.")
def command(ids: tuple[str, ...], tier: int | None, area: str | None) -> None:
    """List the documented guarantees; with an ID explain it: claim, source, where it holds, exceptions."""
    from kubesim.guarantees import catalogue
    from kubesim.timelines.tables import align

    if ids:
        click.echo("\n\n".join(explained(catalogue.find(id_)) for id_ in ids))
        return
    chosen = [
        one
        for one in catalogue.guarantees().values()
        if (tier is None or one.tier == tier) and (area is None or one.area == area)
    ]
    if not chosen:
        areas = sorted({one.area for one in catalogue.guarantees().values()})
        raise click.UsageError(f"no guarantee is of area {area}; choose one of {', '.join(areas)}")
    rows = [[one.id, one.area, str(one.tier), _where(one.id), one.claim] for one in chosen]
    click.echo("\n".join(align(["ID", "AREA", "TIER", "HOLDS", "CLAIM"], rows)))


def _where(id_: str) -> str:
    from kubesim.guarantees import catalogue

    found = catalogue.check_of(id_)
    return found.scope.text if found else "not judged"


def explained(guarantee: Guarantee) -> str:
    """One guarantee in full."""
    import textwrap

    from kubesim.guarantees import catalogue

    found = catalogue.check_of(guarantee.id)
    parts = [
        ("claim", guarantee.claim),
        ("strength", f"{guarantee.strength}, tier {guarantee.tier}"),
        ("source", guarantee.link),
        ("releases", guarantee.releases + (f"; gates {', '.join(guarantee.gates)}" if guarantee.gates else "")),
        ("checked", found.scope.text if found else f"not yet: {catalogue.UNJUDGED[guarantee.id]}"),
        ("formally", guarantee.formal),
        ("except", guarantee.exceptions),
        ("reading", guarantee.reading),
        ("not kept", "; ".join([*(one.why for one in found.not_kept), *found.remarks]) if found else ""),
    ]
    lines = [guarantee.id]
    for name, text in parts:
        if text:
            first, *rest = textwrap.wrap(text, 96, break_on_hyphens=False, break_long_words=False)
            lines.append(f"  {name:<9} {first}")
            lines += [f"  {'':<9} {line}" for line in rest]
    return "\n".join(lines)
