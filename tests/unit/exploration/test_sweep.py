"""Rows, measures and summaries of a sweep, and the command from its options to its tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

from kubesim.cli import main
from kubesim.errors import ScenarioError
from kubesim.exploration import sweep_journal
from kubesim.exploration.measures import MEASURES, find_measure
from kubesim.exploration.sweep import decode_header, encode_header, read_files
from kubesim.exploration.sweep_journal import Journal, read_results
from kubesim.exploration.sweep_summary import summarise, summary_lines
from kubesim.units import SECOND
from tests.unit.exploration.sweep_pieces import GRACE, header, sweep, written

BOTH = {"set": {"spec.terminationGracePeriodSeconds": "2,30"}, "seeds": 12}


def rows_of(**given: Any) -> list[dict[str, Any]]:
    made = sweep(**given)
    return [made.row(number) for number in range(made.size)]


def invoke(*words: str) -> Result:
    return CliRunner().invoke(main, ["sweep", *words])


def test_rows_are_points_then_releases_then_seeds() -> None:
    made = sweep(set={"spec.terminationGracePeriodSeconds": "2,30"}, releases=("1.30", "1.33"), seeds=2)
    cases = [made.case(number) for number in range(made.size)]
    assert [(case.point, case.release, case.seed) for case in cases] == [
        ((2,), "1.30", 1),
        ((2,), "1.30", 2),
        ((2,), "1.33", 1),
        ((2,), "1.33", 2),
        ((30,), "1.30", 1),
        ((30,), "1.30", 2),
        ((30,), "1.33", 1),
        ((30,), "1.33", 2),
    ]
    apart = sweep(set={"spec.terminationGracePeriodSeconds": "2,30"}, seeds=2, independent=True)
    assert [apart.case(number).seed for number in range(4)] == [1, 2, 3, 4]


def test_a_short_grace_kills_more_often() -> None:
    rows = rows_of(**BOTH)
    killed = {
        grace: sum(row["sigkilled"] for row in rows if row[next(iter(BOTH["set"]))] == grace) for grace in (2, 30)
    }
    assert killed[2] > killed[30] == 0
    assert all(row["time-to-stop"] < 5 for row in rows[:12]), "two seconds of grace, and what follows"


def test_a_row_is_replayed_by_its_header() -> None:
    made = sweep(**BOTH)
    again = type(made)(decode_header(encode_header(made.header)))
    assert again.row(17) == made.row(17)
    assert again.history(17).to_jsonl() == made.history(17).to_jsonl()


def test_a_row_that_fails_is_a_row_with_its_error() -> None:
    rows = rows_of(set={"spec.terminationGracePeriodSeconds": '5,"soon"'})
    assert "error" not in rows[0]
    assert "cannot be handled as a Pod" in rows[1]["error"]
    refused = rows_of(set={"spec.restartPolicy": "Perhaps,Always"})
    assert 'Unsupported value: "Perhaps"' in refused[0]["error"]
    assert [row["row"] for row in refused] == [0, 1]
    broken = rows_of(set={"containers[app].startup": "1s,sometimes"})
    assert "'sometimes' is not a duration" in broken[1]["error"]
    assert broken[1]["error"].startswith("grace.yaml:15:15:"), "the place in the file, from the text in the header"


EVERY = tuple(name for name in MEASURES if name != "guarantee")


def test_every_measure_by_name() -> None:
    (row,) = rows_of(measures=(*EVERY, "guarantee[termination-sigkill-at-grace]", "sigkilled[nobody]", "pods[w*]"))
    assert "error" not in row, row
    assert 0.1 < row["time-to-ready"] < 5.0
    assert 4.0 < row["time-to-stop"] < 13.0
    assert (row["sigkilled"], row["restarts"], row["exit-code"], row["expect"]) == (False, 0, 0, True)
    assert (row["pods"], row["pods[w*]"], row["job-attempts"], row["phase"]) == (1, 1, 0, "Succeeded")
    assert row["events"] >= 4
    assert row["guarantees"] == 0
    assert row["sigkilled[nobody]"] is False


def test_measures_of_jobs() -> None:
    job = """\
