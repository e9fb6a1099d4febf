"""What is written for other programs can be read by them: each format is parsed here by its own rules."""

from __future__ import annotations

import itertools
import json
import re
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path
from typing import Any, Final

import pytest
from click.testing import CliRunner, Result

from kubesim.cli import main
from kubesim.errors import KubesimError
from kubesim.graphs.answers import answers, clock, drawing_of
from kubesim.graphs.drawing import Drawing, dot, svg
from kubesim.graphs.drawing import text as graph_text
from kubesim.graphs.facts import Kind
from kubesim.graphs.happens_before import find, happens_before, why
from kubesim.history.history import History
from kubesim.sim.instances import INSTANCE_MOVES
from kubesim.timelines.lanes import picture
from kubesim.timelines.mermaid import gantt, life_diagram, state_diagram
from kubesim.timelines.perfetto import perfetto
from kubesim.units import seconds
from tests.unit.timelines.lanes_by_hand import crowd, job

RECORDED: Final = Path(__file__).parent / "histories" / "demo-delete-1.29.jsonl"
SCENARIOS: Final = Path(__file__).parents[3] / "scenarios"
EACH: Final = pytest.mark.parametrize("history", [History.read(RECORDED), crowd(), job()], ids=["pod", "crowd", "job"])


# -- Perfetto ---------------------------------------------------------------------------------------------------------


def events_of(history: History) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(perfetto(history))["traceEvents"]
    return found


@EACH
def test_a_trace_holds_only_events_that_the_format_knows(history: History) -> None:
    needed = {"X": {"ts", "dur", "tid"}, "i": {"ts", "s"}, "M": {"args"}, "C": {"ts", "args"}, "b": {"ts", "id", "cat"}}
    needed["e"] = needed["b"]
    opened: Counter[str] = Counter()
    for event in events_of(history):
        assert {"name", "pid", *needed[event["ph"]]} <= event.keys(), event
        assert isinstance(event.get("ts", 0), int)
        assert event.get("ts", 0) >= 0
        assert event.get("dur", 0) >= 0
        opened[event.get("id", "")] += {"b": 1, "e": -1}.get(event["ph"], 0)
    assert set(opened.values()) == {0}, "each hook that begins ends"


def test_a_trace_tells_what_the_picture_tells() -> None:
    history = History.read(RECORDED)
    names = {event["args"]["name"] for event in events_of(history) if event["name"] == "thread_name"}
    assert {"phase", "Ready", "app (main)", "proxy (sidecar)", "grace period"} <= names
    bars = [event for event in events_of(history) if event.get("cat") == "terminating"]
    spans = [s for lane in picture(history).pods[0].lanes for s in lane.spans if s.look.name == "TERMINATING"]
    assert [bar["ts"] * 1000 for bar in bars] == [span.start for span in spans]
    signals = [event for event in events_of(history) if event["name"] == "SIGTERM"]
    assert all("K-" in event["args"]["rules"] for event in signals)
    assert len(signals) == 2


def test_bars_of_one_thread_do_not_overlap() -> None:
    by_thread: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for event in events_of(crowd()):
        if event["ph"] == "X":
            by_thread.setdefault((event["pid"], event["tid"]), []).append((event["ts"], event["ts"] + event["dur"]))
    for bars in by_thread.values():
        bars.sort()
        assert all(before[1] <= after[0] for before, after in itertools.pairwise(bars))


def test_the_counters_of_a_job_are_counters() -> None:
    failed = [event["args"]["failed"] for event in events_of(job()) if event["ph"] == "C" and event["name"] == "failed"]
    assert failed == [0, 1, 2]


# -- Mermaid ----------------------------------------------------------------------------------------------------------

GANTT_BAR: Final = re.compile(r"    [^:;#]+ :((active|done|crit|milestone), )*\d+, \d+(ms)?")


@EACH
def test_a_gantt_chart_keeps_to_the_grammar(history: History) -> None:
    head, *rest = gantt(history).splitlines()
    assert head == "gantt"
    for line in rest:
        assert re.fullmatch(r"    (title|section|dateFormat|axisFormat) [^:;#]+(:%S)?", line) or GANTT_BAR.fullmatch(
            line
        )
    lanes = sum(len(pod.lanes) for pod in picture(history).pods)
    assert sum(line.startswith("    section") for line in rest) in (lanes, lanes + 1)


