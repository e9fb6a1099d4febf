"""Names made by machines: uids and container ids, the same for the same run."""

from __future__ import annotations

import hashlib
import uuid


def identifier(*parts: object) -> str:
    """A container id of 64 hex digits."""
    return hashlib.sha256("/".join(str(part) for part in parts).encode()).hexdigest()


def object_uid(*parts: object) -> str:
    """An object's uid in the form of a UUID."""
    return str(uuid.UUID(identifier(*parts)[:32]))