apiVersion: batch/v1
kind: Job
metadata: {name: work}
spec:
  backoffLimit: 2
  template:
    spec:
      restartPolicy: Never
      containers: [{name: a, image: "busybox:1.36", command: [sh, -c, "CODE"]}]
"""
    measures = ("job-attempts", "time-to-complete", "exit-code", "phase", "job-attempts[other]")
    (done,) = rows_of(text=job.replace("CODE", "sleep 3"), measures=measures)
    assert done["job-attempts"] == 1
    assert 3 < done["time-to-complete"] < 12
    (failed,) = rows_of(text=job.replace("CODE", "exit 4"), measures=measures)
    assert (failed["job-attempts"], failed["time-to-complete"], failed["exit-code"]) == (3, None, 4)
    assert (failed["phase"], failed["job-attempts[other]"]) == ("Failed", 0)


def test_how_long_a_rollout_takes() -> None:
    deployment = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  minReadySeconds: 4
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: app, image: "app:1"}]}}
"""
    short, long = rows_of(
        text=deployment, measures=("rollout-time",), set={"spec.minReadySeconds": "4,20"}, until=60 * SECOND
    )
    assert 4 < short["rollout-time"] < 7
    assert 20 < long["rollout-time"] < 23
    (never,) = rows_of(text=deployment, measures=("rollout-time",), until=2 * SECOND)
    assert never["rollout-time"] is None


@pytest.mark.parametrize(
    ("kind", "measures"),
    [
        ("Deployment", ["time-to-ready", "rollout-time", "restarts", "sigkilled"]),
        ("ReplicaSet", ["time-to-ready", "restarts", "sigkilled"]),
    ],
)
def test_what_never_ends_is_not_asked_how_long_it_takes_to_its_end(
    tmp_path: Path, kind: str, measures: list[str]
) -> None:
    path = tmp_path / "web.yaml"
    path.write_text(
        f"apiVersion: apps/v1\nkind: {kind}\nmetadata: {{name: web}}\n"
        "spec:\n  selector: {matchLabels: {app: web}}\n"
        "  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: app, image: app}]}}\n"
    )
    result = CliRunner().invoke(main, ["sweep", str(path), "--set", "spec.replicas=1,2", "--engine", "one"])
    assert [line.split()[1] for line in result.stdout.splitlines()[1:5]][: len(measures)] == measures
    assert "never" not in result.stdout


def test_a_function_of_the_users_own_is_a_measure() -> None:
    own = "tests.unit.exploration.sweep_pieces:records_of"
    (row,) = rows_of(measures=(own,))
    assert row[own] == len(sweep().history(0))
    (row,) = rows_of(measures=("tests.unit.exploration.sweep_pieces:nothing_useful",))
    assert "it must be a number, a text, a bool or None" in row["error"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("time-to-redy", 'did you mean "time-to-ready"'),
        ("no.such.module:f", "No module named"),
        ("json:no_such", "has no attribute"),
        ("json:__name__", "is no function"),
        ("expect[first]", "the number of an expectation"),
    ],
)
def test_measures_that_are_none(name: str, said: str) -> None:
    with pytest.raises(ScenarioError, match=said):
        find_measure(name)


def test_the_summary_of_a_variant() -> None:
    found = summarise(header(**BOTH), rows_of(**BOTH), differences=True)
    short, long = (one for one in found.summaries if one.measure == "sigkilled")
    assert short.variant == ("2", "1.36")
    assert short.share is not None
    assert long.share is not None
    assert long.share.low == 0 < long.share.high < short.share.value < short.share.high
    (difference,) = (one for one in found.differences if one.measure == "time-to-stop")
    assert difference.mean is not None
    assert difference.mean.low > 0, "seed by seed, more grace means a longer stop"
    assert len(summary_lines(found)) == 1 + 4 + 2 + 1 + 2


