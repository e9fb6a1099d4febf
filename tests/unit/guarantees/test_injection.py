"""Injected sidecars on hand-written histories: what webhooks leave of the field, and the universal injector."""

from __future__ import annotations

import pytest
from build import pod
from cases import Case, case, expect_verdicts, verdict_on

from kubesim.guarantees.verdicts import Verdict

RECIPE = pod("native-sidecar* | app old-way-sidecar")
NATIVE = "1 start native-sidecar; 2 exit native-sidecar 0; 3 start native-sidecar; 4 says native-sidecar is the sidecar"
OLD_WAY = "6 start old-way-sidecar; 7 says old-way-sidecar is the sidecar"

CASES = [
    case(
        "sidecar-universal-injector-native",
        RECIPE,
        held=f"{NATIVE}; 6 start old-way-sidecar; 7 exit old-way-sidecar 0",
        broken=f"{NATIVE}; {OLD_WAY}",
        idle="1 start native-sidecar; 2 exit native-sidecar 0",
    ),
    case(
        "sidecar-universal-injector-legacy",
        RECIPE,
        held=f"1 start native-sidecar; 2 exit native-sidecar 0; {OLD_WAY}",
        broken=f"{NATIVE}; 5 exit native-sidecar 0; {OLD_WAY}",
        idle="1 start native-sidecar; 2 exit native-sidecar 0",
        release="1.27",
    ),
    case(
        "sidecar-webhook-strip-full-update",
        pod("s* | app"),
        held="0 admits keeps 1.28",
        broken="0 admits strips 1.28",
    ),
]


@pytest.mark.parametrize("one", CASES, ids=lambda one: one.id)
def test_three_histories_three_verdicts(one: Case) -> None:
    expect_verdicts(one)


def test_a_client_from_before_the_field_must_take_it_away() -> None:
    id_, template = "sidecar-webhook-strip-full-update", pod("s* | app")
    assert verdict_on(id_, template, "0 admits strips 1.27").verdict is Verdict.HELD
    assert verdict_on(id_, template, "0 admits keeps 1.27").verdict is Verdict.BROKEN


def test_the_race_of_the_recipe_is_known() -> None:
    """The old way's container may start, and look, before the native one runs for the second time."""
    text = (
        "1 start native-sidecar; 2 exit native-sidecar 0; 3 start old-way-sidecar; "
        "4 says old-way-sidecar is the sidecar; 12 start native-sidecar; 13 says native-sidecar is the sidecar"
    )
    judged = verdict_on("sidecar-universal-injector-native", RECIPE, text)
    assert judged.verdict is Verdict.BROKEN
    assert "may look before" in judged.known
