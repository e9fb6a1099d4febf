"""A container run as its driver sees it: start, signals, execs, files, the end."""

from __future__ import annotations

import copy
import pickle

import pytest

from kubesim.scripts import (
    Assumed,
    ContainerSetup,
    ExecExited,
    Exited,
    FilesChanged,
    Filesystem,
    Machine,
    Mount,
    OutOfMemory,
    Output,
    StartFailure,
    Volume,
)
from kubesim.units import MILLISECOND, SECOND
from tests.unit.scripts.driving import drive, shell, until


def machine(*argv: str, image: str = "busybox:1.36", **more: object) -> Machine:
    return Machine(ContainerSetup(image, argv, **more))  # type: ignore[arg-type]  # the rest of the setup by name


GRACEFUL = "trap 'echo TERM; sleep 2; echo bye; exit 0' TERM; echo up; sleep 3600 & wait"


def test_trap_ends_wait_at_once_and_takes_its_time() -> None:
    """As recorded: TERM is answered in the same instant, the exit follows two seconds later."""
    run = shell(GRACEFUL, signals=[(3.0, "TERM")])
    assert run.timed == [(0.0, "up"), (3.0, "TERM"), (5.0, "bye")]
    assert run.exit == Exited(5 * SECOND, 0)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("trap 'exit 7' TERM; while true; do sleep 1; done", 4.0),
        ("trap 'exit 7' TERM; sleep 9", 9.0),
        ("trap 'exit 7' TERM; sleep 9 & wait", 3.4),
        ("trap 'exit 7' TERM; read x", 0.0),
    ],
)
def test_trap_waits_for_the_foreground_command(text: str, at: float) -> None:
    run = shell(text, signals=[(3.4, "TERM")] if at else [])
    assert run.exit is not None
    assert run.exit.at == at * SECOND


@pytest.mark.parametrize("argv", [("sleep", "60"), ("sh", "-c", "sleep 60"), ("tail", "-f", "/dev/null")])
def test_process_1_ignores_what_it_does_not_handle_but_not_kill(argv: tuple[str, ...]) -> None:
    run = drive(machine(*argv), [(1.0, "TERM"), (2.0, "INT"), (3.0, "KILL")])
    assert run.exit == Exited(3 * SECOND, 137, "KILL")


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("nope",), 'exec: "nope": executable file not found in $PATH'),
        (("/no/such/program",), 'exec: "/no/such/program": stat /no/such/program: no such file or directory'),
        (("/tmp",), 'exec: "/tmp": is a directory'),
    ],
)
def test_missing_program_is_a_start_failure(argv: tuple[str, ...], message: str) -> None:
    started = machine(*argv)
    assert started.start(5) == [StartFailure(5, message)]
    assert started.ended


def test_exec_shares_files_and_may_overrun() -> None:
    app = machine("sh", "-c", "touch /tmp/live; sleep 10; rm /tmp/live; sleep 60")
    app.start(0)
    assert app.exec(1 * SECOND, ("test", "-f", "/tmp/live"), 1) == [ExecExited(SECOND, 1, 0, "")]
    assert app.exec(2 * SECOND, ("sh", "-c", "sleep 3; echo slow"), 2) == []
    assert until(app, 4 * SECOND) == []
    assert app.exec(4 * SECOND, ("cat", "/tmp/live", "/nope"), 3)[0] == ExecExited(
        4 * SECOND, 3, 1, "cat: can't open '/nope': No such file or directory\n"
    )
    assert until(app, 6 * SECOND) == [ExecExited(5 * SECOND, 2, 0, "slow\n")]
    app.exec(7 * SECOND, ("sleep", "99"), 4)
    assert app.kill_exec(8 * SECOND, 4) == [ExecExited(8 * SECOND, 4, 137, "")]
    until(app, 20 * SECOND)
    assert app.exec(20 * SECOND, ("test", "-f", "/tmp/live"), 5) == [ExecExited(20 * SECOND, 5, 1, "")]
    assert app.exec(21 * SECOND, ("nope",), 6) == [
        StartFailure(21 * SECOND, 'exec: "nope": executable file not found in $PATH', 6)
    ]


def test_exec_lasts_while_its_output_is_held() -> None:
    """containerd returns from ExecSync when the output is closed: a child that keeps it open keeps the exec open."""
    app = machine("sleep", "60")
    app.start(0)
    assert app.exec(0, ("sh", "-c", "sleep 3 & echo ok"), 1) == []
    assert until(app, 5 * SECOND) == [ExecExited(3 * SECOND, 1, 0, "ok\n")]
    assert app.exec(6 * SECOND, ("sh", "-c", "sleep 3 >/dev/null 2>&1 & echo ok"), 2) == [
        ExecExited(6 * SECOND, 2, 0, "ok\n")
    ]


