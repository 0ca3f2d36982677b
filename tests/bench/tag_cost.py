"""Count the instructions that a Cortex-M4 and a Cortex-M0 need for the tag of one request.

Run as `python -m tests.bench.tag_cost`; docs/SECURITY.md has the figures.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import unicorn
from unicorn import arm_const

from firmware_gen.emit.key import emit_key
from firmware_gen.project import RUNTIME

ORIGIN, STACK, SIZE = 0x10000, 0x40000, 0x100000
CORES = {
    "cortex-m4": (("-mcpu=cortex-m4", "-O2"), arm_const.UC_CPU_ARM_CORTEX_M4),
    "cortex-m0": (("-mcpu=cortex-m0", "-Os"), arm_const.UC_CPU_ARM_CORTEX_M0),
}
MAIN = """
#include "ska_mac.h"
static uint8_t key[SKA_KEY_BYTES], message[LENGTH], tag[SKA_TAG_BYTES];
volatile uint32_t ended;
__attribute__((section(".entry"))) void entry(void) {
    ska_mac_t mac;
    ska_mac_init(&mac, key);
    ska_mac_update(&mac, message, LENGTH);
    ended = ska_mac_equal(&mac, tag);
    for (;;) { __asm volatile("bkpt"); }
}
"""
CONTENT = "*(.entry) *(.text*) *(.rodata*) *(.data*) *(.bss*)"
LINK = f"SECTIONS {{ . = {ORIGIN:#x}; .text : {{ {CONTENT} }} }}"


def instructions(core: str, length: int) -> int:
    """Count the instructions of `entry` from start to end, for a message of `length` bytes."""
    flags, model = CORES[core]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "main.c").write_text(MAIN)
        (folder / "link.ld").write_text(LINK)
        (folder / "ska_key.h").write_text(emit_key(None))
        command = ["arm-none-eabi-gcc", *flags, "-mthumb", "-std=c99", "-nostdlib"]
        command += ["-ffreestanding", f"-DLENGTH={length}u", "-I.", f"-I{RUNTIME}", "-T", "link.ld"]
        command += ["main.c", str(RUNTIME / "ska_mac.c"), "-lgcc", "-o", "image.elf"]
        subprocess.run(command, cwd=folder, check=True)
        copy = ["arm-none-eabi-objcopy", "-O", "binary", "--set-section-flags", ".bss=alloc,load"]
        subprocess.run([*copy, "image.elf", "image.bin"], cwd=folder, check=True)
        image = (folder / "image.bin").read_bytes()
    machine = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS)
    machine.ctl_set_cpu_model(model)
    machine.mem_map(0, SIZE)
    machine.mem_write(ORIGIN, image)
    machine.reg_write(arm_const.UC_ARM_REG_SP, STACK)
    counted = 0

    def count(_machine: unicorn.Uc, _address: int, _size: int, _data: object) -> None:
        nonlocal counted
        counted += 1

    machine.hook_add(unicorn.UC_HOOK_CODE, count)
    machine.hook_add(unicorn.UC_HOOK_INTR, lambda found, *_: found.emu_stop())  # breakpoint
    machine.emu_start(ORIGIN | 1, SIZE)
    return counted


if __name__ == "__main__":
    # The tag covers 14 bytes and the payload: 4 bytes of SAVE, or 7 bytes and 64 inputs of SAMPLE.
    for title, length in (("SAVE", 14 + 4), ("SAMPLE of 64 inputs", 14 + 7 + 64)):
        for core in CORES:
            print(f"{title}, {core}: {instructions(core, length):,} instructions")
