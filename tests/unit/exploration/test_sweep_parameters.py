"""What a sweep can set, to what, and in which combinations."""

from __future__ import annotations

from typing import Any

import pytest

from kubesim.errors import ScenarioError
from kubesim.exploration.design import Design, make_design
from kubesim.exploration.sweep_paths import parse_path, with_value
from kubesim.exploration.sweep_values import Range, Values, parse_values
from kubesim.objects.yaml import Document, Source, documents_of
from tests.unit.exploration.sweep_pieces import GRACE


def documents(text: str = GRACE) -> list[Document]:
    return documents_of(Source("grace.yaml", text))


def after(path: str, value: Any, text: str = GRACE) -> list[dict[str, Any]]:
    return [document.raw for document in with_value(documents(text), parse_path(path), value)]


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("5,10,30", (5, 10, 30)),
        ('"1.29", 1.5, true', ("1.29", 1.5, True)),
        ("lognormal(2s,0.5),3s", ("lognormal(2s,0.5)", "3s")),
        ("{cpu: 1, memory: 2Gi},[a,b]", ({"cpu": 1, "memory": "2Gi"}, ["a", "b"])),
        ("10..60/25", (10, 35, 60)),
        ("1s..2s/500ms,10s", ("1s", "1.5s", "2s", "10s")),
        ("0.1..0.3/0.1", (0.1, 0.2, 0.3)),
        ([1, "x"], (1, "x")),
        (7, (7,)),
    ],
)
def test_values(text: Any, items: tuple[Any, ...]) -> None:
    assert parse_values(text, "p") == Values(items)


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("5..7", [5, 5, 7]),
        ("1s..3s", ["1s", "2s", "2.98s"]),
        ("0.5..1.5", [0.5, 1.0, 1.49]),
    ],
)
def test_a_range_covers_everything_between_its_ends(text: str, ends: list[Any]) -> None:
    found = parse_values(text, "p")
    assert isinstance(found, Range)
    shares = [0.0, 0.3, 0.99] if text == "5..7" else [0.0, 0.5, 0.99]
    assert [found.at(share) for share in shares] == ends


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("9..5", "ends before it begins; write 5..9"),
        ("5..9/0", "the step must be more than 0"),
        ("1,5..9", "has no step"),
        ("a..b", "no range of numbers or of durations"),
        ("1,,2", "has an empty value"),
        ("{a", "no YAML value"),
        ([], "has no values"),
    ],
)
def test_wrong_values_say_the_way_out(text: Any, said: str) -> None:
    with pytest.raises(ScenarioError, match=r"^p: ") as caught:
        parse_values(text, "p")
    assert said in str(caught.value)


def test_a_field_of_the_manifest() -> None:
    pod, scenario = after("spec.terminationGracePeriodSeconds", 3)
    assert pod["spec"]["terminationGracePeriodSeconds"] == 3
    assert scenario == documents()[1].raw
    assert documents()[0].raw["spec"]["terminationGracePeriodSeconds"] == 10, "what was read stays as it is"


def test_items_are_chosen_by_name_number_and_pattern() -> None:
    for key in ("app", "0", "*", "a*"):
        assert after(f"spec.containers[{key}].image", "other")[0]["spec"]["containers"][0]["image"] == "other"
    assert after('metadata.labels["app.kubernetes.io/name"]', "x")[0]["metadata"]["labels"] == {
        "app.kubernetes.io/name": "x"
    }


def test_what_is_not_there_yet_is_made() -> None:
    container = after("spec.containers[app].resources.limits.memory", "1Gi")[0]["spec"]["containers"][0]
    assert container["resources"] == {"limits": {"memory": "1Gi"}}


def test_parts_of_the_scenario() -> None:
    assert after("cluster.featureGates.SidecarContainers", True)[1]["spec"]["cluster"] == {
        "featureGates": {"SidecarContainers": True}
    }
    assert after("actions[0].at", "9s")[1]["spec"]["actions"][0]["at"] == "9s"
    script = after("containers[app].onSignal.TERM.after", "1s")[1]["spec"]["containers"][0]["script"]
    assert script["onSignal"]["TERM"] == {"after": "1s", "exit": 0}
    assert script["startup"] == "1s"
    timing = GRACE.replace("  containers:\n    - match", "  cluster: {timing: loaded}\n  containers:\n    - match")
    assert after("cluster.timing.settings.watch", "1ms", timing)[1]["spec"]["cluster"]["timing"] == {
        "profile": "loaded",
        "settings": {"watch": "1ms"},
    }


