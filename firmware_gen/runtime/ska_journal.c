/* ska_journal.c - two slots for saves in non-volatile memory.
 *
 * A slot begins at a page, and has a header, the state and a CRC-32. A save erases the older slot,
 * then writes the header, the state, and last the CRC. After that, the slot is complete and the
 * newest. Numbers are in the byte order of the core, because only the core reads them; the state is
 * little-endian, as everywhere outside the network.
 *
 * The header counts the erases of its slot. It has its own CRC, so that the count is known even if
 * the slot is incomplete or belongs to another network. An erase of the slot also erases the count,
 * so the header's page is erased last and written first.
 */
#include "ska_journal.h"

#if SKA_PERSISTENT

#include "ska_crc.h"
#include "ska_storage.h"

#if SKA_JOURNAL_HEADER % SKA_STORAGE_UNIT != 0
#error "SKA_STORAGE_UNIT must be 1, 2, 4, 8, 16 or 32: headers have 32 bytes"
#endif
#if SKA_STORAGE_PAGE % SKA_STORAGE_UNIT != 0
#error "SKA_STORAGE_PAGE must be a multiple of SKA_STORAGE_UNIT"
#endif

#if SKA_SAVE_BUDGET > 255
#error "SKA_SAVE_BUDGET must be at most 255: a header has one byte for it"
#endif

#define MAGIC 0x4A414B53u /* "SKAJ" */
#define NO_SLOT 2u
#define ERASED 0xFFu
#define PIECE 32u /* bytes that are read at once, on the stack */
#define READ_MAX 0x8000u
#define CRC_BYTES 4u
#define HEADER ((uint16_t)SKA_JOURNAL_HEADER)
#define SPENT_ONE 0x1000000u /* the upper byte of a size counts spent saves */
/* The bytes of the CRC, and of the padding to a whole unit. */
#define TAIL                                                                                       \
    (CRC_BYTES + (SKA_STORAGE_UNIT - SKA_JOURNAL_BYTES % SKA_STORAGE_UNIT) % SKA_STORAGE_UNIT)
#define PAGES ((SKA_JOURNAL_BYTES + SKA_STORAGE_PAGE - 1u) / SKA_STORAGE_PAGE)

typedef struct {
    uint32_t magic;
    uint8_t digest[8];    /* digest of the plan */
    uint32_t initial_crc; /* CRC of the parameters with which learning began */
    uint32_t size;        /* bytes of the state, plus SPENT_ONE for each spent save */
    uint32_t number;      /* number of the save, counted from 1; it wraps after 2^32 */
    uint32_t erases;      /* erases of this slot's pages, by all images that ever saved here */
    uint32_t crc;         /* CRC of the members above */
} header_t;

#define HEADER_CONTENT (HEADER - CRC_BYTES) /* the header without its CRC */
typedef char ska_header_has_no_padding[sizeof(header_t) == HEADER ? 1 : -1];

/* The known properties of a slot. */
typedef struct {
    bool counted;    /* its header and its counts are valid, maybe for another network */
    bool saved;      /* the slot has a complete save of this network */
    uint32_t number; /* this, erases and spent are 0 if the header is invalid */
    uint32_t erases;
    uint8_t spent;
    uint32_t crc; /* CRC of header and state; valid if saved */
} slot_t;

/* A save that is being written. */
typedef struct {
    bool open;
    uint8_t slot;
    uint32_t at;                    /* bytes after the header so far; 0 if no save is open */
    uint32_t crc;                   /* CRC of header and state so far */
    uint8_t unit[SKA_STORAGE_UNIT]; /* the last bytes, until they fill a unit */
} writing_t;

static writing_t writing;

#if SKA_SAVE_BUDGET > 0
static uint8_t spent; /* spent saves of the budget */
#endif

/* --- slots ------------------------------------------------------------------------------------ */

static uint32_t slot_start(uint8_t slot) { return slot == 0u ? 0u : SKA_JOURNAL_SECOND; }

/* The slot's CRC does not include the header's CRC. If it did, a new header in front of an old
 * state would be accepted, because the CRC of any data followed by its own CRC is constant. */
static uint32_t header_crc(const header_t *header) {
    return ska_crc32_update(0, (const uint8_t *)header, HEADER_CONTENT);
}

