/* USART0 of an ATmega and its line (ATmega328P data sheet, chapter USART0). usart.c replaces the
 * receiver of libsimavr, which keeps 64 bytes, by one that keeps 3. It also checks how the firmware
 * uses the transmitter. */

#ifndef SKA_SIMULATOR_USART_H
#define SKA_SIMULATOR_USART_H

#include <simavr/sim_avr.h>

#include <stdint.h>

/* Connects the USART to a line with this speed; `sent` gets each byte that the firmware sends. */
void usart_connect(avr_t *avr, uint32_t baud, void (*sent)(const avr_t *avr, uint8_t byte));

/* Tells whether the receiver is on. */
int usart_listens(const avr_t *avr);

/* Takes a byte that has arrived; call it at most once per byte time. The byte is lost if the
 * firmware has not read the three bytes before it. */
void usart_receive(avr_t *avr, uint8_t byte);

/* Ends the process, with a sentence, if no byte can end the sleep that the firmware begins. */
void usart_check_sleep(const avr_t *avr);

#endif