def test_a_scenario_and_a_script_are_made_where_there_are_none() -> None:
    only_pod = GRACE.partition("---")[0]
    added = after("containers[app].lasts", "3s", only_pod)[1]
    assert added["spec"] == {"containers": [{"match": {"container": "app"}, "script": {"lasts": "3s"}}]}


JOBS = """\
apiVersion: batch/v1
kind: Job
metadata: {name: one}
spec: {template: {spec: {containers: [{name: a, image: a}]}}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: two}
spec: {template: {spec: {containers: [{name: a, image: a}]}}}
"""


def test_all_objects_that_have_the_field_or_those_that_are_named() -> None:
    both = after("spec.backoffLimit", 1, JOBS)
    assert [job["spec"].get("backoffLimit") for job in both] == [1, 1]
    second = after("Job/two:spec.backoffLimit", 1, JOBS)
    assert [job["spec"].get("backoffLimit") for job in second] == [None, 1]


@pytest.mark.parametrize(
    ("path", "text", "said"),
    [
        ("spec.terminationGracePeriodSecond", GRACE, 'did you mean "terminationGracePeriodSeconds"'),
        ("spec.terminationGracePeriodSeconds", JOBS, 'did you mean "spec.template.spec.'),
        ("spec.containers[nope].image", GRACE, "no item [nope]; there is app"),
        ("spec.containers.image", GRACE, "choose an item by name or number"),
        ("actions[4].at", GRACE, "no item [4]"),
        ("Job:spec.backoffLimit", GRACE, "no object of that kind and name; there is Pod/web"),
        ("replicas", GRACE, "nothing that can be set"),
        ("containers.startup", GRACE, "write containers[NAME].FIELD"),
        ("spec..x", GRACE, "no path"),
    ],
)
def test_a_path_that_leads_nowhere_says_why(path: str, text: str, said: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        after(path, 1, text)
    assert said in str(caught.value)


def test_a_grid_has_every_value_with_every_other() -> None:
    design = make_design(["a", "b"], [Values((1, 2)), Values(("x", "y", "z"))], "grid", None, 0)
    points = [design.point(number) for number in range(design.size)]
    assert points == [(1, "x"), (1, "y"), (1, "z"), (2, "x"), (2, "y"), (2, "z")]
    assert make_design([], [], "grid", None, 0).size == 1


def test_a_latin_hypercube_uses_each_stratum_of_each_parameter_once() -> None:
    design = Design((Range("decimal", 0, 1), Range("decimal", 10, 20)), "latin-hypercube", 20, seed=3)
    points = [design.point(number) for number in range(20)]
    assert sorted(int(20 * a) for a, _ in points) == list(range(20))
    assert sorted(int(2 * (b - 10)) for _, b in points) == list(range(20))
    assert [a for a, _ in points] != sorted(a for a, _ in points)


def test_random_points_depend_on_seed_and_number_alone() -> None:
    first = Design((Range("integer", 1, 6),), "random", 1000, seed=1)
    values = [first.point(number)[0] for number in range(1000)]
    assert set(values) == {1, 2, 3, 4, 5, 6}
    assert values == [first.point(number)[0] for number in range(1000)]
    other = Design((Range("integer", 1, 6),), "random", 1000, seed=2)
    assert values != [other.point(number)[0] for number in range(1000)]


@pytest.mark.parametrize(
    ("values", "kind", "samples", "said"),
    [
        ([Range("integer", 1, 5)], "grid", None, "give the range a step"),
        ([Values((1,))], "grid", 5, "samples belong to the designs"),
        ([Values((1,))], "random", None, "--samples N"),
        ([], "latin-hypercube", 3, "nothing to vary"),
    ],
)
def test_designs_that_cannot_be(values: list[Any], kind: str, samples: int | None, said: str) -> None:
    with pytest.raises(ScenarioError, match=said):
        make_design(["p"] * len(values), values, kind, samples, 0)
