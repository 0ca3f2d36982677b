/* ska_journal.c - two slots for saves in non-volatile memory.
 *
 * A record is a saved state: a header, the state and a CRC-32. A slot begins at a page, and has as
 * many pages as one record needs; if a page has room for several records, the slot has a place for
 * each. A save writes its record to the next place of the slot with the newest record. If that slot
 * is full, the save erases the other slot and writes to its first place. The header is written
 * first and the CRC last. After that, the record is complete and the newest. Numbers are in the
 * byte order of the core, because only the core reads them; the state is little-endian, as
 * everywhere outside the network.
 *
 * Each header counts the erases of its slot. It has its own CRC, so that the count is known even if
 * the record is incomplete or belongs to another network. An erase of the slot also erases the
 * count, so the page of the first header is erased last and written first.
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
#define NO_PLACE 0xFFu
#define ERASED 0xFFu
#define PIECE 32u /* bytes that are read at once, on the stack */
#define READ_MAX 0x8000u
#define CRC_BYTES 4u
#define HEADER ((uint16_t)SKA_JOURNAL_HEADER)
#define SPENT_ONE 0x1000000u /* the upper byte of a size counts spent saves */
/* The bytes of the CRC, and of the padding to a whole unit. */
#define TAIL                                                                                       \
    (CRC_BYTES + (SKA_STORAGE_UNIT - SKA_JOURNAL_BYTES % SKA_STORAGE_UNIT) % SKA_STORAGE_UNIT)
#define RECORD (HEADER + SKA_SAVED_BYTES + TAIL)
#define PAGES ((SKA_JOURNAL_BYTES + SKA_STORAGE_PAGE - 1u) / SKA_STORAGE_PAGE)
/* The number of places in a slot. The number of a place is a uint8_t other than NO_PLACE. */
#define FITTING (PAGES * SKA_STORAGE_PAGE / RECORD)
#define PLACES (FITTING < NO_PLACE ? FITTING : NO_PLACE - 1u)

typedef struct {
    uint32_t magic;
    uint8_t digest[8];    /* digest of the plan */
    uint32_t initial_crc; /* ska_initial_crc() of the image that saved */
    uint32_t size;        /* bytes of the state, plus SPENT_ONE for each spent save */
    uint32_t number;      /* number of the save, counted from 1; it wraps after 2^32 */
    uint32_t erases;      /* erases of this slot's pages, by all images that ever saved here */
    uint32_t crc;         /* CRC of the members above */
} header_t;

#define HEADER_CONTENT (HEADER - CRC_BYTES) /* the header without its CRC */
typedef char ska_header_has_no_padding[sizeof(header_t) == HEADER ? 1 : -1];

/* The known properties of a slot. */
typedef struct {
    bool counted;    /* the slot has a valid header, maybe of another network */
    uint8_t spent;   /* spent saves in the last valid header, or 0 */
    bool saved;      /* the slot has a complete record of this network */
    uint8_t place;   /* place of the last such record, or 0 */
    uint32_t erases; /* erases in the last valid header, or 0 */
    uint32_t number; /* number of the record at `place`, or 0 */
    uint32_t crc;    /* CRC of its header and state, or 0 */
} slot_t;

/* A save that is being written. */
typedef struct {
    uint8_t slot;                   /* slot of this save; if none is open, of the last save */
    uint8_t place;                  /* place in the slot; 0 before the first save */
    uint32_t at;                    /* bytes of the record so far; 0 if no save is open */
    uint32_t crc;                   /* CRC of header and state so far */
    uint8_t unit[SKA_STORAGE_UNIT]; /* the last bytes, until they fill a unit */
} writing_t;

static writing_t writing;

#if SKA_SAVE_BUDGET > 0
static uint8_t spent; /* spent saves of the budget */
#endif

/* --- slots ------------------------------------------------------------------------------------ */

static uint32_t place_start(uint8_t slot, uint8_t place) {
    return (slot == 0u ? 0u : SKA_JOURNAL_SECOND) + place * RECORD;
}

/* The record's CRC does not include the header's CRC. If it did, a new header in front of an old
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
    return header->initial_crc == ska_initial_crc() && header->size % SPENT_ONE == SKA_SAVED_BYTES;
}

/* Tells whether a record ends with the CRC of its header and state. `crc` is the CRC of the header;
 * it becomes the CRC of header and state. */
static bool record_is_complete(uint32_t offset, uint32_t *crc) {
    offset += HEADER;
    uint32_t left = SKA_SAVED_BYTES;
    while (left > 0u) {
        uint8_t piece[PIECE];
        const uint16_t count = (uint16_t)(left < PIECE ? left : PIECE);
        ska_storage_read(offset, piece, count);
        *crc = ska_crc32_update(*crc, piece, count);
        offset += count;
        left -= count;
    }
    uint32_t written;
    ska_storage_read(offset, (uint8_t *)&written, (uint16_t)sizeof written);
    return written == *crc;
}

/* Looks from the last place to the first, until it finds a complete record of this network. */
static slot_t slot_look(uint8_t slot) {
    slot_t found = {false, 0, false, 0, 0, 0, 0};
    uint8_t place = (uint8_t)PLACES;
    while (place > 0u && !found.saved) {
        place--;
        const uint32_t start = place_start(slot, place);
        header_t header;
        ska_storage_read(start, (uint8_t *)&header, HEADER);
        uint32_t crc = header_crc(&header);
        if (header.magic != MAGIC || header.crc != crc) {
            continue;
        }
        if (!found.counted) {
            found.counted = true;
            found.erases = header.erases;
            found.spent = (uint8_t)(header.size / SPENT_ONE);
        }
        if (header_is_ours(&header) && record_is_complete(start, &crc)) {
            found.saved = true;
            found.place = place;
            found.number = header.number;
            found.crc = crc;
        }
    }
    return found;
}

