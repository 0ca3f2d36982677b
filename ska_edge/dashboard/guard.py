"""Decides which requests the server answers, before it does anything else.

A page of another site must not read the devices or change them through the browser of a person who
looks at both. A browser sends the name in `Host` as the address bar shows it, so a foreign name
shows DNS rebinding. It sends `Origin` with each request that a page of another site makes and whose
answer the page could read. Without control, no method but GET and HEAD is answered, whoever asks.
With control, POST is answered, too, but only with the token, and only if the request comes from the
page itself, or has the token in its header, which no other page can send.
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
CHANGING = "POST"


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
        control: whether requests may change devices; then there is a token.
    """

    host: str
    port: int
    token: str = field(default="", repr=False)
    control: bool = False

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods that are answered."""
        return (*METHODS, CHANGING) if self.control else METHODS

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
        if method not in self.methods:
            only = f"only {', '.join(self.methods)} are answered"
            sentence = only if self.control else "this page only shows, and changes no device"
            return Refusal(HTTPStatus.METHOD_NOT_ALLOWED, sentence)
        own = origin is not None and self._trusted(headers)
        if method == CHANGING and not (own or self._bears(headers)):
            return Refusal(
                HTTPStatus.FORBIDDEN,
                "only the page itself, or a program that sends the token in the header"
                " Authorization, may ask for an action",
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

    def _trusted(self, headers: Mapping[str, str], query: str = "") -> bool:
        """Tell whether a request has the token: in its address, its cookie, or its header."""
        try:
            found = SimpleCookie(headers.get("cookie", "")).get(self.cookie)
        except CookieError:
            found = None
        given = [query, found.value if found else ""]
        return any(map(self._is_token, given)) or self._bears(headers)

    def _bears(self, headers: Mapping[str, str]) -> bool:
        """Tell whether a request has the token in its header."""
        bearer = headers.get("authorization", "")
        return bearer.startswith(BEARER) and self._is_token(bearer.removeprefix(BEARER))

    def _is_token(self, text: str) -> bool:
        """Tell whether a text is the token; "" never is."""
        return bool(self.token) and hmac.compare_digest(text.encode(), self.token.encode())
