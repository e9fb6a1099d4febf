"""kubectl's dialect. Scalars and keys were asked of kubectl 1.32: ``kubectl annotate --local -f FILE -o json``."""

from __future__ import annotations

import io
from typing import Any

import pytest

from kubesim.errors import ScenarioError
from kubesim.objects.yaml import Document, field_text, load_documents

HEAD = "apiVersion: v1\nkind: Thing\n"


def load(text: str) -> list[Document]:
    return load_documents(io.StringIO(text))


def only(text: str) -> Any:
    (document,) = load(HEAD + text)
    return document.raw


SCALARS = [
    ("y", True),
    ("Y", True),
    ("yes", True),
    ("on", True),
    ("oN", "oN"),
    ("tRue", "tRue"),
    ("n", False),
    ("off", False),
    ("NO", False),
    ('"yes"', "yes"),
    ("'12'", "12"),
    ("~", None),
    ("Null", None),
    ("nULL", "nULL"),
    ("0777", 511),
    ("0o17", 15),
    ("0O7", 7),
    ("0o8", "0o8"),
    ("08", 8),
    ("00", 0),
    ("0x1F", 31),
    ("0x", "0x"),
    ("0x_1", 1),
    ("0b11", 3),
    ("-0b11", -3),
    ("0b2", "0b2"),
    ("1_000", 1000),
    ("1_", 1),
    ("_1", "_1"),
    ("-_1", -1),
    ("-0o7", -7),
    ("+12", 12),
    ("+-1", "+-1"),
    ("1.0", 1),
    ("1e3", 1000),
    ("1.e3", 1000),
    (".e3", ".e3"),
    (".5_0", 0.5),
    ("+.5e1", 5),
    ("1e", "1e"),
    ("1e400", "1e400"),
    ("0x1p3", "0x1p3"),
    ("1e-7", 1e-7),
    ("1e20", 1e20),
    ("1e21", 1e21),
    ("9223372036854775807", 2**63 - 1),
    ("9223372036854775808", 2.0**63),
    ("1:30", "1:30"),
    ("2001-01-01", "2001-01-01"),
    ("2001-01-01T00:00:00Z", "2001-01-01T00:00:00Z"),
    ("1-2", "1-2"),
    ("!!str 12", "12"),
    ('!!int "3"', 3),
    ("!!bool on", True),
    ("!!timestamp 2001-01-01", "2001-01-01"),
    ("!!binary aGVsbG8=", "hello"),
    ("!foo 12", "12"),
    (">-\n  a\n  b", "a b"),
]


@pytest.mark.parametrize(("written", "meant"), SCALARS, ids=[written for written, _ in SCALARS])
def test_a_scalar_means_what_kubectl_takes_it_for(written: str, meant: object) -> None:
    value = only(f"d: {written}\n")["d"]
    assert (value, type(value)) == (meant, type(meant))


KEYS = [
    ("1", "1"),
    ("0x10", "16"),
    ("0777", "511"),
    ("1.10", "1.1"),
    ("2.50", "2.5"),
    (".5", "0.5"),
    ("1e3", "1000"),
    ("100000.5", "100000.5"),
    ("1e6", "1e+06"),
    ("123456789.5", "1.2345679e+08"),
    ("16777217.5", "1.6777218e+07"),
    ("0.0001", "0.0001"),
    ("1e-5", "1e-05"),
    ("1e-50", "0"),
    ("1e40", ".inf"),
    ("yes", "true"),
    ("N", "false"),
    ('"yes"', "yes"),
    ("2001-01-01", "2001-01-01"),
    ("!!str 1", "1"),
    ("!!float 4", "4"),
]


@pytest.mark.parametrize(("written", "key"), KEYS, ids=[written for written, _ in KEYS])
def test_a_key_becomes_text_as_in_json(written: str, key: str) -> None:
    assert only(f"d: {{{written}: 1}}\n")["d"] == {key: 1}


def test_merged_fields_are_set_where_the_merge_key_stands() -> None:
    text = "b: &b {a: 1, c: 5}\nd: {<<: *b, a: 2}\ne: {a: 3, <<: [*b, {a: 7, z: 1}]}\nf: {<<: *b, <<: {q: 1}}\n"
    raw = only(text + 'g: {"<<": 1}\n')
    assert raw["d"] == {"a": 2, "c": 5}
    assert raw["e"] == {"a": 1, "c": 5, "z": 1}
    assert raw["f"] == {"a": 1, "c": 5, "q": 1}
    assert raw["g"] == {"<<": 1}


def test_aliased_values_are_not_shared() -> None:
    raw = only("a: &a {x: 1}\nb: *a\n")
    raw["a"]["x"] = 2
    assert raw["b"] == {"x": 1}


def test_documents_come_in_order_and_empty_ones_are_passed_over() -> None:
    text = "\ufeff\n---\n# nothing\n---\n" + HEAD + "metadata: {name: one}\n---\n---\n" + HEAD + "...\n"
    assert [document.name for document in load(text)] == ["one", ""]
    assert load("") == []


