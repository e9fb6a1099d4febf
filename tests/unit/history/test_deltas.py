"""Merge patches: RFC 7386, and what we make of it for objects of the API."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubesim.history.deltas import apply_patch, make_patch

SCALARS = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "a", "b"])
NAMES = st.sampled_from(["a", "b", "c"])
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner), max_leaves=8)
OBJECTS = st.dictionaries(NAMES, VALUES)

RFC_CASES: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]
"""The examples of RFC 7386, appendix A, whose documents are objects."""


@pytest.mark.parametrize(("before", "patch", "after"), RFC_CASES)
def test_patches_apply_as_the_rfc_says(before: dict[str, Any], patch: dict[str, Any], after: dict[str, Any]) -> None:
    assert apply_patch(before, patch) == after


def without_nulls(value: Any) -> Any:
    """Nulls outside lists gone, as the API reads an object."""
    if not isinstance(value, dict):
        return value
    return {key: without_nulls(inner) for key, inner in value.items() if inner is not None}


@given(OBJECTS, OBJECTS)
def test_a_patch_made_leads_from_one_to_the_other(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert without_nulls(apply_patch(before, make_patch(before, after))) == without_nulls(after)


@given(OBJECTS)
def test_no_change_makes_no_patch(value: dict[str, Any]) -> None:
    assert make_patch(value, value) == {}


def test_true_is_not_one() -> None:
    assert make_patch({"a": 1}, {"a": True}) == {"a": True}


def test_applying_changes_nothing_that_went_in() -> None:
    before = {"a": {"b": 1}}
    apply_patch(before, {"a": {"b": 2}})
    assert before == {"a": {"b": 1}}