def test_end_of_process_1_ends_execs_and_everything() -> None:
    app = machine("sh", "-c", "(trap '' TERM; sleep 9; echo never) & sleep 2; exit 4")
    app.start(0)
    app.exec(SECOND, ("sleep", "60"), 1)
    assert until(app, 60 * SECOND) == [ExecExited(2 * SECOND, 1, 137, ""), Exited(2 * SECOND, 4)]
    assert app.next_instant() is None


def test_exec_can_signal_process_1() -> None:
    app = machine("sh", "-c", "trap 'echo asked; exit 3' USR1; sleep 60 & wait")
    app.start(0)
    effects = app.exec(SECOND, ("kill", "-USR1", "1"), 1)
    assert effects[-1] == Exited(SECOND, 3)
    assert Output(SECOND, "stdout", "asked", 1) in effects


def test_shared_volume_is_reported_and_seen_by_another_machine() -> None:
    shared = Volume(name="data")
    mounts = {"/data": Mount(shared)}
    reader = machine(
        "sh", "-c", "until test -f /data/x; do sleep 0.5; done; cat /data/x", filesystem=Filesystem(mounts)
    )
    writer = machine("sh", "-c", "sleep 2.2; echo hello > /data/x", filesystem=Filesystem(dict(mounts)))
    reader.start(0)
    writer.start(0)
    assert until(reader, 2 * SECOND) == []
    assert reader.next_instant() is None, "a loop that polls in vain costs nothing"
    changed = until(writer, 3 * SECOND)
    assert FilesChanged(2200 * MILLISECOND, shared) in changed
    assert reader.files_changed(2200 * MILLISECOND) == []
    assert until(reader, 9 * SECOND) == [
        Output(2500 * MILLISECOND, "stdout", "hello", 1),
        Exited(2500 * MILLISECOND, 0),
    ]


def test_read_only_mount_refuses() -> None:
    files = Filesystem({"/etc/config": Mount(Volume.of({"key": "value"}, read_only=True))})
    run = shell(
        "cat /etc/config/key; echo; echo x > /etc/config/key; echo $?; touch /etc/config/n; ls /etc/config", files=files
    )
    assert run.lines == ["value", "1", "key"]
    assert "Read-only file system" in run.timed[1][1]


def test_times_and_modes_of_the_images_files_are_the_containers_own() -> None:
    newer = "[ /tmp -nt /bin ] && echo newer; [ -x /etc/passwd ] && echo may run"
    assert shell(f"sleep 1; touch /tmp; chmod +x /etc/passwd; {newer}").lines == ["newer", "may run"]
    assert shell(newer).lines == []


def test_sub_path_shows_one_part_of_a_volume() -> None:
    volume = Volume.of({"a/one": "1", "b/two": "2"})
    run = shell("ls /here; echo 3 > /here/three", files=Filesystem({"/here": Mount(volume, "a")}))
    assert run.lines == ["one"]
    assert sorted(volume.files) == ["a", "a/one", "a/three", "b", "b/two"]


def test_termination_message() -> None:
    run = shell("sleep 1; echo -n Sleep expired > /dev/termination-log; exit 3")
    assert run.machine.termination_message() == "Sleep expired"


def test_out_of_memory() -> None:
    """``tail /dev/zero`` reads it into memory; exit 137 as recorded in err-oom."""
    run = drive(machine("sh", "-c", "sleep 2; exec tail /dev/zero", memory_limit=50 << 20))
    assert OutOfMemory(2 * SECOND, 1) in run.effects
    assert run.exit == Exited(2 * SECOND, 137, "KILL")


def test_memory_of_stress() -> None:
    argv = ("stress", "--vm", "1", "--vm-bytes", "250M", "--vm-hang", "1")
    assert drive(machine(*argv, image="polinux/stress", memory_limit=100 << 20)).exit == Exited(0, 137, "KILL")
    assert drive(machine(*argv, image="polinux/stress", memory_limit=300 << 20)).exit is None


def test_unknown_program_is_a_visible_assumption() -> None:
    run = drive(machine(image="example.com/shop:1"), [(5.0, "TERM")])
    assert run.exit == Exited(5 * SECOND, 0)
    assert any(isinstance(effect, Assumed) and "until SIGTERM" in effect.text for effect in run.effects)


def test_images_table_knows_nginx() -> None:
    run = drive(machine(image="docker.io/library/nginx:1.25"), [(5.0, "QUIT")])
    assert run.exit == Exited(5 * SECOND, 0)
    web = machine(image="nginx")
    web.start(0)
    assert web.probe(1, "liveness", {"type": "httpGet", "port": 80, "path": "/"}).passes
    assert not web.probe(1, "liveness", {"type": "httpGet", "port": 80, "path": "/healthz"}).passes
    assert not web.probe(1, "liveness", {"type": "tcpSocket", "port": 8080}).passes
    assert web.image.stop_signal == "QUIT"


