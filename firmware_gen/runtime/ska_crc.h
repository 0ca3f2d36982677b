/*
 * ska_crc.h: CRC-32 as zlib, Ethernet and PNG have it (reflected polynomial 0xEDB88320), over
 * states and over what is kept of them. Frames on the wire have a shorter one, in ska_frame.h.
 */
#ifndef SKA_CRC_H
#define SKA_CRC_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The CRC-32 of what came before and `count` more bytes; the CRC of nothing is 0. Pieces of any
 * size give the CRC of the whole. */
uint32_t ska_crc32_update(uint32_t crc, const uint8_t *bytes, uint32_t count);

#ifdef __cplusplus
}
#endif

#endif
