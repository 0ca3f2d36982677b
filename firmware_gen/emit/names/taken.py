"""The names that a library or a model cannot have, because something else in a program has them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Taken:
    """Names that a library or a model cannot have, because something else has them.

    `use` says what has them, with {name} for the name. Names of files are refused `in_any_case`,
    because some file systems do not distinguish capital and small letters.
    """

    use: str
    names: frozenset[str]
    in_any_case: bool = True

    def has(self, name: str) -> bool:
        """Tell whether a name is one of these."""
        if self.in_any_case:
            return name.lower() in {each.lower() for each in self.names}
        return name in self.names


def _names(words: str) -> frozenset[str]:
    return frozenset(words.split())


C_KEYWORDS = Taken(
    "{name} is a keyword of C or C++",
    _names("""
        alignas alignof and asm auto bitand bitor bool break case catch char class compl const
        constexpr continue decltype default delete do double else enum explicit export extern false
        final float for friend goto if inline int long mutable namespace new noexcept not nullptr
        operator or override private protected public register restrict return short signed sizeof
        static struct switch template this throw true try typedef typeid typename typeof union
        unsigned using virtual void volatile while xor
    """),
)
# With such a prefix, a model's name would be one of the C library: int8 would turn ska_t into
# int8_t.
C_NAMES = Taken(
    "{name}_ begins names of the C library",
    frozenset(
        f"{sign}int{kind}{bits}"
        for sign in ("", "u")
        for kind in ("", "_fast", "_least")
        for bits in (8, 16, 32, 64)
    )
    | _names("""
        atomic clock cnd div fpos gid imaxdiv intmax intptr ldiv lldiv max_align mtx off pgm pid
        ptrdiff size ssize thrd time tss uid uintmax uintptr va wchar wctrans wctype wint
    """),
)
# The headers in the last line are included by headers of some C libraries.
C_HEADERS = Taken(
    "{name}.h is a header of C",
    _names("""
        assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal
        stdalign stdarg stdatomic stdbit stdbool stdckdint stddef stdint stdio stdlib stdnoreturn
        string tgmath threads time uchar wchar wctype
        alloca endian features newlib picolibc pthread sched stdc-predef strings unistd
    """),
)
# Headers of the Arduino cores, also private ones, and of the libraries that come with the cores and
# the IDE.
ARDUINO_HEADERS = Taken(
    "{name}.h is a header of Arduino",
    _names("""
        Arduino ArduinoAPI binary CDC Client HardwareSerial HardwareSerial_private Interrupts
        IPAddress new pins_arduino PluggableUSB Print Printable Server Stream Udp USBAPI USBCore
        USBDesc variant WCharacter wiring_private WString
        EEPROM Ethernet Firmata HID Keyboard LiquidCrystal Mouse SD Servo SoftwareSerial SPI Stepper
        TFT twi WiFi Wire
    """),
)
EXAMPLE_HEADERS = Taken("{name}.h is a header of the examples", _names("line sensor"))
EXAMPLE_PROGRAMS = Taken("{name} is a program of the examples", _names("learn serve"))
CMAKE_TARGETS = Taken(
    "{name} is a target of CMake",
    _names("""
        all ALL_BUILD clean edit_cache help install INSTALL package PACKAGE package_source
        preinstall rebuild_cache RUN_TESTS test ZERO_CHECK
    """),
    in_any_case=False,
)
CMAKE_KEYWORDS = Taken(
    "{name} is a keyword of CMake",
    _names("""
        ALIAS ARCHIVE BUNDLE COMPONENT DESTINATION EXCLUDE_FROM_ALL EXPORT FILE FRAMEWORK IMPORTED
        INCLUDES INTERFACE LIBRARY MODULE NAMESPACE OBJECT OBJECTS OPTIONAL PERMISSIONS RESOURCE
        RUNTIME SHARED STATIC TARGETS UNKNOWN
    """),
    in_any_case=False,
)
# Libraries that Zephyr's build makes by fixed names.
ZEPHYR_LIBRARIES = Taken(
    "{name} is a library of Zephyr",
    _names("app kernel offsets syscalls zephyr zephyr_final zephyr_interface zephyr_pre0"),
)
# Components of ESP-IDF that every project has, or that many projects use.
IDF_COMPONENTS = Taken(
    "{name} is a component of ESP-IDF",
    _names("""
        bootloader bt console driver efuse esp_common esp_event esp_netif esp_system esp_timer
        esp_wifi freertos hal heap http_parser idf_test log lwip main mbedtls mqtt newlib nvs_flash
        partition_table protocomm pthread riscv soc spi_flash spiffs tcp_transport ulp vfs xtensa
    """),
)
CUBE_HEADERS = Taken(
    "{name}.h is a header of CubeMX",
    _names("adc can dma fatfs freertos gpio i2c lwip main rtc spi tim usart usb_device"),
)
# The model's name is that of the module, which `import` must find.
MICROPYTHON_NAMES = Taken(
    "{name} is a keyword, a module or an example of MicroPython",
    _names("""
        and as assert async await break class continue def del elif else except finally for from
        global if import in is lambda nonlocal not or pass raise return try while with yield
        array asyncio binascii bluetooth btree builtins cmath collections cryptolib deflate errno
        framebuf gc gzip hashlib heapq io json machine marshal math micropython neopixel network os
        platform random re select socket ssl struct sys time uctypes vfs zlib
        learn sensor serve
    """),
)
