"""How long a pod stays on a tainted node."""

from __future__ import annotations

from typing import Any

import pytest

from kubesim.controllers.tolerations import AT_ONCE, time_to_stay, tolerates
from kubesim.units import SECOND

GONE = {"key": "gone", "effect": "NoExecute"}
OLD = {"key": "old", "value": "very", "effect": "NoExecute"}


@pytest.mark.parametrize(
    ("taints", "tolerations", "stay"),
    [
        ([], [], None),
        ([{"key": "gone", "effect": "NoSchedule"}], [], None),
        ([GONE], [], AT_ONCE),
        ([GONE], [{"key": "gone", "operator": "Exists"}], None),
        ([GONE], [{"key": "gone", "operator": "Exists", "tolerationSeconds": 300}], 300 * SECOND),
        ([GONE], [{"key": "gone", "operator": "Exists", "tolerationSeconds": -1}], 0),
        ([GONE, OLD], [{"key": "gone", "operator": "Exists", "tolerationSeconds": 300}], AT_ONCE),
        (
            [GONE, OLD],
            [
                {"key": "gone", "operator": "Exists", "tolerationSeconds": 300},
                {"key": "old", "operator": "Exists", "tolerationSeconds": 60},
            ],
            60 * SECOND,
        ),
        (
            [GONE],
            [
                {"key": "gone", "operator": "Exists", "tolerationSeconds": 300},
                {"key": "gone", "operator": "Exists", "tolerationSeconds": 60},
            ],
            300 * SECOND,
        ),
    ],
)
def test_time_to_stay(taints: list[dict[str, Any]], tolerations: list[dict[str, Any]], stay: int | None) -> None:
    """Of each taint the first toleration that fits counts, and of those the shortest."""
    assert time_to_stay(taints, tolerations) == stay


@pytest.mark.parametrize(
    ("toleration", "does"),
    [
        ({"operator": "Exists"}, True),
        ({"key": "old", "operator": "Exists"}, True),
        ({"key": "old", "operator": "Exists", "effect": "NoSchedule"}, False),
        ({"key": "new", "operator": "Exists"}, False),
        ({"key": "old", "value": "very"}, True),
        ({"key": "old", "operator": "Equal", "value": "not"}, False),
        ({"key": "old", "operator": "Gt", "value": "1"}, False),
    ],
)
def test_what_a_toleration_covers(toleration: dict[str, Any], does: bool) -> None:
    assert tolerates(toleration, OLD) is does