static bool header_is_ours(const header_t *header) {
    for (uint8_t i = 0; i < sizeof ska_plan_digest; i++) {
        if (header->digest[i] != ska_plan_digest[i]) {
            return false;
        }
    }
    return header->initial_crc == ska_initial_crc() && header->size % SPENT_ONE == SKA_STATE_BYTES;
}

static slot_t slot_look(uint8_t slot) {
    slot_t found = {false, false, 0, 0, 0, 0};
    header_t header;
    uint32_t offset = slot_start(slot);
    ska_storage_read(offset, (uint8_t *)&header, HEADER);
    found.crc = header_crc(&header);
    found.counted = header.magic == MAGIC && header.crc == found.crc;
    if (!found.counted) {
        return found;
    }
    found.number = header.number;
    found.erases = header.erases;
    found.spent = (uint8_t)(header.size / SPENT_ONE);
    if (!header_is_ours(&header)) {
        return found;
    }
    offset += HEADER;
    uint32_t left = SKA_STATE_BYTES;
    while (left > 0u) {
        uint8_t piece[PIECE];
        const uint16_t count = (uint16_t)(left < PIECE ? left : PIECE);
        ska_storage_read(offset, piece, count);
        found.crc = ska_crc32_update(found.crc, piece, count);
        offset += count;
        left -= count;
    }
    uint32_t crc;
    ska_storage_read(offset, (uint8_t *)&crc, (uint16_t)sizeof crc);
    found.saved = crc == found.crc;
    return found;
}

/* Reads both slots; returns the slot with the last complete save, or NO_SLOT. */
static uint8_t slots_look(slot_t slots[2]) {
    slots[0] = slot_look(0);
    slots[1] = slot_look(1);
    if (slots[0].saved && slots[1].saved) {
        /* The difference of two consecutive numbers is small, even if one of them has wrapped. */
        return (uint32_t)(slots[1].number - slots[0].number) < 0x80000000u ? 1u : 0u;
    }
    if (slots[0].saved) {
        return 0;
    }
    return slots[1].saved ? 1u : NO_SLOT;
}

/* Tells whether a saved slot has the network's state. States differ early, in their counters, so a
 * comparison byte by byte is fast enough. */
static bool slot_holds(uint8_t slot, const ska_t *ska) {
    const uint32_t start = slot_start(slot) + HEADER;
    for (uint32_t offset = 0; offset < SKA_STATE_BYTES; offset++) {
        uint8_t byte;
        ska_storage_read(start + offset, &byte, 1);
        if (byte != *ska_state(ska, offset)) {
            return false;
        }
    }
    return true;
}

/* Erases from the last page to the first, which has the header. */
static bool slot_erase(uint8_t slot) {
#if SKA_STORAGE_PAGE > 1
    uint32_t page = PAGES;
    while (page > 0u) {
        page--;
        if (!ska_storage_erase(slot_start(slot) + page * SKA_STORAGE_PAGE)) {
            return false;
        }
    }
#else
    (void)slot; /* there is no erase, because bytes are overwritten */
#endif
    return true;
}

/* --- writing ---------------------------------------------------------------------------------- */

/* Ends the save in progress; returns `status`. */
static ska_status_t writing_end(ska_status_t status) {
    writing.open = false;
    writing.at = 0;
    return status;
}

static bool writing_put(uint8_t byte) {
    writing.unit[writing.at % SKA_STORAGE_UNIT] = byte;
    writing.at++;
    if (writing.at % SKA_STORAGE_UNIT != 0u) {
        return true;
    }
    const uint32_t offset = slot_start(writing.slot) + HEADER + writing.at - SKA_STORAGE_UNIT;
    return ska_storage_write(offset, writing.unit, SKA_STORAGE_UNIT);
}

