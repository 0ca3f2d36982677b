"""`dashboard` shows in a browser what a log says, and answers nobody else."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.client import HTTPConnection
from pathlib import Path
from types import SimpleNamespace
from typing import cast
from urllib.parse import urlsplit

import numpy as np
import pytest

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")

from firmware_gen.board.board import Board
from ska_edge.dashboard.feed import Feed
from ska_edge.dashboard.page import Page
from ska_edge.dashboard.server import FILES, Server
from ska_edge.dashboard.signals import Signals
from ska_edge.dashboard.tail import Tail
from ska_edge.dashboard.twin import Twin
from ska_edge.data.dataset import Dataset
from ska_edge.errors import InputError
from ska_edge.model.model_file import Model
from ska_edge.monitor.log.line import WindowSeen
from ska_edge.monitor.replay import rebuild
from tests.agreement.test_raw_windows import model_of
from tests.browser import Browser
from tests.logbook import Logbook
from tests.served_page import served_page
from tests.trainer_device import GatedDevice

EVIL = '<script>document.title = "evil"</script>'


@contextmanager
def served(
    log: Path, model: Model, host: str = "127.0.0.1", control: bool = False
) -> Iterator[tuple[Server, Feed]]:
    page, feed = Page(control), Feed(log.name, model)
    page.feeds.append(feed)
    for line in Tail(log).lines():
        feed.read(line)
    Twin(log, model, feed).look()
    with Server(page, host, 0, control) as server:
        yield server, feed


def ask(
    server: Server, method: str, path: str, body: str | None = None, **headers: str
) -> tuple[int, dict[str, str], str]:
    """Return status, headers and text of an answer; a header without a value is left out."""
    place = urlsplit(server.url)
    connection = HTTPConnection("127.0.0.1", place.port or 0, timeout=20)
    try:
        connection.request(method, path, body, {k: v for k, v in headers.items() if v})
        answer = connection.getresponse()
        text = answer.read().decode()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, text
    finally:
        connection.close()


# --- the numbers ----------------------------------------------------------------------------------


def test_the_document_says_what_the_log_says(ska_edge, iris_file: Path, book: Logbook) -> None:
    log = book.write(Path("steps.jsonl"))
    outcome = ska_edge(
        *("dashboard", log, "--model", iris_file, "--until-end", "--http-port", 0, "--json")
    )
    assert outcome.code == 0
    (device,) = outcome.document()["devices"]
    rows = [line for line in book.lines if "sample" in line]
    assert device["rows"] == len(rows)
    assert device["accuracy"] == sum(r["predicted"] == r["label"] for r in rows) / len(rows)
    assert device["activity"] == "ended"
    assert device["warnings"] == ['the "device"']
    link = {fact["name"]: fact["value"] for fact in device["link"]}
    assert (link["losses of contact"], link["losses of what it learned"]) == ("1", "1")
    assert link["saves"] == "1"
    (decided,) = [chart for chart in device["charts"] if chart["name"] == "decided"]
    for i, counts in enumerate(decided["counts"]):
        for j, count in enumerate(counts):
            assert count == sum((r["label"], r["predicted"]) == (i, j) for r in rows)
    assert [row["sample"] for row in device["last"]] == [r["sample"] for r in rows[:-13:-1]]
    host = {fact["name"]: fact["value"] for fact in device["facts"]}["device and host"]
    assert host == "equal"


def test_ctrl_c_prints_the_document_of_a_log(
    ska_edge, iris_file: Path, book: Logbook, monkeypatch: pytest.MonkeyPatch
) -> None:
    def press(_seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("ska_edge.cli.commands.dashboard.time", SimpleNamespace(sleep=press))
    log = book.write(Path("steps.jsonl"))
    outcome = ska_edge("dashboard", log, "--model", iris_file, "--http-port", 0, "--json")
    assert outcome.code == 130
    document = outcome.document()
    assert document["url"].startswith("http://127.0.0.1:")
    (device,) = document["devices"]
    rows = [line for line in book.lines if "sample" in line]
    assert (device["name"], device["rows"]) == ("steps.jsonl", len(rows))


def test_the_charts_are_those_of_the_report(ska_edge, iris_file: Path, book: Logbook) -> None:
    pytest.importorskip("matplotlib")
    log = book.write(Path("steps.jsonl"))
    report = ska_edge("report", log, "--model", iris_file, "-o", "page.html", "--json").document()
    page = ska_edge(
        *("dashboard", log, "--model", iris_file, "--until-end", "--http-port", 0, "--json")
    ).document()
    charts = {chart.pop("name"): chart for chart in page["devices"][0]["charts"]}
    for name in ("learning-curve", "entropy", "rate"):
        del charts[name]["kind"]
        assert {"name": name, **charts[name]} == report["figures"][name]
    weights = charts["weights-0"]["counts"]["now"]
    assert weights == report["figures"]["weights-0"]["counts"]["after the device learned"]


def test_a_false_device_is_named(iris: Model, book: Logbook) -> None:
    row = [line for line in book.lines if "sample" in line][7]
    row["decisions"] = [value ^ 1 for value in row["decisions"]]
    with served(book.write(Path("steps.jsonl")), iris) as (_, feed):
        document = feed.document()
    assert "the device is faulty, or the log was changed" in document["difference"]
    assert {"name": "device and host", "value": "different", "words": ""} in document["facts"]


def test_a_log_of_another_state_is_shown_without_weights(iris: Model, book: Logbook) -> None:
    book.lines[0]["crc"] ^= 1
    with served(book.write(Path("steps.jsonl")), iris) as (_, feed):
        document = feed.document()
    assert "name the model that was flashed" in document["gap"]
    assert document["rows"] == 45
    assert not [chart for chart in document["charts"] if chart["kind"] == "histogram"]


def test_samples_per_second_are_those_of_now(
    iris: Model, book: Logbook, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SimpleNamespace(monotonic=lambda: clock.now, now=0.0)
    monkeypatch.setattr("ska_edge.dashboard.feed.time", clock)
    feed = Feed("log", iris)
    rates = []
    for line in [*Tail(book.write(Path("steps.jsonl"))).lines()][:21]:
        clock.now += 0.5
        feed.write(line)
    for clock.now in (10.5, 100.0):
        link = {fact["name"]: fact["value"] for fact in feed.document()["link"]}
        rates.append((link["samples per second"], feed.version[1]))
    assert rates == [("2.2", "2.2"), ("-", "-")]


# --- the page -------------------------------------------------------------------------------------


def test_a_browser_shows_the_log(browser: Browser, iris: Model, book: Logbook) -> None:
    with served(book.write(Path("steps.jsonl")), iris) as (server, feed):
        document = feed.document()
        for width, dark in ((1280, False), (380, True)):
            browser.look(width, dark=dark)
            browser.open(server.url)
            browser.wait("document.body.dataset.ready")
            assert browser.value("document.documentElement.scrollWidth") <= width
            shown = browser.value(
                "[...document.querySelectorAll('#facts > div, #link dl > div')].map("
                "(each) => [...each.children].map((part) => part.textContent))"
            )
            facts = [
                [fact[key] for key in ("name", "value", "words") if fact[key]]
                for fact in document["facts"] + document["link"]
            ]
            assert shown == facts
            assert (
                browser.value("document.querySelector('#signs li').textContent") == 'the "device"'
            )
            last = browser.value(
                "[...document.querySelectorAll('#last tbody tr')].map((row) => [...row.children]"
                ".slice(0, 4).map((cell) => cell.textContent))"
            )
            assert last == [
                [str(r["sample"]), r["truth"], r["decided"], "right" if r["right"] else "wrong"]
                for r in document["last"]
            ]
            cells = browser.value(
                "[...document.querySelectorAll('#decided td[title]')]"
                ".map((cell) => +cell.textContent)"
            )
            (decided,) = [chart for chart in document["charts"] if chart["name"] == "decided"]
            assert cells == [count for counts in decided["counts"] for count in counts]
            cards = browser.value("[...document.querySelectorAll('.card')].map((card) => card.id)")
            assert {chart["name"] for chart in document["charts"]} <= set(cards)
            back = browser.value("getComputedStyle(document.body).backgroundColor")
            assert back == ("rgb(22, 24, 27)" if dark else "rgb(255, 255, 255)")
    assert browser.errors == []


def test_the_numbers_of_a_figure_are_under_it(browser: Browser, iris: Model, book: Logbook) -> None:
    with served(book.write(Path("steps.jsonl")), iris) as (server, feed):
        browser.open(server.url)
        browser.wait("document.body.dataset.ready")
        browser.value("document.querySelector('#learning-curve summary').click()")
        path = "document.querySelectorAll('#learning-curve tbody tr')"
        count = browser.wait(f"{path}.length")
        curve = next(c for c in feed.document()["charts"] if c["name"] == "learning-curve")
        assert count == sum(len(line["x"]) for line in curve["lines"])
        cells = browser.value(f"[...{path}].pop().textContent")
        line = curve["lines"][-1]
        assert cells == f"{line['name']}{line['x'][-1]:g}{100 * line['y'][-1]:.1f}%"


def test_the_signal_of_the_last_window_is_shown_with_the_decision(
    browser: Browser, iris: Model, book: Logbook
) -> None:
    rows = [line for line in book.lines if "sample" in line]
    inputs = np.array([row["x"] for row in rows])
    windows = np.random.default_rng(0).integers(-2000, 2000, (len(rows), 25, 2), np.int16)
    layout = SimpleNamespace(axes=("ax", "ay"))
    model = cast(Model, SimpleNamespace(layout=layout, quantize=lambda x: x))
    data = cast(Dataset, SimpleNamespace(x=inputs, windows=windows))
    feed, page = Feed("log", iris, Signals.of(model, data)), Page()
    page.feeds.append(feed)
    for line in Tail(book.write(Path("steps.jsonl"))).lines():
        feed.read(line)
    (chart,) = [each for each in feed.document()["charts"] if each["name"] == "signal"]
    assert [line["name"] for line in chart["lines"]] == ["ax", "ay"]
    assert [[*line["y"]] for line in chart["lines"]] == windows[-1].T.tolist()
    names = iris.plan.labels
    last = rows[-1]
    words = f"{names[last['label']]}, the device said {names[last['predicted']]}."
    with Server(page, "127.0.0.1", 0) as server:
        browser.open(server.url)
        shown = browser.wait("document.querySelector('#signal .note')?.textContent")
    assert shown == f"Sample {last['sample']}: {words}"
    assert Signals.of(iris, data) is None  # the model takes rows, not windows


def test_the_signal_of_a_window_of_the_own_sensor_is_shown() -> None:
    model = model_of("kernels")
    front = model.plan.front
    assert front is not None
    raw = tuple((n, *[-n] * (front.axes - 1)) for n in range(front.length))
    feed = Feed("log", model)
    for line in (WindowSeen(1, 0, (9, 3)), WindowSeen(2, 1, (3, 9), raw), WindowSeen(3, 0, (9, 3))):
        feed.read(line)
    (chart,) = [each for each in feed.document()["charts"] if each["name"] == "signal"]
    assert chart["note"] == f"Window 2: the device said {model.state.labels[1]}."
    assert [line["name"] for line in chart["lines"]] == list(model.axes)
    assert [[*line["y"]] for line in chart["lines"]] == np.array(raw).T.tolist()


def test_new_rows_arrive_without_a_reload(browser: Browser, iris: Model, book: Logbook) -> None:
    log = book.write(Path("steps.jsonl"))
    with served(log, iris) as (server, feed):
        browser.open(server.url)
        browser.wait("document.querySelector('#last tbody td')?.textContent === '35'")
        tail = Tail(log)
        assert len([*tail.lines()]) == len(book.lines)
        book.start()
        book.learn(7)
        book.write(log)
        for line in tail.lines():
            feed.write(line)
        browser.wait("document.querySelector('#last tbody td').textContent === '42'")
        assert browser.value("document.getElementById('state').textContent") == "following"
    browser.wait("document.getElementById('state').classList.contains('lost')")


def test_a_name_of_a_class_is_text(browser: Browser, iris: Model, book: Logbook) -> None:
    plan = replace(iris.plan, labels=(EVIL, "b", "c"))
    model = replace(iris, plan=plan, state=type(iris.state)(plan, iris.state.parameters))
    book.lines[0]["device"].update(board=EVIL, digest=plan.digest)
    with served(book.write(Path("steps.jsonl")), model) as (server, _):
        browser.open(server.url)
        browser.wait("document.body.dataset.ready")
        scripts = browser.value("[...document.scripts].map((each) => each.getAttribute('src'))")
        assert scripts == ["charts.js", "link.js", "page.js"]
        assert browser.value("document.title").startswith(EVIL)
        assert browser.value("document.querySelector('#decided th').textContent") == EVIL


def test_the_keyboard_reaches_everything(browser: Browser, iris: Model, book: Logbook) -> None:
    log = book.write(Path("steps.jsonl"))
    with served(log, iris) as (server, _):
        browser.open(server.url)
        browser.wait("document.body.dataset.ready")
        wanted = "[...document.querySelectorAll('summary')].filter((each) => each.offsetParent)"
        count = browser.value(f"{wanted}.length")
        seen = set()
        for _ in range(4 * count):
            browser.press_tab()
            seen.add(browser.value(f"{wanted}.indexOf(document.activeElement)"))
        assert seen >= set(range(count))


# --- who is answered ------------------------------------------------------------------------------


def test_the_page_loads_only_its_own_files(iris: Model, book: Logbook) -> None:
    with served(book.write(Path("steps.jsonl")), iris) as (server, _):
        for path in ("/", *(f"/{name}" for name in FILES), "/state"):
            code, headers, _text = ask(server, "GET", path)
            assert code == 200
            assert "default-src 'none'" in headers["content-security-policy"]
            assert headers["x-content-type-options"] == "nosniff"
            assert "access-control-allow-origin" not in headers
        code, _headers, text = ask(server, "GET", "/nothing")
        assert code == 404 and text.endswith("open the page at /\n")


def test_a_foreign_host_is_refused(iris: Model, book: Logbook) -> None:
    with served(book.write(Path("steps.jsonl")), iris) as (server, _):
        port = urlsplit(server.url).port
        code, headers, text = ask(server, "GET", "/state", Host=f"evil.example:{port}")
        assert (code, "devices" in text) == (421, False)
        assert "access-control-allow-origin" not in headers


def test_a_foreign_origin_is_refused(iris: Model, book: Logbook) -> None:
    with served(book.write(Path("steps.jsonl")), iris) as (server, _):
        for path in ("/state", "/events", "/"):
            code, headers, text = ask(server, "GET", path, Origin="http://evil.example")
            assert (code, "devices" in text) == (403, False)
            assert "access-control-allow-origin" not in headers


def test_a_request_to_change_is_refused(iris: Model, book: Logbook) -> None:
    with served(book.write(Path("steps.jsonl")), iris) as (server, _):
        for headers in ({"Origin": server.url.rstrip("/")}, {}):
            code, answer, text = ask(server, "POST", "/state", **headers)
            assert (code, text) == (405, "this page only shows, and changes no device\n")
            assert answer["allow"] == "GET, HEAD"


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        ("{}", 400, "a request is "),
        ("[[", 400, "a request is "),
        ('{"device": 7, "action": "save"}', 400, "a request is "),
        ('{"device": true, "action": "save"}', 400, "a request is "),
        ('{"device": 0, "action": "reset"}', 400, "there is no action 'reset'; the actions are "),
        ('{"device": 0, "action": "save"}', 400, "learns no rows now"),
        (" " * 1025, 413, "the request is too long"),
    ],
)
def test_a_request_that_cannot_be_done_is_refused(
    iris: Model, book: Logbook, body: str, code: int, words: str
) -> None:
    with served(book.write(Path("steps.jsonl")), iris, control=True) as (server, _):
        token = urlsplit(server.url).query.removeprefix("token=")
        found, _headers, text = ask(
            server, "POST", "/control", body, Authorization=f"Bearer {token}"
        )
        assert (found, words in text) == (code, True), text
        assert ask(server, "POST", "/state", body, Authorization=f"Bearer {token}")[0] == 405


def test_with_control_the_loopback_address_needs_the_token(iris: Model, book: Logbook) -> None:
    with served(book.write(Path("steps.jsonl")), iris, control=True) as (server, _):
        own = {"Origin": server.url.partition("/?")[0]}
        assert ask(server, "GET", "/state")[0] == 401
        assert ask(server, "POST", "/control", '{"device": 0, "action": "save"}', **own)[0] == 401


def test_an_open_address_needs_the_token(iris: Model, book: Logbook) -> None:
    with served(book.write(Path("steps.jsonl")), iris, host="0.0.0.0") as (server, _):
        assert ask(server, "GET", "/state")[0] == 401
        assert ask(server, "GET", "/?token=wrong")[0] == 401
        code, headers, _ = ask(server, "GET", "/?" + urlsplit(server.url).query)
        assert (code, headers["location"]) == (303, "/")
        cookie = headers["set-cookie"]
        assert "HttpOnly" in cookie and "SameSite=strict" in cookie
        assert ask(server, "GET", "/state", Cookie=cookie.split(";")[0])[0] == 200


def test_the_token_of_the_address_opens_the_page(browser: Browser, iris: Model, book) -> None:
    with served(book.write(Path("steps.jsonl")), iris, host="0.0.0.0") as (server, _):
        browser.open(server.url.replace("0.0.0.0", "127.0.0.1"))
        browser.wait("document.body && document.body.dataset.ready")
        assert browser.value("location.search") == ""


# --- the command ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("{log}",), "{log} is a log; name the device's model when it began, with --model MODEL"),
        (("nothing",), "there is no log or model nothing"),
        (("{model}", "--model", "{model}"), "{model} is a model, so leave --model out"),
        (("{bytes}", "--model", "{model}"), "{bytes} is neither a log nor a model"),
        (
            ("{model}", "--board", "host"),
            "--board does nothing without DATA, because the devices then learn by themselves",
        ),
        (("{model}", "iris", "--board", "host", "--port", "p"), "give --board or --port, not both"),
        (("{log}", "--model", "{model}", "--control"), "--control is for devices that learn now"),
        (("{model}", "a", "b"), "after {model} only DATA may follow, but not b"),
        (
            ("{log}", "--model", "{model}", "--samples", "3"),
            "--samples does nothing for a log: leave it out, or name a model",
        ),
        (
            ("{log}", "--model", "{model}", "--host", "nowhere.invalid"),
            "there is no address 'nowhere.invalid' to serve the page at",
        ),
        (("{model}", "iris", "--raw"), "--raw is for windows of a device's sensor"),
        (("{model}", "--raw"), "{model} has no front end: leave --raw out"),
        (("{model}", "iris", "--mqtt-ca", "c.pem"), "--mqtt-ca is for MQTT: give --mqtt, too"),
        (("{model}", "iris", "--mqtt", "a b"), "'a b' is no address of an MQTT broker: write"),
    ],
)
def test_what_does_not_fit_is_refused(
    ska_edge, iris_file: Path, book: Logbook, arguments: tuple[str, ...], sentence: str
) -> None:
    names = {"log": book.write(Path("steps.jsonl")), "model": iris_file, "bytes": Path("rnd.jsonl")}
    names["bytes"].write_bytes(b"\x9f\x08\x00PK")
    outcome = ska_edge("dashboard", *(each.format(**names) for each in arguments))
    assert sentence.format(**names) in outcome.refusal(2)
    assert "the dashboard is at" not in outcome.out


def test_a_model_with_another_plan_is_refused(
    ska_edge, iris: Model, iris_file: Path, book: Logbook
) -> None:
    book.lines[0]["device"]["digest"] = "0123456789abcdef"
    log = book.write(Path("steps.jsonl"))
    sentence = ska_edge("dashboard", log, "--model", iris_file, "--http-port", 0).refusal(2)
    assert "the device runs the plan 0123456789abcdef, but the model is " in sentence
    assert f"{iris.plan.digest}: name the model that was flashed" in sentence


def test_a_busy_port_is_named(ska_edge, iris_file: Path, book: Logbook) -> None:
    log = book.write(Path("steps.jsonl"))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        outcome = ska_edge("dashboard", log, "--model", iris_file, "--http-port", port)
    assert f"cannot serve the page at 127.0.0.1 on TCP port {port}" in outcome.refusal(2)


def test_two_dashboards_have_two_ports() -> None:
    with Server(Page(), "127.0.0.1", None) as one, Server(Page(), "127.0.0.1", None) as other:
        assert one.url != other.url
        assert ask(one, "GET", "/state")[0] == ask(other, "GET", "/state")[0] == 200


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        ('{"sample": 1}\n', "line 2: its 'label' is not a whole number"),
        ("half a line\n", "line 2: not a line of a monitor's log: it is damaged"),
    ],
)
def test_a_damaged_line_is_named(
    ska_edge, iris_file: Path, book: Logbook, damage: str, what: str
) -> None:
    log = Path("steps.jsonl")
    log.write_text(json.dumps(book.lines[0]) + "\n" + damage)
    outcome = ska_edge("dashboard", log, "--model", iris_file, "--http-port", 0)
    assert what in outcome.refusal(2)


def test_a_tail_reads_each_line_once(book: Logbook) -> None:
    log = book.write(Path("steps.jsonl"))
    whole = log.read_bytes()
    middle = len(whole) // 2
    log.write_bytes(whole[:middle])
    tail = Tail(log)
    found = [*tail.lines()]
    assert [*tail.lines()] == []
    log.write_bytes(whole)
    found += tail.lines()
    assert [line.as_dict().keys() for line in found] == [line.keys() for line in book.lines]
    log.write_bytes(whole[:middle])
    with pytest.raises(InputError, match="has become shorter"):
        next(tail.lines())


def test_a_board_that_learns_is_shown_live(
    require_board: Callable[[str], Board], browser: Browser, iris_file: Path
) -> None:
    require_board("host")
    options = ("--board", "host", "--log", "steps.jsonl", "--hold-out", 0)
    with served_page("dashboard", iris_file, "iris", *options) as page:
        browser.open(page.url)
        browser.wait("document.getElementById('state')?.textContent === 'ended'")
        browser.wait(
            """!!document.querySelector('[data-name="device and host"] dd.words')?.textContent"""
            """.endsWith('150 rows')"""
        )
        shown = browser.value(
            """document.querySelector('[data-name="right on the device"] dd').textContent"""
        )
        lines = map(json.loads, Path("steps.jsonl").read_text().splitlines())
        right = [each["predicted"] == each["label"] for each in lines if "sample" in each]
        assert (len(right), shown) == (150, f"{sum(right) / 150:.2%}")
        assert page.interrupt() == 130


def test_buttons_steer_a_device_and_the_log_rebuilds_it(
    browser: Browser, iris_file: Path, iris: Model
) -> None:
    browser.open("about:blank")  # leaves the page of an earlier test, whose server has ended
    browser.wait("location.href === 'about:blank'")
    before = len(browser.errors)
    with GatedDevice(iris.state) as device:
        options = ("--control", "--port", device.port, "--log", "steps.jsonl")
        with served_page("dashboard", iris_file, "iris", *options) as page:
            browser.open(page.url)
            browser.wait("document.getElementById('control')?.hidden === false")
            assert browser.value("document.cookie + location.search") == ""

            def press(action: str, words: str) -> None:
                browser.value(f"document.querySelector('[data-action={action}]').click()")
                browser.wait(f"document.getElementById('control').textContent.includes('{words}')")

            press("pause", "Continue")
            browser.wait("document.getElementById('state').textContent === 'paused'")
            device.gate.set()
            press("halve", "halved 1 time")
            press("save", "saved at sample")
            assert (device.halvings, device.saves) == (1, 1)
            press("double", "the rate is the plan")
            browser.value("document.querySelector('[data-action=continue]').click()")
            browser.wait("document.getElementById('state').textContent === 'ended'")
            assert browser.value("document.getElementById('control').hidden")
            assert browser.errors[before:] == []
            assert page.interrupt() == 130
        found = rebuild(Path("steps.jsonl"), iris)
        assert found.checked and found.state.to_bytes() == device.network.to_bytes()


def test_the_extra_is_named_if_it_is_missing(
    ska_edge, iris_file: Path, book: Logbook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "starlette", None)
    log = book.write(Path("steps.jsonl"))
    outcome = ska_edge("dashboard", log, "--model", iris_file)
    assert "pip install '.[dashboard]' in the clone" in outcome.refusal(2)


def test_bad_input_is_named_before_a_missing_package(
    ska_edge, iris_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "starlette", None)
    assert "'nodata' is neither a file" in ska_edge("dashboard", iris_file, "nodata").refusal(2)
    said = ska_edge("record", "-o", "rec", "--page", "--port", "/dev/nothere").refusal(3)
    assert "/dev/nothere" in said
    Path("bad.jsonl").write_text("{}\n", encoding="utf-8")
    assert "bad.jsonl" in ska_edge("dashboard", "bad.jsonl", "--model", iris_file).refusal(2)
    assert "starlette" in ska_edge("dashboard", iris_file, "iris").refusal(2)
