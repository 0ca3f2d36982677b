"""Publishes the lines of a log to an MQTT broker.

The topic `ska-edge/DEVICE/telemetry` gets the lines of the log as JSON, except notices. The
retained topic `ska-edge/DEVICE/status` gets the activity of the device. The broker sets it to
"offline" if the connection to the monitor breaks.
"""

from __future__ import annotations

import json
import re
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import Any

from ska_edge.errors import ContactLost, InputError, ToolError
from ska_edge.extras import how_to_install
from ska_edge.monitor.log.line import LogLine, Notice
from ska_edge.monitor.monitor import Activity, Monitor
from ska_edge.plural import counted

PORT, PORT_TLS = 1883, 8883
TLS = "mqtts://"  # prefix of an address for an encrypted connection
USER, PASSWORD = "SKA_EDGE_MQTT_USER", "SKA_EDGE_MQTT_PASSWORD"
PASSWORD_FILE = "SKA_EDGE_MQTT_PASSWORD_FILE"
LARGEST = 65_536  # bytes of the largest accepted packet; a broker sends a publisher short ones
KEPT = 50_000  # at most this many messages wait for a broker; MQTT can number 65,535
PATIENCE = 5.0  # seconds to deliver the remaining messages at the end
AT_LEAST_ONCE = 1  # quality of service: a delivered message may arrive twice


def parse_address(text: str) -> tuple[str, int]:
    """Return the host and TCP port of "HOST", "HOST:PORT" or "[IPV6]:PORT", also after `TLS`.

    Raises InputError for any other text.
    """
    found = re.fullmatch(
        r"(\[[^\]]+\]|[^:\[\]/\s]+)(?::(\d{1,5}))?", text.removeprefix(TLS), re.ASCII
    )
    port = int(found[2] or (PORT_TLS if text.startswith(TLS) else PORT)) if found else 0
    if found is None or not 0 < port < 65536:
        raise InputError(
            f"'{text}' is no address of an MQTT broker: write HOST, HOST:PORT or {TLS}HOST:PORT"
        )
    return found[1].strip("[]"), port


def device_name(board: str, port: str) -> str:
    """Return the default name of a device: its board, and the end of its port."""
    return topic_level(f"{board}-{PurePosixPath(port).name}")


def topic_level(name: str) -> str:
    """Return a name with "-" in place of blanks and of the characters that MQTT reserves."""
    return re.sub(r"[+#/\s\0]", "-", name)


@dataclass(frozen=True, slots=True)
class Access:
    """The encryption and the login for a broker.

    Attributes:
        context: the TLS context of an encrypted connection; None for a plain connection.
        user, password: the login; each may be None. The password is never printed.
    """

    context: ssl.SSLContext | None = None
    user: str | None = None
    password: str | None = field(default=None, repr=False)


def access_of(address: str, ca: Path | None, environment: Mapping[str, str]) -> Access:
    """Return the encryption and the login for the broker at an address.

    Args:
        ca: file with the certificates of trusted authorities; None uses those of the system.
        environment: variables with the user and the password, or with the name of a password file.

    Raises InputError if a file cannot be read, or if the settings are incomplete or contradictory.
    """
    if ca is not None and not address.startswith(TLS):
        raise InputError(f"a CA file is for an encrypted connection: write {TLS}{address}")
    user, password = environment.get(USER), environment.get(PASSWORD)
    file = environment.get(PASSWORD_FILE)
    if file is not None and password is not None:
        raise InputError(f"{PASSWORD} and {PASSWORD_FILE} are both set: unset one of them")
    try:
        if file is not None:
            password = Path(file).read_text(encoding="utf-8").rstrip("\r\n")
        context = ssl.create_default_context(cafile=ca) if address.startswith(TLS) else None
    except (OSError, UnicodeDecodeError) as error:  # ssl.SSLError is an OSError
        bad = ca if file is None else f"{file} or {ca}" if ca else file
        raise InputError(f"cannot read {bad}: {getattr(error, 'strerror', error)}") from error
    if password is not None and user is None:
        raise InputError(f"there is a password for the MQTT broker but no user: set {USER}, too")
    return Access(context, user, password)


