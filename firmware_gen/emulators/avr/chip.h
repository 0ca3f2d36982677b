/* What the parts of the simulated chip share: hooks on registers, and faults of the firmware. */

#ifndef SKA_SIMULATOR_CHIP_H
#define SKA_SIMULATOR_CHIP_H

#include <simavr/sim_avr.h>
#include <simavr/sim_elf.h>
#include <simavr/sim_io.h>

#include <stdint.h>

#define PRR 0x64u /* its name is PRR0 on chips with several USARTs; bit 1 turns USART0 off */
#define PRUSART0 0x02u
#define SMCR 0x53u
#define SM 0x0Eu
#define SE 0x01u

/* The handlers that libsimavr has for a register; either may be NULL. */
typedef struct {
    avr_io_read_t read;
    void *read_context;
    avr_io_write_t write;
    void *write_context;
} handlers_t;

/* Replaces libsimavr's handlers of a register; NULL keeps a handler. Returns libsimavr's
 * handlers. */
handlers_t chip_hook(avr_t *avr, avr_io_addr_t address, avr_io_read_t read, avr_io_write_t write);

/* Writes a register as libsimavr would without our own handler. */
void chip_write(const handlers_t *original, avr_t *avr, avr_io_addr_t address, uint8_t value);

/* Remembers the name and the symbols of the image, for the sentences of `chip_fault`. */
void chip_image(const char *path, const elf_firmware_t *firmware);

/* Ends the process with a sentence that says where the firmware is and what it does wrong. */
void chip_fault(const avr_t *avr, const char *format, ...);

#endif
