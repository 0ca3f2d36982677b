/* The EEPROM of an ATmega (ATmega328P data sheet, chapter AVR Memories). It replaces the EEPROM of
 * libsimavr, which writes in no time and carries out writes that the chip would ignore. */

#ifndef SKA_SIMULATOR_EEPROM_H
#define SKA_SIMULATOR_EEPROM_H

#include <simavr/sim_avr.h>

/* Puts this EEPROM into the chip. Its bytes are those of the open file `descriptor`; all are erased
 * if `descriptor` is below 0. */
void eeprom_connect(avr_t *avr, int descriptor);

#endif
