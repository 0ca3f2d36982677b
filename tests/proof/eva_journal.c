/* Calls the journal's functions over a memory that returns any bytes and may fail at any time.
 * Whatever the memory holds, the journal reads and writes nothing out of bounds. */

#include "ska_journal.h"
#include "ska_storage.h"

static volatile uint8_t any_u8;

static ska_t network;
static uint8_t pieces[2];

const uint8_t ska_plan_digest[8] = SKA_PLAN_DIGEST;
uint32_t ska_initial_crc(void) { return SKA_INITIAL_CRC; }
const uint8_t *ska_state(const ska_t *ska, uint32_t offset) {
    return (const uint8_t *)ska + offset;
}
void ska_state_written(ska_t *ska) { (void)ska; }

void ska_storage_read(uint32_t offset, uint8_t *bytes, uint16_t count) {
    /*@ check read_inside: offset <= SKA_STORAGE_SIZE && count <= SKA_STORAGE_SIZE - offset; */
    for (uint16_t i = 0; i < count; i++) {
        bytes[i] = any_u8;
    }
}

bool ska_storage_write(uint32_t offset, const uint8_t *bytes, uint16_t count) {
    uint8_t read = 0;
    /*@ check write_inside: offset <= SKA_STORAGE_SIZE && count <= SKA_STORAGE_SIZE - offset; */
    /*@ check whole_units: offset % SKA_STORAGE_UNIT == 0 && count % SKA_STORAGE_UNIT == 0; */
    for (uint16_t i = 0; i < count; i++) {
        read ^= bytes[i]; /* this reads the byte, which must be initialized */
    }
    return (any_u8 & 1u) != 0u || (read == 0u && any_u8 == 0u);
}

bool ska_storage_erase(uint32_t offset) {
    /*@ check page_inside: offset <= SKA_STORAGE_SIZE - SKA_STORAGE_PAGE; */
    /*@ check whole_page: offset % SKA_STORAGE_PAGE == 0; */
    return any_u8 != 0u;
}

static void check_status(ska_status_t status) {
    /*@ check known: status == SKA_OK || SKA_ERROR_STORAGE <= status <= SKA_ERROR_EARLY; */
}

/* The state is appended in pieces of 0 to 2 bytes. Any step may come too early or too often. */
static void from_pieces(void) {
    if (any_u8 != 0u) {
        check_status(ska_journal_begin());
    }
    for (uint16_t i = 0; i <= SKA_STATE_BYTES; i++) {
        const uint32_t count = any_u8 % (sizeof pieces + 1u);
        /*@ split count; */
        check_status(ska_journal_append(pieces, count));
    }
    if (any_u8 != 0u) {
        check_status(ska_journal_commit());
    }
}

void eva_main(void) {
    check_status(ska_load(&network));
    ska_journal_start();
    check_status(ska_save(&network));
    from_pieces();
    ska_journal_earn();
    from_pieces();
    (void)ska_journal_saves();
}
