/* The sensor of the board virtual-m4: each read of its register gives the next byte of the file
 * that SKA_SENSOR names, and a number above 255 after the last one. sensor_file.h says what the
 * file has. */
#include "sensor_file.h"

#define REGISTER (*(const volatile uint32_t *)0x40005000u)

static bool sensor_file_number(int16_t *number) {
    const uint32_t low = REGISTER;
    const uint32_t high = REGISTER;

    *number = (int16_t)(uint16_t)(256u * (high & 0xFFu) + (low & 0xFFu));
    return high <= 255u;
}
