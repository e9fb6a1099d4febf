"""Calling a real webhook: an AdmissionReview goes to its HTTPS endpoint, and what comes back, or what went wrong.

The call happens in real time while the virtual clock stands still. Errors are said as Go's HTTP client says them.
"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from typing import Any, Final
from urllib.parse import urlsplit

from kubesim.scenario.webhooks import Https
from kubesim.units import SECOND, Duration

_UNKNOWN_AUTHORITY: Final = (18, 19, 20, 21)
"""OpenSSL's codes for a chain that does not end at a certificate we trust."""
_EXPIRED: Final = (9, 10)
_OK: Final = 200
_REFUSED: Final = 400
_SERVER_ERROR: Final = 500
_NOT_FOUND: Final = 404


class Unanswered(Exception):
    """The call came to nothing; the text is the API server's."""

    def __init__(self, reason: str, *, timed_out: bool = False) -> None:
        super().__init__(reason)
        self.timed_out = timed_out


def called_over_https(act: Https, review: dict[str, Any], timeout: Duration) -> Any:
    """The JSON that the endpoint answers; raises Unanswered."""
    seconds = timeout // SECOND
    where = urlsplit(act.url)
    query = f"{where.query}&" if where.query else ""
    target = f"{where.path or '/'}?{query}timeout={seconds}s"
    host, port = where.hostname or "", where.port or 443
    try:
        connection = http.client.HTTPSConnection(host, port, timeout=seconds, context=_context(act))
        try:
            connection.request("POST", target, json.dumps(review), {"Content-Type": "application/json"})
            response = connection.getresponse()
            status, body = response.status, response.read()
        finally:
            connection.close()
    except (OSError, http.client.HTTPException) as problem:
        url = f"https://{where.netloc}{target}"
        said = f'Post "{url}": {_in_words(problem, host, port)}'
        raise Unanswered(said, timed_out=isinstance(problem, TimeoutError)) from problem
    return _answer(status, body)


def _context(act: Https) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=act.ca_bundle or None)


def _in_words(problem: OSError | http.client.HTTPException, host: str, port: int) -> str:
    """An error of the connection in Go's words."""
    match problem:
        case TimeoutError():
            return "context deadline exceeded"
        case ssl.SSLCertVerificationError():
            return f"tls: failed to verify certificate: x509: {_distrust(problem, host)}"
        case ssl.SSLError():
            return "tls: first record does not look like a TLS handshake"
        case ConnectionRefusedError():
            return f"dial tcp {host}:{port}: connect: connection refused"
        case socket.gaierror():
            return f"dial tcp: lookup {host}: no such host"
        case http.client.RemoteDisconnected():
            return "EOF"
        case ConnectionResetError():
            return "read: connection reset by peer"
        case http.client.HTTPException():
            return f"malformed HTTP response: {problem}"
    return str(problem)


def _distrust(problem: ssl.SSLCertVerificationError, host: str) -> str:
    if problem.verify_code in _UNKNOWN_AUTHORITY:
        return "certificate signed by unknown authority"
    if problem.verify_code in _EXPIRED:
        return "certificate has expired or is not yet valid"
    return f"certificate is not valid for any names, but wanted to match {host}"


def _answer(status: int, body: bytes) -> Any:
    """The body of a good response as JSON. Source: client-go ``rest/request.go``: transformResponse."""
    text = body.decode("utf-8", "replace").strip()
    if status >= _SERVER_ERROR:
        raise Unanswered(
            f"an error on the server ({json.dumps(text or 'unknown')}) has prevented the request from succeeding"
        )
    if status == _NOT_FOUND:
        raise Unanswered("the server could not find the requested resource")
    if status >= _REFUSED or status != _OK:
        raise Unanswered("the server rejected our request for an unknown reason")
    try:
        return json.loads(text)
    except ValueError as problem:
        raise Unanswered(f"couldn't get version/kind; json parse error: {problem}") from problem