def test_a_gantt_chart_has_the_times_of_the_picture() -> None:
    lines = gantt(History.read(RECORDED)).splitlines()
    section = lines.index("    section app")
    shown = [tuple(map(int, re.findall(r"\d+(?=,|$)", line))) for line in lines[section + 1 : section + 5]]
    spans = picture(History.read(RECORDED)).pods[0].lanes[2].spans
    assert [one[-2:] for one in shown][: len(spans)] == [
        ((span.start + 500_000) // 1_000_000, (span.end + 500_000) // 1_000_000) for span in spans[:4]
    ]


def parsed_states(text: str) -> tuple[set[str], list[tuple[str, str]]]:
    """The states and arrows of a state diagram; a line that is neither breaks."""
    head, *lines = text.splitlines()
    assert head == "stateDiagram-v2"
    states, arrows = set(), []
    for line in lines:
        if state := re.fullmatch(r'    state "[^"]+" as (s\d+)', line):
            states.add(state[1])
        else:
            arrow = re.fullmatch(r"    (\S+) --> (\S+)(: [^:;#{}]+)?", line)
            assert arrow is not None, line
            arrows.append((arrow[1], arrow[2]))
    return states, arrows


def test_the_states_of_a_container_follow_each_other() -> None:
    states, arrows = parsed_states(life_diagram(History.read(RECORDED), "proxy"))
    assert arrows[0][0] == "[*]"
    assert all(before[1] == after[0] for before, after in itertools.pairwise(arrows))
    assert {name for arrow in arrows for name in arrow} - {"[*]"} == states


def test_a_table_of_moves_is_drawn_whole() -> None:
    states, arrows = parsed_states(state_diagram(INSTANCE_MOVES))
    assert len(states) == len(INSTANCE_MOVES)
    inner = [arrow for arrow in arrows if "[*]" not in arrow]
    assert len(inner) == sum(len(targets) for targets in INSTANCE_MOVES.values())


def test_a_container_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(KubesimError, match=r'no container "nginx".*there is prepare, proxy, app'):
        life_diagram(History.read(RECORDED), "nginx")
    with pytest.raises(KubesimError, match="several Pods have"):
        life_diagram(job(), "main")


# -- the graph of causes ----------------------------------------------------------------------------------------------


def causes(history: History, container: str = "") -> Drawing:
    graph = happens_before(history)
    return drawing_of(history, graph, why(graph, find(graph, container)) if container else ())


def parsed_dot(text: str) -> tuple[set[str], set[tuple[str, str]], set[str]]:
    """Nodes, edges and the bold nodes of a graph in Graphviz' language, read token by token."""
    tokens = re.findall(r'"(?:[^"\\]|\\.)*"|[\w.]+|->|[{}\[\];,=]', text)
    assert "".join(tokens) == re.sub(r'\s+(?=(?:[^"]*"[^"]*")*[^"]*$)', "", text).replace("\n", "")
    assert tokens.count("{") == tokens.count("}")
    nodes, edges, bold = set(), set(), set()
    for line in text.splitlines():
        if edge := re.match(r"\s*(n\d+) -> (n\d+) \[", line):
            edges.add((edge[1], edge[2]))
        elif node := re.match(r"\s*(n\d+) \[", line):
            nodes.add(node[1])
            bold |= {node[1]} if "style=bold" in line else set()
    return nodes, edges, bold


@EACH
def test_dot_can_be_read_and_has_no_edge_to_nowhere(history: History) -> None:
    shown = causes(history)
    nodes, edges, _ = parsed_dot(dot(shown))
    assert len(nodes) == len(shown.nodes) == len(happens_before(history))
    assert {name for edge in edges for name in edge} <= nodes


def test_why_a_container_started_only_then_is_a_path_in_it() -> None:
    shown = causes(History.read(RECORDED), "app")
    _, edges, bold = parsed_dot(dot(shown))
    path = sorted(bold, key=lambda name: int(name[1:]))
    assert all(step in edges for step in itertools.pairwise(path))
    words = [shown.nodes[int(name[1:])].words for name in path]
    assert words[0].endswith("user: create Pod")
    assert words[-1].endswith("app started")
    assert any("startup probe of proxy: success" in step for step in words), "it waited for the probe"


@EACH
def test_svg_is_xml_with_a_box_for_each_fact(history: History) -> None:
    shown = causes(history)
    root = ElementTree.fromstring(svg(shown))
    space = "{http://www.w3.org/2000/svg}"
    assert len(root.findall(f"{space}rect")) == len(shown.nodes) + 1
    assert len(root.findall(f"{space}path")) == len(shown.edges)
    width, height = (float(root.attrib[name]) for name in ("width", "height"))
    boxes = root.findall(f"{space}rect")[1:]
    assert all(float(box.attrib["x"]) + float(box.attrib["width"]) <= width for box in boxes)
    assert all(float(box.attrib["y"]) + float(box.attrib["height"]) <= height for box in boxes)


def test_text_tells_each_fact_and_what_led_to_it() -> None:
    lines = graph_text(causes(History.read(RECORDED), "app")).splitlines()
    place = next(number for number, line in enumerate(lines) if line.endswith("app started"))
    assert lines[place].startswith("* ")
    assert "kubelet: start app (the kubelet decided so)" in lines[place + 1]


def test_a_pod_of_a_job_was_made_because_of_the_job_and_of_the_pod_that_failed() -> None:
    history = job()
    graph = happens_before(history)
    made = {fact.pod: why(graph, fact) for fact in graph if fact.kind is Kind.CREATED}
    assert [step.fact.what for step in made["import-axyz1"]] == ["user: create Job", "Pod import-axyz1 created"]
    assert made["import-bxyz1"][-1].because == "Pod import-axyz1 had failed; the Job backs off and tries again"
    assert "user: create Job" in {fact.what for fact in graph.predecessors(made["import-bxyz1"][-1].fact)}
    shown = causes(history)
    assert {"import-axyz1/main", "import-bxyz1/main", "Pod import-axyz1"} <= set(shown.columns)


def test_each_question_ends_in_what_it_asks_about() -> None:
    known = dict(answers(History.read(RECORDED)))
    [steps] = [steps for question, steps in known.items() if question.startswith("Why did proxy end")]
    assert steps[-1].fact.what == "proxy exited with 0"
    assert "sidecars stop after app" in [step.because for step in steps]


@pytest.mark.parametrize(
    ("length", "words"),
    [(9.155, "9.155s"), (599.9996, "600.000s"), (725, "12m05.000s"), (86404.997, "24h00m04.997s")],
)
def test_long_times_are_told_in_hours_and_minutes(length: float, words: str) -> None:
    assert clock(seconds(length)) == words


# -- the command ------------------------------------------------------------------------------------------------------


def kubesim(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments), catch_exceptions=False)


