"""Resource quantities ("100m", "1Gi", "1e3"): exact values, and the text the API server stores.

Source: ``k8s.io/apimachinery/pkg/api/resource`` (``ParseQuantity``, ``CanonicalizeBytes``) and the reference page
"Quantity" of the Kubernetes API.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from typing import Final


class Format(Enum):
    """Which family of suffixes a quantity was written in; the stored text keeps to it."""

    DECIMAL_SI = "DecimalSI"
    DECIMAL_EXPONENT = "DecimalExponent"
    BINARY_SI = "BinarySI"


@dataclass(frozen=True, slots=True)
class Quantity:
    """An amount in nano-units, the finest that Kubernetes keeps, beside the text the API server stores for it."""

    nanos: int
    format: Format
    text: str

    def value(self) -> int:
        """Whole units, rounded away from zero, as ``Quantity.Value``: 1500m is 2."""
        return _rounded_up(self.nanos, _NANOS)

    def milli_value(self) -> int:
        """Thousandths, rounded away from zero, as ``Quantity.MilliValue``: 1500m is 1500."""
        return _rounded_up(self.nanos, _NANOS // 1000)

    def __str__(self) -> str:
        return self.text


FORMAT_WRONG: Final = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
SUFFIX_WRONG: Final = "unable to parse quantity's suffix"

_NANOS: Final = 10**9
_LARGEST: Final = 2**63 - 1
_MOST_DIGITS: Final = 1000
"""More digits than any amount has: what is written with more is not worked out digit by digit."""

_DECIMAL_SUFFIXES: Final = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY_SUFFIXES: Final = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_SUFFIX_OF_DECIMAL: Final = {exponent: suffix for suffix, exponent in _DECIMAL_SUFFIXES.items()}
_SUFFIX_OF_BINARY: Final = {exponent: suffix for suffix, exponent in _BINARY_SUFFIXES.items()}
_QUANTITY: Final = re.compile(r"([+-]?)0*([0-9]*)(?:\.([0-9]*))?([eEinumkKMGTP]*[-+]?[0-9]*)", re.ASCII)
_EXPONENT: Final = re.compile(r"[eE]([-+]?[0-9]+)", re.ASCII)


def parse_quantity(written: str | int | float) -> Quantity:
    """The quantity of a manifest's value; a JSON number counts as its text.

    Finer than a nano-unit is rounded up, "so that who asks for a little gets a little".
    Raises ValueError in the API server's own words (``FORMAT_WRONG``, ``SUFFIX_WRONG``).
    """
    text = str(written).strip()
    match = _QUANTITY.fullmatch(text)
    if not text or match is None:
        raise ValueError(FORMAT_WRONG)
    sign, whole, fraction, suffix = match[1], match[2] or "0", match[3] or "", match[4]
    format_, exponent = _interpret(suffix)
    if abs(exponent) > _MOST_DIGITS or len(whole) > _MOST_DIGITS or len(fraction) > _MOST_DIGITS:
        return _beyond_counting(sign, whole, fraction, exponent, format_)
    scale = Fraction(2) ** exponent if format_ is Format.BINARY_SI else Fraction(10) ** exponent
    magnitude = Fraction(int(whole + fraction), 10 ** len(fraction)) * scale
    if format_ is Format.BINARY_SI:
        magnitude = min(magnitude, Fraction(_LARGEST))
    nanos = math.ceil(magnitude * _NANOS) * (-1 if sign == "-" else 1)
    if _is_kept_as_written(format_, exponent, whole, fraction):
        return Quantity(nanos, format_, text)
    if format_ is Format.BINARY_SI and 0 < nanos < _NANOS:
        format_ = Format.DECIMAL_SI
    return Quantity(nanos, format_, canonical_text(nanos, format_))


def _beyond_counting(sign: str, whole: str, fraction: str, exponent: int, format_: Format) -> Quantity:
    """What is larger than an amount can be is the largest amount, what is smaller than a nano-unit is one (or 0)."""
    if not (whole + fraction).strip("0"):
        return Quantity(0, format_, "0")
    is_large = exponent > 0 if abs(exponent) > _MOST_DIGITS else len(whole) > _MOST_DIGITS
    nanos = (_LARGEST * _NANOS if is_large else 1) * (-1 if sign == "-" else 1)
    return Quantity(nanos, format_, canonical_text(nanos, format_))


def _interpret(suffix: str) -> tuple[Format, int]:
    if suffix in _DECIMAL_SUFFIXES:
        return Format.DECIMAL_SI, _DECIMAL_SUFFIXES[suffix]
    if suffix in _BINARY_SUFFIXES:
        return Format.BINARY_SI, _BINARY_SUFFIXES[suffix]
    if exponent := _EXPONENT.fullmatch(suffix):
        return Format.DECIMAL_EXPONENT, int(exponent[1])
    raise ValueError(SUFFIX_WRONG)


def _is_kept_as_written(format_: Format, exponent: int, whole: str, fraction: str) -> bool:
    """Whether the API server keeps the user's spelling: when it takes it for canonical already.

    The test upstream is a quick one, so that "1.500" stays although "1.5" becomes "1500m"
    (``ParseQuantity``, "if the number is in canonical form, reuse the string").
    """
    digits = whole + fraction
    if format_ is Format.BINARY_SI:
        room = 15 - len(whole) - int(exponent * 3 / 10) - 1
        fits = int(whole) << exponent <= _LARGEST
        return not fraction and room >= 0 and fits and int(whole) & 7 != 0
    scale = exponent - len(fraction)
    if len(digits) > 18 or scale < -9:
        return digits == "0"
    return scale % 3 == 0 and not digits.endswith("000") and digits[0] != "0"


def canonical_text(nanos: int, format_: Format) -> str:
    """The canonical text of an amount: no fraction, the largest suffix that keeps it exact.

    A binary amount below 1024, or with a fraction, is written in decimal (``Quantity.CanonicalizeBytes``).
    """
    if nanos == 0:
        return "0"
    if format_ is Format.BINARY_SI:
        units, rest = divmod(nanos, _NANOS)
        if rest == 0 and abs(units) >= 1024:
            return _binary_text(units)
        format_ = Format.DECIMAL_SI
    mantissa, exponent = nanos, -9
    while mantissa % 1000 == 0 and (exponent < 18 or format_ is Format.DECIMAL_EXPONENT):
        mantissa, exponent = mantissa // 1000, exponent + 3
    if format_ is Format.DECIMAL_EXPONENT:
        return f"{mantissa}e{exponent}" if exponent else str(mantissa)
    return f"{mantissa}{_SUFFIX_OF_DECIMAL[exponent]}"


def _binary_text(units: int) -> str:
    exponent = 0
    while units % 1024 == 0 and exponent < 60:
        units, exponent = units // 1024, exponent + 10
    return f"{units}{_SUFFIX_OF_BINARY.get(exponent, '')}"


def _rounded_up(amount: int, unit: int) -> int:
    """Division away from zero."""
    magnitude = -(-abs(amount) // unit)
    return magnitude if amount >= 0 else -magnitude
