#define _DEFAULT_SOURCE

#include "eeprom.h"

#include "chip.h"

#include <simavr/sim_cycle_timers.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define EECR 0x3Fu
#define EEDR 0x40u
#define EEARL 0x41u
#define EEARH 0x42u

/* The programming mode. In mode 0, the chip erases and writes; an erase or a write alone takes
 * half the time. */
#define EEPM 0x30u
#define EEMPE 0x04u
#define EEPE 0x02u
#define EERE 0x01u

#define WRITE_MICROSECONDS 3400u
#define UNLOCKED_CYCLES 4u
#define ERASED 0xFFu
#define JUMP_CYCLES 150u

static uint8_t *cells;
static avr_cycle_count_t unlocked_until = 0;
static int writing = 0; /* whether a write is going on */
static avr_cycle_count_t written_at = 0;
static uint16_t target;
static uint8_t value_to_write;

static avr_cycle_count_t end_write(avr_t *avr, avr_cycle_count_t when, void *context) {
    (void)when;
    (void)context;
    cells[target] = value_to_write;
    writing = 0;
    avr->data[EECR] &= (uint8_t)~EEPE;
    return 0;
}

static void check_idle(const avr_t *avr, const char *action) {
    if (writing) {
        chip_fault(avr, "it %s while the EEPROM is being written; wait until EEPE of EECR is 0",
                   action);
    }
}

static uint16_t address_of(const avr_t *avr) {
    unsigned address = (unsigned)avr->data[EEARL] | (unsigned)avr->data[EEARH] << 8;

    if (address > avr->e2end) {
        chip_fault(avr, "it uses the EEPROM at 0x%04x, but its last address is 0x%04lx", address,
                   (unsigned long)avr->e2end);
    }
    return (uint16_t)address;
}

static void begin_write(avr_t *avr, uint8_t mode) {
    uint32_t duration = WRITE_MICROSECONDS;

    if (avr->cycle > unlocked_until) {
        chip_fault(avr, "it sets EEPE of EECR, but not within four cycles after EEMPE, so the chip"
                        " ignores the write");
    }
    if (avr->sreg[S_I]) {
        chip_fault(avr, "it sets EEMPE and EEPE with interrupts on, and an interrupt between them"
                        " would prevent the write; clear I of SREG first");
    }
    if (mode != 0) {
        duration /= 2;
    }
    target = address_of(avr);
    /* An erased cell has neither the old byte nor the new one until the write ends. */
    value_to_write = mode == 0 ? avr->data[EEDR] : mode == 0x10u ? ERASED : cells[target];
    if (mode == 0x20u) { /* a write without an erase only clears bits */
        value_to_write &= avr->data[EEDR];
    } else {
        cells[target] = ERASED;
    }
    writing = 1;
    written_at = avr->cycle + (avr_cycle_count_t)avr->frequency / 1000000u * duration;
    avr_cycle_timer_register(avr, written_at - avr->cycle, end_write, NULL);
}

static void write_control(avr_t *avr, avr_io_addr_t address, uint8_t value, void *context) {
    (void)context;
    if ((value & EEPE) != 0 && !writing) {
        begin_write(avr, value & EEPM);
    } else if ((value & EERE) != 0) {
        check_idle(avr, "reads");
        avr->data[EEDR] = cells[address_of(avr)];
    } else if ((value & EEMPE) != 0) {
        check_idle(avr, "sets EEMPE");
        unlocked_until = avr->cycle + UNLOCKED_CYCLES;
    }
    avr->data[address] = (uint8_t)((value & ~(EEPE | EERE)) | (writing ? EEPE : 0u));
}

/* Firmware that waits for the end of a write polls EECR. Each poll lets simulated time jump towards
 * that end, which saves real time. A jump is shorter than a byte on the line. */
static uint8_t read_control(avr_t *avr, avr_io_addr_t address, void *context) {
    (void)context;
    if (writing && written_at > avr->cycle + JUMP_CYCLES) {
        avr->cycle += JUMP_CYCLES;
    }
    if (avr->cycle > unlocked_until) {
        avr->data[address] &= (uint8_t)~EEMPE;
    }
    return avr->data[address];
}

static void write_place(avr_t *avr, avr_io_addr_t address, uint8_t value, void *context) {
    (void)context;
    check_idle(avr, address == EEDR ? "changes EEDR" : "changes EEAR");
    avr->data[address] = value;
}

static void on_reset(avr_io_t *io) {
    (void)io;
    writing = 0; /* the interrupted byte stays as it is */
    unlocked_until = 0;
}

void eeprom_connect(avr_t *avr, int descriptor) {
    static avr_io_t part;
    size_t size = (size_t)avr->e2end + 1u;
    int flags = descriptor < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;

    cells = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, descriptor, 0);
    if (cells == MAP_FAILED) {
        perror("simulator: the file of the EEPROM");
        exit(EXIT_FAILURE);
    }
    if (descriptor < 0) {
        (void)memset(cells, ERASED, size);
    }
    part.kind = "saves";
    part.reset = on_reset;
    avr_register_io(avr, &part);
    (void)chip_hook(avr, EECR, read_control, write_control);
    (void)chip_hook(avr, EEDR, NULL, write_place);
    (void)chip_hook(avr, EEARL, NULL, write_place);
    (void)chip_hook(avr, EEARH, NULL, write_place);
}
