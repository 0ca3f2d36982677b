/* Tests ska_journal.c on a memory with the rules of flash or EEPROM: power cuts at every write and
 * erase, damaged saves, wear, and failures of the memory.
 *
 *     journal_power SCENARIO
 *
 * runs one scenario and prints its counts, as "name number" lines. On a fault it ends with the line
 * number of the failed check. The compiler's command line sets the geometry. The journal is
 * included, not linked, because a restart must clear its variables. */

#include "ska_journal.c"

#include <setjmp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ska.c, which defines the digest and the symbol of the model, is not linked. */
const uint8_t ska_plan_digest[8] = SKA_PLAN_DIGEST;
#if defined(SKA_MODEL_SYMBOL)
__asm__(".globl " SKA_MODEL_SYMBOL "\n.set " SKA_MODEL_SYMBOL ", 1");
#endif

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            printf("line %d: %s\n", __LINE__, #condition);                                         \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

/* --- the memory ------------------------------------------------------------------------------- */

#define SIZE ((size_t)SKA_STORAGE_SIZE)
#define FOREVER UINT32_MAX

/* The number of saves that fill both slots. */
#define FULL (2u * (uint32_t)PLACES)

/* What a cut leaves of an operation: nothing, one of two parts, or all. */
enum { NOTHING, SOME, OTHERS, ALL, LEFTOVERS };

static uint8_t memory[SKA_STORAGE_SIZE];
static uint32_t page_erases[SKA_STORAGE_SIZE / SKA_STORAGE_PAGE];
static uint32_t operations;       /* count of programmed units and erased pages */
static uint32_t cut_at = FOREVER; /* the operation during which the power or the memory fails */
static int leftover = NOTHING;
static int refuses;              /* the memory fails at `cut_at`, not the power */
static uint32_t stuck = FOREVER; /* the memory refuses writes at this offset, but looks erased */
static int forgets;              /* the memory reports success, but writes nothing */
static jmp_buf restart;

static uint32_t word = 1;

static uint8_t any_byte(void) {
    word = word * 1664525u + 1013904223u;
    return (uint8_t)(word >> 24);
}

/* Counts an operation; returns whether the power or the memory fails during it. */
static bool cut_now(void) { return operations++ == cut_at; }

void ska_storage_read(uint32_t offset, uint8_t *bytes, uint16_t count) {
    CHECK(offset <= SIZE && count <= SIZE - offset);
    memcpy(bytes, memory + offset, count);
}

/* Programming flash can only clear bits. A write that is cut leaves the bytes unchanged, partly
 * programmed or complete; in EEPROM they may also have any other value. */
static void unit_program(uint8_t *place, const uint8_t *bytes, bool cut) {
    for (size_t i = 0; i < SKA_STORAGE_UNIT; i++) {
#if SKA_STORAGE_PAGE > 1
        const uint8_t kept = cut && leftover != ALL ? (leftover == NOTHING ? 0xFF : any_byte()) : 0;
        CHECK(place[i] == 0xFF);
        place[i] = (uint8_t)(place[i] & (bytes[i] | kept));
#else
        page_erases[place - memory]++; /* in EEPROM, every write wears the byte like an erase */
        if (!cut || leftover == ALL) {
            place[i] = bytes[i];
        } else if (leftover != NOTHING) {
            place[i] = any_byte();
        }
#endif
    }
}

bool ska_storage_write(uint32_t offset, const uint8_t *bytes, uint16_t count) {
    CHECK(offset % SKA_STORAGE_UNIT == 0 && count % SKA_STORAGE_UNIT == 0);
    CHECK(offset <= SIZE && count <= SIZE - offset);
    if (forgets) {
        return true;
    }
    if (offset == stuck) {
        return false;
    }
    for (uint16_t at = 0; at < count; at = (uint16_t)(at + SKA_STORAGE_UNIT)) {
        const bool cut = cut_now();
        if (refuses && cut) {
            return false;
        }
        unit_program(memory + offset + at, bytes + at, cut);
        if (cut) {
            longjmp(restart, 1);
        }
    }
    return true;
}

bool ska_storage_erase(uint32_t offset) {
    const bool cut = cut_now();
    CHECK(SKA_STORAGE_PAGE > 1 && offset % SKA_STORAGE_PAGE == 0 && offset < SIZE);
    if (refuses && cut) {
        return false;
    }
    page_erases[offset / SKA_STORAGE_PAGE]++;
    for (size_t i = 0; i < SKA_STORAGE_PAGE; i++) {
        uint8_t *place = memory + offset + i;
        if (!cut || leftover == ALL || (leftover == OTHERS && i % 2u == 0)) {
            *place = 0xFF;
        } else if (leftover == SOME) {
            *place = (uint8_t)(*place | any_byte());
        }
    }
    if (cut) {
        longjmp(restart, 1);
    }
    return true;
}

/* --- networks --------------------------------------------------------------------------------- */

/* `untouched` is for comparison: before a load, every byte of both networks is 0x55. */
static ska_t network;
static ska_t untouched;

uint32_t ska_initial_crc(void) { return SKA_INITIAL_CRC; }
const uint8_t *ska_state(const ska_t *ska, uint32_t offset) {
    return (const uint8_t *)ska + offset;
}
void ska_state_written(ska_t *ska) { (void)ska; }

/* Makes a state of random bytes, which depend only on `seed`. */
static const uint8_t *state_of(uint32_t seed) {
    static uint8_t state[SKA_STATE_BYTES];
    uint32_t next = seed * 2654435761u + 1u;
    for (size_t i = 0; i < sizeof state; i++) {
        next = next * 1664525u + 1013904223u;
        state[i] = (uint8_t)(next >> 24);
    }
    return state;
}

static void network_set(uint32_t seed) { memcpy(&network, state_of(seed), SKA_STATE_BYTES); }

static bool network_is(uint32_t seed) {
    return memcmp(&network, state_of(seed), SKA_STATE_BYTES) == 0;
}

static ska_status_t save(uint32_t seed) {
    network_set(seed);
    return ska_save(&network);
}

/* Loads as a newly started image does, into a network whose bytes are all 0x55. */
static ska_status_t load(void) {
    memset(&network, 0x55, sizeof network);
    memset(&untouched, 0x55, sizeof untouched);
    memset(&writing, 0, sizeof writing);
    const ska_status_t status = ska_load(&network);
    if (status != SKA_OK) {
        CHECK(memcmp(&network, &untouched, sizeof network) == 0);
    } else {
        const size_t behind = sizeof network - SKA_STATE_BYTES;
        CHECK(memcmp((uint8_t *)&network + SKA_STATE_BYTES, &untouched, behind) == 0);
    }
    return status;
}

static void blank(void) {
    memset(memory, SKA_STORAGE_PAGE > 1 ? 0xFF : 0, sizeof memory);
    memset(page_erases, 0, sizeof page_erases);
    operations = 0;
}

/* Returns the offset of the `number`th save into a blank memory, the first save being 1. */
static uint32_t save_start(uint32_t number) {
    const uint32_t turn = (number - 1u) / (uint32_t)PLACES;
    return place_start((uint8_t)(turn % 2u), (uint8_t)((number - 1u) % (uint32_t)PLACES));
}

/* Makes a memory in which the networks 1 to `count` were saved, one after the other. */
static void saved(uint32_t count) {
    blank();
    for (uint32_t seed = 1; seed <= count; seed++) {
        CHECK(save(seed) == SKA_OK);
    }
    CHECK(ska_journal_saves() == count);
}

/* --- power cuts ------------------------------------------------------------------------------- */

typedef enum { BY_SAVE, BY_PIECES } way_t;

static ska_status_t save_by(way_t way, uint32_t seed) {
    if (way == BY_SAVE) {
        return save(seed);
    }
    const uint8_t *state = state_of(seed);
    CHECK(ska_journal_begin() == SKA_OK);
    uint32_t length = 0;
    for (uint32_t at = 0; at < SKA_STATE_BYTES; at += length) {
        length = 1u + (at * 7u + seed) % 64u;
        length = length < SKA_STATE_BYTES - at ? length : SKA_STATE_BYTES - at;
        CHECK(ska_journal_append(state + at, length) == SKA_OK);
    }
    return ska_journal_commit();
}

/* Saves, and cuts the power during one operation; returns false if the save ended before that
 * operation. */
static bool save_cut(way_t way, uint32_t seed, uint32_t at, int left) {
    operations = 0;
    cut_at = at;
    leftover = left;
    if (setjmp(restart) == 0) {
        CHECK(save_by(way, seed) == SKA_OK);
        cut_at = FOREVER;
        return false;
    }
    cut_at = FOREVER;
    return true;
}

static uint8_t before[SKA_STORAGE_SIZE];
static uint32_t cuts, kept_old, kept_new;

/* Gives the memory the contents that `before` holds, as at a start of the device. */
static void restore(void) {
    memcpy(memory, before, sizeof memory);
    memset(&writing, 0, sizeof writing);
}

/* Checks that a load after a cut gives the old save (0: none) or the new one. */
static void check_restart(uint32_t old, uint32_t new) {
    cuts++;
    if (load() == SKA_OK) {
        CHECK((old != 0 && network_is(old)) || network_is(new));
        kept_old += network_is(new) ? 0 : 1;
        kept_new += network_is(new) ? 1 : 0;
    } else {
        CHECK(old == 0);
        CHECK(ska_journal_saves() == 0);
        kept_old++;
    }
}

/* Makes `count` saves, then repeats the next save with a power cut at each of its operations in
 * turn, and with each of LEFTOVERS as what the cut leaves of the operation. */
static void cut_every(way_t way, uint32_t count) {
    saved(count);
    memcpy(before, memory, sizeof memory);
    bool cut = true;
    for (uint32_t at = 0; cut; at++) {
        for (int left = 0; left < LEFTOVERS; left++) {
            restore();
            cut = save_cut(way, count + 1u, at, left);
            if (cut) {
                check_restart(count, count + 1u);
            }
            if (left == SOME) {
                CHECK(save(77) == SKA_OK && load() == SKA_OK && network_is(77));
            }
        }
    }
}

static void print_cuts(void) {
    printf("cuts %u\nold %u\nnew %u\n", (unsigned)cuts, (unsigned)kept_old, (unsigned)kept_new);
}

/* Tests the first save into an unused slot, and a save over an older slot. */
static void scenario_cuts(void) {
    cut_every(BY_SAVE, FULL / 2u);
    cut_every(BY_SAVE, FULL);
    CHECK(kept_new > 0 && kept_old > kept_new);
    print_cuts();
}

/* Tests an appended save: after the first save of all, and after the first save into an erased
 * slot. */
static void scenario_appended(void) {
    cut_every(BY_SAVE, 1);
    cut_every(BY_SAVE, FULL + 1u);
    print_cuts();
}

static void scenario_first(void) {
    cut_every(BY_SAVE, 0);
    print_cuts();
}

static void scenario_pieces(void) {
    cut_every(BY_PIECES, FULL);
    print_cuts();
}

/* Cuts the save that follows `count` other saves, and then the next save after the restart. */
static void cut_twice(uint32_t count) {
    saved(count);
    memcpy(before, memory, sizeof memory);
    bool cut = true;
    for (uint32_t at = 0; cut; at++) {
        restore();
        cut = save_cut(BY_SAVE, count + 1u, at, 1 + (int)(at % 3u));
        CHECK(load() == SKA_OK);
        const uint32_t old = network_is(count + 1u) ? count + 1u : count;
        CHECK(network_is(old));
        const uint32_t second = (any_byte() * 256u + any_byte()) % operations;
        if (save_cut(BY_SAVE, count + 2u, second, 1 + (int)(second % 3u))) {
            check_restart(old, count + 2u);
        }
    }
}

static void scenario_twice(void) {
    cut_twice(FULL);
    cut_twice(FULL - 1u);
    print_cuts();
}

/* A state in pieces is abandoned at many points, without a cut; then another state arrives. */
static void scenario_given_up(void) {
    uint32_t count = 0;
    saved(2);
    memcpy(before, memory, sizeof memory);
    for (uint32_t at = 0; at <= SKA_STATE_BYTES; at += at < 70u ? 1u : 61u) {
        restore();
        CHECK(ska_journal_begin() == SKA_OK);
        CHECK(ska_journal_append(state_of(3), at) == SKA_OK);
        CHECK(load() == SKA_OK && network_is(2)); /* the restart forgets the begun state */
        CHECK(ska_journal_append(state_of(3), 1) == SKA_ERROR_PIECES);
        CHECK(ska_journal_begin() == SKA_OK);
        CHECK(ska_journal_append(state_of(4), at) == SKA_OK);
        CHECK(save_by(BY_PIECES, 5) == SKA_OK);
        CHECK(load() == SKA_OK && network_is(5));
        CHECK(ska_journal_saves() == 3);
        count++;
    }
    printf("times %u\n", (unsigned)count);
}

/* --- what must not be loaded ------------------------------------------------------------------ */

static void scenario_flips(void) {
    const uint32_t starts[2] = {save_start(1), save_start(2)};
    uint32_t flips = 0;
    saved(2);
    for (uint32_t at = 0; at < SKA_JOURNAL_BYTES; at++) {
        for (int bit = 0; bit < 8; bit++) {
            const uint8_t mask = (uint8_t)(1u << bit);
            memory[starts[1] + at] ^= mask;
            CHECK(load() == SKA_OK && network_is(1));
            if (bit == (int)(at % 8u)) { /* now both saves are damaged */
                memory[starts[0] + at] ^= mask;
                CHECK(load() == SKA_ERROR_UNSAVED);
                memory[starts[0] + at] ^= mask;
            }
            memory[starts[1] + at] ^= mask;
            flips++;
        }
    }
    CHECK(load() == SKA_OK && network_is(2));
    printf("flips %u\n", (unsigned)flips);
}

/* Changes one member of a save's header and makes the CRCs valid, as another image might. */
static void header_change(uint32_t start, size_t member, size_t size) {
    header_t header;
    memcpy(&header, memory + start, sizeof header);
    for (size_t i = 0; i < size; i++) {
        ((uint8_t *)&header)[member + i] ^= 0xA5;
    }
    header.crc = header_crc(&header);
    memcpy(memory + start, &header, sizeof header);
    uint32_t crc = header.crc;
    crc = ska_crc32_update(crc, memory + start + sizeof header, SKA_STATE_BYTES);
    memcpy(memory + start + sizeof header + SKA_STATE_BYTES, &crc, sizeof crc);
}

static void scenario_foreign(void) {
    saved(2);
    header_change(save_start(2), offsetof(header_t, digest) + 7, 1);
    CHECK(load() == SKA_OK && network_is(1));
    saved(2);
    header_change(save_start(2), offsetof(header_t, initial_crc), 4);
    CHECK(load() == SKA_OK && network_is(1));
    saved(2);
    header_change(save_start(2), offsetof(header_t, size), 1);
    CHECK(load() == SKA_OK && network_is(1));
    saved(2);
    header_change(save_start(2), offsetof(header_t, magic), 1);
    CHECK(load() == SKA_OK && network_is(1));

    /* Both slots have saves of another plan: nothing is loaded, and the erase counts of the
     * slots continue. */
    saved(5u * (uint32_t)PLACES);
    for (uint32_t number = 1; number <= FULL; number++) {
        header_change(save_start(number), offsetof(header_t, digest), 8);
    }
    CHECK(load() == SKA_ERROR_UNSAVED && ska_journal_saves() == 0);
    CHECK(slot_look(0).erases == 3 && slot_look(1).erases == 3);
    CHECK(save(9) == SKA_OK && ska_journal_saves() == 1);
    CHECK(slot_look(0).erases == 4 && slot_look(1).erases == 3);
    CHECK(load() == SKA_OK && network_is(9));

    /* This tests the test: a save is still loaded after a change that does not concern the
     * network. */
    saved(2);
    header_change(save_start(2), offsetof(header_t, erases), 4);
    CHECK(load() == SKA_OK && network_is(2));

    /* Tests erased memory, and memory with only zeros. */
    for (int byte = 0; byte < 256; byte += 255) {
        memset(memory, byte, sizeof memory);
        CHECK(load() == SKA_ERROR_UNSAVED && ska_journal_saves() == 0);
    }
    printf("done 1\n");
}

static void scenario_wrap(void) {
    saved(2);
    header_t header;
    for (uint32_t i = 0; i < 2; i++) { /* as after 2^32 - 2 saves */
        const uint32_t start = save_start(1u + i);
        memcpy(&header, memory + start, sizeof header);
        header.number = 0xFFFFFFFDu + i;
        header.crc = header_crc(&header);
        memcpy(memory + start, &header, sizeof header);
        const uint8_t *state = memory + start + sizeof header;
        const uint32_t crc = ska_crc32_update(header.crc, state, SKA_STATE_BYTES);
        memcpy(memory + start + sizeof header + SKA_STATE_BYTES, &crc, sizeof crc);
    }
    for (uint32_t seed = 2; seed < 2u + 2u * FULL; seed++) {
        CHECK(load() == SKA_OK && network_is(seed));
        CHECK(ska_journal_saves() == 0xFFFFFFFCu + seed);
        CHECK(save(seed + 1) == SKA_OK);
    }
    printf("done 1\n");
}

/* --- wear and failures ------------------------------------------------------------------------ */

static uint32_t most_erased(void) {
    uint32_t most = 0;
    for (size_t i = 0; i < sizeof page_erases / sizeof page_erases[0]; i++) {
        most = page_erases[i] > most ? page_erases[i] : most;
    }
    return most;
}

/* With a wear of 20, the first slot is filled 20 times and the second 19 times; then every save
 * is refused. */
static void scenario_wear(void) {
    uint32_t saves = 0;
    blank();
    while (save(saves + 1) == SKA_OK) {
        saves++;
        CHECK(load() == SKA_OK && network_is(saves));
    }
    CHECK(save(99) == SKA_ERROR_WORN && ska_journal_begin() == SKA_ERROR_WORN);
    CHECK(ska_journal_append(state_of(99), 1) == SKA_ERROR_PIECES);
    CHECK(load() == SKA_OK && network_is(saves));
    CHECK(ska_journal_saves() == saves);
    printf("saves %u\nerases %u\n", (unsigned)saves, (unsigned)most_erased());

    /* Saves that are cut after their header are counted as well. */
    saved(1);
    uint32_t attempts = 0;
    uint32_t late = (uint32_t)PAGES + (uint32_t)(SKA_JOURNAL_HEADER / SKA_STORAGE_UNIT) + 5u;
    if (SKA_STORAGE_PAGE == 1) {
        late -= (uint32_t)PAGES;
    }
    for (;;) {
        memset(&writing, 0, sizeof writing);
        operations = 0;
        if (setjmp(restart) == 0) {
            cut_at = late;
            leftover = SOME;
            const ska_status_t status = save(2);
            cut_at = FOREVER;
            CHECK(status == SKA_ERROR_WORN);
            break;
        }
        attempts++;
    }
    CHECK(load() == SKA_OK && network_is(1));
    printf("attempts %u\nattempts_erases %u\n", (unsigned)attempts, (unsigned)most_erased());
}

/* The memory fails and reports it, or fails and reports success. */
static void scenario_failures(void) {
    uint32_t failures = 0;
    saved(2);
    memcpy(before, memory, sizeof memory);
    operations = 0;
    CHECK(save(3) == SKA_OK);
    const uint32_t all = operations;
    refuses = 1;
    for (cut_at = 0; cut_at < all; cut_at++) {
        restore();
        operations = 0;
        const ska_status_t status = save(3);
        CHECK(status == SKA_OK || status == SKA_ERROR_STORAGE);
        CHECK(ska_journal_commit() == SKA_ERROR_PIECES);
        /* A save that was not reported as complete is not loaded. */
        CHECK(load() == SKA_OK && network_is(status == SKA_OK ? 3 : 2));
        failures += status == SKA_OK ? 0 : 1;
    }
    refuses = 0;
    cut_at = FOREVER;
    restore();
    forgets = 1;
    CHECK(save(3) == SKA_ERROR_STORAGE);
    CHECK(load() == SKA_OK && network_is(2));
    printf("failures %u\n", (unsigned)failures);
}

/* A place that looks erased and cannot be written costs one save. If a slot has more than one
 * place, the next save goes to the other slot. */
static void scenario_stuck(void) {
    saved(1);
    stuck = save_start(2);
    CHECK(save(2) == SKA_ERROR_STORAGE);
    CHECK(PLACES == 1 || save(2) == SKA_OK);
    CHECK(PLACES == 1 || slot_look(1).place == 0);
    stuck = FOREVER;
    CHECK(load() == SKA_OK && network_is(PLACES == 1 ? 1 : 2));
    printf("done 1\n");
}

static void scenario_pieces_refused(void) {
    static const uint8_t more[2];
    saved(1);
    CHECK(ska_journal_commit() == SKA_ERROR_PIECES);
    CHECK(ska_journal_append(more, 1) == SKA_ERROR_PIECES);
    CHECK(ska_journal_begin() == SKA_OK);
    CHECK(ska_journal_append(state_of(2), SKA_STATE_BYTES - 1) == SKA_OK);
    CHECK(ska_journal_append(more, 2) == SKA_ERROR_PIECES); /* too many bytes */
    CHECK(ska_journal_append(more, 1) == SKA_ERROR_PIECES); /* the transfer has ended */
    CHECK(ska_journal_begin() == SKA_OK);
    CHECK(ska_journal_append(state_of(2), SKA_STATE_BYTES - 1) == SKA_OK);
    CHECK(ska_journal_commit() == SKA_ERROR_PIECES); /* too few bytes */
    CHECK(load() == SKA_OK && network_is(1));
    printf("done 1\n");
}

/* --- saves that need no write, and a limit ---------------------------------------------------- */

/* A save writes nothing if the newest save already has the same bytes. Another state with the same
 * CRC is written: a multiple of the polynomial, added anywhere, leaves the CRC of the state
 * unchanged. */
static void scenario_same(void) {
    static const uint8_t polynomial[5] = {0x41, 0x06, 0x71, 0xDB, 0x01};
    uint32_t writes = 0;
    saved(2);
    const uint32_t all = operations;
    CHECK(save(2) == SKA_OK && operations == all && ska_journal_saves() == 2);
    CHECK(load() == SKA_OK && ska_save(&network) == SKA_OK && operations == all);
    for (uint32_t at = 0; at + sizeof polynomial <= SKA_STATE_BYTES; at += 97u) {
        saved(2);
        const uint32_t before_it = operations;
        network_set(2);
        uint8_t *state = (uint8_t *)&network;
        const uint32_t crc = ska_crc32_update(0, state, SKA_STATE_BYTES);
        for (size_t i = 0; i < sizeof polynomial; i++) {
            state[at + i] ^= polynomial[i];
        }
        CHECK(ska_crc32_update(0, state, SKA_STATE_BYTES) == crc);
        CHECK(ska_save(&network) == SKA_OK && operations > before_it);
        CHECK(ska_journal_saves() == 3 && load() == SKA_OK && !network_is(2));
        writes++;
    }
    saved(2);
    CHECK(save(1) == SKA_OK && ska_journal_saves() == 3); /* differs from the newest */
    memory[save_start(3)] ^= 1u;                          /* the newest save is damaged */
    CHECK(save(1) == SKA_OK && load() == SKA_OK && network_is(1));
    printf("writes %u\n", (unsigned)writes);
}

#if SKA_SAVE_BUDGET > 0

static void start_again(void) {
    memset(&writing, 0, sizeof writing);
    spent = 0;
    ska_journal_start();
}

/* Once the budget is spent, nothing is erased or written, whatever is requested, even after a
 * restart. */
static void check_spent(uint32_t seed) {
    const uint32_t all = operations;
    for (int restarts = 0; restarts < 3; restarts++) {
        CHECK(save(seed + 1) == SKA_ERROR_EARLY);
        CHECK(ska_journal_begin() == SKA_ERROR_EARLY);
        CHECK(ska_journal_append(state_of(1), 1) == SKA_ERROR_PIECES);
        CHECK(save(seed) == SKA_OK); /* this save needs no write */
        start_again();
    }
    CHECK(operations == all);
    CHECK(load() == SKA_OK && network_is(seed) && ska_journal_saves() == seed);
}

static void scenario_budget(void) {
    uint32_t seed = 0;
    blank();
    for (; seed < SKA_SAVE_BUDGET; seed++) {
        CHECK(save(seed + 1) == SKA_OK);
        start_again();
    }
    check_spent(seed);
    for (int turn = 0; turn < 3; turn++) {
        ska_journal_earn();
        seed++;
        CHECK(save(seed) == SKA_OK);
        check_spent(seed);
    }
    printf("saves %u\n", (unsigned)seed);

    /* Saves that are cut anywhere after their header also spend the budget, and so do saves in
     * pieces. */
    uint32_t attempts = 0;
    const uint32_t least = (SKA_STORAGE_PAGE == 1 ? 0u : (uint32_t)PAGES) +
                           (uint32_t)(SKA_JOURNAL_HEADER / SKA_STORAGE_UNIT);
    blank();
    spent = 0;
    CHECK(save(1) == SKA_OK);
    while (spent < SKA_SAVE_BUDGET) {
        const way_t way = attempts % 2u == 0 ? BY_SAVE : BY_PIECES;
        CHECK(save_cut(way, 2, least + attempts * 7u, SOME));
        start_again();
        attempts++;
        CHECK(spent == attempts + 1u);
    }
    check_spent(1);
    printf("attempts %u\n", (unsigned)attempts);
}

#endif

int main(int count, char **arguments) {
    static const struct {
        const char *name;
        void (*run)(void);
    } scenarios[] = {
        {"cuts", scenario_cuts},
        {"first", scenario_first},
        {"appended", scenario_appended},
        {"pieces", scenario_pieces},
        {"twice", scenario_twice},
        {"given-up", scenario_given_up},
        {"flips", scenario_flips},
        {"foreign", scenario_foreign},
        {"wrap", scenario_wrap},
        {"wear", scenario_wear},
        {"failures", scenario_failures},
        {"stuck", scenario_stuck},
        {"refused", scenario_pieces_refused},
        {"same", scenario_same},
#if SKA_SAVE_BUDGET > 0
        {"budget", scenario_budget},
#endif
    };
    for (size_t i = 0; count == 2 && i < sizeof scenarios / sizeof scenarios[0]; i++) {
        if (strcmp(arguments[1], scenarios[i].name) == 0) {
            scenarios[i].run();
            return 0;
        }
    }
    return 2;
}
