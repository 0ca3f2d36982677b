"""Serves a page and its data over HTTP, in a thread."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from http import HTTPStatus
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import Headers, QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ska_edge.closable import Closable
from ska_edge.dashboard.contents import Contents
from ska_edge.dashboard.guard import Guard, is_loopback, new_token
from ska_edge.errors import InputError

PORT = 8642  # no well-known program uses it
STATIC = Path(__file__).parent / "static"
FILES = ("page.css", "charts.js", "link.js", "page.js", "record.js")
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
TICK = 0.25  # seconds between two looks for news
KEEP_ALIVE = 15.0  # seconds after which a silent stream sends a comment, to notice a closed browser
MOST_CONNECTIONS = 64
LARGEST_REQUEST = 1024  # bytes
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self';"
    " connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
TOKEN = "token"  # the name of the token in the address


class Server(Closable):
    """A server of the page; the end of a `with` block stops it.

    Args:
        page: the contents.
        host: address or name at which to listen.
        port: the TCP port; 0 chooses a free one; None chooses `PORT`, or a free one if it is taken.
        control: whether requests may steer what the page shows.

    With `control`, and if `host` is not the loopback address, each request needs a token.

    Attributes:
        url: the address to open, with the token.

    Raises InputError if it cannot listen there.
    """

    def __init__(self, page: Contents, host: str, port: int | None, control: bool = False) -> None:
        self._page, self._control = page, control
        self._socket = _listening(host, port)
        port = self._socket.getsockname()[1]
        self._token = "" if is_loopback(host) and not control else new_token()
        self._guard = Guard(host, port, self._token, control)
        name = f"[{host}]" if ":" in host else host
        self.url = f"http://{name}:{port}/" + (f"?{TOKEN}={self._token}" if self._token else "")
        app = Starlette(
            routes=[
                *(Route(f"/{name}", _file(name)) for name in FILES),
                Route("/", self._start),
                Route("/state", self._state),
                Route("/events", self._events),
                *([Route("/control", self._steer, methods=["POST"])] if control else []),
            ],
            exception_handlers={HTTPException: _unknown},
        )
        self._server = uvicorn.Server(
            uvicorn.Config(
                _GuardedApp(app, self._guard),
                lifespan="off",
                log_config=None,
                access_log=False,
                ws="none",
                server_header=False,
                proxy_headers=False,
                limit_concurrency=MOST_CONNECTIONS,
                timeout_graceful_shutdown=1,
            )
        )
        self._thread = threading.Thread(target=self._serve, name="dashboard", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop to listen, and end all connections; a second call does nothing."""
        self._server.should_exit = True
        self._thread.join()

    def _serve(self) -> None:
        self._server.run(sockets=[self._socket])

    # --- answers ----------------------------------------------------------------------------------

    async def _start(self, request: Request) -> Response:
        """Answer with the page; move the token from the address to a cookie."""
        if TOKEN not in request.query_params:
            return await _file(self._page.html)(request)
        answer = RedirectResponse("/", status_code=303)
        if self._token:
            answer.set_cookie(self._guard.cookie, self._token, httponly=True, samesite="strict")
        return answer

    async def _state(self, request: Request) -> Response:  # noqa: ARG002, a route's argument
        """Answer with the document, for scripts."""
        _, text = await asyncio.to_thread(self._page.text)
        return Response(text, media_type="application/json")

    async def _events(self, request: Request) -> Response:  # noqa: ARG002, a route's argument
        """Answer with the document each time that it has changed, as server-sent events.

        The last document is sent when the server stops, because it may say why.
        """
        return StreamingResponse(self._news(), media_type="text/event-stream")

    async def _steer(self, request: Request) -> Response:
        """Do what the request asks."""
        text = b""
        async for part in request.stream():
            text += part
            if len(text) > LARGEST_REQUEST:
                return PlainTextResponse("the request is too long\n", 413)
        try:
            self._page.steer(text)
        except InputError as error:
            return PlainTextResponse(f"{error}\n", 400)
        return Response(status_code=204)

    async def _news(self) -> AsyncIterator[str]:
        sent: object = None
        silent = 0.0
        running = True
        while running:
            running = not self._server.should_exit
            version, text = await asyncio.to_thread(self._page.text)
            if version != sent:
                sent, silent = version, 0.0
                yield f"data: {text}\n\n"
            elif silent >= KEEP_ALIVE:
                silent = 0.0
                yield ": still here\n\n"
            if running:
                await asyncio.sleep(TICK)
            silent += TICK


class _GuardedApp:
    """Refuses what the guard refuses, and adds `HEADERS` to every answer."""

    def __init__(self, app: ASGIApp, guard: Guard) -> None:
        self._app, self._guard = app, guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                named = [(key.lower().encode(), value.encode()) for key, value in HEADERS.items()]
                message = {**message, "headers": [*message.get("headers", []), *named]}
            await send(message)

        token = QueryParams(scope.get("query_string", b"")).get(TOKEN, "")
        headers = dict(Headers(scope=scope).items())
        refused = self._guard.refusal(scope["method"], headers, token)
        if refused is None:
            await self._app(scope, receive, sending)
        else:
            allow = {"Allow": ", ".join(self._guard.methods)}
            wrong_method = refused.status == HTTPStatus.METHOD_NOT_ALLOWED
            answer = PlainTextResponse(
                refused.sentence + "\n", refused.status, allow if wrong_method else None
            )
            await answer(scope, receive, sending)


def _file(name: str) -> Callable[[Request], Awaitable[Response]]:
    """Return a function that answers with a file of the package."""
    content = (STATIC / name).read_bytes()

    async def answer(request: Request) -> Response:  # noqa: ARG001, a route's argument
        return Response(content, media_type=TYPES[Path(name).suffix])

    return answer


async def _unknown(request: Request, error: Exception) -> Response:  # noqa: ARG001, a handler's
    """Answer a request for an unknown path, or with a method that the path does not take."""
    assert isinstance(error, HTTPException)
    return PlainTextResponse(
        "the server has no such path, or the path takes another method: open the page at /\n",
        error.status_code,
        error.headers,
    )


def _listening(host: str, port: int | None) -> socket.socket:
    """Return a socket that listens; see `Server` for the arguments and the errors."""
    if port is None:
        with contextlib.suppress(InputError):
            return _listening(host, PORT)
        return _listening(host, 0)
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        found = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:
        raise InputError(f"there is no address '{host}' to serve the page at") from error
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(place)
        found.listen()
    except OSError as error:
        found.close()
        raise InputError(
            f"cannot serve the page at {host} on TCP port {port}: {error.strerror}; choose another"
            " port"
        ) from error
    return found
