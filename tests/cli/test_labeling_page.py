"""`dashboard --control` without DATA: buttons label the windows of a device's own sensor."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")

import ska_edge as api
from firmware_gen.board.board import Board
from firmware_gen.emulators import flash
from firmware_gen.project import load_project
from ska_edge.model.open import open_model
from tests.agreement.test_raw_windows import model_of
from tests.agreement.test_sensor import regression
from tests.browser import Browser
from tests.cli.conftest import Run
from tests.cli.test_sensor import record
from tests.served_page import ServedPage, served_page
from tests.signals import heeded
from tests.trainer_device import TrainerDevice


@pytest.fixture
def sensor(ska_edge: Run, require_board: Callable[[str], Board]) -> Iterator[str]:
    """Start the board host with a sensor; return its port. The model is model.ska."""
    require_board("host")
    model_of("half").save(Path("model.ska"))
    assert ska_edge("firmware", "model.ska", "--board", "host", "--sensor", "-o", "fw").code == 0
    assert ska_edge("build", "fw").code == 0
    record(Path("rec.csv"), load_project(Path("fw")).sensor, None, count=4000)
    assert ska_edge("flash", "fw", "--sensor", "rec.csv").code == 0
    yield flash.running()[0].port
    assert ska_edge("flash", "fw", "--stop").code == 0


def post(page: ServedPage, body: dict[str, Any]) -> tuple[int, str]:
    """Send a request with the token; return the status and the text of the answer."""
    connection = HTTPConnection("127.0.0.1", urlsplit(page.url).port or 0, timeout=20)
    headers = {"Authorization": f"Bearer {page.token}"}
    try:
        connection.request("POST", "/control", json.dumps(body), headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_a_button_labels_the_newest_window_once(
    ska_edge: Run, browser: Browser, sensor: str
) -> None:
    labels = "document.querySelectorAll('#labels button')"
    options = ("--control", "--port", sensor, "--log", "log")
    with heeded(), served_page("dashboard", "model.ska", *options) as page:
        browser.open(page.url)
        browser.wait("document.getElementById('window')?.textContent.startsWith('window ')")
        names = browser.value(f"[...{labels}].map((each) => each.textContent)")
        assert names == [*open_model(Path("model.ska")).plan.labels]
        assert browser.value("document.getElementById('steering').hidden")
        browser.value(f"{labels}[1].click()")
        browser.wait("document.getElementById('answer').textContent.includes('was learned as')")
        assert post(page, {"device": 0, "action": "pause"})[0] == 400
        for label in (None, -1, len(names)):
            code, text = post(page, {"device": 0, "action": "label", "label": label})
            assert (code, '"label": the index of a class, from 0 to' in text) == (400, True), text
        assert post(page, {"device": 0, "action": "label", "label": "x"})[0] == 400
        assert browser.errors == []
        assert page.interrupt() == 130
    assert ska_edge("replay", "log", "model.ska", "-o", "again.ska").code == 0
    with api.connect(sensor) as device:
        assert device.info().samples == 1
        assert device.info().crc == open_model(Path("again.ska")).state.crc
    rows = [line for line in map(json.loads, Path("log").read_text().splitlines()) if "x" in line]
    assert {line["label"] for line in rows} == {1}


def test_a_device_without_a_sensor_cannot_be_steered(
    ska_edge: Run, iris_file: Path, iris: api.Model
) -> None:
    with TrainerDevice(iris.state) as device:
        options = ("--control", "--port", device.port, "--http-port", 0)
        outcome = ska_edge("dashboard", iris_file, *options)
    assert outcome.code == 2 and "has no sensor of its own" in outcome.err


def test_no_button_labels_the_windows_of_a_regression(ska_edge: Run) -> None:
    model = regression()
    model.save(Path("model.ska"))
    with TrainerDevice(model.state) as device:
        options = ("--control", "--port", device.port, "--http-port", 0)
        outcome = ska_edge("dashboard", "model.ska", *options)
    assert outcome.code == 2 and "no button gives the values of a window" in outcome.err
