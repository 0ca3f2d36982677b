/*
 * ska_key.h: the key that requests need which change the device; generated.
 *
 * Whoever has this file, or the image built from it, has the key.
 */
#ifndef SKA_KEY_H
#define SKA_KEY_H

#define SKA_KEY_BYTES 32u
#define SKA_TAG_BYTES 8u /* behind a request that changes the device */

#define SKA_KEYED 0 /* no key: any request is taken */

#endif
