/* ska_baud.h - checks that a clock divisor gives the speed of the line closely enough. */
#ifndef SKA_BAUD_H
#define SKA_BAUD_H

/* Tells, in an #if, which computes with 64 bits, whether this many clocks per bit are more than 2.5
 * % (a fortieth) off SKA_UART_BAUD. The limit is our choice. Half a bit in ten is 5 % for both ends
 * together, and receivers with few samples per bit tolerate less. */
#define SKA_BAUD_IS_OFF(clocks)                                                                    \
    ((clocks) * SKA_UART_BAUD > SKA_CLOCK                                                          \
         ? 40u * ((clocks) * SKA_UART_BAUD - SKA_CLOCK) > SKA_CLOCK                                \
         : 40u * (SKA_CLOCK - (clocks) * SKA_UART_BAUD) > SKA_CLOCK)

#endif
