"""The rows of ``kubectl get pods`` and ``kubectl get jobs``."""

from __future__ import annotations

from typing import Any

from kubesim.objects.status import instant_of
from kubesim.store.tables import job_columns, job_headers, pod_columns, pod_headers
from vector_adapters.runtime_view import release_of


def run(vector: dict[str, Any], version: str) -> dict[str, Any]:
    """Headers and cells of the vector's object."""
    given = vector["input"]
    known = release_of(vector, version)
    now = instant_of(given["now"])
    if now is None:
        raise ValueError(f"vector {vector['id']} has no time")
    if vector["fn"] == "print_pod":
        headers, cells = pod_headers(known), pod_columns(given["object"], known, now)
    else:
        headers, cells = job_headers(known), job_columns(given["object"], known, now)
    return {
        "columns": ",".join(column.name + ("*" if column.wide else "") for column in headers),
        "cells": cells,
    }


def normalise(output: dict[str, Any]) -> dict[str, Any]:
    """Nothing is left open in this family."""
    return output
