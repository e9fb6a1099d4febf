"""What people hope of a manifest, on hand-written histories: held, broken, and put to no test."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from build import PRESTOP, history, job, pod

from kubesim.errors import KubesimError
from kubesim.guarantees.hopes import CLAIMS, HOPES, find_hope
from kubesim.guarantees.judging import judge_by
from kubesim.guarantees.verdicts import Verdict
from kubesim.history.history import History
from kubesim.history.records import Ended

WEB = pod("s* | app", s=PRESTOP, app=PRESTOP)
ONE = pod("migrate s* | app")
BATCH = pod("s* | app", policy="OnFailure")
UP = "0 bind; 1 start s; 2 start app"
WORK = job(policy="OnFailure", backoffLimit=2)

ROWS = [
    ("starts", ONE, {}, "0 bind; 1 start migrate; 2 exit migrate 0; 3 start s; 4 start app", Verdict.HELD),
    ("starts", ONE, {}, "0 bind; 1 start migrate", Verdict.BROKEN),
    ("starts", ONE, {}, "0 bind; 1 start migrate; 2 exit migrate 1", Verdict.NOT_EXERCISED),
    ("starts", ONE, {}, "0 bind; 1 start migrate; 3 deleted 30", Verdict.NOT_EXERCISED),
    ("completes", BATCH, {}, f"{UP}; 3 exit app 0; 4 exit s 0; 5 phase Succeeded", Verdict.HELD),
    ("completes", BATCH, {}, f"{UP}; 3 phase Running", Verdict.BROKEN),
    ("completes", WEB, {}, f"{UP}; 3 phase Running", Verdict.NOT_EXERCISED),
    ("completes", BATCH, {"owner": WORK}, "0 new web; 0 bind; 1 start app; 9 exit app; 9 job +Complete", Verdict.HELD),
    ("completes", BATCH, {"owner": WORK}, "0 new web; 0 bind; 1 start app; 2 job active=1", Verdict.BROKEN),
    (
        "keeps-its-grace",
        WEB,
        {},
        f"{UP}; 5 deleted 30; 5 kills; 5 stop app 30; 35 signal app KILL; 35 exit app 137; 35 exit s 0",
        Verdict.HELD,
    ),
    (
        "keeps-its-grace",
        WEB,
        {},
        f"{UP}; 5 deleted 30; 5 kills; 5 stop app 30; 34 exit app 0; 34 stop s 2; 36 signal s KILL; 36 exit s 137",
        Verdict.BROKEN,
    ),
    (
        "keeps-its-grace",
        WEB,
        {},
        f"{UP}; 5 deleted 30; 5 kills; 5 exec app preStop; 30 done app preStop; 30 stop app 5; "
        "35 signal app KILL; 35 exit app 137; 36 exit s 0",
        Verdict.HELD,
    ),
    ("finishes-prestop", WEB, {}, f"{UP}; 5 exec app preStop; 8 done app preStop; 8 stop app 27", Verdict.HELD),
    ("finishes-prestop", WEB, {}, f"{UP}; 5 exec app preStop; 35 stop app 2; 37 done app preStop 137", Verdict.BROKEN),
    ("finishes-prestop", WEB, {}, f"{UP}; 5 stop app 30; 6 exit app", Verdict.NOT_EXERCISED),
    (
        "retries-are-its-own",
        BATCH,
        {"owner": WORK},
        "0 new web; 1 start s; 1 start app; 2 exit app 1; 3 start app; 4 exit app 1; "
        "5 job +Failed:BackoffLimitExceeded",
        Verdict.HELD,
    ),
    (
        "retries-are-its-own",
        BATCH,
        {"owner": WORK},
        "0 new web; 1 start s; 1 start app; 2 exit s 0; 3 start s; 4 exit s 0; 5 start s; "
        "6 job +Failed:BackoffLimitExceeded",
        Verdict.BROKEN,
    ),
    ("retries-are-its-own", BATCH, {"owner": WORK}, "0 new web; 1 job +Failed:DeadlineExceeded", Verdict.NOT_EXERCISED),
]


def _settled(told: History) -> History:
    end = max(record.at for record in told) + 10**9
    return History(told.header, (*told.records, Ended(at=end, why="settled")))


@pytest.mark.parametrize(
    ("hope", "template", "settings", "text", "wanted"), ROWS, ids=lambda value: value if isinstance(value, str) else ""
)
def test_verdicts(hope: str, template: dict[str, Any], settings: dict[str, Any], text: str, wanted: Verdict) -> None:
    told = _settled(history(template, text, **settings))
    (judged,) = judge_by(told, [one for one in HOPES if one.id == hope])
    assert judged.verdict is wanted, judged.proof
    for proof in judged.proof:
        assert all(moment.record is None or told[moment.record].at == moment.at for moment in proof.finding.moments)


def test_what_may_still_come_is_not_missed() -> None:
    """A run that was cut off does not say that something never happens."""
    told = history(ONE, "0 bind; 1 start migrate; 60 end")
    assert {one.verdict for one in judge_by(told, HOPES)} == {Verdict.NOT_EXERCISED}


def test_each_hope_has_its_sentence_and_its_rows() -> None:
    assert {one.id for one in HOPES} == set(CLAIMS) == {row[0] for row in ROWS}
    assert all(replace(one, id="x").function.__doc__ for one in HOPES)


def test_an_unknown_hope_names_those_there_are() -> None:
    with pytest.raises(KubesimError, match="choose one of starts, completes"):
        find_hope("done")
