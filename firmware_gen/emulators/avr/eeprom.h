/* The EEPROM of an ATmega (ATmega328P data sheet, chapter AVR Memories). It replaces libsimavr's,
 * which takes no time for a write and lets a firmware do what the chip ignores. */

#ifndef SKA_SIMULATOR_EEPROM_H
#define SKA_SIMULATOR_EEPROM_H

#include <simavr/sim_avr.h>

/* Puts this EEPROM into the chip. Its bytes are those of the open file `descriptor`, or fresh ones
 * if it is below 0. */
void eeprom_connect(avr_t *avr, int descriptor);

#endif