def test_text_measures_are_counted_and_what_never_happened_is_said() -> None:
    rows = [
        {"row": 0, "release": "1.36", "seed": 1, "phase": "Failed", "time-to-ready": None},
        {"row": 1, "release": "1.36", "seed": 2, "phase": "Failed", "time-to-ready": 2.0},
        {"row": 2, "release": "1.36", "seed": 3, "error": "it broke"},
    ]
    found = summarise(header(measures=("phase", "time-to-ready")), rows)
    phase, ready = found.summaries
    assert dict(phase.counts) == {"Failed": 2}
    assert (ready.rows, ready.missing) == (1, 1)
    lines = summary_lines(found)
    assert any("1 (+1 never)" in line for line in lines)
    assert lines[-2:] == ["1 of 3 rows failed:", "  1 x it broke"]


# -- the journal -------------------------------------------------------------------------------------------------------


def line(number: int) -> bytes:
    return msgspec.json.encode({"row": number, "x": "y" * number})


def test_the_journal_goes_on_after_a_line_cut_off(tmp_path: Path) -> None:
    results = tmp_path / "r.jsonl"
    with Journal(results, header()) as journal:
        journal.append([line(4), line(1)])
        journal.append([line(3)])
    part = journal.part
    part.write_bytes(part.read_bytes()[:-3])
    with Journal(results, header()) as journal:
        assert journal.done == {1, 4}
        journal.append([line(0), line(2), line(3)])
        assert [json.loads(row)["row"] for row in journal.lines()] == [0, 1, 2, 3, 4]
        journal.finish()
    assert not part.exists()
    assert results.read_bytes() == b"\n".join([encode_header(header()), *map(line, range(5))]) + b"\n"
    with Journal(results, header()) as journal:
        assert journal.is_finished
        assert list(journal.lines()) == [*map(line, range(5))]


def test_results_of_another_sweep_are_left_alone(tmp_path: Path) -> None:
    results = tmp_path / "r.jsonl"
    Journal(results, header()).close()
    with pytest.raises(ScenarioError, match="differs in seeds; name another file, or use --restart"):
        Journal(results, header(seeds=9))
    results.write_text("something else\n")
    with pytest.raises(ScenarioError, match="not the header of a sweep"):
        Journal(results, header())
    assert sweep_journal.check_header.__doc__


# -- the command -------------------------------------------------------------------------------------------------------


def test_the_command_prints_a_table_and_keeps_rows(tmp_path: Path) -> None:
    results = tmp_path / "r.jsonl"
    words = [written(tmp_path), "--set", "spec.terminationGracePeriodSeconds=2,30", "--seeds", "3", "--engine", "one"]
    result = invoke(*words, "--measure", "sigkilled", "--results", str(results))
    assert result.exit_code == 0, result.output
    assert result.output.splitlines()[0].split()[:3] == ["spec.terminationGracePeriodSeconds", "MEASURE", "ROWS"]
    kept, rows = read_results(results)
    assert [row["row"] for row in rows] == list(range(6))
    assert kept.set == {"spec.terminationGracePeriodSeconds": "2,30"}
    again = invoke(str(results), "-o", "json")
    assert json.loads(again.output)["rows"] == 6
    as_lines = invoke(*words, "--measure", "sigkilled", "-o", "jsonl")
    assert [json.loads(one)["seed"] for one in as_lines.output.splitlines()] == [1, 2, 3, 1, 2, 3]


def test_the_scenario_may_say_what_is_swept(tmp_path: Path) -> None:
    text = GRACE + "  sweep: {set: {spec.terminationGracePeriodSeconds: [2, 30]}, seeds: 2, measures: [sigkilled]}\n"
    result = invoke(written(tmp_path, text), "--engine", "one", "-o", "json")
    assert json.loads(result.output)["rows"] == 4
    fewer = invoke(written(tmp_path, text), "--engine", "one", "--seeds", "1", "-o", "json")
    assert json.loads(fewer.output)["rows"] == 2