/* Reads both slots; returns the slot with the last complete record, or NO_SLOT. */
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

/* Tells whether a record has the network's state. States differ early, in their counters, so a
 * comparison byte by byte is fast enough. */
static bool record_holds(uint32_t offset, const ska_t *ska) {
    for (uint32_t i = 0; i < SKA_SAVED_BYTES; i++) {
        uint8_t byte;
        ska_storage_read(offset + HEADER + i, &byte, 1);
        if (byte != *ska_saved(ska, i)) {
            return false;
        }
    }
    return true;
}

/* Returns the first place after `place` whose bytes are all erased, or NO_PLACE. An interrupted
 * save leaves a place that is neither erased nor complete. */
static uint8_t place_after(uint8_t slot, uint8_t place) {
    for (uint16_t next = place + 1u; next < PLACES; next++) {
        const uint32_t start = place_start(slot, (uint8_t)next);
        uint32_t i = 0;
        uint8_t byte = ERASED;
        while (i < RECORD && byte == ERASED) {
            ska_storage_read(start + i, &byte, 1);
            i++;
        }
        if (byte == ERASED) {
            return (uint8_t)next;
        }
    }
    return NO_PLACE;
}

/* Erases from the last page to the first, which has the slot's first header. */
static bool slot_erase(uint8_t slot) {
#if SKA_STORAGE_PAGE > 1
    uint32_t page = PAGES;
    while (page > 0u) {
        page--;
        if (!ska_storage_erase(place_start(slot, 0) + page * SKA_STORAGE_PAGE)) {
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
    writing.at = 0;
    return status;
}

static bool writing_put(uint8_t byte) {
    writing.unit[writing.at % SKA_STORAGE_UNIT] = byte;
    writing.at++;
    if (writing.at % SKA_STORAGE_UNIT != 0u) {
        return true;
    }
    const uint32_t start = place_start(writing.slot, writing.place);
    const uint32_t offset = start + writing.at - SKA_STORAGE_UNIT;
    return ska_storage_write(offset, writing.unit, SKA_STORAGE_UNIT);
}

/* Begins a save in the next place of the newest slot. If that slot has no place left, erases the
 * other slot, and begins the save in its first place. */
static ska_status_t writing_begin(const slot_t slots[2], uint8_t newest) {
    uint8_t slot;
    uint8_t place = NO_PLACE;
    uint32_t number = 1;
    if (newest == NO_SLOT) {
        slot = slots[1].erases < slots[0].erases ? 1u : 0u;
    } else {
        slot = newest;
        place = place_after(slot, slots[slot].place);
        number = slots[slot].number + 1u;
        /* If the last save wrote to this place, which is still erased, the place is defective. */
        if (place == NO_PLACE || (slot == writing.slot && place == writing.place)) {
            slot = slot == 0u ? 1u : 0u;
            place = NO_PLACE;
        }
    }
    /* If the count of a slot is lost, the slot has been erased about as often as the other slot. */
    uint32_t erases = (slots[slot].counted ? slots[slot] : slots[1u - slot]).erases;
    bool erase = false;
    if (place == NO_PLACE) {
        if (erases >= SKA_STORAGE_WEAR) {
            return writing_end(SKA_ERROR_WORN);
        }
        erase = true;
        place = 0;
        erases++;
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
    header.size = SKA_SAVED_BYTES;
#if SKA_SAVE_BUDGET > 0
    header.size += spent * SPENT_ONE;
#endif
    header.number = number;
    header.erases = erases;
    header.crc = header_crc(&header);
    writing.slot = slot;
    writing.place = place;
    if ((erase && !slot_erase(slot)) ||
        !ska_storage_write(place_start(slot, place), (const uint8_t *)&header, HEADER)) {
        return writing_end(SKA_ERROR_STORAGE);
    }
    writing.at = HEADER;
    writing.crc = header.crc;
    return SKA_OK;
}

ska_status_t ska_journal_begin(void) {
    slot_t slots[2];
    const uint8_t newest = slots_look(slots);
    return writing_begin(slots, newest);
}

ska_status_t ska_journal_append(const uint8_t *bytes, uint32_t count) {
    if (writing.at == 0u || count > HEADER + SKA_SAVED_BYTES - writing.at) {
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
    if (writing.at != HEADER + SKA_SAVED_BYTES) {
        return writing_end(SKA_ERROR_PIECES);
    }
    const uint8_t *crc = (const uint8_t *)&writing.crc;
    for (uint8_t i = 0; i < TAIL; i++) {
        (void)writing_put(i < CRC_BYTES ? crc[i] : ERASED);
    }
    /* Checks the contents of the memory, not its status, because the contents will be loaded. */
    const slot_t written = slot_look(writing.slot);
    const bool good = written.saved && written.place == writing.place && written.crc == writing.crc;
    return writing_end(good ? SKA_OK : SKA_ERROR_STORAGE);
}

/* --- a network -------------------------------------------------------------------------------- */

ska_status_t ska_save(const ska_t *ska) {
    slot_t slots[2];
    const uint8_t newest = slots_look(slots);
    if (newest != NO_SLOT && record_holds(place_start(newest, slots[newest].place), ska)) {
        return SKA_OK;
    }
    ska_status_t status = writing_begin(slots, newest);
    for (uint32_t offset = 0; status == SKA_OK && offset < SKA_SAVED_BYTES;
         offset += SKA_SAVED_RUN) {
        status = ska_journal_append(ska_saved(ska, offset), SKA_SAVED_RUN);
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
    uint32_t offset = place_start(newest, slots[newest].place) + HEADER;
    uint32_t left = SKA_SAVED_BYTES;
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
