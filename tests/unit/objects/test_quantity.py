"""Quantities: values, and the text that the API server stores (``resource.Quantity``, tests restated)."""

from __future__ import annotations

import re

import pytest

from kubesim.objects.quantity import FORMAT_WRONG, SUFFIX_WRONG, parse_quantity

STORED = [
    ("0", "0", 0),
    ("0.0", "0", 0),
    ("100m", "100m", 100),
    ("0.5", "500m", 500),
    (0.5, "500m", 500),
    (2, "2", 2000),
    ("1000m", "1", 1000),
    ("1500m", "1500m", 1500),
    ("1.5", "1500m", 1500),
    ("1000", "1k", 1_000_000),
    ("1e3", "1e3", 1_000_000),
    ("12E3", "12E3", 12_000_000),
    ("1000e3", "1e6", 10**9),
    ("1e1", "10", 10_000),
    ("1E", "1E", 10**21),
    ("1Gi", "1Gi", 2**30 * 1000),
    ("1024Mi", "1Gi", 2**30 * 1000),
    ("1536Mi", "1536Mi", 1536 * 2**20 * 1000),
    ("64Mi", "64Mi", 64 * 2**20 * 1000),
    ("0.5Gi", "512Mi", 512 * 2**20 * 1000),
    ("1.5Gi", "1536Mi", 1536 * 2**20 * 1000),
    ("0.5Ki", "512", 512_000),
    ("0.0001Ki", "102400u", 103),
    ("1.500", "1.500", 1500),
    ("0.1n", "1n", 1),
    ("100u", "100u", 1),
    (" 5 ", "5", 5000),
    ("-1.5", "-1500m", -1500),
    ("+5", "+5", 5000),
    (".5", "500m", 500),
    ("5.", "5.", 5000),
    ("1G", "1G", 10**12),
    ("129M", "129M", 129 * 10**9),
    ("123Ei", "9223372036854775807", (2**63 - 1) * 1000),
]


@pytest.mark.parametrize(("written", "stored", "milli"), STORED, ids=[str(row[0]) for row in STORED])
def test_a_quantity_is_stored_in_its_canonical_form(written: str | float, stored: str, milli: int) -> None:
    quantity = parse_quantity(written)
    assert (str(quantity), quantity.milli_value()) == (stored, milli)


@pytest.mark.parametrize("written", ["", "1.2.3", "lots", "1 Gi", "1,5"])
def test_what_is_no_number_is_refused_in_the_api_servers_words(written: str) -> None:
    with pytest.raises(ValueError, match=re.escape(FORMAT_WRONG)):
        parse_quantity(written)


@pytest.mark.parametrize("written", ["1ki", "1mm", "1e", "1GM", "1K"])
def test_an_unknown_suffix_is_refused_in_the_api_servers_words(written: str) -> None:
    with pytest.raises(ValueError, match=re.escape(SUFFIX_WRONG)):
        parse_quantity(written)


def test_values_round_away_from_zero() -> None:
    assert [parse_quantity(text).value() for text in ("1500m", "1m", "-1500m", "0")] == [2, 1, -2, 0]
