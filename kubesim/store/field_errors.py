"""One complaint of validation: which field, what class of fault, and the text the API server prints.

Source: apimachinery ``util/validation/field/errors.go``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

REQUIRED: Final = "FieldValueRequired"
INVALID: Final = "FieldValueInvalid"
NOT_SUPPORTED: Final = "FieldValueNotSupported"
FORBIDDEN: Final = "FieldValueForbidden"
DUPLICATE: Final = "FieldValueDuplicate"
TOO_LONG: Final = "FieldValueTooLong"
TOO_MANY: Final = "FieldValueTooMany"
NOT_FOUND: Final = "FieldValueNotFound"
TYPE_INVALID: Final = "FieldValueTypeInvalid"

_CLASS: Final = {
    REQUIRED: "Required value",
    INVALID: "Invalid value",
    NOT_SUPPORTED: "Unsupported value",
    FORBIDDEN: "Forbidden",
    DUPLICATE: "Duplicate value",
    TOO_LONG: "Too long",
    TOO_MANY: "Too many",
    NOT_FOUND: "Not found",
    TYPE_INVALID: "Invalid value",
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
