"""Writes `ska_key.h`, which has the firmware's key, if there is one."""

from __future__ import annotations

from ska_edge.wire.protocol import KEY_BYTES, TAG_BYTES

TOP = f"""\
/*
 * ska_key.h: the key for the tags of requests that change the device; generated.
 *
 * Whoever has this file, or the image built from it, has the key.
 */
#ifndef SKA_KEY_H
#define SKA_KEY_H

#define SKA_KEY_BYTES {KEY_BYTES}u
#define SKA_TAG_BYTES {TAG_BYTES}u /* bytes after a request that changes the device */

"""


def emit_key(key: bytes | None) -> str:
    """Return the text of `ska_key.h`; with None, the device accepts requests without a tag."""
    if key is None:
        return f"{TOP}#define SKA_KEYED 0 /* no key: requests need no tag */\n\n#endif\n"
    rows = [key[at : at + 8] for at in range(0, len(key), 8)]
    digits = ", \\\n     ".join(", ".join(f"0x{byte:02x}u" for byte in row) for row in rows)
    return f"{TOP}#define SKA_KEYED 1\n#define SKA_KEY \\\n    {{{digits}}}\n\n#endif\n"
