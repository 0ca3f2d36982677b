/*
 * ska_key.h: the key for the tags of requests that change the device; generated.
 *
 * Whoever has this file, or the image built from it, has the key.
 */
#ifndef SKA_KEY_H
#define SKA_KEY_H

#define SKA_KEY_BYTES 32u
#define SKA_TAG_BYTES 8u /* bytes after a request that changes the device */

#define SKA_KEYED 0 /* no key: requests need no tag */

#endif
