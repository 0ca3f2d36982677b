/* ska_baud.h - whether a UART that divides the clock gets near enough to the speed of the line. */
#ifndef SKA_BAUD_H
#define SKA_BAUD_H

/* For #if, which computes with 64 bits: whether bits of so many clocks each are more than 2.5 %, a
 * fortieth, off SKA_UART_BAUD. A limit of ours: half a bit in ten is 5 %, for both
 * ends together, and receivers that sample a bit seldom take less. */
#define SKA_BAUD_IS_OFF(clocks)                                                                    \
    ((clocks) * SKA_UART_BAUD > SKA_CLOCK                                                          \
         ? 40u * ((clocks) * SKA_UART_BAUD - SKA_CLOCK) > SKA_CLOCK                                \
         : 40u * (SKA_CLOCK - (clocks) * SKA_UART_BAUD) > SKA_CLOCK)

#endif
