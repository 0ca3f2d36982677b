"""`record --page`: buttons of a page begin and end recordings of a board."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from itertools import takewhile
from pathlib import Path
from urllib.parse import urlsplit

import pytest

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")

from ska_edge.dashboard.recording import FORM as RECORDING_FORM
from tests.browser import Browser
from tests.cli.conftest import Run
from tests.printing_board import PrintingBoard, samples
from tests.served_page import ServedPage, served_page

PRINTED = "t_ms:{t},ax:{a},ay:{b}"
STEP = 0.005  # seconds that the board needs for a sample
ODD = '<b>&/"ü'


def paced() -> Iterator[bytes]:
    """Yield lines as a board prints them, with a pause after each."""
    pause = threading.Event()
    for line in samples(PRINTED):
        pause.wait(STEP)
        yield line


def press(browser: Browser, words: str) -> None:
    """Press the button with these words."""
    buttons = "[...document.querySelectorAll('#control button')]"
    browser.wait(f"{buttons}.some((each) => each.textContent === {words!r})")
    browser.value(f"{buttons}.find((each) => each.textContent === {words!r}).click()")


def shown(browser: Browser) -> list[list[str]]:
    """Return the page's list of the recordings: file, label, samples and seconds."""
    cells = "[...row.children].map((cell) => cell.textContent)"
    rows = "[...document.querySelectorAll('#recordings tbody tr')]"
    found: list[list[str]] = browser.value(f"{rows}.map((row) => {cells})")
    return found


def post(page: ServedPage, body: str, **headers: str) -> tuple[int, str]:
    """Send a request; return the status and the text of the answer."""
    connection = HTTPConnection("127.0.0.1", urlsplit(page.url).port or 0, timeout=20)
    try:
        connection.request("POST", "/control", body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def recorded(path: Path) -> list[int]:
    """Return the numbers of the samples in a file; check that each line is what the board sent."""
    head, *lines = path.read_text(encoding="utf-8").splitlines()
    assert head.startswith("t_ms,ax,ay,label")
    found = []
    for line in lines:
        t, a, b = (int(cell) for cell in line.split(",")[:3])
        assert (a, b) == (t // 10 % 100, -(t // 10 % 7))
        found.append(t // 10)
    assert found == [*range(found[0], found[0] + len(found))]
    return found


def test_buttons_record_what_the_board_sends(browser: Browser) -> None:
    before = len(browser.errors)
    options = ("--label", "walk", "--label", ODD, "--group", "anna", "--countdown", 0, "--page")
    with (
        PrintingBoard(paced()) as board,
        served_page("record", "-o", "rec", "--port", board.port, *options) as page,
    ):
        browser.open(page.url)
        browser.wait("!!document.querySelector('#axis-2 path.curve')?.getAttribute('d')")
        assert browser.value("!document.getElementById('axis-0')")  # the board's time
        for label in ("walk", ODD):
            press(browser, f"Record {label}")
            browser.wait("/: [0-9]+ samples, 0.[1-9] s/.test(document.title)")
            press(browser, f"Stop {label}")
            browser.wait("document.title.startsWith('waiting for a button')")
        browser.wait("document.querySelectorAll('#recordings tbody tr').length === 2")
        rows = shown(browser)
        press(browser, "End the session")
        browser.wait("document.getElementById('state').textContent === 'the session has ended'")
        assert page.process.wait(60) == 0
        assert shown(browser) == rows
        assert browser.errors[before:] == []
    files = {path.name: recorded(path) for path in Path("rec").iterdir()}
    assert [(name, int(count)) for name, _, count, _ in rows] == [
        (name, len(files[name])) for name, *_ in rows
    ]
    assert [label for _, label, _, _ in rows] == [ODD, "walk"]
    assert len(files) == 2


def test_only_the_page_records(ska_edge: Run) -> None:
    with (
        PrintingBoard(paced()) as board,
        served_page("record", "-o", "rec", "--port", board.port, "--page") as page,
    ):
        right = {"Authorization": f"Bearer {page.token}"}
        assert post(page, '{"action": "end"}')[0] == 401
        assert post(page, '{"action": "end"}', Authorization="Bearer x")[0] == 401
        assert post(page, '{"action": "end"}', **right, Origin="http://evil.example")[0] == 403
        assert post(page, '{"action": "end"}', **right, Host="evil.example:80")[0] == 421
        for body in ("", "[]", "7", '{"action": "erase"}', '{"action": "start", "label": 3}'):
            assert post(page, body, **right) == (400, RECORDING_FORM + "\n")
        code, text = post(page, '{"action": "start", "label": "walk"}', **right)
        assert (code, "no button has the label 'walk'; the labels are ''" in text) == (400, True)
        assert post(page, " " * 1025, **right)[0] == 413
        assert page.process.poll() is None and [*Path("rec").iterdir()] == []
        assert post(page, '{"action": "end"}', **right)[0] == 204
        assert page.process.wait(60) == 0


def test_the_page_says_that_a_board_was_unplugged(browser: Browser) -> None:
    lines = takewhile(lambda _: not Path("unplugged").exists(), paced())
    options = ("--label", "walk", "--countdown", 0, "--patience", 0.5, "--page")
    with (
        PrintingBoard(lines) as board,
        served_page("record", "-o", "rec", "--port", board.port, *options) as page,
    ):
        browser.open(page.url)
        press(browser, "Record walk")
        browser.wait("document.title.startsWith('walk: ')")
        browser.open("about:blank")  # a closed page ends no recording
        browser.wait("location.href === 'about:blank'")
        browser.open(page.url)
        browser.wait("document.title.startsWith('walk: ')")
        Path("unplugged").touch()
        browser.wait("document.querySelector('#signs li')?.textContent.includes('has sent no row')")
        assert page.process.wait(60) == 3
        assert "has sent no row" in page.errors
        ((name, _, count, _),) = shown(browser)
    assert len(recorded(Path("rec", name))) == int(count)


def test_options_of_a_page_need_a_page(ska_edge: Run) -> None:
    said = ska_edge("record", "-o", "rec", "--port", "p", "--http-port", 0).refusal(2)
    assert "--host and --http-port are for a page: give --page, too" in said


def test_three_clicks_begin_one_recording_and_a_long_label_has_a_file(browser: Browser) -> None:
    label = "ü" * 150
    with (
        PrintingBoard(paced()) as board,
        served_page(
            *("record", "-o", "rec", "--port", board.port, "--label", label),
            *("--countdown", 0, "--samples", 40, "--page"),
        ) as page,
    ):
        browser.open(page.url)
        browser.wait("!!document.querySelector('#labels button')")
        browser.value("[1, 2, 3].forEach(() => document.querySelector('#labels button').click())")
        browser.wait("document.querySelectorAll('#recordings tbody tr').length === 1")
        browser.wait("document.title.startsWith('waiting for a button')")
        ((_, shown_label, count, _),) = shown(browser)
        press(browser, "End the session")
        assert page.process.wait(60) == 0
    (path,) = Path("rec").iterdir()
    assert (shown_label, int(count), len(recorded(path))) == (label, 40, 40)
