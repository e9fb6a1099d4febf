"""The search for counter-examples: the five classic finds, what it leaves alone, and that each find replays."""

from __future__ import annotations

import io
import itertools
import json
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from kubesim import api
from kubesim.cli import main
from kubesim.exploration.replay import scenario_file, with_workload
from kubesim.exploration.search import HORIZON, Aim, Find, Search
from kubesim.exploration.search_small import small_workloads
from kubesim.exploration.troubles import FOR_GOOD, ON_NODES, ImageTrouble, Stimulus
from kubesim.exploration.workloads import FOREVER, IGNORED, Place, Program, Workload, places
from kubesim.exploration.workloads_open import stage_of, with_open_programs
from kubesim.guarantees.hopes import CLAIMS, HOPES
from kubesim.guarantees.judging import judge_by
from kubesim.guarantees.verdicts import Verdict
from kubesim.history.history import History
from kubesim.objects.yaml import load_documents
from kubesim.units import MINUTE

WEB = """\
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  initContainers:
  - {name: proxy, image: "example.com/proxy:1", restartPolicy: Always}
  containers:
  - {name: app, image: "example.com/app:1"}
"""
JOB = """\
apiVersion: batch/v1
kind: Job
metadata: {name: work}
spec:
  backoffLimit: 2
  template:
    spec:
      restartPolicy: OnFailure
      initContainers:
      - {name: proxy, image: "example.com/proxy:1", restartPolicy: Always}
      containers:
      - {name: app, image: "example.com/app:1"}
"""
WRONG_ORDER = """\
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  initContainers:
  - {name: migrate, image: "example.com/migrate:1"}
  - {name: db-proxy, image: "example.com/proxy:1", restartPolicy: Always}
  containers:
  - {name: app, image: "example.com/app:1"}
"""
ALONE = """\
apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {containers: [{name: app, image: "example.com/app:1"}]}
"""
DRAINS = """\
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  terminationGracePeriodSeconds: 20
  containers:
  - name: app
    image: example.com/app:1
    lifecycle: {preStop: {exec: {command: [/bin/drain]}}}
"""


def found(manifest: str, hope: str, *, release: str = "1.33", runs: int = 400) -> Find | None:
    """What a search for one hope finds, with its number of runs bounded, not its time."""
    scenario = api.load(io.StringIO(manifest)).on(release)
    report = Search(scenario, Aim((), (hope,)), budget=600, most_runs=runs).run()
    return next(iter(report.finds), None)


@pytest.mark.parametrize(
    ("manifest", "hope", "story"),
    [
        (
            WEB,
            "keeps-its-grace",
            ["proxy takes 3s to end on SIGTERM", "app takes 29s to end on SIGTERM", "at 5s: kubectl delete pod web"],
        ),
        (JOB, "completes", ["app never ends by itself"]),
        (
            WRONG_ORDER,
            "starts",
            ["migrate needs db-proxy and waits for it; the list starts db-proxy only after migrate"],
        ),
        (
            JOB,
            "retries-are-its-own",
            ["proxy ends after 5s, with exit code 0", "app never ends by itself"],
        ),
        (DRAINS, "finishes-prestop", ["preStop of app takes 25s", "at 5s: kubectl delete pod web"]),
    ],
)
def test_the_classic_finds(manifest: str, hope: str, story: list[str]) -> None:
    find = found(manifest, hope)
    assert find is not None
    assert find.is_shrunk
    assert find.workload.told() == story
    _replays(manifest, find, hope)


def _replays(manifest: str, find: Find, hope: str) -> None:
    text = scenario_file(
        load_documents(io.StringIO(manifest)),
        find.workload,
        release="1.33",
        gates={},
        until=HORIZON,
        name="again",
        title="it replays",
    )
    history = api.run(api.load(io.StringIO(text)))
    (judged,) = judge_by(history, [one for one in HOPES if one.id == hope and _fits(one.subject.value, manifest)])
    assert judged.verdict is Verdict.BROKEN, text


def _fits(subject: str, manifest: str) -> bool:
    return f"kind: {subject}\n" in manifest


@pytest.mark.parametrize(
    ("manifest", "hope"),
    [
        (WRONG_ORDER.replace('migrate:1"}', 'migrate:1"}').replace("- {name: db-proxy", "- {name: z"), "completes"),
        (WEB, "starts"),
        (JOB.replace("backoffLimit: 2", "activeDeadlineSeconds: 60"), "completes"),
        (JOB.replace("OnFailure", "Never"), "retries-are-its-own"),
    ],
    ids=["no Job", "right order", "bounded", "Never counts pods"],
)
def test_what_holds_is_left_alone(manifest: str, hope: str) -> None:
    assert found(manifest, hope, runs=50) is None


