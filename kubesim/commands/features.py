"""``kubesim features``: the feature gates of one component of one release."""

from __future__ import annotations

from typing import Final

import click

from kubesim.commands import options
from kubesim.commands.options import Setting

COMPONENTS: Final = ("apiserver", "controller-manager", "scheduler", "kubelet")
_SUMMARY_WIDTH: Final = 112
"""So that an indented line has room in 120 columns."""


@click.command("features")
@click.option(
    "--release",
    "release_name",
    required=True,
    metavar="R",
    help="Release, such as 1.29 or 1.29.0.",
    **options.OF_RELEASES,
)
@click.option("--component", type=click.Choice(COMPONENTS), default="kubelet", show_default=True, help="Whose gates.")
@click.option(
    "--gate",
    "gates",
    multiple=True,
    type=options.setting,
    metavar="NAME=BOOL",
    help="A gate set by hand.",
    shell_complete=options.gate_names,
)
@click.option("--bugs", "show_bugs", is_flag=True, help="List the known bugs instead, those of this release first.")
@click.option("--metrics", is_flag=True, help="Print the kubernetes_feature_enabled lines of /metrics.")
def command(release_name: str, component: str, gates: tuple[Setting, ...], show_bugs: bool, metrics: bool) -> None:
    """Print the gates that touch the life of a Pod: stage, default, and whether each is on."""
    from kubesim.releases.features import features, metrics_lines
    from kubesim.releases.release import release
    from kubesim.timelines.tables import align

    if show_bugs:
        _print_bugs(release_name)
        return
    for gate in gates:
        if gate.component not in (None, component):
            raise click.UsageError(f"--gate {gate.component}:{gate.name} is not of the {component}; leave the name out")
    shown = release(release_name, {gate.name: gate.value for gate in gates}, component=component)
    if metrics:
        click.echo("\n".join(metrics_lines(shown)))
        return
    rows = [
        [
            feature.name,
            feature.stage,
            "on" if feature.default else "off",
            ("on" if feature.enabled else "off") + (" (set)" if feature.set_by_hand else ""),
            "locked" if feature.locked else "",
            feature.reads or "",
        ]
        for feature in features(shown)
    ]
    click.echo("\n".join(align(["GATE", "STAGE", "DEFAULT", "NOW", "", "SWITCHES"], rows)))


def _print_bugs(release_name: str) -> None:
    """Each known bug with what it does: those that a release has, which --bug NAME=off mends, then the others."""
    import textwrap

    from kubesim.releases.release import fixed_in, release
    from kubesim.releases.tables import load

    has = release(release_name).bugs
    for name, row in sorted(load("bugs").items(), key=lambda item: (item[0] not in has, item[0])):
        state = f"in {release_name}" if name in has else f"not in {release_name}"
        if name in has and (fixed := fixed_in(name, release_name)):
            state += f", fixed in {fixed}"
        click.echo(f"{name}  ({state})")
        for line in textwrap.wrap(str(row["summary"]), _SUMMARY_WIDTH):
            click.echo(f"    {line}")
