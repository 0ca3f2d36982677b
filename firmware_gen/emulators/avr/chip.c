#include "chip.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *image = "firmware";
static const elf_firmware_t *symbols = NULL;

handlers_t chip_hook(avr_t *avr, avr_io_addr_t address, avr_io_read_t read, avr_io_write_t write) {
    avr_io_addr_t io = AVR_DATA_TO_IO(address);
    handlers_t original = {avr->io[io].r.c, avr->io[io].r.param, avr->io[io].w.c,
                           avr->io[io].w.param};

    if (read != NULL) {
        avr->io[io].r.c = read;
        avr->io[io].r.param = NULL;
    }
    if (write != NULL) {
        avr->io[io].w.c = write;
        avr->io[io].w.param = NULL;
    }
    return original;
}

void chip_write(const handlers_t *original, avr_t *avr, avr_io_addr_t address, uint8_t value) {
    if (original->write != NULL) {
        original->write(avr, address, value, original->write_context);
    } else {
        avr->data[address] = value;
    }
}

void chip_image(const char *path, const elf_firmware_t *firmware) {
    const char *slash = strrchr(path, '/');

    image = slash == NULL ? path : slash + 1;
    symbols = firmware;
}

/* The last symbol at or before an address in flash; NULL if there is none. */
static const avr_symbol_t *function_at(uint32_t address) {
    const avr_symbol_t *found = NULL;
    uint32_t i;

    for (i = 0; symbols != NULL && i < symbols->symbolcount; i++) {
        const avr_symbol_t *symbol = symbols->symbol[i];

        if (symbol->addr <= address && (found == NULL || symbol->addr > found->addr)) {
            found = symbol;
        }
    }
    return found;
}

void chip_fault(const avr_t *avr, const char *format, ...) {
    const avr_symbol_t *function = function_at(avr->pc);
    va_list values;

    (void)fprintf(stderr, "%s: the firmware failed at ", image);
    if (function != NULL) {
        (void)fprintf(stderr, "%s+0x%lx (0x%08lx)", function->symbol,
                      (unsigned long)(avr->pc - function->addr), (unsigned long)avr->pc);
    } else {
        (void)fprintf(stderr, "0x%08lx", (unsigned long)avr->pc);
    }
    (void)fprintf(stderr, ": ");
    va_start(values, format);
    (void)vfprintf(stderr, format, values);
    va_end(values);
    (void)fprintf(stderr, "\n");
    exit(EXIT_FAILURE);
}