def test_1_28_stops_all_at_once_and_leaves_the_proxy_its_grace() -> None:
    gated = api.load(io.StringIO(WEB)).on("1.28", {"SidecarContainers": True})
    report = Search(gated, Aim((), ("keeps-its-grace",)), budget=600, most_runs=90).run()
    assert not report.finds


def test_large_finds_are_shrunk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the small workloads Hypothesis finds it among large ones, and shrinks it to the same three lines."""
    monkeypatch.setattr("kubesim.exploration.search.small_workloads", lambda stage: iter(()))
    find = found(WEB, "keeps-its-grace", runs=600)
    assert find is not None
    assert find.is_shrunk
    assert len(find.workload.told()) == 3
    assert any(one.do == "delete" for one in find.workload.stimuli)


def test_the_same_seed_finds_the_same() -> None:
    one, other = (found(JOB, "retries-are-its-own", runs=150) for _ in range(2))
    assert one is not None
    assert other is not None
    assert one.workload == other.workload


def test_an_expectation_is_broken_too() -> None:
    scenario = (
        "apiVersion: kubesim/v1\nkind: Scenario\nspec:\n  expect:\n    - {container: app, killed: false}\n---\n" + WEB
    )
    report = Search(api.load(io.StringIO(scenario)), Aim((), ()), budget=600, most_runs=70).run()
    (find,) = report.finds
    assert find.broken.name == "expect-1"
    assert "app got SIGKILL" in find.broken.seen
    assert find.workload.told() == ["app ignores SIGTERM", "at 5s: kubectl delete pod web"]


@pytest.mark.parametrize(
    ("sentence", "story"),
    [
        ("{container: app, starts, before: 30s}", "image example.com/app:1 takes 45s to pull"),
        ("{event: {reason: Rebooted, count: 0}}", "at 5s: node1 reboots, and is away for 30s"),
        ('{pod: web, condition: {type: Ready, status: "True"}, at: 9s}', "at 5s: kubectl delete pod web"),
    ],
)
def test_what_happens_to_nodes_and_images_breaks_what_no_program_can(sentence: str, story: str) -> None:
    """And where a program or a deletion can, they come first."""
    text = f"apiVersion: kubesim/v1\nkind: Scenario\nspec:\n  expect:\n    - {sentence}\n---\n" + ALONE
    (find,) = Search(api.load(io.StringIO(text)), Aim((), ()), budget=600, most_runs=160).run().finds
    assert find.workload.told() == [story]


def test_programs_that_nothing_is_known_of_are_taken_as_usual() -> None:
    known = {one.container: one for one in with_open_programs(api.load(io.StringIO(WRONG_ORDER)), HORIZON)}
    assert list(known["migrate"].taken()) == ["migrate ends after 1s with exit code 0"]
    assert not known["app"].is_open
    written = WRONG_ORDER.replace('image: "example.com/migrate:1"', 'image: busybox, command: [sleep, "2"]')
    assert not any(one.is_open for one in with_open_programs(api.load(io.StringIO(written)), HORIZON))


def test_small_workloads_come_in_order_of_size() -> None:
    tried = list(small_workloads(stage_of(api.load(io.StringIO(WEB)), HORIZON)))
    sizes = [(len(one.programs), len(one.stimuli) + len(one.images)) for one in tried]
    by_size = [key for key, _ in itertools.groupby(sizes)]
    assert by_size == [(0, 0), (1, 0), (0, 1), (1, 1), (2, 0), (2, 1), (0, 1), (0, 2), (1, 1)]
    assert len(tried) == len(set(tried))
    alone = [one.told()[0] for one, size in zip(tried, sizes, strict=True) if size == (0, 1)]
    assert alone[:4] == [
        "at 5s: kubectl delete pod web",
        "at 5s: proxy crashes with exit code 1",
        "at 5s: app crashes with exit code 1",
        "at 5s: the kubelet of node1 restarts, and is away for 3s",
    ]
    assert alone[-1] == "image example.com/app:1 cannot be pulled"


def test_a_workload_leaves_the_program_alone_where_only_the_hook_differs() -> None:
    """The shell of the manifest still runs: it ends with 7, while its preStop takes as long as was said."""
    manifest = DRAINS.replace("image: example.com/app:1", 'image: busybox\n    command: [sh, -c, "sleep 9; exit 7"]')
    scenario = api.load(io.StringIO(manifest))
    (place,) = places(scenario.objects)
    workload = Workload((Program(place, pre_stop=2),), (Stimulus(4, "delete", place.owner),))
    run = api.run(with_workload(scenario, workload)).pod("web").container("app").runs[0]
    (hook,) = run.execs
    assert hook.exit is not None
    assert hook.exit - hook.start == 2_000_000_000
    whole = api.run(with_workload(scenario, Workload((Program(place, pre_stop=2),)), until=60 * 10**9))
    assert whole.pod("web").container("app").runs[0].code == 7


TWO_NODES = """\
apiVersion: kubesim/v1
kind: Scenario
spec:
  cluster:
    release: "1.33"
    nodes: [{name: a}, {name: b}]
    images: {"example.com/app:1": {user: "1000"}}
