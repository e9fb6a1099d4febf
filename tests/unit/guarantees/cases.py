"""What a case is: one guarantee on hand-written histories, one for each verdict."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from build import history

from kubesim.guarantees.judging import check
from kubesim.guarantees.verdicts import Finding, Judgement, Verdict
from kubesim.history.history import History


@dataclass(frozen=True)
class Case:
    """``held`` and ``broken`` are what happens to the Pod; ``idle`` puts the guarantee to no test."""

    id: str
    pod: dict[str, Any]
    held: str
    broken: str
    idle: str = "1 end"
    settings: dict[str, Any] = field(default_factory=dict)
    idle_pod: dict[str, Any] | None = None
    broken_pod: dict[str, Any] | None = None


def case(
    id_: str,
    template: dict[str, Any],
    held: str,
    broken: str,
    idle: str = "1 end",
    *,
    idle_pod: dict[str, Any] | None = None,
    broken_pod: dict[str, Any] | None = None,
    **settings: Any,
) -> Case:
    """One row of a table."""
    return Case(id_, template, held, broken, idle, settings, idle_pod, broken_pod)


def verdict_on(id_: str, template: dict[str, Any], text: str, **settings: Any) -> Judgement:
    """What is judged of one history."""
    (found,) = check(history(template, text, **settings), [id_])
    return found


def expect_verdicts(one: Case) -> None:
    """Each of the three histories gets its verdict, and a proof that lies in the history."""
    for wanted, template, text in (
        (Verdict.HELD, one.pod, one.held),
        (Verdict.BROKEN, one.broken_pod or one.pod, one.broken),
        (Verdict.NOT_EXERCISED, one.idle_pod or one.pod, one.idle),
    ):
        told = history(template, text, **one.settings)
        (found,) = check(told, [one.id])
        assert found.verdict is wanted, f"{one.id}: {found.verdict.value}, not {wanted.value}\n{text}\n{found.proof}"
        for judged in found.findings:
            expect_proof(one.id, judged.finding, told)


def expect_proof(id_: str, finding: Finding, told: History) -> None:
    """A finding shows moments of the history, in words."""
    assert finding.moments, f"{id_}: a finding without proof"
    assert isinstance(finding.said, str)
    for moment in finding.moments:
        assert isinstance(moment.at, int), f"{id_}: {moment} is at no instant"
        assert moment.what, f"{id_}: {moment} says nothing"
        assert "None" not in moment.what + finding.said, f"{id_}: {moment.what} {finding.said}"
        assert moment.record is None or told[moment.record].at == moment.at
