"""The guard answers the page itself and refuses what another site could send."""

from __future__ import annotations

from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ska_edge.dashboard.guard import Guard, is_loopback, new_token

HERE = "127.0.0.1:8642"
OWN = {"host": HERE, "origin": f"http://{HERE}"}
GUARD = Guard("127.0.0.1", 8642)
OPEN = Guard("0.0.0.0", 8642, token="secret")


def status(guard: Guard, method: str, headers: dict[str, str], query: str = "") -> int | None:
    refused = guard.refusal(method, headers, query)
    return None if refused is None else refused.status


@pytest.mark.parametrize("host", [HERE, "localhost:8642", "LOCALHOST:8642", "[::1]:8642"])
def test_a_page_of_this_server_is_answered(host: str) -> None:
    assert status(GUARD, "GET", {"host": host}) is None
    assert status(GUARD, "GET", {"host": host, "origin": f"http://{host}"}) is None


@pytest.mark.parametrize(
    "host",
    [
        "",
        "127.0.0.1",
        "127.0.0.1:80",
        "evil.example:8642",
        "127.0.0.1.evil.example:8642",
        "10.0.0.1:8642",
    ],
)
def test_another_host_is_misdirected(host: str) -> None:
    assert status(GUARD, "GET", {"host": host}) == HTTPStatus.MISDIRECTED_REQUEST


@given(st.text(min_size=1))
def test_no_other_name_is_this_server(name: str) -> None:
    known = name.lower() in ("localhost", "127.0.0.1", "::1", "[::1]", "[::1", "::1]")
    known = known or name.strip("[]").lower() in ("localhost", "127.0.0.1", "::1")
    assert (status(GUARD, "GET", {"host": f"{name}:8642"}) is None) <= known


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://127.0.0.1:80", "https://127.0.0.1:8642", ""]
)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_another_origin_is_forbidden(method: str, origin: str) -> None:
    headers = {"host": HERE, "origin": origin}
    for guard in (GUARD, OPEN):
        assert status(guard, method, headers, "secret") == HTTPStatus.FORBIDDEN


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE"])
def test_nothing_can_be_changed(method: str) -> None:
    assert status(GUARD, method, OWN) == HTTPStatus.METHOD_NOT_ALLOWED
    assert status(GUARD, method, {"host": HERE}) == HTTPStatus.METHOD_NOT_ALLOWED
    assert status(OPEN, method, OWN, "secret") == HTTPStatus.METHOD_NOT_ALLOWED
    assert status(OPEN, method, {"host": HERE}) == HTTPStatus.UNAUTHORIZED


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"cookie": "ska-edge-8642=wrong"},
        {"cookie": "ska-edge-80=secret"},
        {"cookie": "; = \x00;;"},
        {"authorization": "secret"},
        {"authorization": "Bearer wrong"},
    ],
)
def test_without_the_token_nothing_is_answered(more: dict[str, str]) -> None:
    assert status(OPEN, "GET", {"host": HERE, **more}) == HTTPStatus.UNAUTHORIZED
    assert status(OPEN, "GET", {"host": HERE, **more}, "wröng") == HTTPStatus.UNAUTHORIZED


@pytest.mark.parametrize(
    "more",
    [
        {"cookie": "other=1; ska-edge-8642=secret"},
        {"authorization": "Bearer secret"},
    ],
)
def test_the_token_opens(more: dict[str, str]) -> None:
    assert status(OPEN, "GET", {"host": HERE, **more}) is None


def test_at_an_open_address_only_an_address_or_the_own_name_is_known() -> None:
    named = Guard("bench.local", 8642, token="secret")
    assert status(named, "GET", {"host": "bench.local:8642"}, "secret") is None
    assert status(OPEN, "GET", {"host": "192.168.1.4:8642"}, "secret") is None
    assert status(OPEN, "GET", {"host": "evil.example:8642"}, "secret") == 421


def test_tokens_differ_and_are_not_printed() -> None:
    assert new_token() != new_token()
    assert len(new_token()) >= 32
    assert "secret" not in repr(OPEN)


def test_loopback() -> None:
    assert is_loopback("127.0.0.1") and is_loopback("::1") and is_loopback("localhost")
    assert not is_loopback("0.0.0.0") and not is_loopback("bench.local")


# --- requests that change a device ----------------------------------------------------------------

STEERING = Guard("127.0.0.1", 8642, token="secret", control=True)
COOKIE = {"cookie": f"{STEERING.cookie}=secret"}


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ({**OWN, **COOKIE}, ""),  # the page
        ({"host": HERE, "authorization": "Bearer secret"}, ""),  # a program
        ({**OWN, "authorization": "Bearer secret"}, ""),
    ],
)
def test_the_page_and_a_program_with_the_token_may_change_a_device(
    headers: dict[str, str], query: str
) -> None:
    assert status(STEERING, "POST", headers, query) is None


@pytest.mark.parametrize(
    ("headers", "query", "found"),
    [
        (OWN, "", HTTPStatus.UNAUTHORIZED),
        (OWN, "wrong", HTTPStatus.UNAUTHORIZED),
        ({**OWN, "authorization": "Bearer "}, "", HTTPStatus.UNAUTHORIZED),
        (OWN, "secret", HTTPStatus.FORBIDDEN),  # a token in an address may have been passed on
        ({"host": HERE, **COOKIE}, "", HTTPStatus.FORBIDDEN),  # without Origin: not the page
        ({"host": HERE}, "secret", HTTPStatus.FORBIDDEN),
        ({**OWN, **COOKIE, "origin": "http://localhost:9999"}, "", HTTPStatus.FORBIDDEN),
        ({**OWN, **COOKIE, "host": "evil.example:8642"}, "", HTTPStatus.MISDIRECTED_REQUEST),
    ],
)
def test_nobody_else_changes_a_device(
    headers: dict[str, str], query: str, found: HTTPStatus
) -> None:
    assert status(STEERING, "POST", headers, query) == found


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_no_other_method_is_answered(method: str) -> None:
    assert status(STEERING, method, {**OWN, **COOKIE}) == HTTPStatus.METHOD_NOT_ALLOWED


def test_a_page_without_control_changes_nothing() -> None:
    for guard in (GUARD, OPEN):
        headers = {**OWN, "authorization": "Bearer secret"}
        assert status(guard, "POST", headers) == HTTPStatus.METHOD_NOT_ALLOWED