class Broker:
    """A broker that the devices of a fleet share.

    Args:
        address: see `parse_address`.
        warn: called with a sentence about the broker.
        access: the encryption and the login.
    """

    def __init__(
        self, address: str, warn: Callable[[str], None], access: Access | None = None
    ) -> None:
        self.address = address
        self.warn = warn
        self.access = access or Access()
        self._ports: dict[str, str] = {}

    def claim(self, name: str, port: str) -> None:
        """Reserve a name for the device at a port; raise InputError if another device has it."""
        other = self._ports.setdefault(name, port)
        if other != port:
            raise InputError(
                f"for MQTT the devices at {other} and {port} would both be called {name}: give"
                " each a --name"
            )


class MqttSink:
    """Publishes the events of one device, as a `Sink`.

    Args:
        broker: shared with the other devices.
        port: the given name of the device's port.
        name: the device's name; None uses `device_name`.
    """

    def __init__(self, broker: Broker, port: str, name: str | None = None) -> None:
        self._broker, self._port, self._name = broker, port, name
        self._open = False
        self._connected: Publisher | None = None

    def open(self, monitor: Monitor) -> None:
        """Claim the name; the first event opens the connection.

        Raises ToolError without the package paho-mqtt, and InputError as `Broker.claim` does.
        """
        _paho()
        self._name = self._name or device_name(monitor.info.board, monitor.port)
        self._broker.claim(self._name, self._port)
        self._open = True

    def write(self, line: LogLine) -> None:
        """Publish a line, but not a notice, because only a log needs notices."""
        if self._open and not isinstance(line, Notice):
            self._publisher().line(line)

    def status(self, activity: Activity) -> None:
        """Publish the activity of the device."""
        if self._open:
            self._publisher().status(activity)

    def lost(self, reason: ContactLost) -> None:
        """Ignore the loss, because the status shows it."""

    def close(self) -> None:
        """Deliver the remaining messages if the broker is reachable."""
        if self._connected is not None:
            self._connected.close()

    def _publisher(self) -> Publisher:
        if self._connected is None:
            broker = self._broker
            self._connected = Publisher(broker.address, str(self._name), broker.warn, broker.access)
        return self._connected


def _paho() -> ModuleType:
    """Return the module of the MQTT client; raise ToolError if it is not installed."""
    try:
        from paho.mqtt import client
    except ImportError as error:
        raise ToolError(f"MQTT needs the package paho-mqtt: {how_to_install('mqtt')}") from error
    return client


def _bound(client: Any) -> None:
    """Make a client disconnect from a broker that announces a packet of more than `LARGEST` bytes.

    Otherwise the client would store a packet of up to 256 MB; it has no option for a limit.
    """
    receive = client._sock_recv

    def bounded(size: int) -> bytes:
        if size > LARGEST:
            raise ConnectionError(f"a packet of {size} bytes")
        data: bytes = receive(size)
        return data

    client._sock_recv = bounded


