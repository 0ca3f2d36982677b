#ifndef SKA_CRC_H
#define SKA_CRC_H
#include <stdint.h>
uint32_t ska_crc32_update(uint32_t crc, const uint8_t *bytes, uint32_t count);
#endif
