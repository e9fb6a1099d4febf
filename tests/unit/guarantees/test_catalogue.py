"""The catalogue is complete, each of its functions is tested, and the page says what it says."""

from __future__ import annotations

from pathlib import Path

import pytest
import test_guarantees_of_inits
import test_guarantees_of_termination
import test_injection
import test_jobs_and_api
import test_probes_and_status
import test_sidecars
from click.testing import CliRunner

from kubesim.cli import main
from kubesim.errors import KubesimError
from kubesim.guarantees.catalogue import CHECKS, UNJUDGED, find, guarantees
from kubesim.guarantees.page import guarantees_page

PAGE = Path(__file__).parents[3] / "docs" / "guarantees.md"
TABLES = (
    test_guarantees_of_inits.CASES,
    test_sidecars.CASES,
    test_injection.CASES,
    test_guarantees_of_termination.CASES,
    test_probes_and_status.PROBES,
    test_probes_and_status.STATUS,
    test_jobs_and_api.JOBS,
    test_jobs_and_api.CLUSTER,
)
WITHOUT_THREE_HISTORIES = {
    "sidecar-supports-probes-and-hooks",  # nothing stored can break it
    "sidecar-gate-default-by-version",  # broken on another release than held
    "sidecar-field-visible-in-describe",  # a sidecar is what the stored Pod shows as one
    "restart-state-may-be-lost",  # a permission
    "status-termination-message",  # needs messages of many bytes
}


def test_every_guarantee_is_judged_or_said_not_to_be() -> None:
    judged = [one.id for one in CHECKS]
    assert len(judged) == len(set(judged))
    assert set(judged) | set(UNJUDGED) == set(guarantees())
    assert not set(judged) & set(UNJUDGED)


def test_the_core_is_there() -> None:
    core = {one.id for one in guarantees().values() if one.tier == 1}
    assert len(core) == 120
    assert not core & set(UNJUDGED)


def test_every_function_has_three_histories() -> None:
    tested = {one.id for table in TABLES for one in table}
    assert {one.id for one in CHECKS} - tested == WITHOUT_THREE_HISTORIES


def test_gates_of_the_catalogue_are_known() -> None:
    for one in guarantees().values():
        assert one.claim
        assert one.source
        assert one.link.startswith("https://")


def test_an_unknown_id_names_the_nearest() -> None:
    with pytest.raises(KubesimError, match='did you mean "sidecar-reverse-order"'):
        find("sidecar-revers-order")


def test_the_committed_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == guarantees_page(), (
        "run: python -m kubesim.guarantees.page > docs/guarantees.md"
    )


def test_a_hope_is_told_from_a_guarantee_that_is_unknown() -> None:
    """What a search calls broken may be a hope, and the next thing that is typed is its name."""
    with pytest.raises(KubesimError, match='"starts" is a hope, which no page guarantees: every container of the Pod'):
        find("starts")


def test_addresses_stay_whole_where_lines_are_broken() -> None:
    told = CliRunner().invoke(main, ["guarantees", "sidecar-sigterm-after-mains"]).stdout
    assert find("sidecar-sigterm-after-mains").link in told.split()
