/* USART0 of an ATmega at its line (ATmega328P data sheet, chapter USART0). It replaces the receiver
 * of libsimavr, which keeps 64 bytes, and checks how the firmware uses the transmitter. */

#ifndef SKA_SIMULATOR_USART_H
#define SKA_SIMULATOR_USART_H

#include <simavr/sim_avr.h>

#include <stdint.h>

/* Connects the USART to a line with this speed; `sent` gets each byte that the firmware sends. */
void usart_connect(avr_t *avr, uint32_t baud, void (*sent)(const avr_t *avr, uint8_t byte));

/* Tells whether the receiver is on. */
int usart_listens(const avr_t *avr);

/* Called once per byte time: a byte has arrived. It is lost if three others were not read. */
void usart_receive(avr_t *avr, uint8_t byte);

/* Ends the process with a sentence if no byte can end the sleep that the firmware begins. */
void usart_check_sleep(const avr_t *avr);

#endif
