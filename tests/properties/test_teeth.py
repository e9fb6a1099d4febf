"""Every guarantee has teeth: the run that shows it, and the wrong kubelet, controller or API server that it catches.

``witnesses.yaml`` is written by ``python -m tests.properties.teeth --write``, which looks for them among many runs.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
import yaml
from directed import DIRECTED
from mutants import MUTANTS, Mutant, wrong
from teeth import PAGE, TABLE, page

from kubesim import api
from kubesim.guarantees.catalogue import CHECKS, guarantees
from kubesim.guarantees.judging import check
from kubesim.guarantees.verdicts import Verdict

WITNESSES: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("witnesses.yaml").read_text(encoding="utf-8"))
BY_NAME = {one.name: one for one in MUTANTS}


def broken(witness: dict[str, Any]) -> set[str]:
    history = api.run(api.load(io.StringIO(witness["scenario"])), draw=witness["draw"])
    found = check(history, witness["guarantees"])
    return {one.id for one in found if one.verdict is Verdict.BROKEN and not one.known}


@pytest.mark.parametrize("witness", WITNESSES, ids=lambda one: f"{one['mutant']}-{one['guarantees'][0]}")
def test_a_wrong_kubesim_is_caught(witness: dict[str, Any]) -> None:
    """Kept by the right one, broken by the wrong one."""
    assert not broken(witness)
    with wrong(BY_NAME[witness["mutant"]]):
        assert broken(witness) == set(witness["guarantees"])
    assert not broken(witness)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda one: one.name)
def test_each_mutant_still_fits_the_code(mutant: Mutant) -> None:
    function = mutant.function()
    before = function.__code__
    with wrong(mutant):
        assert function.__code__ is not before
    assert function.__code__ is before


def test_the_core_has_teeth() -> None:
    core = {one.id for one in guarantees().values() if one.tier == 1}
    caught = {id_ for witness in WITNESSES for id_ in witness["guarantees"]}
    assert not core - caught


def test_every_mutant_is_caught_on_a_run_here() -> None:
    assert {witness["mutant"] for witness in WITNESSES} == set(BY_NAME)


def test_the_page_says_what_was_found_for_all_guarantees_and_mutants() -> None:
    """``python -m tests.properties.teeth --write`` finds it again, ``--page`` only writes it again."""
    table = yaml.safe_load(TABLE.read_text(encoding="utf-8"))
    assert list(table) == list(BY_NAME), "a mutant came, went or moved: find again what each breaks"
    assert {id_ for found in table.values() for id_ in found} <= {one.id for one in CHECKS}
    for witness in WITNESSES:
        assert set(witness["guarantees"]) <= set(table[witness["mutant"]])
    assert PAGE.read_text(encoding="utf-8") == page(table)


def test_every_run_made_for_a_mutant_has_one() -> None:
    assert set(DIRECTED) <= set(BY_NAME)