def test_a_row_can_be_replayed_from_the_results(tmp_path: Path) -> None:
    results = tmp_path / "r.jsonl"
    invoke(written(tmp_path), "--seeds", "2", "--engine", "one", "--results", str(results))
    (tmp_path / "grace.yaml").unlink()
    replayed = invoke(str(results), "--replay", "1")
    assert json.loads(replayed.output.splitlines()[0])["seed"] == 2
    assert invoke(str(results), "--replay", "9").exit_code == 2


def test_failed_rows_give_exit_status_1(tmp_path: Path) -> None:
    result = invoke(written(tmp_path), "--set", "spec.restartPolicy=Never,Perhaps", "--engine", "one")
    assert result.exit_code == 1
    assert "1 of 2 rows failed:" in result.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "give a scenario"),
        (["--set", "spec.backoffLimit"], "write PATH=VALUES"),
        (["--set", "until=1m", "--set", "until=2m"], "given twice"),
        (["--releases", "1.2"], "1.2"),
        (["--scheduler", "tcp://nowhere:1"], "--scheduler belongs to --engine dask"),
        (["--plot", "x.gif"], "is drawn to files that end in"),
        (["--export", "x.csv"], "files that end in .parquet or .duckdb"),
        (["--set", "spec.nothing=1"], "no field 'nothing'"),
        (["--design", "random"], "--samples N"),
        (["--measure", "guarantee[x]"], 'guarantee "x" is unknown'),
    ],
)
def test_wrong_usage_is_told_before_anything_runs(tmp_path: Path, words: list[str], said: str) -> None:
    result = invoke(*([written(tmp_path), *words] if words else []))
    assert result.exit_code == 2
    assert said in result.output


def test_files_that_actions_name_go_into_the_header(tmp_path: Path) -> None:
    (tmp_path / "more.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: late}\n")
    path = written(tmp_path, GRACE.replace("  expect:", "    - {at: 1s, create: {file: more.yaml}}\n  expect:"))
    files = read_files([path])
    (tmp_path / "more.yaml").unlink()
    made = type(sweep())(header(files=files, measures=("pods",)))
    assert "error" not in made.row(0)
    assert any(key.name == "late" for key in made.history(0).objects())


def test_rows_as_parquet_and_duckdb(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow.parquet")
    duckdb = pytest.importorskip("duckdb")
    words = [written(tmp_path), "--set", "spec.restartPolicy=Perhaps,Never,Always", "--engine", "one"]
    invoke(*words, "--export", str(tmp_path / "r.parquet"))
    table = pyarrow.read_table(tmp_path / "r.parquet")
    assert table.column("spec.restartPolicy").to_pylist() == ["Perhaps", "Never", "Always"]
    assert table.column("error").to_pylist()[1:] == [None, None]
    assert decode_header(table.schema.metadata[b"kubesim.sweep"]).scenario == "grace"
    invoke(*words, "--export", str(tmp_path / "r.duckdb"))
    with duckdb.connect(str(tmp_path / "r.duckdb")) as connection:
        assert connection.execute("select count(*) from rows where error is null").fetchone() == (2,)


@pytest.mark.parametrize(
    "words",
    [
        ["--set", "spec.terminationGracePeriodSeconds=2,30"],
        ["--set", "spec.terminationGracePeriodSeconds=1..30", "--design", "latin-hypercube", "--samples", "5"],
        [],
    ],
)
def test_the_picture(tmp_path: Path, words: list[str]) -> None:
    picture = tmp_path / "p.svg"
    result = invoke(written(tmp_path), *words, "--seeds", "3", "--engine", "one", "--plot", str(picture))
    assert result.exit_code == 0, result.output
    assert picture.read_text().startswith("<?xml")
