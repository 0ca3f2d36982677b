"""Decides which requests the server answers, before it does anything else.

A page of another site must not read the devices or change them through the browser of a person who
looks at both. A browser sends the name in `Host` as the address bar shows it, so a foreign name
shows DNS rebinding. It sends `Origin` with each request that a page of another site makes and whose
answer the page could read. No method but GET and HEAD is answered, whoever asks.
"""

from __future__ import annotations

import hmac
import ipaddress
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie

LOOPBACK = ("localhost", "127.0.0.1", "::1")
BEARER = "Bearer "
METHODS = ("GET", "HEAD")


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine's loopback address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def new_token() -> str:
    """Return a token that nobody can guess."""
    return secrets.token_urlsafe(24)


@dataclass(frozen=True, slots=True)
class Refusal:
    """The answer to a request that is refused: a status, and a sentence."""

    status: HTTPStatus
    sentence: str


@dataclass(frozen=True, slots=True)
class Guard:
    """The rules of one server.

    Attributes:
        host: the address or the name at which the server listens.
        port: its TCP port.
        token: the token that each request needs; "" if none needs one.
    """

    host: str
    port: int
    token: str = field(default="", repr=False)

    @property
    def cookie(self) -> str:
        """The name of the cookie; browsers do not keep cookies of two ports apart."""
        return f"ska-edge-{self.port}"

    def refusal(self, method: str, headers: Mapping[str, str], query: str = "") -> Refusal | None:
        """Return why a request is refused; None if it is answered.

        Args:
            method: the HTTP method.
            headers: the headers, by names in lower case.
            query: the token in the address; "" without one.
        """
        host = headers.get("host", "")
        if not self._known(host):
            return Refusal(
                HTTPStatus.MISDIRECTED_REQUEST,
                "this server has another name; open the address that ska-edge printed",
            )
        origin = headers.get("origin")
        if origin is not None and origin != f"http://{host}":
            return Refusal(HTTPStatus.FORBIDDEN, "a page of another site may not ask this server")
        if self.token and not self._trusted(headers, query):
            return Refusal(
                HTTPStatus.UNAUTHORIZED,
                "the token is missing or wrong; open the address that ska-edge printed",
            )
        if method not in METHODS:
            return Refusal(
                HTTPStatus.METHOD_NOT_ALLOWED, "this page only shows, and changes no device"
            )
        return None

    def _known(self, host: str) -> bool:
        """Tell whether `Host` names this server. A rebound name is never an address."""
        name, _, port = host.rpartition(":")
        if port != str(self.port):
            return False
        name = name.removeprefix("[").removesuffix("]").lower()
        if is_loopback(self.host):
            return name in LOOPBACK or name == self.host.lower()
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return name in ("localhost", self.host.lower())
        return True

    def _trusted(self, headers: Mapping[str, str], query: str) -> bool:
        """Tell whether a request has the token: in its address, its cookie, or its header."""
        try:
            found = SimpleCookie(headers.get("cookie", "")).get(self.cookie)
        except CookieError:
            found = None
        given = [query, found.value if found else ""]
        bearer = headers.get("authorization", "")
        given += [bearer.removeprefix(BEARER)] if bearer.startswith(BEARER) else []
        token = self.token.encode()
        return any(hmac.compare_digest(each.encode(), token) for each in given)