@pytest.mark.parametrize(
    ("image", "said"),
    [
        ("nginx:1.25", "; it listens on 80 only, and answers / and /index.html with 200, all else with 404"),
        ("postgres:16", "exit 0; it listens on 5432 only"),
        ("traefik", "; it listens on 80, 443 and 8080 only"),
        ("haproxy", "`haproxy` assumed to run until SIGTERM, then exit 143"),
    ],
)
def test_what_is_known_of_ports_is_said(image: str, said: str) -> None:
    run = drive(machine(image=image), [(5.0, "KILL")])
    [text] = [effect.text for effect in run.effects if isinstance(effect, Assumed)]
    assert text.endswith(said)


def test_an_answer_of_which_nothing_is_known_is_an_assumption_of_its_own() -> None:
    """A port and a path of the images table are not; what a port of the table answers to HTTP is."""
    questions = {
        "nginx": {"type": "httpGet", "port": 80, "path": "/"},
        "redis": {"type": "tcpSocket", "port": 6379},
        "traefik": {"type": "httpGet", "port": 8080, "path": "/ping"},
        "shop/web": {"type": "tcpSocket", "port": 8080},
    }
    assumed = {}
    for image, question in questions.items():
        started = machine(image=image)
        started.start(0)
        assumed[image] = started.probe(1, "liveness", question).assumed
    told = "the liveness probe on port 8080 assumed to be answered"
    assert assumed == {"nginx": None, "redis": None, "traefik": told, "shop/web": told}


def test_names_resolve_as_the_driver_says() -> None:
    """The documentation's init container waits until its Service is there."""
    known: set[str] = set()
    text = "until nslookup db.shop.svc.cluster.local; do echo waiting; sleep 2; done"
    app = machine("sh", "-c", text, network=known.__contains__)
    app.start(0)
    assert [effect.line for effect in until(app, 3 * SECOND) if isinstance(effect, Output)] == [
        "nslookup: can't resolve 'db.shop.svc.cluster.local'",
        "waiting",
    ]
    known.add("db.shop.svc.cluster.local")
    assert until(app, 9 * SECOND) == [Exited(4 * SECOND, 0)]


def test_nothing_listens_in_a_plain_shell() -> None:
    app = machine("sh", "-c", "sleep 60")
    app.start(0)
    assert "connection refused" in app.probe(1, "readiness", {"type": "tcpSocket", "port": 80}).text


def test_loop_without_time_does_not_hang_and_can_be_killed() -> None:
    run = drive(machine("sh", "-c", "while true; do :; done"), [(3.0, "TERM"), (4.0, "KILL")])
    assert any(isinstance(effect, Assumed) and "busy" in effect.text for effect in run.effects)
    assert run.exit == Exited(4 * SECOND, 137, "KILL")


def test_busy_loop_still_answers_a_trap() -> None:
    run = drive(machine("sh", "-c", "trap 'echo out; exit 2' TERM; while true; do :; done"), [(3.0, "TERM")])
    assert run.lines == ["out"]
    assert run.exit == Exited(3 * SECOND, 2)


def test_copies_and_pickles_go_their_own_ways() -> None:
    app = machine("sh", "-c", GRACEFUL)
    app.start(0)
    twin = copy.deepcopy(app)
    stored = pickle.loads(pickle.dumps(app))
    expected = [Output(SECOND, "stdout", "TERM", 1)]
    assert app.signal(SECOND, "TERM") == twin.signal(SECOND, "TERM") == stored.signal(SECOND, "TERM") == expected
    assert until(app, 9 * SECOND) == until(twin, 9 * SECOND) == until(stored, 9 * SECOND)


def test_clock_starts_with_2024() -> None:
    assert shell("sleep 90; date -u +%Y-%m-%dT%H:%M:%SZ; date +%s", end=100).lines == [
        "2024-01-01T00:01:30Z",
        "1704067290",
    ]


def test_follow_reads_new_lines_on_its_own_grid() -> None:
    run = shell("touch /tmp/l; tail -F /tmp/l & sleep 2.5; echo one >> /tmp/l; sleep 2; echo two >> /tmp/l; sleep 9")
    assert run.timed == [(3.0, "one"), (5.0, "two")]


def test_pipe_of_follow_and_read() -> None:
    text = 'touch /tmp/r; tail -F /tmp/r | while read line; do echo "adapted: $line"; done'
    app = machine("sh", "-c", text)
    app.start(0)
    app.exec(SECOND // 2, ("sh", "-c", "echo raw >> /tmp/r"), 1)
    assert until(app, 5 * SECOND) == [Output(SECOND, "stdout", "adapted: raw", 4)]


def test_large_blank_file_counts_but_costs_nothing() -> None:
    volume = Volume()
    shell("dd if=/dev/zero of=/scratch/f bs=1M count=500", files=Filesystem({"/scratch": Mount(volume)}))
    assert volume.size() == 500 << 20
