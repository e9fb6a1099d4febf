"""Uids and generated names: no chance involved, so that equal runs give equal names."""

from __future__ import annotations

import hashlib
from typing import Any, Final

from kubesim.objects.status import render_time
from kubesim.units import Instant

_LETTERS: Final = "bcdfghjklmnpqrstvwxz2456789"

SET_BY_THE_SERVER: Final = frozenset(
    (
        *("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "resourceVersion"),
        *("generation", "selfLink", "managedFields"),
    )
)
"""Metadata that a client cannot choose."""


def uid_of(text: str) -> str:
    """A uid in the form of a random one, the same for the same text."""
    digest = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-a{digest[17:20]}-{digest[20:]}"


def name_suffix(uid: str) -> str:
    """The five letters a generateName gets. Source: apiserver ``storage/names/generate.go`` (letters and length)."""
    digest = hashlib.blake2b(uid.encode(), digest_size=5).digest()
    return "".join(_LETTERS[byte % len(_LETTERS)] for byte in digest)


def identified(metadata: dict[str, Any], uid: str, namespace: str | None, now: Instant) -> dict[str, Any]:
    """The metadata of a new object with its uid: name from generateName, namespace (None: it has none), creation time.

    What only the server may set is not taken over.
    """
    named = {key: value for key, value in metadata.items() if key not in SET_BY_THE_SERVER}
    if not named.get("name") and named.get("generateName"):
        named["name"] = named["generateName"] + name_suffix(uid)
    named.pop("namespace", None)
    if namespace is not None:
        named["namespace"] = namespace
    return {**named, "uid": uid, "creationTimestamp": render_time(now)}
