/* ska_crc.c - CRC-32, four bits at a time: a table of 64 bytes. Bit by bit would save half of it
 * and take three times as long, and a state may be summed up after every sample. */
#include "ska_crc.h"

#include "ska_const.h"

/* What each value of the four low bits leads to. */
static const uint32_t crc_of_bits[16] SKA_CONST = {
    0x00000000u, 0x1DB71064u, 0x3B6E20C8u, 0x26D930ACu, 0x76DC4190u, 0x6B6B51F4u,
    0x4DB26158u, 0x5005713Cu, 0xEDB88320u, 0xF00F9344u, 0xD6D6A3E8u, 0xCB61B38Cu,
    0x9B64C2B0u, 0x86D3D2D4u, 0xA00AE278u, 0xBDBDF21Cu,
};

static inline uint32_t crc_step(uint32_t crc) {
    return (crc >> 4) ^ ska_const_u32(&crc_of_bits[crc & 0xFu]);
}

uint32_t ska_crc32_update(uint32_t crc, const uint8_t *bytes, uint32_t count) {
    crc = ~crc;
    for (uint32_t i = 0; i < count; i++) {
        crc = crc_step(crc_step(crc ^ bytes[i]));
    }
    return ~crc;
}
