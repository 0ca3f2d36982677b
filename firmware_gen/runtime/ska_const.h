/* ska_const.h - constants that use no RAM.
 *
 * Most cores read constants from flash like variables. An AVR reads its flash with special
 * instructions, and puts unmarked constants in RAM. Mark tables with SKA_CONST, and read them with
 * the functions below. SKA_CONST_APART is 1 if such constants cannot be read like variables.
 */
#ifndef SKA_CONST_H
#define SKA_CONST_H

#include <stdint.h>

/* Aligns an array that kernels read by words. */
#if defined(__GNUC__)
#define SKA_ALIGNED __attribute__((aligned(4)))
#else
#define SKA_ALIGNED
#endif

#if defined(__AVR__)
#include <avr/pgmspace.h>

#define SKA_CONST PROGMEM
#define SKA_CONST_APART 1

static inline int8_t ska_const_i8(const int8_t *place) { return (int8_t)pgm_read_byte(place); }

static inline uint8_t ska_const_u8(const uint8_t *place) { return pgm_read_byte(place); }

static inline int16_t ska_const_i16(const int16_t *place) { return (int16_t)pgm_read_word(place); }

static inline int32_t ska_const_i32(const int32_t *place) { return (int32_t)pgm_read_dword(place); }

static inline uint32_t ska_const_u32(const uint32_t *place) { return pgm_read_dword(place); }

static inline int64_t ska_const_i64(const int64_t *place) {
    int64_t value;
    memcpy_P(&value, place, sizeof value);
    return value;
}

#else

#define SKA_CONST
#define SKA_CONST_APART 0

static inline int8_t ska_const_i8(const int8_t *place) { return *place; }

static inline uint8_t ska_const_u8(const uint8_t *place) { return *place; }

static inline int16_t ska_const_i16(const int16_t *place) { return *place; }

static inline int32_t ska_const_i32(const int32_t *place) { return *place; }

static inline uint32_t ska_const_u32(const uint32_t *place) { return *place; }

static inline int64_t ska_const_i64(const int64_t *place) { return *place; }

#endif

#endif
