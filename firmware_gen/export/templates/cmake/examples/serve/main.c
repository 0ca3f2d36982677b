/* The programs of ska-edge reach the network over the standard input and output of this program. On
 * a board, the bytes come from a serial line in place of getchar, and go there in place of putchar.
 */
#include <@NAME@.h>
#include <stdio.h>

const char ska_board_name[16] = "program"; /* what ska-edge shows as the board */

static ska_device_t device; /* the protocol and the network, device.network; not on the stack */

void ska_board_write(uint8_t byte) { (void)putchar(byte); }

int main(void) {
    int byte;
    ska_device_init(&device);
    while ((byte = getchar()) != EOF) {
        if (ska_device_feed(&device, (uint8_t)byte)) {
            ska_device_poll(&device);
            (void)fflush(stdout);
        }
    }
    return 0;
}
