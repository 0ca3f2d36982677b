"""Make the pictures of docs/pictures anew: python -m tests.screenshots [FOLDER].

One session is shown three times: on the terminal of `monitor`, on the page of `dashboard`, and on
the page of `report`. Another picture shows the page of `record`.
"""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from rich.console import Console
from rich.text import Text

from ska_edge.dashboard.feed import Feed
from ska_edge.dashboard.page import Page
from ska_edge.dashboard.server import Server
from ska_edge.dashboard.tail import Tail
from ska_edge.dashboard.twin import Twin
from ska_edge.model.model_file import Model
from ska_edge.model.open import open_model
from tests.browser import Browser, browsing, chromium
from tests.printing_board import PrintingBoard
from tests.served_page import served_page
from tests.terminal import Terminal

FOLDER = Path(__file__).parents[1] / "docs" / "pictures"
MODEL = "model.ska"
ROWS = 1000
COLUMNS = 80  # of the terminal
MONITOR, REPORT, RECORD = "monitor", "report", "record"
COMMITTED = "dashboard"  # the picture in docs/; a folder of one's own gets all of them
VIEWS = {  # width, height, and whether it is the dark mode
    COMMITTED: (1280, 760, False),
    "dashboard-dark": (1280, 760, True),
    "dashboard-narrow": (380, 760, False),
    "dashboard-narrow-dark": (380, 760, True),
}
REPORT_SIZE = (1280, 760)
RECORD_SIZE = (1280, 740)
LABELS = ("walk", "run", "sit")
RATE = 100  # samples per second of the board that prints
# rich draws a live view over the last one: it erases each line, and moves up by one.
REDRAWN = re.compile(r"\r\x1b\[2K(?:\x1b\[1A\x1b\[2K)+")
FONTS = re.compile(r"@font-face *\{.*?\}", re.DOTALL)  # of another site
CURSOR = re.compile(r"\x1b\[\?25[lh]")


def ska_edge(folder: Path, *arguments: str) -> str:
    """Run a command in a folder; return its output."""
    command = [sys.executable, "-m", "ska_edge", *arguments]
    return subprocess.run(command, cwd=folder, check=True, stdout=subprocess.PIPE, text=True).stdout


def learned(folder: Path) -> tuple[Path, Path, str]:
    """Let the board virtual-m4 learn digits from untrained weights, on a terminal; return its
    model, its log, and all that the terminal has shown.
    """
    ska_edge(folder, "train", "digits", "--hidden", "32", "--untrained", "-o", MODEL)
    ska_edge(folder, "firmware", MODEL, "--board", "virtual-m4", "-o", "firmware")
    ska_edge(folder, "build", "firmware")
    started = json.loads(ska_edge(folder, "flash", "firmware", "--json"))
    options = ("--port", started["port"], "--samples", ROWS, "--log", "steps.jsonl")
    try:
        terminal = Terminal(COLUMNS, "monitor", MODEL, "digits", *options, folder=folder)
        try:
            assert terminal.end() == 0, terminal.shown
        finally:
            terminal.close()
    finally:
        ska_edge(folder, "flash", "firmware", "--stop")
    return folder / MODEL, folder / "steps.jsonl", terminal.shown


def last_view(shown: str) -> Text:
    """Return the last live view with its keys."""
    views = [CURSOR.sub("", part).replace("\r", "") for part in REDRAWN.split(shown)]
    return Text.from_ansi(next(view for view in reversed(views) if "q ends" in view))


def draw_terminal(text: Text, browser: Browser, folder: Path, target: Path) -> None:
    """Write a picture of a terminal that shows a text."""
    with (folder / "null").open("w") as nowhere:
        console = Console(record=True, width=COLUMNS, file=nowhere, force_terminal=True)
        console.print(text)
    page = folder / "terminal.svg"
    drawing = console.export_svg(title=f"ska-edge monitor {MODEL} digits")
    page.write_text(FONTS.sub("", drawing), "utf-8")
    size = re.search(r'viewBox="0 0 ([0-9.]+) ([0-9.]+)"', page.read_text("utf-8"))
    assert size is not None
    width, height = map(float, size.groups())
    browser.look(round(width), round(height))
    browser.open(page.as_uri())
    browser.wait("!!document.rootElement")
    browser.picture(target / f"{MONITOR}.png", whole=False)


def draw_dashboard(model: Model, log: Path, browser: Browser, target: Path) -> None:
    """Write pictures of the dashboard: for docs/ the first screen, otherwise whole pages."""
    page, feed = Page(), Feed(log.name, model)
    page.feeds.append(feed)
    for line in Tail(log).lines():
        feed.read(line)
    Twin(log, model, feed).look()
    with Server(page, "127.0.0.1", 0) as server:
        for name, (width, height, dark) in VIEWS.items():
            if target == FOLDER and name != COMMITTED:
                continue
            browser.look(width, height, dark=dark)
            browser.open(server.url)
            browser.wait("document.body.dataset.ready")
            browser.picture(target / f"{name}.png", whole=target != FOLDER)


def draw_report(path: Path, log: Path, browser: Browser, target: Path) -> None:
    """Write a picture of the first screen of the report about the log."""
    page = log.with_name("report.html")
    ska_edge(log.parent, "report", log.name, "--model", str(path), "-o", page.name)
    browser.look(*REPORT_SIZE)
    browser.open(page.as_uri())
    browser.wait("document.readyState === 'complete' && !!document.querySelector('h1')")
    browser.picture(target / f"{REPORT}.png", whole=False)


def printed() -> Iterator[bytes]:
    """Yield the lines of a sensor that swings, each when it is due."""
    pause = threading.Event()
    for number in count():
        pause.wait(1 / RATE)
        time = number / RATE
        swing = 600 * math.sin(9 * time) * (1 + math.sin(time))
        x, y, z = swing, 400 * math.cos(7 * time), 1000 + swing / 3
        yield f"t_ms:{1000 * time:.0f},ax:{x:.0f},ay:{y:.0f},az:{z:.0f}\n".encode()


def draw_record(browser: Browser, folder: Path, target: Path) -> None:
    """Write a picture of the page of `record`, which is recording the last label."""
    os.chdir(folder)
    options = [word for label in LABELS for word in ("--label", label)]
    options += ["--group", "anna", "--seconds", "2", "--countdown", "0", "--page"]
    with (
        PrintingBoard(printed()) as board,
        served_page("record", "-o", "rec", "--port", board.port, *options) as page,
    ):
        browser.look(*RECORD_SIZE)
        browser.open(page.url)
        for number in range(len(LABELS)):
            button = f"document.querySelectorAll('#labels button')[{number}]"
            browser.wait(f"!!{button}")
            browser.value(f"{button}.click()")
            if number + 1 < len(LABELS):
                done = "document.querySelectorAll('#recordings tbody tr').length"
                browser.wait(f"{done} === {number + 1}")
        browser.wait("/: [0-9]+ samples, 1/.test(document.title)")
        browser.picture(target / f"{RECORD}.png", whole=False)


def main(target: Path) -> None:
    """Write all pictures to a folder."""
    program = chromium()
    if program is None:
        raise SystemExit("the pictures need chromium")
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        folder = Path(place)
        path, log, shown = learned(folder)
        with browsing(program, folder / "home") as browser:
            draw_terminal(last_view(shown), browser, folder, target)
            draw_dashboard(open_model(path), log, browser, target)
            draw_report(path, log, browser, target)
            draw_record(browser, folder, target.resolve())


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
