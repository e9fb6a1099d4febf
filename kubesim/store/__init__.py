"""What an API server remembers and enforces: a pure state machine over raw objects."""

from __future__ import annotations

from kubesim.store.changes import ADDED, DELETED, MODIFIED, Change
from kubesim.store.deletion import Propagation
from kubesim.store.patch import PatchType
from kubesim.store.replies import Reply
from kubesim.store.store import Store

__all__ = ["ADDED", "DELETED", "MODIFIED", "Change", "PatchType", "Propagation", "Reply", "Store"]
