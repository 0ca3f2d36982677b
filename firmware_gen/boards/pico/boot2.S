/* The second stage of the RP2040's boot. The ROM copies the first 256 bytes of flash to RAM and runs
   them if their CRC-32 is right (RP2040 data sheet, 2.8.1.3).

   This stage makes the SSI, the interface to flash, read with the command 03h, which every serial
   flash knows. The ROM does the same at the end of each erase and each write (storage_rp2040.c).
   Then this stage starts the image, whose vector table follows. */

    .file "boot2.S" /* without it, the image would have the name of a temporary file */
    .syntax unified
    .cpu cortex-m0plus
    .thumb
    .section .boot2, "a"

    ldr r3, ssi
    movs r0, #0
    str r0, [r3, #0x08] /* SSIENR: off, because the other registers are writable only then */
    str r0, [r3, #0x04] /* CTRLR1: one frame for each read */
    movs r0, #6
    str r0, [r3, #0x14] /* BAUDR: the core's clock, divided by 6; that is 21 MHz after start-up */
    ldr r0, frames
    str r0, [r3, #0x00] /* CTRLR0 */
    ldr r0, command
    movs r1, #0xF4
    str r0, [r3, r1] /* SPI_CTRLR0 */
    movs r0, #1
    str r0, [r3, #0x08] /* SSIENR: on */

    ldr r0, vectors
    ldr r1, vtor
    str r0, [r1]
    ldr r1, [r0, #0]
    msr msp, r1
    ldr r1, [r0, #4]
    bx r1

    .balign 4
ssi:
    .word 0x18000000
frames:
    .word 0x001F0300 /* frames of 32 bits; send a command and an address, then receive */
command:
    .word 0x03000218 /* the command 03h in 8 bits, an address of 24 bits, all on one data line */
vectors:
    .word 0x10000100
vtor:
    .word 0xE000ED08

    .org 252
    .word 0x6129F515 /* the CRC-32 of the bytes above; test_machine.py computes it */