---
"""
TROUBLES = [
    (Stimulus(5, "delete", "Job/work"), "at 5s: the oldest pod of Job work is deleted", {"delete"}),
    (Stimulus(5, "deleteMaker", "Job/work"), "at 5s: kubectl delete job work", {"delete"}),
    (
        Stimulus(5, "crash", "Job/work", "app", 3),
        "at 5s: app crashes in the oldest pod of work, with exit code 3",
        {"kill"},
    ),
    *(
        (Stimulus(5, do, node="a", length=30), f"at 5s: {words}", {do})
        for do, words in {
            "kubeletRestart": "the kubelet of a restarts, and is away for 30s",
            "nodeReboot": "a reboots, and is away for 30s",
            "networkDown": "a is cut off from the API server for 30s",
            "nodeDown": "a loses its power for 30s",
        }.items()
    ),
    (Stimulus(5, "nodeDown", node="a", length=FOR_GOOD), "at 5s: a loses its power for good", {"nodeDown"}),
    (Stimulus(5, "kubeletStop", node="a"), "at 5s: the kubelet of a ends for good", {"kubeletStop"}),
    (ImageTrouble("example.com/app:1", pull=45), "image example.com/app:1 takes 45s to pull", set()),
    (
        ImageTrouble("example.com/app:1", missing_for=60),
        "image example.com/app:1 cannot be pulled in the first 1m0s",
        set(),
    ),
    (ImageTrouble("example.com/app:1", missing=True), "image example.com/app:1 cannot be pulled", set()),
]


@pytest.mark.parametrize(("trouble", "told", "said"), TROUBLES, ids=[one[1] for one in TROUBLES])
def test_each_trouble_can_be_told_and_replayed(trouble: Stimulus | ImageTrouble, told: str, said: set[str]) -> None:
    """What is searched and what the file does are one thing; and it makes a difference."""
    is_image = isinstance(trouble, ImageTrouble)
    workload = Workload(images=(trouble,)) if is_image else Workload(stimuli=(trouble,))
    assert workload.told() == [told]
    text = scenario_file(
        load_documents(io.StringIO(TWO_NODES + JOB)), workload,
        release="1.33", gates={}, until=5 * MINUTE, name="again", title="it replays",
    )  # fmt: skip
    file = yaml.safe_load(text.split("---")[0])["spec"]
    assert {key for action in file.get("actions", ()) for key in action if key != "at"} == said
    assert file["cluster"]["images"]["example.com/app:1"]["user"] == "1000"
    searched = api.run(with_workload(api.load(io.StringIO(TWO_NODES + JOB)), workload, 5 * MINUTE))
    replayed = api.run(api.load(io.StringIO(text)))
    assert _seen(replayed) == _seen(searched)
    untroubled = api.run(with_workload(api.load(io.StringIO(TWO_NODES + JOB)), Workload(), 5 * MINUTE))
    assert _seen(searched) != _seen(untroubled)


def _seen(history: History) -> list[tuple[int, str, str, str]]:
    """What happened in runtimes and in phases, without the names that are drawn from the scenario's digest."""
    found = [(one.at, one.node, one.container, one.event) for one in history.runtime]
    found += [(at, "", str(number), phase) for number, life in enumerate(history.pods) for at, phase in life.phases]
    return [*found, (history.ended, "", "", "the end")]


def test_every_trouble_of_a_node_is_among_those_tried() -> None:
    stage = stage_of(api.load(io.StringIO(TWO_NODES + JOB)), HORIZON)
    tried = {one.do for workload in small_workloads(stage) for one in workload.stimuli}
    assert tried == {"delete", "deleteMaker", "crash", *ON_NODES}
    alone = stage_of(api.load(io.StringIO(JOB)), HORIZON)
    lost = {one for workload in small_workloads(alone) for one in workload.stimuli if one.do in ON_NODES}
    assert all(one.length != FOR_GOOD for one in lost)


