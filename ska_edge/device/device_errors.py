"""Makes the errors for a device that does not do what was requested; each is one sentence."""

from __future__ import annotations

from ska_edge.errors import ContactLost, DeviceError, DeviceOptionError
from ska_edge.wire.protocol import PROTOCOL_VERSION, STATUS_PURPOSE, Status


class TooManySavesError(DeviceError):
    """The error for a save that is too early: the device waits for `bytes_left` more bytes."""

    def __init__(self, port: str, bytes_left: int) -> None:
        super().__init__(
            f"the device at {port} has made too many saves: it makes the next one after"
            f" {bytes_left:,} more bytes on its line; let it learn, or try again. What it has"
            " learned since its last save is in its RAM: `ska-edge pull` reads it"
        )
        self.bytes_left = bytes_left


class NotNewestError(DeviceError):
    """The error for a label of a window that is not the newest, or was learned before as another
    class or with other targets.
    """


def refused(port: str, request: str, code: int, detail: int) -> DeviceError:
    """Return the error for a refused request; ContactLost if the session or the state is gone."""
    if code in (Status.SEQUENCE, Status.TOKEN):
        what = "lost the session" if code == Status.SEQUENCE else "has another state than it had"
        return ContactLost(
            f"the device at {port} {what} (did it restart?): connect "
            "again and compare its step, since what it learned may be gone"
        )
    if code == Status.KEY:
        return DeviceOptionError(
            "the device at {port} can be changed only with its key: give it with {key}", port=port
        )
    if code == Status.WINDOW and request == "LABEL":
        return NotNewestError(
            f"the device at {port} has learned nothing: the window is not its newest, or it was"
            f" learned before as another class or with other targets; the newest has the number"
            f" {detail}"
        )
    if code == Status.FROZEN:
        return other_frozen_layers(port) if request == "PUSH" else only_classifies(port)
    if code == Status.EARLY:
        return TooManySavesError(port, detail)
    if code == Status.WORN:
        return DeviceError(
            f"the memory for saves of the device at {port} is worn out: its last save stays, but it"
            " makes no more; its present state is in its RAM, and `ska-edge pull` reads it"
        )
    reason = (
        STATUS_PURPOSE[Status(code)].partition(";")[0]
        if code in set(Status)
        else "no reason known to this ska-edge"
    )
    return DeviceError(
        f"the device at {port} refused {request}: {reason} (code {code}, detail {detail})"
    )


def only_classifies(port: str) -> DeviceError:
    """Return the error for a firmware that neither learns nor has a state to read or write."""
    return DeviceOptionError(
        "the firmware of the device at {port} only classifies: its weights are in flash; generate"
        " it without {inference_only}",
        port=port,
    )


def no_front(port: str) -> DeviceError:
    """Return the error for a firmware without RAW and FEATURES, if its plan has a front end."""
    return DeviceError(
        f"the firmware of the device at {port} takes no raw samples, because an earlier version"
        " generated it: generate, build and flash it again"
    )


def no_sensor(port: str) -> DeviceError:
    """Return the error for a firmware that takes no samples of its own sensor."""
    return DeviceOptionError(
        "the firmware of the device at {port} has no sensor: generate it with {sensor}", port=port
    )


def no_raw(port: str) -> DeviceError:
    """Return the error for a firmware whose front end keeps no raw samples."""
    return DeviceOptionError(
        "the device at {port} has no raw samples to read: its front end keeps none;"
        " leave {raw} out, or train with another front end",
        port=port,
    )


def other_frozen_layers(port: str) -> DeviceError:
    """Return the error for a pushed state with other weights than the device has in flash."""
    return DeviceError(
        f"the device at {port} has the layers that never learn in flash, and their weights are not"
        " those of this model: build and flash the firmware of this model"
    )


def other_plan(port: str, device: str, wanted: str) -> DeviceError:
    """Return the error for a device that runs a plan with another digest."""
    return DeviceError(
        f"the device at {port} runs the plan {device}, not {wanted}: "
        "build and flash the firmware of this model, or name the model that was flashed"
    )


def keyless(port: str) -> DeviceError:
    """Return the error for a device without a key, if a key was given."""
    return DeviceOptionError(
        "the device at {port} has no key: leave {key} out, or flash a firmware that was generated"
        " with the key",
        port=port,
    )


def other_version(port: str, version: int | None) -> DeviceError:
    """Return the error for another protocol version; `version` is None if it is unknown."""
    return DeviceError(
        f"the device at {port} speaks protocol version {'?' if version is None else version}, this"
        f" ska-edge speaks {PROTOCOL_VERSION}: generate, build and flash its firmware again"
    )


def stranger(port: str, baud: int, received: int) -> DeviceError:
    """Return the error if HELLO got no answer; `received` is the number of bytes that arrived."""
    if received:
        return DeviceError(
            f"what answers at {port} is not a ska-edge device ({received} bytes came, but no answer"
            f" to HELLO at {baud} baud): check the port and its speed, or flash the device"
        )
    return DeviceError(
        f"the device at {port} does not answer: check that it has power and runs ska-edge "
        "firmware, and that this is its port (`ska-edge ports` lists them)"
    )


def silent(port: str, tries: int, wait: float) -> ContactLost:
    """Return the error for a connected device that did not answer `tries` tries of `wait` s."""
    return ContactLost(
        f"the device at {port} stopped answering ({tries} tries of {wait:.2g} s): check cable and "
        "power, then connect again"
    )