class Publisher:
    """Publishes for one device; waits for the broker only in `close`.

    Args:
        address: the broker's address, see `parse_address`.
        name: the device's name.
        warn: called with a sentence when the broker is first unavailable, and when `close` leaves
            messages undelivered.
        access: the encryption and the login for the broker.

    Raises ToolError without the package paho-mqtt.
    """

    def __init__(
        self,
        address: str,
        name: str,
        warn: Callable[[str], None],
        access: Access | None = None,
    ) -> None:
        paho = _paho()
        self._address = address
        self._topic = f"ska-edge/{topic_level(name)}"
        self._warn = warn
        self._change = threading.Condition()  # guards the attributes below
        self._sent = self._delivered = self._dropped = 0
        self._connected: bool | None = None  # None: not known yet
        # Without this lock, a client that connects could send new messages before earlier ones.
        self._order = threading.Lock()  # held while messages go to the client
        # Messages that wait for the first contact; None after the first contact.
        self._first: list[tuple[str, str, bool]] | None = []
        self._warned = False
        client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        _bound(client)
        access = access or Access()
        self._encrypted = access.context is not None
        if access.context is not None:
            client.tls_set_context(access.context)
        if access.user is not None:
            client.username_pw_set(access.user, access.password)
        client.max_queued_messages_set(KEPT)
        client.reconnect_delay_set(min_delay=1, max_delay=30)
        client.will_set(f"{self._topic}/status", "offline", AT_LEAST_ONCE, retain=True)
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        self._client = client
        self._full = paho.MQTT_ERR_QUEUE_SIZE
        client.connect_async(*parse_address(address))
        client.loop_start()

    def line(self, line: LogLine) -> None:
        """Publish a line of the log."""
        self._publish("telemetry", json.dumps(line.as_dict()), retain=False)

    def status(self, state: str) -> None:
        """Publish the present activity; later subscribers get the latest one."""
        self._publish("status", state, retain=True)

    def close(self) -> None:
        """Deliver the remaining messages if the broker is reachable, and disconnect."""
        with self._change:
            self._change.wait_for(
                lambda: self._delivered == self._sent or self._connected is False, PATIENCE
            )
            lost = self._sent - self._delivered + self._dropped
        client = self._client
        client.disconnect()
        client.loop_stop()
        # Without callbacks, no reference cycle keeps the client's own sockets open.
        client.on_connect = client.on_connect_fail = None
        client.on_disconnect = client.on_publish = None
        if lost:
            self._warn(
                f"{counted(lost, 'message')} did not reach the MQTT broker at {self._address}"
            )

    def _publish(self, what: str, payload: str, *, retain: bool) -> None:
        with self._change:
            self._sent += 1
        with self._order:
            if self._first is None:
                kept = self._hand_over(what, payload, retain)
            else:
                kept = len(self._first) < KEPT
                self._first += [(what, payload, retain)] if kept else []
        if not kept:
            with self._change:
                self._sent -= 1
                self._dropped += 1

    def _hand_over(self, what: str, payload: str, retain: bool) -> bool:
        """Give a message to the client; return False if its queue is full."""
        info = self._client.publish(f"{self._topic}/{what}", payload, AT_LEAST_ONCE, retain)
        return bool(info.rc != self._full)

    # --- called by the client's own thread --------------------------------------------------------

    def _on_connect(self, _client: Any, _data: Any, _flags: Any, reason: Any, _more: Any) -> None:
        with self._change:
            self._connected = not reason.is_failure
            self._change.notify_all()
        if reason.is_failure:
            self._away(f"refuses the connection ({reason})")
            return
        with self._order:
            first, self._first = self._first or [], None
            for message in first:
                self._hand_over(*message)

    def _on_connect_fail(self, _client: Any, _data: Any) -> None:
        with self._change:
            self._connected = False
            self._change.notify_all()
        trusted = ", or its certificate is not trusted on this computer" * self._encrypted
        self._away(f"does not answer{trusted}")

    def _on_disconnect(
        self, _client: Any, _data: Any, _flags: Any, reason: Any, _more: Any
    ) -> None:
        with self._change:
            self._connected = False
            self._change.notify_all()
        if reason.is_failure:
            self._away("has gone")

    def _on_publish(self, _client: Any, _data: Any, _mid: int, _reason: Any, _more: Any) -> None:
        with self._change:
            self._delivered += 1
            self._change.notify_all()

    def _away(self, what: str) -> None:
        if not self._warned:
            self._warned = True
            self._warn(
                f"the MQTT broker at {self._address} {what}; the devices keep learning,"
                " and the broker gets the missed lines when it is back"
            )
