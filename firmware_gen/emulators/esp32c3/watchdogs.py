"""The watchdogs of an ESP32-C3, which the ROM leaves on when it starts an image from flash.

See the Technical Reference Manual, chapter "Watchdog Timers". A watchdog that is neither turned off
nor fed in time would reset the chip; here it ends the run.
"""

from __future__ import annotations

from collections.abc import Callable

from firmware_gen.emulators.chips.bits import bit, flag
from firmware_gen.emulators.fault import FirmwareFault

KEY, SUPER_KEY = 0x50D8_3AA1, 0x8F1D_312A


class Watchdog:
    """A watchdog that resets the chip if it is not fed for `seconds`.

    `clock` is the core's clock in hertz, and `now` returns the clock cycles since the reset. `cure`
    says how a driver turns the watchdog off.
    """

    def __init__(
        self, name: str, seconds: float, cure: str, clock: int, now: Callable[[], int]
    ) -> None:
        self.running = True
        self._name, self._seconds, self._cure = name, seconds, cure
        self._cycles, self._now = int(seconds * clock), now
        self._fed = 0

    def feed(self) -> None:
        """Restart the time."""
        self._fed = self._now()

    def check(self) -> None:
        """Raise FirmwareFault if the time is over."""
        if self.running and self._now() - self._fed > self._cycles:
            raise FirmwareFault(f"{self._name} was not fed for {self._seconds} s; {self._cure}")

    def check_sleep(self) -> None:
        """Raise FirmwareFault if the watchdog runs while the firmware waits for a byte."""
        if self.running:
            raise FirmwareFault(
                f"it waits for a byte while {self._name} runs, which resets the chip after"
                f" {self._seconds} s; {self._cure}"
            )


class Lock:
    """A register that locks others unless it has the key."""

    def __init__(self, register: str, key: int) -> None:
        self._register, self._key = register, key
        self._open = False

    def write(self, value: int) -> None:
        """Open the lock by its key, or close it."""
        if value not in (0, self._key):
            raise FirmwareFault(
                f"it writes 0x{value:08x} to {self._register}; 0x{self._key:08X} unlocks the"
                " watchdog, and 0 locks it"
            )
        self._open = value == self._key

    def require(self, register: str) -> None:
        """Raise FirmwareFault if the lock is closed."""
        if not self._open:
            raise FirmwareFault(
                f"it writes {register} while the register is locked; write 0x{self._key:08X} to"
                f" {self._register} first"
            )


class RtcWatchdogs:
    """RTC_CNTL: the RTC watchdog and the super watchdog."""

    CONFIG, FEED, PROTECT, SUPER_CONFIG, SUPER_PROTECT = 0x90, 0xA4, 0xA8, 0xAC, 0xB0
    FLASH_BOOT, ENABLE = 12, 31
    SUPER_FEED, SUPER_OFF, SUPER_AUTO_FEED = 29, 30, 31

    def __init__(self, clock: int, now: Callable[[], int]) -> None:
        self.rtc = Watchdog(
            "the RTC watchdog",
            2.9,  # twice the register's 200,000 cycles of the slow clock of 136 kHz
            "clear WDT_FLASHBOOT_MOD_EN and WDT_EN in RTC_CNTL_WDTCONFIG0",
            clock,
            now,
        )
        self.super = Watchdog(
            "the super watchdog", 1.0, "set SWD_AUTO_FEED_EN in RTC_CNTL_SWD_CONF", clock, now
        )
        self._lock = Lock("RTC_CNTL_WDTWPROTECT", KEY)
        self._super_lock = Lock("RTC_CNTL_SWD_WPROTECT", SUPER_KEY)
        self._config = flag(self.FLASH_BOOT)
        self._super_config = 300 * flag(18)  # the width of its signal

    def read(self, offset: int) -> int:
        """Return the value of the register at an offset."""
        if offset == self.CONFIG:
            return self._config
        if offset == self.SUPER_CONFIG:
            return self._super_config
        raise unknown("reads", "RTC_CNTL", offset)

    def write(self, offset: int, value: int) -> None:
        """Write the register at an offset."""
        if offset == self.PROTECT:
            self._lock.write(value)
        elif offset == self.SUPER_PROTECT:
            self._super_lock.write(value)
        elif offset == self.CONFIG:
            self._lock.require("RTC_CNTL_WDTCONFIG0")
            self._config = value
            self.rtc.running = bit(value, self.ENABLE) or bit(value, self.FLASH_BOOT)
        elif offset == self.FEED:
            self._lock.require("RTC_CNTL_WDTFEED")
            self.rtc.feed()
        elif offset == self.SUPER_CONFIG:
            self._super_lock.require("RTC_CNTL_SWD_CONF")
            self._super_config = value
            self.super.running = not bit(value, self.SUPER_AUTO_FEED) and not bit(
                value, self.SUPER_OFF
            )
            if bit(value, self.SUPER_FEED):
                self.super.feed()
        else:
            raise unknown("writes", "RTC_CNTL", offset)


class GroupWatchdog:
    """TIMG0: the watchdog of timer group 0. WDT_CONF_UPDATE_EN makes a new setting take effect."""

    CONFIG, FEED, PROTECT = 0x48, 0x60, 0x64
    FLASH_BOOT, UPDATE, ENABLE = 14, 22, 31

    def __init__(self, clock: int, now: Callable[[], int]) -> None:
        self.watchdog = Watchdog(
            "the watchdog of timer group 0",
            1.3,  # the register's 26,000,000 cycles of the bus clock of 20 MHz
            "clear WDT_FLASHBOOT_MOD_EN and WDT_EN in TIMG0_WDTCONFIG0, and set WDT_CONF_UPDATE_EN",
            clock,
            now,
        )
        self._lock = Lock("TIMG0_WDTWPROTECT", KEY)
        self._config = flag(self.FLASH_BOOT)

    def read(self, offset: int) -> int:
        """Return the value of the register at an offset."""
        if offset == self.CONFIG:
            return self._config
        raise unknown("reads", "TIMG0", offset)

    def write(self, offset: int, value: int) -> None:
        """Write the register at an offset."""
        if offset == self.PROTECT:
            self._lock.write(value)
        elif offset == self.CONFIG:
            self._lock.require("TIMG0_WDTCONFIG0")
            self._config = value & ~flag(self.UPDATE)
            if bit(value, self.UPDATE):
                self.watchdog.running = bit(value, self.ENABLE) or bit(value, self.FLASH_BOOT)
        elif offset == self.FEED:
            self._lock.require("TIMG0_WDTFEED")
            self.watchdog.feed()
        else:
            raise unknown("writes", "TIMG0", offset)


def unknown(verb: str, name: str, offset: int) -> FirmwareFault:
    """Return the fault of an access to a register that has no model."""
    return FirmwareFault(f"it {verb} {name} at 0x{offset:x}, which is not modeled")
