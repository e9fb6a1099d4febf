"""One complaint of validation: which field, what class of fault, and the text the API server prints.

Source: apimachinery ``util/validation/field/errors.go``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

REQUIRED: Final = "FieldValueRequired"
INVALID: Final = "FieldValueInvalid"
NOT_SUPPORTED: Final = "FieldValueNotSupported"
FORBIDDEN: Final = "FieldValueForbidden"
DUPLICATE: Final = "FieldValueDuplicate"
TOO_LONG: Final = "FieldValueTooLong"
TOO_MANY: Final = "FieldValueTooMany"
NOT_FOUND: Final = "FieldValueNotFound"

_CLASS: Final = {
    REQUIRED: "Required value",
    INVALID: "Invalid value",
    NOT_SUPPORTED: "Unsupported value",
    FORBIDDEN: "Forbidden",
    DUPLICATE: "Duplicate value",
    TOO_LONG: "Too long",
    TOO_MANY: "Too many",
    NOT_FOUND: "Not found",
}


@dataclass(frozen=True, slots=True)
class FieldError:
    """One cause of a 422. ``shown`` is the offending value as printed, empty where the class prints none."""

    type: str
    field: str
    detail: str = ""
    shown: str = ""

    @property
    def body(self) -> str:
        """The text after the field's path."""
        return ": ".join(part for part in (_CLASS[self.type], self.shown, self.detail) if part)

    @property
    def text(self) -> str:
        return f"{self.field}: {self.body}"


def shown(value: Any) -> str:
    """A scalar as Go prints it in an error: texts in quotes."""
    return json.dumps(value, ensure_ascii=False)


def required(field: str, detail: str = "") -> FieldError:
    return FieldError(REQUIRED, field, detail)


def forbidden(field: str, detail: str) -> FieldError:
    return FieldError(FORBIDDEN, field, detail)


def invalid(field: str, value: Any, detail: str) -> FieldError:
    return FieldError(INVALID, field, detail, shown(value))


def duplicate(field: str, value: Any) -> FieldError:
    return FieldError(DUPLICATE, field, "", shown(value))


def not_found(field: str, value: Any) -> FieldError:
    return FieldError(NOT_FOUND, field, "", shown(value))


def not_supported(field: str, value: Any, supported: Iterable[str]) -> FieldError:
    """A value outside a set; the supported ones in the order given."""
    values = ", ".join(shown(choice) for choice in supported)
    return FieldError(NOT_SUPPORTED, field, f"supported values: {values}", shown(value))


def too_many(field: str, count: int, limit: int) -> FieldError:
    return FieldError(TOO_MANY, field, f"must have at most {limit} items", shown(count))


def each(field: str, value: Any, complaints: Iterable[str]) -> list[FieldError]:
    """One invalid-value error for each complaint about one value."""
    return [invalid(field, value, complaint) for complaint in complaints]
