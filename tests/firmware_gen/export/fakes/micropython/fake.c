/* The native module over a small model of MicroPython's objects: example_learn and example_serve do
 * what examples/learn.py and examples/serve.py do. */
#define _POSIX_C_SOURCE 200112L

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sensor.h"
#include "ska_module.c"

#define OBJECTS 64

static struct object none, writes, objects[OBJECTS];
const mp_obj_t mp_const_none = &none;

/* Returns an object that lives until OBJECTS others are made. */
static mp_obj_t made(struct object value) {
    static unsigned next;
    mp_obj_t object = &objects[next++ % OBJECTS];
    *object = value;
    return object;
}

mp_obj_t mp_obj_new_int(mp_int_t number) { return made((struct object){number, NULL, 0}); }
mp_obj_t mp_obj_new_bool(int value) { return mp_obj_new_int(value != 0); }
mp_obj_t mp_obj_new_bytes(const uint8_t *bytes, size_t size) {
    return made((struct object){0, bytes, size});
}
mp_int_t mp_obj_get_int(mp_obj_t object) { return object->number; }

void mp_get_buffer_raise(mp_obj_t object, mp_buffer_info_t *buffer, int flags) {
    if (object->bytes == NULL || flags != MP_BUFFER_READ) {
        abort();
    }
    buffer->buf = object->bytes;
    buffer->len = object->size;
}

void mp_raise_ValueError(const char *text) {
    (void)fprintf(stderr, "ValueError: %s\n", text);
    exit(EXIT_FAILURE);
}

mp_obj_t mp_call_function_n_kw(mp_obj_t function, size_t count, size_t named,
                               const mp_obj_t *arguments) {
    if (function != &writes || count != 1 || named != 0 ||
        write(STDOUT_FILENO, arguments[0]->bytes, arguments[0]->size) < 0) {
        abort();
    }
    return mp_const_none;
}

static mp_obj_t learn_sample(uint16_t *label, mp_obj_t write_function) {
    static ska_signal_t x[SKA_INPUTS];
    mp_obj_t arguments[3];
    *label = sensor_read(x);
    arguments[0] = mp_obj_new_bytes((const uint8_t *)x, sizeof x);
    arguments[1] = mp_obj_new_int(*label);
    arguments[2] = write_function;
    return learn_obj(3, arguments);
}

void example_learn(void);
void example_learn(void) {
    unsigned right = 0;
    for (unsigned count = 1; count <= 300; count++) {
        uint16_t label;
        mp_obj_t saved;
        right += mp_obj_get_int(learn_sample(&label, mp_const_none)) == label;
        saved = state_obj();
        (void)restore_obj(saved); /* restoring the present state changes nothing */
        if (count % 100 == 0) {
            printf("%u samples, right before learning: %u of the last 100, state %lX\n", count,
                   right, (unsigned long)ska_crc32_update(0, saved->bytes, (uint32_t)saved->size));
            right = 0;
        }
    }
}

void example_serve(void);
void example_serve(void) {
    struct pollfd input = {STDIN_FILENO, POLLIN, 0};
    uint16_t label;
    for (;;) {
        while (poll(&input, 1, mp_obj_get_int(followed_obj()) ? 0 : 1000) > 0) {
            uint8_t byte;
            if (read(STDIN_FILENO, &byte, 1) != 1) {
                exit(EXIT_SUCCESS);
            }
            (void)feed_obj(mp_obj_new_bytes(&byte, 1), &writes);
        }
        if (mp_obj_get_int(followed_obj())) {
            (void)learn_sample(&label, &writes);
        }
    }
}

void EXAMPLE(void);
int main(void) {
    (void)mpy_init(NULL, 0, 0, NULL);
    EXAMPLE();
    return 0;
}
