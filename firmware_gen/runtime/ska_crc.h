/*
 * ska_crc.h: the CRC-32 of zlib, Ethernet and PNG (reflected polynomial 0xEDB88320), for states and
 * saves. Frames on the wire have a shorter CRC, in ska_frame.h.
 */
#ifndef SKA_CRC_H
#define SKA_CRC_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Updates a CRC-32 with `count` more bytes; the CRC of no bytes is 0. Pieces of any size give the
 * CRC of the whole. */
uint32_t ska_crc32_update(uint32_t crc, const uint8_t *bytes, uint32_t count);

#ifdef __cplusplus
}
#endif

#endif
