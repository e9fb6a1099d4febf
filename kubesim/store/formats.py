"""Whether a text has the form of a name, label, port, … and what the API server says when it has not.

Every function returns the complaints, none when the text is well formed. Source: apimachinery
``pkg/util/validation/validation.go`` and ``pkg/api/validate/content``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, TypeAlias

Complaints: TypeAlias = list[str]

_LABEL: Final = re.compile("[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_OLD_LABEL: Final = re.compile("[a-z]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN: Final = re.compile(rf"{_LABEL.pattern}(\.{_LABEL.pattern})*")
_QUALIFIED: Final = re.compile("([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_LABEL_VALUE: Final = re.compile(f"({_QUALIFIED.pattern})?")
_ENV_NAME: Final = re.compile("[-._a-zA-Z][-._a-zA-Z0-9]*")
_CONFIG_KEY: Final = re.compile("[-._a-zA-Z0-9]+")
_HEADER: Final = re.compile("[-A-Za-z0-9]+")

_LABEL_RULE: Final = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end "
    "with an alphanumeric character"
)
_OLD_LABEL_RULE: Final = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, "
    "and end with an alphanumeric character"
)
_SUBDOMAIN_RULE: Final = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start "
    "and end with an alphanumeric character"
)
_QUALIFIED_RULE: Final = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
)
_LABEL_VALUE_RULE: Final = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start "
    "and end with an alphanumeric character"
)
_ENV_RULE: Final = (
    "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', and must not "
    "start with a digit"
)
_RELAXED_ENV_RULE: Final = (
    "a valid environment variable name must consist only of printable ASCII characters other than '='"
)


def dns_label(text: str) -> Complaints:
    """RFC 1123 label, at most 63 characters."""
    found = too_long(text, 63)
    if not _LABEL.fullmatch(text):
        dotted = _SUBDOMAIN.fullmatch(text)
        found.append("must not contain dots" if dotted else _mismatch(_LABEL_RULE, _LABEL, "my-name", "123-abc"))
    return found


def dns_1035_label(text: str) -> Complaints:
    """RFC 1035 label, at most 63 characters: the name of a Service."""
    found = too_long(text, 63)
    if not _OLD_LABEL.fullmatch(text):
        found.append(_mismatch(_OLD_LABEL_RULE, _OLD_LABEL, "my-name", "abc-123"))
    return found


def any_path_segment(text: str) -> Complaints:
    """Anything that can stand between two slashes of a URL: the name of a Role and its like."""
    if text in (".", ".."):
        return [f"may not be '{text}'"]
    return [f"may not contain '{mark}'" for mark in ("/", "%") if mark in text]


def dns_subdomain(text: str) -> Complaints:
    """RFC 1123 subdomain, at most 253 characters."""
    found = too_long(text, 253)
    if not _SUBDOMAIN.fullmatch(text):
        found.append(_mismatch(_SUBDOMAIN_RULE, _SUBDOMAIN, "example.com"))
    return found


def as_prefix(check: Callable[[str], Complaints], text: str) -> Complaints:
    """The check of a text that letters will be put behind, such as generateName."""
    return check(text[:-1] + "a" if len(text) > 1 and text.endswith("-") else text)


def qualified_name(text: str, unit: str) -> Complaints:
    """A name with an optional DNS prefix: ``example.com/name``. ``unit`` of the length: characters or bytes."""
    prefix, slash, name = text.rpartition("/")
    if "/" in prefix:
        rule = _mismatch(_QUALIFIED_RULE, _QUALIFIED, "MyName", "my.name", "123-abc")
        optional = " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
        return [f"a qualified name {rule}{optional}"]
    found = []
    if slash:
        found += ["prefix part " + text for text in (dns_subdomain(prefix) if prefix else ["must be non-empty"])]
    if not name:
        found.append("name part must be non-empty")
    else:
        found += ["name part " + text for text in too_long(name, 63, unit)]
    if not _QUALIFIED.fullmatch(name):
        found.append("name part " + _mismatch(_QUALIFIED_RULE, _QUALIFIED, "MyName", "my.name", "123-abc"))
    return found


def label_value(text: str, unit: str) -> Complaints:
    """The value of a label."""
    found = too_long(text, 63, unit)
    if not _LABEL_VALUE.fullmatch(text):
        found.append(_mismatch(_LABEL_VALUE_RULE, _LABEL_VALUE, "MyValue", "my_value", "12345"))
    return found


def env_name(text: str) -> Complaints:
    """The name of an environment variable, before RelaxedEnvironmentVariableValidation."""
    found = []
    if not _ENV_NAME.fullmatch(text):
        found.append(_mismatch(_ENV_RULE, _ENV_NAME, "my.env-name", "MY_ENV.NAME", "MyEnvName1"))
    return found + _directory_like(text)


def relaxed_env_name(text: str) -> Complaints:
    """The name of an environment variable: any printable ASCII but the equals sign."""
    return [] if re.fullmatch("[ -<>-~]+", text) else [_RELAXED_ENV_RULE]


def config_key(text: str) -> Complaints:
    """A key of a ConfigMap or Secret."""
    found = too_long(text, 253)
    if not _CONFIG_KEY.fullmatch(text):
        rule = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'"
        found.append(_mismatch(rule, _CONFIG_KEY, "key.name", "KEY_NAME", "key-name"))
    return found + _directory_like(text)


def header_name(text: str) -> Complaints:
    """The name of an HTTP header."""
    if _HEADER.fullmatch(text):
        return []
    return [_mismatch("a valid HTTP header must consist of alphanumeric characters or '-'", _HEADER, "X-Header-Name")]


def port_name(text: str) -> Complaints:
    """The name of a port (IANA service name)."""
    found = too_long(text, 15)
    if not re.fullmatch("[-a-z0-9]+", text):
        found.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    if not re.search("[a-z]", text):
        found.append("must contain at least one letter (a-z)")
    if "--" in text:
        found.append("must not contain consecutive hyphens")
    if text.startswith("-") or text.endswith("-"):
        found.append("must not begin or end with a hyphen")
    return found


def port_number(number: int) -> Complaints:
    """The number of a port."""
    return [] if 1 <= number <= 65535 else ["must be between 1 and 65535, inclusive"]


def too_long(text: str, limit: int, unit: str = "characters") -> Complaints:
    """The complaint about a text of more than ``limit`` bytes."""
    return [f"must be no more than {limit} {unit}"] if len(text.encode()) > limit else []


def _mismatch(rule: str, pattern: re.Pattern[str], *examples: str) -> str:
    shown = ",  or ".join(f"'{example}'" for example in examples)
    return f"{rule} (e.g. {shown}, regex used for validation is '{pattern.pattern}')"


def _directory_like(text: str) -> Complaints:
    if text in (".", ".."):
        return [f"must not be '{text}'"]
    return ["must not start with '..'"] if text.startswith("..") else []