/* Begins a save in the slot that is not the newest. */
static ska_status_t writing_begin(const slot_t slots[2], uint8_t newest) {
    uint8_t slot;
    uint32_t number = 1;
    if (newest == NO_SLOT) {
        slot = slots[1].erases < slots[0].erases ? 1u : 0u;
    } else {
        slot = newest == 0u ? 1u : 0u;
        number = slots[newest].number + 1u;
    }
    /* If the count of a slot is lost, the slot has been erased about as often as the other slot. */
    const uint32_t erases = (slots[slot].counted ? slots[slot] : slots[1u - slot]).erases;
    if (erases >= SKA_STORAGE_WEAR) {
        return writing_end(SKA_ERROR_WORN);
    }
#if SKA_SAVE_BUDGET > 0
    if (spent >= SKA_SAVE_BUDGET) {
        return writing_end(SKA_ERROR_EARLY);
    }
    spent++;
#endif

    header_t header;
    header.magic = MAGIC;
    for (uint8_t i = 0; i < sizeof ska_plan_digest; i++) {
        header.digest[i] = ska_plan_digest[i];
    }
    header.initial_crc = ska_initial_crc();
    header.size = SKA_STATE_BYTES;
#if SKA_SAVE_BUDGET > 0
    header.size += spent * SPENT_ONE;
#endif
    header.number = number;
    header.erases = erases + 1u;
    header.crc = header_crc(&header);
    if (!slot_erase(slot) ||
        !ska_storage_write(slot_start(slot), (const uint8_t *)&header, HEADER)) {
        return writing_end(SKA_ERROR_STORAGE);
    }
    writing.slot = slot;
    writing.at = 0;
    writing.open = true;
    writing.crc = header.crc;
    return SKA_OK;
}

ska_status_t ska_journal_begin(void) {
    slot_t slots[2];
    const uint8_t newest = slots_look(slots);
    return writing_begin(slots, newest);
}

ska_status_t ska_journal_append(const uint8_t *bytes, uint32_t count) {
    if (!writing.open || count > SKA_STATE_BYTES - writing.at) {
        return writing_end(SKA_ERROR_PIECES);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!writing_put(bytes[i])) {
            return writing_end(SKA_ERROR_STORAGE);
        }
    }
    writing.crc = ska_crc32_update(writing.crc, bytes, count);
    return SKA_OK;
}

ska_status_t ska_journal_commit(void) {
    if (!writing.open || writing.at != SKA_STATE_BYTES) {
        return writing_end(SKA_ERROR_PIECES);
    }
    const uint8_t *crc = (const uint8_t *)&writing.crc;
    for (uint8_t i = 0; i < TAIL; i++) {
        (void)writing_put(i < CRC_BYTES ? crc[i] : ERASED);
    }
    /* Checks the contents of the memory, not its status, because the contents will be loaded. */
    const slot_t written = slot_look(writing.slot);
    const bool good = written.saved && written.crc == writing.crc;
    return writing_end(good ? SKA_OK : SKA_ERROR_STORAGE);
}

/* --- a network -------------------------------------------------------------------------------- */

ska_status_t ska_save(const ska_t *ska) {
    slot_t slots[2];
    const uint8_t newest = slots_look(slots);
    if (newest != NO_SLOT && slot_holds(newest, ska)) {
        return SKA_OK;
    }
    ska_status_t status = writing_begin(slots, newest);
    for (uint32_t offset = 0; status == SKA_OK && offset < SKA_STATE_BYTES;
         offset += SKA_STATE_RUN) {
        status = ska_journal_append(ska_state(ska, offset), SKA_STATE_RUN);
    }
    return status == SKA_OK ? ska_journal_commit() : status;
}

ska_status_t ska_load(ska_t *ska) {
    slot_t slots[2];
    const uint8_t newest = slots_look(slots);
    if (newest == NO_SLOT) {
        return SKA_ERROR_UNSAVED;
    }
    uint8_t *state = (uint8_t *)ska; /* the network begins with its state */
    uint32_t offset = slot_start(newest) + HEADER;
    uint32_t left = SKA_STATE_BYTES;
    while (left > 0u) {
        const uint16_t count = (uint16_t)(left < READ_MAX ? left : READ_MAX);
        ska_storage_read(offset, state, count);
        state = &state[count];
        offset += count;
        left -= count;
    }
    ska_state_written(ska);
    return SKA_OK;
}

uint32_t ska_journal_saves(void) {
    slot_t slots[2];
    const uint8_t newest = slots_look(slots);
    return newest == NO_SLOT ? 0u : slots[newest].number;
}

/* --- a limit ---------------------------------------------------------------------------------- */

#if SKA_SAVE_BUDGET > 0

/* Takes the larger count, to be on the safe side: the newer header may be lost. The older header
 * may count more spent saves, if saves were given back after it was written. */
void ska_journal_start(void) {
    slot_t slots[2];
    (void)slots_look(slots);
    spent = slots[0].spent > slots[1].spent ? slots[0].spent : slots[1].spent;
}

void ska_journal_earn(void) {
    if (spent > 0u) {
        spent--;
    }
}

#endif

#endif
