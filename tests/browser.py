"""A headless Chromium, driven over a pipe by the Chrome DevTools Protocol."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
PATIENCE = 60.0  # seconds; a busy machine starts a browser slowly
READ, WRITE = 3, 4  # the file numbers at which Chromium expects the pipe


def chromium() -> str | None:
    """Return the path of an installed Chromium."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


class Browser:
    """A browser with one page.

    Attributes:
        errors: the errors and warnings that the page printed on its console.
    """

    def __init__(self, sending: int, receiving: int) -> None:
        self.errors: list[str] = []
        self._sending, self._receiving = sending, receiving
        self._number = 0
        self._received = b""
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        attached = self._call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self._page(f"{domain}.enable")

    def open(self, url: str) -> None:
        """Open a page."""
        self._page("Page.navigate", url=url)

    def look(self, width: int, height: int = 900, *, dark: bool = False) -> None:
        """Give the window a size, and choose the light or the dark mode."""
        self._page(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 500,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._page("Emulation.setEmulatedMedia", features=[scheme])

    def value(self, expression: str) -> Any:
        """Return the value of a JavaScript expression in the page."""
        answer = self._evaluate(expression)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def wait(self, expression: str) -> Any:
        """Return the value of an expression as soon as it is true; while the page is loading, the
        expression may fail.
        """
        deadline = time.monotonic() + PATIENCE
        while True:
            answer = self._evaluate(expression)
            value = answer["result"].get("value")
            if value and "exceptionDetails" not in answer:
                return value
            assert time.monotonic() < deadline, (expression, answer, self.errors)

    def _evaluate(self, expression: str) -> dict[str, Any]:
        return self._page("Runtime.evaluate", expression=expression, returnByValue=True)

    def press_tab(self) -> None:
        """Press and release the key Tab."""
        key = {"key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9}
        for kind in ("rawKeyDown", "keyUp"):
            self._page("Input.dispatchKeyEvent", type=kind, **key)

    def picture(self, path: Path, *, whole: bool = True) -> None:
        """Write a picture of the whole page, or of the window, as PNG."""
        size = self._page("Page.getLayoutMetrics")["cssContentSize"]
        area = {"x": 0, "y": 0, "scale": 1, "width": size["width"], "height": size["height"]}
        more = {"captureBeyondViewport": True, "clip": area} if whole else {}
        taken = self._page("Page.captureScreenshot", **more)
        path.write_bytes(base64.b64decode(taken["data"]))

    def _page(self, method: str, **parameters: Any) -> dict[str, Any]:
        return self._call(method, self._session, **parameters)

    def _call(self, method: str, session: str = "", **parameters: Any) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self._sending, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]
            self._note(answer)

    def _note(self, event: dict[str, Any]) -> None:
        content = event.get("params", {})
        if event.get("method") == "Runtime.exceptionThrown":
            self.errors.append(str(content["exceptionDetails"]))
        elif event.get("method") == "Log.entryAdded" and content["entry"]["level"] == "error":
            self.errors.append(content["entry"]["text"])

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._received:
            read = os.read(self._receiving, 2**16)
            assert read, "the browser has ended"
            self._received += read
        text, _, self._received = self._received.partition(b"\0")
        found: dict[str, Any] = json.loads(text)
        return found


@contextmanager
def browsing(program: str, folder: Path) -> Iterator[Browser]:
    """Start a browser with a new profile in a folder; end it at the end of the block."""
    theirs_read, sending = os.pipe()
    receiving, theirs_write = os.pipe()
    # The shell gives the ends of the pipe their numbers; `exec` keeps the process.
    command = f'exec {READ}<&{theirs_read} {WRITE}>&{theirs_write}; exec "$@"'
    options = [
        "--headless",
        "--no-sandbox",  # a container has no sandbox, and the page is ours
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--no-first-run",
        f"--user-data-dir={folder}",
        "--remote-debugging-pipe",
    ]
    process = subprocess.Popen(
        ["bash", "-c", command, "bash", program, *options],
        pass_fds=(theirs_read, theirs_write),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(theirs_read)
    os.close(theirs_write)
    try:
        yield Browser(sending, receiving)
    finally:
        os.close(sending)
        os.close(receiving)
        process.terminate()
        process.wait(10)
