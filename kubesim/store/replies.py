"""What the API server answers: status code, reason, message, and the lines kubectl makes of it.

Source: apimachinery ``api/errors`` (texts and codes), kubectl ``cmd/util/helpers.go`` (C-10, section 4.2 of the
control-plane rules); checked against the recorded ``errors`` and ``actions``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from kubesim.store.field_errors import FieldError
from kubesim.store.kinds import Kind

if TYPE_CHECKING:
    from kubesim.store.disabled_fields import Dropped
    from kubesim.store.webhooks_chain import Pending


class Reply(msgspec.Struct, frozen=True):
    """The answer to one request; ``code`` below 300 means it was carried out."""

    code: int
    reason: str = ""
    message: str = ""
    object: dict[str, Any] | None = None
    """The object after the request; never mutated. None when refused."""
    warnings: tuple[str, ...] = ()
    """Texts of the ``Warning`` headers, without quotes; kubectl prints each behind ``Warning: ``."""
    kubectl: str = ""
    """What kubectl prints for the request; a create is taken as ``kubectl create -f -``."""
    errors: tuple[FieldError, ...] = ()
    """The causes of a 422, in the server's order."""
    dropped: tuple[Dropped, ...] = ()
    """Fields of a new object that are not stored because their gate is off; no client hears of them."""
    causes: tuple[str, ...] = ()
    """What stands behind the message in the details of a refusal, and kubectl does not print."""
    pending: Pending | None = None
    """No answer yet: the webhooks that have to be called first, and how the request goes on then."""

    @property
    def ok(self) -> bool:
        return self.pending is None and self.code < 300


def done(
    code: int,
    obj: dict[str, Any] | None,
    kubectl: str = "",
    warnings: Sequence[str] = (),
    dropped: tuple[Dropped, ...] = (),
) -> Reply:
    """The answer to a request that was carried out."""
    return Reply(code, object=obj, kubectl=kubectl, warnings=tuple(warnings), dropped=dropped)


def bad_request(message: str, during: str = "") -> Reply:
    """400: the body cannot be read (C-10). ``during`` is kubectl's clause, see :func:`creating`."""
    return failed(400, "BadRequest", message, during)


def not_found(kind: Kind, name: str, during: str = "") -> Reply:
    """404: no such object."""
    return failed(404, "NotFound", f'{kind.resource} "{name}" not found', during)


def no_such_resource() -> Reply:
    """404: a subresource that nobody serves."""
    return failed(404, "NotFound", "the server could not find the requested resource")


def already_exists(kind: Kind, name: str, during: str = "") -> Reply:
    """409: the name is taken."""
    return failed(409, "AlreadyExists", f'{kind.resource} "{name}" already exists', during)


def conflict(resource: str, name: str, because: str, during: str = "") -> Reply:
    """409: the object is not as the request supposes."""
    message = f'Operation cannot be fulfilled on {resource} "{name}": {because}'
    return failed(409, "Conflict", message, during)


def forbidden(kind: Kind, name: str, because: str, during: str = "") -> Reply:
    """403: an admission plugin refuses."""
    return failed(403, "Forbidden", f'{kind.resource} "{name}" is forbidden: {because}', during)


def unprocessable(message: str, during: str = "") -> Reply:
    """422 without causes: a patch that does not apply."""
    return failed(422, "Invalid", message, during)


def invalid(kind: Kind, name: str, errors: Sequence[FieldError], warnings: Sequence[str] = ()) -> Reply:
    """422: validation failed. Equal texts are said once; several stand in brackets, kubectl lists them."""
    texts = list(dict.fromkeys(error.text for error in errors))
    joined = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    shown = texts[0] if len(texts) == 1 else "\n* " + "\n* ".join(texts)
    return Reply(
        422,
        "Invalid",
        f'{kind.qualified} "{name}" is invalid: {joined}',
        warnings=tuple(warnings),
        kubectl=f'The {kind.name} "{name}" is invalid: {shown}',
        errors=tuple(errors),
    )


def other_uid(kind: Kind, obj: dict[str, Any], uid: str | None) -> Reply | None:
    """The refusal of a write meant for an earlier object of the same name; None when it fits or names no uid."""
    stored = obj["metadata"]["uid"]
    if uid is None or uid == stored:
        return None
    because = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {stored}"
    return conflict(kind.resource, obj["metadata"]["name"], because)


def no_such_kind(raw: dict[str, Any]) -> Reply:
    """404: a kind nobody serves; kubectl finds out before it sends anything."""
    metadata = raw.get("metadata") or {}
    message = (
        f'resource mapping not found for name: "{metadata.get("name", "")}" namespace: '
        f'"{metadata.get("namespace", "")}" from "STDIN": no matches for kind "{raw.get("kind", "")}" in version '
        f'"{raw.get("apiVersion", "")}"\nensure CRDs are installed first'
    )
    return Reply(404, "NotFound", "the server could not find the requested resource", kubectl=f"error: {message}")


def creating(source: str = "STDIN") -> str:
    """kubectl's clause in the message of a failed create."""
    return f'error when creating "{source}": '


def failed(code: int, reason: str, message: str, during: str = "") -> Reply:
    """A refusal, and kubectl's line of it. Source: kubectl ``cmd/util/helpers.go``: StandardErrorMessage."""
    behind = f" ({reason})" if reason else ""
    return Reply(code, reason, message, kubectl=f"Error from server{behind}: {during}{message}")


def waiting(pending: Pending) -> Reply:
    """No answer yet: webhooks have to be called first."""
    return Reply(102, pending=pending)
