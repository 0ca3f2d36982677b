/* ska_crc.c - CRC-32, one byte at a time. The contribution of a byte is the XOR of the
 * contributions of its two halves, so 2 tables of 16 numbers replace one of 256. A bitwise CRC
 * would save the 128 bytes of the tables, but would take two times (AVR) to six times as long, and
 * the host may request the CRC after every sample. */
#include "ska_crc.h"

#include "ska_const.h"

/* The contributions of the low half and of the high half of a byte. */
static const uint32_t crc_of_low[16] SKA_CONST = {
    0x00000000u, 0x77073096u, 0xEE0E612Cu, 0x990951BAu, 0x076DC419u, 0x706AF48Fu,
    0xE963A535u, 0x9E6495A3u, 0x0EDB8832u, 0x79DCB8A4u, 0xE0D5E91Eu, 0x97D2D988u,
    0x09B64C2Bu, 0x7EB17CBDu, 0xE7B82D07u, 0x90BF1D91u,
};
static const uint32_t crc_of_high[16] SKA_CONST = {
    0x00000000u, 0x1DB71064u, 0x3B6E20C8u, 0x26D930ACu, 0x76DC4190u, 0x6B6B51F4u,
    0x4DB26158u, 0x5005713Cu, 0xEDB88320u, 0xF00F9344u, 0xD6D6A3E8u, 0xCB61B38Cu,
    0x9B64C2B0u, 0x86D3D2D4u, 0xA00AE278u, 0xBDBDF21Cu,
};

uint32_t ska_crc32_update(uint32_t crc, const uint8_t *bytes, uint32_t count) {
    crc = ~crc;
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t place = (uint8_t)((crc ^ bytes[i]) & 0xFFu);
        const uint32_t of_low = ska_const_u32(&crc_of_low[place % 16u]);
        const uint32_t of_high = ska_const_u32(&crc_of_high[place / 16u]);
        crc = (crc >> 8) ^ of_low ^ of_high;
    }
    return ~crc;
}