def test_lists_are_taken_apart_and_their_items_keep_their_places() -> None:
    text = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: PodList\n  items:\n  - metadata: {name: x}\n"
    (document,) = load(text)
    assert document.raw == {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}}
    assert document.position(("metadata", "name")) == (7, 22)
    assert load("apiVersion: v1\nkind: List\n") == []


def test_json_objects_may_follow_each_other() -> None:
    first = '{"apiVersion":"v1","kind":"F","c":"\\ud83d\\ude00 \\/","d":1.0}'
    documents = load(first + '\n  {"apiVersion":"v1","kind":"F",\n"metadata":{"name":"z"}}')
    assert documents[0].raw == {"apiVersion": "v1", "kind": "F", "c": "😀 /", "d": 1}
    assert type(documents[0].raw["d"]) is int
    assert documents[1].position(("kind",)) == (2, 29)
    assert documents[1].position(("metadata", "name")) == (3, 20)


def test_flow_style_yaml_is_no_json_but_is_read() -> None:
    assert load("{apiVersion: v1, kind: F}")[0].kind == "F"


def test_positions_of_values_and_keys() -> None:
    (document,) = load(HEAD + "base: &b\n  deep: 1\nspec:\n  list:\n  - a: x\n    1.10: y\n  <<: *b\n")
    assert document.position(("spec", "list", 0, "a")) == (7, 8)
    assert document.position(("spec", "list"), at_key=True) == (6, 3)
    assert document.position(("spec", "list", 0, "1.1")) == (8, 11)
    assert document.position(("spec", "deep")) == (4, 9)
    assert document.position(("spec", "list", 7, "nothing")) == (7, 3)
    error = document.error("no", ("spec", "list", 0, "a"))
    assert str(error) == "<stream>:7:8: spec.list[0].a: no"


def test_field_text_brackets_keys_with_dots() -> None:
    assert field_text(("metadata", "labels", "a.b/c", 0)) == "metadata.labels[a.b/c][0]"


BROKEN = [
    ("a: 1\n\tb: 2\n", (2, 1), "spaces, not with tabs"),
    ("a: 1\nb: 2\na: 3\n", (3, 1), 'mapping key "a" already defined at line 1'),
    ('{"apiVersion": "v1",\n "a": 1, "a": 2}', (2, 10), 'mapping key "a" already defined at line 2'),
    ("- a", (1, 1), "this one is a list"),
    ("foo", (1, 1), "this one is text"),
    ("kind: A", (1, 1), "Object 'apiVersion' is missing"),
    ("apiVersion: v1\nspec:\n  x: 1", (1, 1), "Object 'Kind' is missing"),
    ("apiVersion: v1\nkind: 3", (2, 7), "must be text"),
    ("apiVersion: v1\nkind: List\nitems: 3", (3, 8), "must be a list"),
    ("apiVersion: v1\nkind: List\nitems: [3]", (3, 9), "this one is a number"),
    ("a: [", (2, 1), "not YAML"),
    ("a: *x", (1, 4), "undefined alias"),
    ("a: &a [*a]", (1, 4), "contains itself"),
    ("a: &x 1\nb: &x 2", (2, 4), "its own name"),
    ("a: {[a]: 1}", (1, 5), "cannot be a key"),
    ("a: .inf", (1, 4), "finite number"),
    ("a: {~: 1}", (1, 5), "unsupported map key null"),
    ("a: !!int foo", (1, 4), "cannot decode `foo` as a !!int"),
    ("a: !!binary '%'", (1, 4), "base64"),
    ("d: {<<: 3}", (1, 9), "map merge requires"),
]


@pytest.mark.parametrize(("text", "place", "message"), BROKEN, ids=[text for text, _, _ in BROKEN])
def test_what_is_wrong_is_refused_with_its_place(text: str, place: tuple[int, int], message: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        load(text + "\n")
    assert (caught.value.line, caught.value.column) == place
    assert message in str(caught.value)


def test_an_alias_bomb_is_refused() -> None:
    lines = ["a0: &a0 [1,1,1,1,1,1,1,1,1,1]"]
    lines += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(ScenarioError, match="excessive aliasing"):
        load("\n".join(lines))


def test_files(tmp_path: Any) -> None:
    file = tmp_path / "pod.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + HEAD.encode())
    assert load_documents(file)[0].source.path == str(file)
    file.write_bytes(HEAD.encode("utf-16"))
    assert load_documents(str(file))[0].kind == "Thing"
    file.write_bytes(HEAD.encode() + b"a: \xff")
    with pytest.raises(ScenarioError, match="not UTF-8") as caught:
        load_documents(file)
    assert caught.value.line == 3
    with pytest.raises(ScenarioError, match="cannot read the file"):
        load_documents(tmp_path / "missing.yaml")


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(HEAD.encode())))
    (document,) = load_documents("-")
    assert document.source.path == "STDIN"
