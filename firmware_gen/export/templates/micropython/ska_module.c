/* ska_module.c - the network as a native module of MicroPython: import @MODULE@.
 * README.md describes its functions.
 */
#include "py/dynruntime.h"

#include <@NAME@.h>

#define SENT_MOST 64

/* Variables of a native module must not be static. */
ska_device_t device;
uint8_t sent[SENT_MOST];
size_t sent_count;
mp_obj_t writer; /* gets the bytes for the host; valid only during a call of the module */

const char ska_board_name[16] = "micropython";

static void flush(void) {
    if (sent_count != 0 && writer != mp_const_none) {
        mp_obj_t bytes = mp_obj_new_bytes(sent, sent_count);
        sent_count = 0;
        (void)mp_call_function_n_kw(writer, 1, 0, &bytes);
    }
    sent_count = 0;
}

void ska_board_write(uint8_t byte) {
    sent[sent_count++] = byte;
    if (sent_count == SENT_MOST) {
        flush();
    }
}

/* Returns the bytes of an object; raises ValueError unless it has exactly `size` bytes. */
static const void *bytes_of(mp_obj_t object, size_t size) {
    mp_buffer_info_t buffer;
    mp_get_buffer_raise(object, &buffer, MP_BUFFER_READ);
    if (buffer.len != size) {
        mp_raise_ValueError(MP_ERROR_TEXT("wrong number of bytes"));
    }
    return buffer.buf;
}

static const ska_signal_t *input_of(mp_obj_t object) {
    return (const ska_signal_t *)bytes_of(object, SKA_INPUTS * sizeof(ska_signal_t));
}

static mp_obj_t init(void) {
    ska_device_init(&device);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_0(init_obj, init);

static mp_obj_t infer(mp_obj_t x) {
    return mp_obj_new_int(ska_infer(&device.network, input_of(x)));
}
static MP_DEFINE_CONST_FUN_OBJ_1(infer_obj, infer);

static mp_obj_t learn(size_t count, const mp_obj_t *arguments) {
    const mp_int_t label = mp_obj_get_int(arguments[1]);
    writer = count > 2 ? arguments[2] : mp_const_none;
    if (label < 0 || label >= SKA_CLASSES) {
        mp_raise_ValueError(MP_ERROR_TEXT("no such class"));
    }
    (void)ska_device_learn(&device, input_of(arguments[0]), (uint16_t)label);
    flush();
    return mp_obj_new_int(ska_predicted(&device.network));
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(learn_obj, 2, 3, learn);

static mp_obj_t feed(mp_obj_t data, mp_obj_t write) {
    mp_buffer_info_t buffer;
    mp_get_buffer_raise(data, &buffer, MP_BUFFER_READ);
    writer = write;
    for (size_t i = 0; i < buffer.len; i++) {
        if (ska_device_feed(&device, ((const uint8_t *)buffer.buf)[i])) {
            ska_device_poll(&device);
        }
    }
    flush();
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(feed_obj, feed);

static mp_obj_t followed(void) {
    return mp_obj_new_bool(ska_device_followed(&device) && !ska_device_busy(&device));
}
static MP_DEFINE_CONST_FUN_OBJ_0(followed_obj, followed);

static mp_obj_t state(void) {
    return mp_obj_new_bytes(ska_saved(&device.network, 0), SKA_SAVED_BYTES);
}
static MP_DEFINE_CONST_FUN_OBJ_0(state_obj, state);

static mp_obj_t restore(mp_obj_t saved) {
    const uint8_t *bytes = (const uint8_t *)bytes_of(saved, SKA_SAVED_BYTES);
    for (size_t i = 0; i < SKA_SAVED_BYTES; i++) {
        ((uint8_t *)&device.network)[i] = bytes[i];
    }
    ska_state_written(&device.network);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(restore_obj, restore);

mp_obj_t mpy_init(mp_obj_fun_bc_t *self, size_t n_args, size_t n_kw, mp_obj_t *args) {
    MP_DYNRUNTIME_INIT_ENTRY
    ska_device_init(&device);
    mp_store_global(MP_QSTR_INPUTS, MP_OBJ_NEW_SMALL_INT(SKA_INPUTS));
    mp_store_global(MP_QSTR_CLASSES, MP_OBJ_NEW_SMALL_INT(SKA_CLASSES));
    mp_store_global(MP_QSTR_SIGNAL_BYTES, MP_OBJ_NEW_SMALL_INT(SKA_SIGNAL_BYTES));
    mp_store_global(MP_QSTR_init, MP_OBJ_FROM_PTR(&init_obj));
    mp_store_global(MP_QSTR_infer, MP_OBJ_FROM_PTR(&infer_obj));
    mp_store_global(MP_QSTR_learn, MP_OBJ_FROM_PTR(&learn_obj));
    mp_store_global(MP_QSTR_feed, MP_OBJ_FROM_PTR(&feed_obj));
    mp_store_global(MP_QSTR_followed, MP_OBJ_FROM_PTR(&followed_obj));
    mp_store_global(MP_QSTR_state, MP_OBJ_FROM_PTR(&state_obj));
    mp_store_global(MP_QSTR_restore, MP_OBJ_FROM_PTR(&restore_obj));
    MP_DYNRUNTIME_INIT_EXIT
}
