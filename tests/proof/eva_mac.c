/* Makes the tag of any bytes with any key, in two pieces that are cut at every place. */

#include "ska_mac.h"

static volatile uint8_t any_u8;

static uint8_t key[SKA_KEY_BYTES];
static uint8_t message[2u * SKA_MAC_BLOCK + 3u];
static uint8_t tag[SKA_TAG_BYTES];

static void any(uint8_t *bytes, uint16_t count) {
    for (uint16_t i = 0; i < count; i++) {
        bytes[i] = any_u8;
    }
}

void eva_main(void) {
    ska_mac_t mac;
    any(key, (uint16_t)sizeof key);
    any(message, (uint16_t)sizeof message);
    any(tag, (uint16_t)sizeof tag);
    for (uint16_t count = 0; count <= sizeof message; count++) {
        ska_mac_init(&mac, key);
        ska_mac_update(&mac, message, count);
        ska_mac_update(&mac, message, (uint16_t)(sizeof message - count));
        if (ska_mac_equal(&mac, tag)) {
            tag[0] = any_u8;
        }
    }
    /*@ check whole: mac.filled <= SKA_MAC_BLOCK; */
}
