/* A part of MicroPython's py/dynruntime.h for tests on a computer; see ../fake.c. */
#ifndef DYNRUNTIME_H
#define DYNRUNTIME_H

#include <stddef.h>
#include <stdint.h>

typedef struct object {
    long number;
    const void *bytes;
    size_t size;
} *mp_obj_t;

typedef long mp_int_t;
typedef int mp_obj_fun_bc_t;

typedef struct {
    const void *buf;
    size_t len;
} mp_buffer_info_t;

#define MP_BUFFER_READ 1
#define MP_ERROR_TEXT(text) text
#define MP_OBJ_NEW_SMALL_INT(number) mp_obj_new_int(number)
#define MP_OBJ_FROM_PTR(function) (*(function))
#define MP_DEFINE_CONST_FUN_OBJ_0(name, function) mp_obj_t (*const name)(void) = function
#define MP_DEFINE_CONST_FUN_OBJ_1(name, function) mp_obj_t (*const name)(mp_obj_t) = function
#define MP_DEFINE_CONST_FUN_OBJ_2(name, function)                                                  \
    mp_obj_t (*const name)(mp_obj_t, mp_obj_t) = function
#define MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(name, least, most, function)                           \
    mp_obj_t (*const name)(size_t, const mp_obj_t *) = function
#define MP_DYNRUNTIME_INIT_ENTRY (void)self, (void)n_args, (void)n_kw, (void)args;
#define MP_DYNRUNTIME_INIT_EXIT return mp_const_none;
#define mp_store_global(name, value) ((void)(value))

extern const mp_obj_t mp_const_none;

mp_obj_t mp_obj_new_int(mp_int_t number);
mp_obj_t mp_obj_new_bool(int value);
mp_obj_t mp_obj_new_bytes(const uint8_t *bytes, size_t size);
mp_int_t mp_obj_get_int(mp_obj_t object);
void mp_get_buffer_raise(mp_obj_t object, mp_buffer_info_t *buffer, int flags);
void mp_raise_ValueError(const char *text) __attribute__((noreturn));
mp_obj_t mp_call_function_n_kw(mp_obj_t function, size_t count, size_t named,
                               const mp_obj_t *arguments);
mp_obj_t mpy_init(mp_obj_fun_bc_t *self, size_t n_args, size_t n_kw, mp_obj_t *args);

#endif