def test_moments_of_a_cron_job_are_counted_from_its_first_pod() -> None:
    cron = (
        "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: often}\nspec:\n  schedule: '*/5 * * * *'\n"
        "  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: app, image: app}]}}}}\n"
    )
    stage = stage_of(api.load(io.StringIO(cron)), HORIZON)
    assert (stage.begin("CronJob/often"), stage.idle) == (300, ())
    seldom = stage_of(api.load(io.StringIO(cron.replace("*/5 * * * *", "0 3 * * *"))), HORIZON)
    assert seldom.idle == ("CronJob/often",)
    (deletion,) = {one for workload in small_workloads(stage) for one in workload.stimuli if one.do == "delete"}
    assert deletion.at == 305
    history = api.run(with_workload(api.load(io.StringIO(cron)), Workload(stimuli=(deletion,)), 7 * MINUTE))
    assert history.pods[0].versions[-1].object["metadata"].get("deletionTimestamp") is not None


def test_words() -> None:
    place = Place("Pod/web", "app", "main", "Always", 30)
    told = Workload(
        (Program(place, lasts=FOREVER, term=IGNORED), Program(place, exits=(1, 0), lasts=5)),
        (Stimulus(9, "crash", "Pod/web", "app"),),
        draw=2,
        ties=1,
    ).told()
    assert told == [
        "app never ends by itself",
        "app ignores SIGTERM",
        "app ends after 5s, with exit code 1, then 0",
        "at 9s: app crashes with exit code 1",
        "latencies as in draw 2",
        "what happens at one instant happens in order 1",
    ]
    assert Workload().told() == ["everything is as written"]


# The command ---------------------------------------------------------------------------------------------------------


def _check(tmp_path: Path, *arguments: str) -> tuple[int, str]:
    (tmp_path / "web.yaml").write_text(WEB, encoding="utf-8")
    result = CliRunner().invoke(main, ["check", str(tmp_path / "web.yaml"), "--out", str(tmp_path), *arguments])
    return result.exit_code, result.output


def test_check_search_tells_a_story_and_writes_a_file_that_replays_it(tmp_path: Path) -> None:
    code, output = _check(tmp_path, "--search", "--hope", "keeps-its-grace", "--runs", "250", "--budget", "10m")
    assert code == 1
    for words in (
        "1. proxy takes 3s to end",
        "3. at 5s: kubectl delete pod web",
        "SIGKILL to proxy",
        "1 found on 1.36",
    ):
        assert words in output
    file = tmp_path / "counter-example-keeps-its-grace.yaml"
    assert f"Replay: kubesim run {file}" in output
    run = CliRunner().invoke(main, ["run", str(file)])
    assert run.exit_code == 0
    assert "SIGKILL to proxy" in run.output


def test_nothing_found_is_good_news(tmp_path: Path) -> None:
    code, output = _check(tmp_path, "--search", "--hope", "starts", "--runs", "20")
    assert code == 0
    assert output.startswith("nothing found on 1.36: ")


def test_a_cron_job_that_never_comes_to_its_turn_is_told_of(tmp_path: Path) -> None:
    file = tmp_path / "cron.yaml"
    template = "{spec: {template: {spec: {restartPolicy: Never, containers: [{name: app, image: app}]}}}}"
    head = "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: nightly}\nspec:\n  schedule: '0 3 * * *'\n"
    file.write_text(f"{head}  jobTemplate: {template}\n", encoding="utf-8")
    result = CliRunner().invoke(main, ["check", str(file), "--search", "--hope", "completes", "--runs", "4"])
    assert result.exit_code == 0
    assert "CronJob/nightly makes no Pod in the whole run" in result.output


def test_several_releases_and_json(tmp_path: Path) -> None:
    code, output = _check(
        tmp_path, "--search", "--hope", "keeps-its-grace", "--runs", "160", "--budget", "20m",
        "--releases", "1.28,1.33", "--gate", "SidecarContainers=true", "-o", "json",
    )  # fmt: skip
    assert code == 1
    old, new = json.loads(output)
    assert (old["release"], old["found"]) == ("1.28", [])
    assert new["found"][0]["suppose"][-1] == "at 5s: kubectl delete pod web"
    text = Path(new["found"][0]["file"]).read_text(encoding="utf-8")
    assert "SidecarContainers: true" in text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--search", "--hope", "completed"], f'hope "completed" is unknown; choose one of {", ".join(CLAIMS)}'),
        (["--runs", "5"], "--runs belongs to --search"),
        (["--search", "--gate", "node:SidecarContainers=true"], "write node:SidecarContainers into the scenario"),
    ],
)
def test_wrong_usage(tmp_path: Path, arguments: list[str], words: str) -> None:
    code, output = _check(tmp_path, *arguments)
    assert code == 2
    assert words in " ".join(output.split())
