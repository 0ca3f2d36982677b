"""Makes the requests of a host to one device, such as learn, pull and save.

`session` sends a request, with retries, and reads its answer; `stream` sends samples in a stream.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Sequence

from ska_edge.device import claims, device_errors, transfer
from ska_edge.device.info import Result
from ska_edge.device.sample import Truth
from ska_edge.device.sensor import RawPart, SensorWindow, window_of
from ska_edge.device.session import Session
from ska_edge.errors import DeviceError, InputError
from ska_edge.plural import counted
from ska_edge.wire.protocol import NAME_BYTES, Capability, Want, WindowDetail


def new_token() -> int:
    """Return a random token that is not 0."""
    return int.from_bytes(os.urandom(4), "little") or 1


class Link(Session):
    """A session with one device, and the requests that a host makes of it.

    `Session` describes the arguments and the attributes. Every request raises the errors of
    `Session.request`.
    """

    # --- what the device must be ------------------------------------------------------------------

    def expect_digest(self, digest: str) -> None:
        """Raise DeviceError unless the device runs the plan with this digest.

        Args:
            digest: hexadecimal digits of the plan's digest; the device reports the first 16.
        """
        claims.check_digest(self.info, digest, self.port)

    def expect_plan(self, plan: claims.PlanShape) -> None:
        """Check everything that the device reports against this plan, now and in later sessions.

        Raises DeviceError if the device does not run this plan.
        """
        claims.check_info(self.info, plan, self.port)
        self._plan = plan

    def expect_capability(self, capability: Capability, what: str) -> None:
        """Raise DeviceError unless the device learns and has a capability; `what` names its use."""
        self.expect_learning()
        if not self.info.capabilities & capability:
            raise DeviceError(
                f"the device at {self.port} cannot {what}: its board has no memory for two saves"
                " of this plan; choose a smaller network or another board"
            )

    def expect_front(self) -> None:
        """Raise DeviceError for a firmware that computes no features from raw samples."""
        if not self.info.capabilities & Capability.FRONT:
            raise device_errors.no_front(self.port)

    def expect_sensor(self) -> None:
        """Raise DeviceError for a firmware that takes no samples of its own sensor."""
        if not self.info.senses:
            raise device_errors.no_sensor(self.port)

    def expect_raw(self) -> None:
        """Raise DeviceError for a firmware without a sensor, or whose front end has no samples."""
        self.expect_sensor()
        if not self.info.has_raw:
            raise device_errors.no_raw(self.port)

    def expect_learning(self) -> None:
        """Raise DeviceError for a firmware that only classifies."""
        if not self.info.learns:
            raise device_errors.only_classifies(self.port)

    # --- requests ---------------------------------------------------------------------------------

    def learn(self, x: Iterable[int], label: Truth, want: Want = Want.METRICS) -> Result:
        """Make one learning step on the device; `stream.Stream` is faster for many samples.

        Args:
            x: (inputs,) integers in the plan's input format.
            label: class index, or the targets of a regression.
            want: additional contents of the answer.
        """
        request = self.sample(self.info.samples, x, label, want)
        request.samples = None  # do not ignore a RESULT with a wrong count; report it
        result = self._result(request)
        self.samples, self.step = result.samples, result.step
        return result

    def infer(self, x: Iterable[int]) -> Result:
        """Return the answer for one input, (inputs,) integers, without learning."""
        return self._result(self._prepare("INFER", {"x": self._bytes(x)}))

    def push_samples(self, data: bytes, reset: bool) -> bool:
        """Push raw samples into the device's front end; tell whether they complete a window.

        Args:
            data: whole samples, int16 little-endian, one per axis; at most `RAW_MAX` bytes.
            reset: whether the device first forgets all earlier samples.
        """
        ((_, status),) = self.request("RAW", {"reset": int(reset), "data": data})
        return bool(status["detail"])

    def read_window(self, inputs: int, width: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Return the features of the complete window, and the input that the device makes of them.

        Each has `inputs` integers; those of the input have `width` bytes on the line. Raises
        DeviceError if the last samples completed no window.
        """
        size = inputs * (4 + width)
        data = transfer.read_part(self.request, 0, size, self.port, "FEATURES", "window")
        values = struct.unpack(f"<{inputs}i{inputs}{'b' if width == 1 else 'h'}", data)
        return values[:inputs], values[inputs:]

    def window(self, after: int = 0) -> SensorWindow | None:
        """Return the newest window of the device's sensor; None if its number is `after`.

        A device whose source gives samples on request, such as a file, takes the next window first
        if the newest one has this number. If such a source has no more samples, `sensor_ended`
        becomes true. Raises DeviceError for a firmware without a sensor.
        """
        self.expect_sensor()
        replies = self.request("WINDOW", {"after": after})
        self.sensor_ended = replies[-1][1].get("detail") == WindowDetail.ENDED
        return self._window(replies)

    def read_raw(self, first: int, axes: int) -> RawPart:
        """Read raw samples of the device's sensor, at most as many as fit into an answer.

        Args:
            first: number of the first wanted sample, counted from the device's start. If the device
                does not have it, the answer begins with the oldest one that it has.
            axes: values of a sample.

        Raises DeviceError for a firmware that has no raw samples, and if the answer is no whole
        number of samples.
        """
        self.expect_raw()
        ((_, found),) = self.request("READ_RAW", {"first": first})
        data = found["data"]
        if len(data) % (2 * axes):
            raise DeviceError(
                f"the device at {self.port} sends {len(data)} bytes of raw samples, which is no"
                f" whole number of samples of {counted(axes, 'axis')}; flash it again"
            )
        samples = tuple(struct.iter_unpack(f"<{axes}h", data))
        return RawPart(found["first"], found["window"], found["end"], samples)

    def label(self, window: int, label: Truth, want: Want = Want.METRICS) -> SensorWindow:
        """Let the device learn its newest window, whose number is given; return the window.

        `label` is a class index, or the targets of a regression. A window that the device has
        learned before as this class, or with these targets, is not learned again; its metrics are
        those of that step. If the first answer is lost, and the next window is complete before the
        retry, the next window is returned.
        Raises NotNewestError if this is not the newest window, or if it was learned before as
        another class or with other targets, and DeviceError if no class has the label.
        """
        self.expect_sensor()
        values = {"window": window, "want": int(want), "token": self.info.token}
        request = self._prepare("LABEL", values | self._truth(label))
        request.metrics = self.info.layers if want & Want.METRICS else 0
        request.window = window
        found = self._window(self._ask(request))
        assert found is not None
        return found

    def _window(self, replies: Sequence[claims.Reply]) -> SensorWindow | None:
        """Return the window in an answer, and update the known progress; None for a STATUS."""
        if replies[-1][0] != "CLASSIFIED":
            return None
        found = window_of(replies, self._input.unpack, self.info.layers)
        self.samples, self.step = found.result.samples, found.result.step
        return found

    def halve_rate(self, times: int) -> None:
        """Set the device's rate to the plan's rate, halved `times` times."""
        self.request("SET_RATE", {"halvings": times, "token": self.info.token})
        self._note(halvings=times)

    def add_class(self, name: str) -> int:
        """Make a spare output a class with this name, and return its label.

        A class that was added with this name stays as it is. Raises InputError for a name that is
        too long, and DeviceError if no spare output is left or the firmware has none.
        """
        data = name.encode("utf-8", "replace").ljust(NAME_BYTES, b"\0")
        if len(data) > NAME_BYTES:
            raise InputError(f"the class name '{name:.40}' has more than {NAME_BYTES} bytes")
        ((_, status),) = self.request("ADD_CLASS", {"name": data, "token": self.info.token})
        return int(status["detail"])

    def forget_class(self, label: int) -> None:
        """Make an added class a spare output again, without its stored samples and weights.

        Raises DeviceError if no added class has this label.
        """
        self.request("FORGET_CLASS", {"label": label, "token": self.info.token})

    def token(self) -> int:
        """Return the token of the device's state, never 0; set a token if the state has none.

        A restart, a reset and a pushed state end the token. From this call on, the device accepts
        samples, rates, saves and added classes only while its state has this token.

        Raises ContactLost if the device's state has been replaced.
        """
        info = self.info if self.info.token else self.hello()
        return info.token or self.set_token(new_token())

    def set_token(self, token: int) -> int:
        """Give this token to the device's state; raise ContactLost if the state was replaced."""
        self.request("SET_TOKEN", {"token": token, "crc": self.info.crc})
        self._note(token=token)
        return token

    def pull(self, size: int) -> bytes:
        """Read the state; see `State.from_bytes`.

        Args:
            size: bytes of the plan's state. Another size raises DeviceError.
        """
        return transfer.read_state(self.request, self.hello(), size, self.port)

    def read(self, offset: int, size: int) -> bytes:
        """Read a part of the state; the device may learn meanwhile."""
        return transfer.read_part(self.request, offset, size, self.port)

    def push(self, data: bytes, digest: str) -> None:
        """Send a state of the plan with this digest; the device stores it and then loads it.

        A new call resumes an interrupted transfer. Until it is complete, the old state stays.
        """
        self.expect_digest(digest)
        self.expect_capability(Capability.PUSH, "take a state")
        transfer.write_state(self.request, data, digest, self.port)
        self._info = None  # step, samples, token and CRC have changed

    def save(self) -> None:
        """Make the device save its state, so that it survives a restart."""
        self.expect_capability(Capability.SAVE, "keep its state")
        self.request("SAVE", {"token": self.info.token})

    def reset(self) -> None:
        """Return the device to the plan's weights and step 0; its save stays."""
        self.request("RESET")
        self._note(token=0, halvings=0)
        self.samples = self.step = 0
