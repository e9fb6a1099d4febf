"""Termination and hooks on hand-written histories."""

from __future__ import annotations

import pytest
from build import POSTSTART, PRESTOP, pod
from cases import Case, case, expect_verdicts, verdict_on

from kubesim.guarantees.verdicts import Verdict

HOOKED = {"lifecycle": PRESTOP}
WARMED = {"lifecycle": POSTSTART}
SLEEPS = {"lifecycle": {"preStop": {"sleep": {"seconds": 3}}}}

CASES = [
    case("termination-default-grace-30", pod("| app"), held="3 deleted 30", broken="3 deleted 10"),
    case(
        "termination-default-grace-30",
        pod("| app"),
        held="3 deleted 7; 3 act delete grace=7",
        broken="3 deleted 30; 3 act delete grace=7",
    ),
    case(
        "termination-sigterm-all-mains",
        pod("| app log"),
        held="1 start app; 1 start log; 3 deleted 30; 3 stop app; 4 stop log",
        broken="1 start app; 1 start log; 3 deleted 30; 3 stop app; 60 end",
    ),
    case(
        "termination-sigkill-at-grace",
        pod("| app"),
        held="1 start app; 3 deleted 5; 3 stop app 5; 8 exit app 137; 60 end",
        broken="1 start app; 3 deleted 5; 3 stop app 5; 40 exit app 137; 60 end",
        idle="1 start app; 3 deleted 5; 3 stop app 5; 4 exit app; 60 end",
    ),
    case(
        "termination-no-early-kill",
        pod("| app"),
        held="1 start app; 3 deleted 30; 3 stop app; 33 signal app KILL; 33 exit app 137",
        broken="1 start app; 3 deleted 30; 3 stop app; 10 signal app KILL; 10 exit app 137",
    ),
    case(
        "termination-terminal-phase-before-removal",
        pod("| app"),
        held="0 bind; 1 phase Pending; 3 deleted 30; 4 phase Failed; 5 gone",
        broken="0 bind; 1 phase Pending; 3 deleted 30; 5 gone",
        idle="1 phase Pending; 3 forced",
    ),
    case(
        "termination-object-removed-after-containers",
        pod("| app"),
        held="1 start app; 3 deleted 30; 4 exit app; 5 gone",
        broken="1 start app; 3 deleted 30; 4 gone; 5 exit app",
        idle="1 start app; 4 forced; 5 exit app",
    ),
    case(
        "termination-deadline-exceeded-pod",
        pod("| app", spec={"activeDeadlineSeconds": 5}),
        held="0 began; 1 start app; 5 kills; 6 exit app 0; 7 phase Failed DeadlineExceeded",
        broken="0 began; 1 start app; 5 kills; 6 exit app 0; 7 phase Succeeded",
    ),
    case(
        "termination-shorten-only",
        pod("| app"),
        held="3 deleted 30; 4 deleted 5",
        broken="3 deleted 5; 4 deleted 30",
        idle="3 deleted 30",
    ),
    case(
        "termination-force-delete",
        pod("| app"),
        held="0 bind; 1 start app; 3 forced; 5 exit app 137; 60 end",
        broken="0 bind; 1 start app; 3 forced; 50 exit app 137; 60 end",
    ),
    case(
        "termination-stop-signal",
        pod("| app", app={"lifecycle": {"stopSignal": "SIGUSR1"}}),
        held="1 start app; 3 deleted 30; 3 stop app; 3 signal app USR1",
        broken="1 start app; 3 deleted 30; 3 stop app; 3 signal app TERM",
        release="1.36",
        gates={"ContainerStopSignals": True},
    ),
    case(
        "grace-override-prestop-zero",
        pod("| app", app=HOOKED),
        held="1 start app; 3 deleted 0; 3 stop app 2",
        broken="1 start app; 3 deleted 0; 3 exec app preStop; 4 stop app 2",
        idle="1 start app; 3 deleted 30; 3 exec app preStop",
    ),
    case(
        "hook-poststart-concurrent",
        pod("| app", app=WARMED),
        held="1 start app; 1.1 exec app postStart",
        broken="1 start app; 30 exec app postStart",
    ),
    case(
        "hook-poststart-blocks-running",
        pod("| app log", app=WARMED),
        held="1 start app; 1.1 exec app postStart; 5 done app postStart; 6 shows app running; 7 start log",
        broken="1 start app; 1.1 exec app postStart; 2 start log; 5 done app postStart",
    ),
    case(
        "hook-poststart-blocks-running",  # only what comes after it in the list waits
        pod("| log app", app=WARMED),
        held="0.5 start log; 1 start app; 1.1 exec app postStart; 2 exit log; 3 start log; 5 done app postStart",
        broken="0.5 start log; 1 start app; 1.1 exec app postStart; 2 shows app running; 5 done app postStart",
    ),
    case(
        "hook-poststart-blocks-running",
        pod("| app", app=WARMED),
        held="1 start app; 1.1 exec app postStart; 5 done app postStart; 6 shows app running",
        broken="1 start app; 1.1 exec app postStart; 2 shows app running; 5 done app postStart",
    ),
    case(
        "hook-poststart-failure-kills",
        pod("| app", app=WARMED),
        held="1 start app; 1.1 exec app postStart; 2 done app postStart 1; "
        "2 event FailedPostStartHook app; 3 exit app 137",
        broken="1 start app; 1.1 exec app postStart; 2 done app postStart 1; 99 end",
        idle="1 start app; 1.1 exec app postStart; 2 done app postStart 0",
    ),
    case(
        "hook-prestop-before-sigterm",
        pod("| app", app=HOOKED),
        held="1 start app; 3 deleted 30; 3 exec app preStop; 5 done app preStop; 5.1 stop app 28",
        broken="1 start app; 3 deleted 30; 3 exec app preStop; 4 stop app 30; 5 done app preStop",
    ),
    case(
        "hook-prestop-counts-against-grace",
        pod("| app", app=HOOKED),
        held="1 start app; 3 deleted 10; 3 exec app preStop; 9 done app preStop; 9 stop app 4; 13 exit app 137",
        broken="1 start app; 3 deleted 10; 3 exec app preStop; 9 done app preStop; 9 stop app 10; 19 exit app 137",
    ),
    case(
        "hook-prestop-counts-against-grace",  # in what is done, not only in what is said
        pod("| app", app=HOOKED),
        held="1 start app; 3 deleted 10; 3 exec app preStop; 9 done app preStop; 9 stop app 4; 13 signal app KILL; "
        "13 exit app 137",
        broken="1 start app; 3 deleted 10; 3 exec app preStop; 9 done app preStop; 9 stop app 4; 60 signal app KILL; "
        "60 exit app 137",
    ),
    case(
        "hook-prestop-extension",
        pod("| app", app=HOOKED),
        held="1 start app; 3 deleted 5; 3 exec app preStop; 8 stop app 2; 10 exit app 137; 60 end",
        broken="1 start app; 3 deleted 5; 3 exec app preStop; 8 stop app 5; 13 exit app 137; 60 end",
        idle="1 start app; 3 deleted 5; 3 exec app preStop; 4 done app preStop; 4 stop app 4",
    ),
    case(
        "hook-prestop-not-on-completion",
        pod("| app", app=HOOKED),
        held="1 start app; 2 exit app 0; 3 start app",
        broken="1 start app; 2 exec app preStop; 3 exit app 0; 4 start app",
        idle="1 start app; 3 deleted 30; 3 exec app preStop; 4 stop app; 5 exit app",
    ),
    case(
        "hook-prestop-failure-kills",
        pod("| app", app=HOOKED),
        held="1 start app; 3 deleted 9; 3 exec app preStop; 4 done app preStop 1; "
        "4 event FailedPreStopHook app; 4 stop app",
        broken="1 start app; 3 deleted 9; 3 exec app preStop; 4 done app preStop 1; 4 stop app",
    ),
    case(
        "hook-at-least-once",
        pod("| app", app=HOOKED),
        held="1 start app; 3 deleted 30; 3 exec app preStop; 4 done app preStop; 4 stop app",
        broken="1 start app; 3 deleted 30; 4 stop app",
        idle="1 start app; 4 exit app 1; 4 stop app",  # the exit was first
    ),
    case(
        "hook-sleep",
        pod("| app", app=SLEEPS),
        held="1 start app; 3 deleted 30; 6 stop app",
        broken="1 start app; 3 deleted 30; 3.5 stop app",
    ),
]


@pytest.mark.parametrize("one", CASES, ids=[f"{one.id}-{number}" for number, one in enumerate(CASES)])
def test_three_verdicts(one: Case) -> None:
    expect_verdicts(one)


def test_127_gives_the_whole_grace_after_prestop() -> None:
    text = "1 start app; 3 deleted 10; 3 exec app preStop; 9 done app preStop; 9 stop app 10; 19 exit app 137"
    on_127 = verdict_on("hook-prestop-counts-against-grace", pod("| app", app=HOOKED), text, release="1.27")
    assert on_127.verdict is Verdict.BROKEN
    assert "whole grace" in on_127.known


def test_a_kill_from_outside_is_none_of_the_nodes() -> None:
    text = "1 start app; 3 deleted 30; 3 stop app; 5 exit app 3"
    assert verdict_on("termination-no-early-kill", pod("| app"), text).verdict is Verdict.HELD
