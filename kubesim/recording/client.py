"""An HTTPS client of the Kubernetes API, from the standard library: requests, and watches as streams of lines."""

from __future__ import annotations

import base64
import json
import ssl
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from kubesim.errors import KubesimError
from kubesim.recording.kubeconfig import Access
from kubesim.version import VERSION

_REQUEST_SECONDS: Final = 60
_WATCH_SECONDS: Final = 300
"""After so long without a line a watch is opened anew."""


class ClusterError(KubesimError):
    """The cluster cannot be reached, or does not let us in."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one request: the decoded body (text where it is not JSON) and the texts of its warnings."""

    code: int
    body: Any
    warnings: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return self.code < 300


class Client:
    """Makes requests to one cluster; usable from several threads, for each request has its own connection."""

    def __init__(self, access: Access) -> None:
        parts = urlsplit(access.server)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ClusterError(f"server {access.server!r} is no address; write https://HOST:PORT in the kubeconfig")
        self._access, self._base = access, parts.path
        self._host, self._port = parts.hostname, parts.port
        self._tls = _tls(access) if parts.scheme == "https" else None

    def request(self, method: str, path: str, body: Any = None, *, content: str = "application/json") -> Answer:
        """One request; raises ClusterError where there is no answer, or the answer is that we may not ask."""
        connection = self._connection(_REQUEST_SECONDS)
        try:
            response = self._send(connection, method, path, body, content)
            text = response.read().decode("utf-8", "replace")
        except (OSError, HTTPException) as error:
            raise ClusterError(f"{self._access.server} cannot be reached: {error}") from error
        finally:
            connection.close()
        if response.status == 401:
            raise ClusterError(f"{self._access.server} does not accept these credentials (401)")
        return Answer(response.status, _decoded(text), _warnings(response))

    def watch(self, path: str, resource_version: str) -> Iterator[dict[str, Any]]:
        """The events of a watch from a version on, until the server ends the stream; each ``{type, object}``."""
        query = urlencode({"watch": "1", "resourceVersion": resource_version, "allowWatchBookmarks": "true"})
        connection = self._connection(_WATCH_SECONDS)
        try:
            response = self._send(connection, "GET", f"{path}?{query}", None, "application/json")
            if response.status != 200:
                raise ClusterError(
                    f"cannot watch {path}: {response.status} {response.read(300).decode(errors='replace')}"
                )
            while line := response.readline():
                yield json.loads(line)
        except (OSError, HTTPException, ValueError):
            return
        finally:
            connection.close()

    def _connection(self, seconds: int) -> HTTPConnection:
        if self._tls is None:
            return HTTPConnection(self._host, self._port, timeout=seconds)
        return _NamedConnection(self._host, self._port, seconds, self._tls, self._access.server_name or self._host)

    def _send(self, connection: HTTPConnection, method: str, path: str, body: Any, content: str) -> HTTPResponse:
        headers = {"Accept": "application/json", "User-Agent": f"kubesim/{VERSION}"}
        if self._access.token:
            headers["Authorization"] = f"Bearer {self._access.token}"
        elif self._access.basic:
            headers["Authorization"] = f"Basic {base64.b64encode(self._access.basic.encode()).decode()}"
        data = None if body is None else json.dumps(body).encode()
        if data is not None:
            headers["Content-Type"] = content
        connection.request(method, self._base + path, data, headers)
        return connection.getresponse()


class _NamedConnection(HTTPSConnection):
    """A connection that expects the server's certificate to be for a name that may not be its address."""

    def __init__(self, host: str, port: int | None, seconds: int, tls: ssl.SSLContext, name: str) -> None:
        super().__init__(host, port, timeout=seconds, context=tls)
        self._tls, self._name = tls, name

    def connect(self) -> None:
        HTTPConnection.connect(self)
        self.sock = self._tls.wrap_socket(self.sock, server_hostname=self._name)


def _tls(access: Access) -> ssl.SSLContext:
    """Trust and certificate for a connection. The standard library wants the client's as files, for a moment."""
    try:
        context = ssl.create_default_context(cadata=access.authority or None)
        if access.insecure:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if access.certificate:
            with tempfile.TemporaryDirectory() as folder:
                both = Path(folder, "client.pem")
                both.touch(mode=0o600)
                both.write_text(f"{access.certificate}\n{access.key}\n", encoding="ascii")
                context.load_cert_chain(both)
    except ssl.SSLError as error:
        raise ClusterError(f"the certificates of the kubeconfig cannot be used: {error}") from error
    return context


def _decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _warnings(response: HTTPResponse) -> tuple[str, ...]:
    """The texts of ``Warning: 299 - "text"`` headers."""
    values = response.headers.get_all("Warning") or []
    return tuple(json.loads(value.split(" ", 2)[2]) for value in values if value.startswith("299 "))
