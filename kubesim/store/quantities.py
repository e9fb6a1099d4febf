"""Kubernetes quantities: parsing, comparing and the canonical form the API server stores.

Source: apimachinery ``pkg/api/resource/quantity.go``.
"""

from __future__ import annotations

import re
from decimal import Decimal, localcontext
from functools import lru_cache
from typing import Final

_FORM: Final = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))([eE][+-]?\d+|[KMGTPE]i|[numkMGTPE]?)")
_BINARY: Final = {"Ki": 1024, "Mi": 1024**2, "Gi": 1024**3, "Ti": 1024**4, "Pi": 1024**5, "Ei": 1024**6}
_DECIMAL: Final = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_SUFFIX: Final = {exponent: suffix for suffix, exponent in _DECIMAL.items()}
_FINEST: Final = Decimal(1).scaleb(-9)
_LARGEST: Final = Decimal(2**63 - 1)
_MOST_DIGITS: Final = 30
"""Amounts of more digits, or as far behind the point, are the largest and the finest there are."""


class NotAQuantity(ValueError):
    """The text is no quantity."""


@lru_cache(maxsize=4096)
def quantity(text: str | int | float) -> Decimal:
    """The exact value of a quantity; raises :class:`NotAQuantity`."""
    return _parsed(str(text))[0]


@lru_cache(maxsize=4096)
def canonical(text: str | int | float, finest: int = -9) -> str:
    """The canonical form: the largest suffix that leaves an integer, in the family the text used.

    ``finest`` is the smallest power of ten kept (-3 for resource lists); finer values are rounded up.
    """
    value, family = _parsed(str(text))
    with localcontext() as context:
        context.prec = 60
        step = Decimal(1).scaleb(finest)
        rounded = value.quantize(step, rounding="ROUND_UP")
    if rounded == 0:
        return "0"
    if family == "binary" and abs(rounded) >= 1024 and rounded == rounded.to_integral_value():
        return _binary(int(rounded))
    return _scientific(rounded) if family == "exponent" else _decimal(rounded)


def is_hugepages(resource: str) -> bool:
    """Whether a resource name is one of the huge page sizes."""
    return resource.startswith("hugepages-")


def _parsed(text: str) -> tuple[Decimal, str]:
    """The value and the family of suffixes; what is larger than an amount can be is the largest amount."""
    match = _FORM.fullmatch(text)
    if match is None:
        raise NotAQuantity(text)
    number, suffix = Decimal(match[1]), match[2]
    if suffix in _BINARY:
        return min(number * _BINARY[suffix], _LARGEST), "binary"
    if suffix in _DECIMAL:
        return _scaled(number, _DECIMAL[suffix]), "decimal"
    return _scaled(number, int(suffix[1:])), "exponent"


def _scaled(number: Decimal, exponent: int) -> Decimal:
    if not number:
        return number
    magnitude = number.adjusted() + exponent
    if magnitude > _MOST_DIGITS:
        return _LARGEST.copy_sign(number)
    if magnitude < -_MOST_DIGITS:
        return _FINEST.copy_sign(number)
    return min(number.scaleb(exponent), _LARGEST)


def _binary(value: int) -> str:
    for suffix, factor in reversed(_BINARY.items()):
        if value % factor == 0:
            return f"{value // factor}{suffix}"
    return str(value)


def _decimal(value: Decimal) -> str:
    mantissa, exponent = _mantissa(value)
    return f"{mantissa}{_SUFFIX[exponent]}"


def _scientific(value: Decimal) -> str:
    mantissa, exponent = _mantissa(value)
    return f"{mantissa}e{exponent}" if exponent else str(mantissa)


def _mantissa(value: Decimal) -> tuple[int, int]:
    """The integer and the largest exponent of ten, a multiple of 3, that give the value."""
    mantissa, exponent = int(value.scaleb(9)), -9
    while exponent < 18 and mantissa % 1000 == 0:
        mantissa, exponent = mantissa // 1000, exponent + 3
    return mantissa, exponent
