"""One committed write, as a watch would show it."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from kubesim.units import Instant

ADDED: Final = "ADDED"
MODIFIED: Final = "MODIFIED"
DELETED: Final = "DELETED"


class Change(msgspec.Struct, frozen=True):
    """A write the store has committed; ``object`` is the object after it (for DELETED: as it was) and never mutated."""

    at: Instant
    type: str
    kind: str
    namespace: str
    name: str
    uid: str
    resource_version: int
    object: dict[str, Any]
    verb: str
    """``create``, ``update``, ``patch``, ``delete``, ``bind``, ``evict``; ``…/status`` for the status subresource."""
    actor: str
    """Who asked, as the caller named itself: ``user``, ``kubelet``, ``scheduler``, …"""
