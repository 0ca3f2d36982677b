/* ska_baud.h - checks that a clock divisor gives the speed of the line closely enough. */
#ifndef SKA_BAUD_H
#define SKA_BAUD_H

/* Tells whether a line with this many clocks per bit is more than 2.5 % (a fortieth) off
 * SKA_UART_BAUD. Use it only in an #if, which computes with 64 bits. The limit is our choice: both
 * ends together may be off by half a bit in the ten bits of a byte, which is 5 %, and receivers
 * with few samples per bit tolerate less. */
#define SKA_BAUD_IS_OFF(clocks)                                                                    \
    ((clocks) * SKA_UART_BAUD > SKA_CLOCK                                                          \
         ? 40u * ((clocks) * SKA_UART_BAUD - SKA_CLOCK) > SKA_CLOCK                                \
         : 40u * (SKA_CLOCK - (clocks) * SKA_UART_BAUD) > SKA_CLOCK)

#endif
