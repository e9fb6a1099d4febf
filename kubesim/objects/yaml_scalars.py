"""What a YAML scalar means to kubectl: YAML 1.1 with the exceptions of go-yaml v2, then a pass through JSON.

Source: ``sigs.k8s.io/yaml`` (``goyaml.v2/resolve.go: resolve``, ``yaml.go: convertToJSONableObject``); every row of the
tests was asked of kubectl 1.32 (``kubectl annotate --local -o json``).
"""

from __future__ import annotations

import base64
import binascii
import math
import re
import struct
from decimal import Decimal
from typing import Final, TypeAlias

Scalar: TypeAlias = str | int | float | bool | None

MOST_NESTED: Final = 200
"""How deep values may lie in one another. Departure: deeper values are refused, where
kubectl takes 10,000 levels; no object needs 30."""

PLAIN: Final = "?"
"""The tag our composer gives a scalar without quotes and without a tag of its own: it is resolved by its spelling."""

TEXT: Final = "tag:yaml.org,2002:str"
_BINARY: Final = "tag:yaml.org,2002:binary"
_FLOAT: Final = "tag:yaml.org,2002:float"
_TYPES_OF_TAG: Final[dict[str, tuple[type, ...]]] = {
    "tag:yaml.org,2002:bool": (bool,),
    "tag:yaml.org,2002:int": (int,),
    _FLOAT: (float, int),
    "tag:yaml.org,2002:null": (type(None),),
    "tag:yaml.org,2002:timestamp": (str,),
}

_WORDS: Final[dict[str, Scalar]] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
_SINGLE_OVERFLOW: Final = (2 - 2**-24) * 2.0**127
_MOST_DIGITS: Final = 300
"""A number of more digits is beyond every float, so Go leaves it text."""

_MAY_BE_NUMBER: Final = frozenset("+-.0123456789")
_INTEGER: Final = re.compile(r"([+-]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))", re.ASCII)
_BASES: Final = {2: 16, 3: 2, 4: 8, 5: 10}
"""The base of each digit group of ``_INTEGER``."""

_FRACTION: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
_DATE: Final = re.compile(
    r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ][0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})?)?",
    re.ASCII,
)


def resolve(text: str, tag: str = PLAIN) -> Scalar:
    """The value of a scalar under its tag; raises ValueError when an explicit tag does not fit.

    Dates stay text and there are no base-60 numbers. A tag of the user's own makes text.
    """
    if tag == PLAIN:
        return _resolve_plain(text)
    if tag == _BINARY:
        try:
            return base64.b64decode("".join(text.split()), validate=True).decode("utf-8", "replace")
        except binascii.Error as error:
            raise ValueError(f"!!binary value contains invalid base64 data: {error}") from error
    wanted = _TYPES_OF_TAG.get(tag)
    if wanted is None:
        return text
    value = text if tag.endswith("timestamp") and _DATE.fullmatch(text) else _resolve_plain(text)
    fits = isinstance(value, wanted) and not (isinstance(value, bool) and bool not in wanted)
    if not fits or (tag.endswith("timestamp") and not _DATE.fullmatch(text)):
        raise ValueError(f"cannot decode `{text}` as a !!{tag.rpartition(':')[2]}; leave the tag out or mend the value")
    return value


def _resolve_plain(text: str) -> Scalar:
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _MAY_BE_NUMBER:
        return text
    digits = text.replace("_", "")
    if match := _INTEGER.fullmatch(digits):
        base = _BASES[match.lastindex or 0]
        if len(digits) > _MOST_DIGITS:
            return text
        magnitude = int(match[match.lastindex or 0], base)
        return number_through_json(-magnitude if match[1] == "-" else magnitude)
    if _FRACTION.fullmatch(digits):
        number = float(digits)
        return text if math.isinf(number) else number_through_json(number)
    return text


def number_through_json(number: int | float) -> int | float:
    """A number as it arrives after YAML -> JSON -> Go: an int64 where its JSON text is one, else a float64.

    1.0 and 1e3 are integers, 2^63 is a float (``encoding/json`` writes integral floats below 1e21 without exponent).
    """
    if isinstance(number, float) and (not number.is_integer() or abs(number) >= 1e21):
        return number
    whole = int(number)
    return whole if -(2**63) <= whole < 2**63 else float(whole)


def key_text(text: str, tag: str) -> str:
    """The JSON object key of a mapping key: numbers and booleans become text, null has none.

    Raises ValueError for what kubectl refuses (``unsupported map key``).
    """
    if tag == TEXT or (tag == PLAIN and text and text[0] not in _MAY_BE_NUMBER and text not in _WORDS):
        return text
    value = resolve(text, tag)
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        raise ValueError("unsupported map key null; write it in quotes")
    if isinstance(value, str):
        return value
    is_integer = tag != _FLOAT and _INTEGER.fullmatch(text.replace("_", ""))
    return str(value) if is_integer and isinstance(value, int) else float_key(float(value))


def float_key(number: float) -> str:
    """A float as a key: the shortest digits that name it in 32 bits, with an exponent from 1e6 up and below 1e-4.

    Go: ``strconv.FormatFloat(key, 'g', -1, 32)``; 1.10 is "1.1" and 123456789.5 is "1.2345679e+08".
    """
    if math.isnan(number):
        return ".nan"
    if abs(number) >= _SINGLE_OVERFLOW:
        return ".inf" if number > 0 else "-.inf"
    packed = struct.pack("f", number)
    (single,) = struct.unpack("f", packed)
    shortest = next(text for digits in range(9) if struct.pack("f", float(text := f"{single:.{digits}e}")) == packed)
    mantissa, _, exponent = shortest.partition("e")
    if -4 <= int(exponent) < 6:
        return f"{Decimal(shortest):f}"
    return f"{mantissa}e{int(exponent):+03d}"