@pytest.mark.parametrize(
    ("name", "begins", "more"),
    [
        ("out.json", '{"displayTimeUnit"', ()),
        ("out.mmd", "gantt", ()),
        ("out.mmd", "stateDiagram-v2", ("--show", "states", "--of", "app")),
        ("out.txt", "demo-delete", ()),
        ("why.dot", "digraph", ("--of", "app")),
        ("why.dot", "digraph", ()),
        ("why.svg", "<svg", ("--show", "causes")),
        ("why.txt", "   0.000s", ("--show", "causes", "--of", "app")),
        ("out.html", "<!DOCTYPE html>", ()),
        ("out.svg", "<?xml", ()),
        ("out.pdf", "%PDF", ()),
        ("out.png", "\x89PNG", ()),
    ],
)
def test_the_suffix_says_the_format(tmp_path: Path, name: str, begins: str, more: tuple[str, ...]) -> None:
    target = tmp_path / name
    done = kubesim("plot", str(RECORDED), "-o", str(target), *more)
    assert (done.exit_code, done.output) == (0, "")
    assert target.read_bytes().decode("latin-1").startswith(begins)


def test_why_a_container_ended_is_a_path_too(tmp_path: Path) -> None:
    target = tmp_path / "why.txt"
    done = kubesim("plot", str(RECORDED), "-o", str(target), "--show", "causes", "--of", "proxy", "--why", "ended")
    assert done.exit_code == 0
    lines = target.read_text(encoding="utf-8").splitlines()
    assert "sidecars stop after app" in "".join(lines)
    assert "proxy exited with 0: it was signalled" in lines[-1]


def test_what_can_never_start_is_drawn_without_running(tmp_path: Path) -> None:
    done = kubesim("plot", str(SCENARIOS / "demo.yaml"), "--show", "waits", "-o", str(tmp_path / "waits.dot"))
    assert done.exit_code == 0
    nodes, edges, _ = parsed_dot((tmp_path / "waits.dot").read_text(encoding="utf-8"))
    assert nodes
    assert {name for edge in edges for name in edge} <= nodes


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("-o", "out.gif"), "timeline can be written as png, svg, pdf, html, json, mmd, txt"),
        (("-o", "out.png", "--show", "states"), "states can be written as mmd"),
        (("-o", "out.mmd", "--show", "states"), "--show states needs --of CONTAINER"),
        (("-o", "out.dot", "--of", "nobody"), 'nothing says that "nobody" started'),
    ],
)
def test_what_cannot_be_drawn_is_said_with_the_way_out(
    tmp_path: Path, arguments: tuple[str, ...], complaint: str
) -> None:
    option, name, *more = arguments
    done = kubesim("plot", str(RECORDED), option, str(tmp_path / name), *more)
    assert done.exit_code == 2
    assert complaint in done.output


def test_one_run_at_a_time_is_exported(tmp_path: Path) -> None:
    done = kubesim("plot", str(RECORDED), str(RECORDED), "-o", str(tmp_path / "out.json"))
    assert done.exit_code == 2
    assert "give one release" in done.output


def test_a_comparison_can_be_drawn(tmp_path: Path) -> None:
    target = tmp_path / "both.svg"
    scenario = str(SCENARIOS / "grace-runs-out.yaml")
    done = kubesim("compare", scenario, "--releases", "1.28,1.29", "--plot", str(target))
    assert done.exit_code == 1
    assert done.output.startswith("On 1.28 proxy is an ordinary init container")
    assert ElementTree.parse(target).getroot().tag.endswith("svg")
    done = kubesim("compare", scenario, "--releases", "1.28,1.29", "--plot", str(tmp_path / "both.gif"))
    assert done.exit_code == 2
    assert "--plot writes png, svg, pdf, html" in done.output
