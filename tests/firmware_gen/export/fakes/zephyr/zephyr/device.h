/* A part of Zephyr's device.h for tests on a computer; see ../fake.c. */
#ifndef ZEPHYR_DEVICE_H
#define ZEPHYR_DEVICE_H

struct device {
    int number;
};

extern const struct device fake_uart;

#define DT_CHOSEN(name) fake_##name
#define fake_zephyr_console fake_uart
#define DEVICE_DT_GET(node) (&node)

#endif
