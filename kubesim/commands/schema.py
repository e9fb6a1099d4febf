"""``kubesim schema``: the JSON Schema of the Scenario document."""

from __future__ import annotations

import json

import click


@click.command("schema")
def command() -> None:
    """Print the JSON Schema of scenario files, for editors."""
    from kubesim.scenario.load import schema

    click.echo(json.dumps(schema(), indent=2))
