/* campaign.c: sends the firmware random bytes, and then mutated requests. The same arguments give
 * the same bytes.
 *
 *     campaign BYTES FRAMES SEED...
 *
 * Each SEED is a file with frames. The last frame is a request that the firmware accepts; a file
 * that ends with a reply is skipped. Devices are started again and again. Each device learns a
 * sample and gets its share of the bad input. Then it must answer and learn as if nothing had
 * happened. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device.h"
#include "line.h"

#define BYTES_A_START 5000u
#define FRAMES_A_START 1000u
#define SEEDS_MOST 64u
#define CONTENT_MOST 512u /* limit after mutations; the plans' frames are far shorter */
#define TYPE_HELLO 0x01u
#define TYPE_SAMPLE 0x02u
#define TYPE_SET_RATE 0x04u
#define TYPE_OFFER 0x06u
#define TYPE_PUSH 0x07u
#define TYPE_SAVE 0x08u
#define TYPE_SET_TOKEN 0x0Au
#define TYPE_REPLIES 0x80u

typedef struct {
    size_t count;
    uint8_t bytes[4u * LINE_ROOM(CONTENT_MOST)];
} bytes_t;

static bytes_t seeds[SEEDS_MOST]; /* contents of frames: type, seq, payload */
static size_t seed_count;
static bytes_t line;     /* the bytes that the device gets next */
static size_t line_at;   /* how many of these bytes the device has */
static bytes_t pushed;   /* the state that the device is offered */
static bytes_t previous; /* the last request that was sent twice */

/* --- chance ----------------------------------------------------------------------------------- */

static uint64_t chance = 1;

/* xorshift64*: S. Vigna, ACM TOMS 42(4), 2016. */
static uint32_t draw(uint32_t limit) {
    chance ^= chance >> 12;
    chance ^= chance << 25;
    chance ^= chance >> 27;
    return (uint32_t)((chance * 0x2545F4914F6CDD1DULL) >> 32) % limit;
}

static uint8_t draw_byte(void) {
    /* Small numbers are likely, because they serve as lengths, labels and COBS codes. The ends
     * of ranges are likely, too. */
    static const uint8_t ends[] = {0, 1, 0x7F, 0x80, 0xFE, 0xFF};
    switch (draw(4)) {
    case 0:
        return (uint8_t)draw(8);
    case 1:
        return ends[draw(sizeof ends)];
    default:
        return (uint8_t)draw(256);
    }
}

/* --- mutations -------------------------------------------------------------------------------- */

/* Inserts bytes at a place, or nothing if they are too many. */
static void insert(bytes_t *bytes, size_t place, const uint8_t *what, size_t count, size_t limit) {
    uint8_t copy[LINE_ROOM(CONTENT_MOST)];
    if (bytes->count + count > limit || count > sizeof copy) {
        return;
    }
    memcpy(copy, what, count); /* `what` may lie within these bytes */
    memmove(bytes->bytes + place + count, bytes->bytes + place, bytes->count - place);
    memcpy(bytes->bytes + place, copy, count);
    bytes->count += count;
}

static void mutate_once(bytes_t *bytes, size_t limit) {
    const uint32_t count = (uint32_t)bytes->count;
    const uint32_t a = count == 0 ? 0 : draw(count);
    const uint32_t b = count == 0 ? 0 : draw(count);
    uint8_t fresh[80];
    const uint32_t fresh_count = 1 + draw(draw(8) == 0 ? sizeof fresh : 4);
    for (uint32_t i = 0; i < fresh_count; i++) {
        fresh[i] = draw_byte();
    }
    const uint32_t kind = count == 0 ? 6 : draw(8);
    if (kind == 0) { /* a bit is flipped */
        bytes->bytes[a] ^= (uint8_t)(1u << draw(8));
    } else if (kind == 1) { /* a byte is replaced */
        bytes->bytes[a] = fresh[0];
    } else if (kind == 2) { /* the end is cut off */
        bytes->count = a;
    } else if (kind == 3) { /* a piece is cut out */
        const uint32_t gone = 1 + draw(count - a);
        memmove(bytes->bytes + a, bytes->bytes + a + gone, count - a - gone);
        bytes->count -= gone;
    } else if (kind == 4) { /* a piece is repeated, here or elsewhere */
        insert(bytes, b, bytes->bytes + a, 1 + draw(count - a), limit);
    } else if (kind == 5) { /* random bytes are inserted */
        insert(bytes, a, fresh, fresh_count, limit);
    } else if (kind == 6) { /* random bytes are appended */
        insert(bytes, count, fresh, fresh_count, limit);
    } else { /* two bytes are swapped */
        const uint8_t kept = bytes->bytes[a];
        bytes->bytes[a] = bytes->bytes[b];
        bytes->bytes[b] = kept;
    }
}

static void mutate(bytes_t *bytes, size_t limit) {
    for (uint32_t times = 1 + draw(3); times > 0; times--) {
        mutate_once(bytes, limit);
    }
}

/* --- frames ----------------------------------------------------------------------------------- */

static void line_add(const uint8_t *bytes, size_t count) {
    if (line.count + count > sizeof line.bytes) {
        abort(); /* the limits above do not fit each other */
    }
    memcpy(line.bytes + line.count, bytes, count);
    line.count += count;
}

/* Adds a frame with a valid CRC to the line; the host sends a zero before each frame. */
static void line_add_frame(const bytes_t *content) {
    static const uint8_t zero = 0;
    uint8_t encoded[LINE_ROOM(CONTENT_MOST)];
    const size_t count = line_encode(content->bytes, content->count, encoded);
    line_add(&zero, 1);
    line_add(encoded, count);
    line_add(&zero, 1);
}

static void number_put(uint8_t *bytes, uint32_t number) {
    for (size_t i = 0; i < 4; i++) {
        bytes[i] = (uint8_t)(number % 256);
        number /= 256;
    }
}

static uint32_t crc32_of(const uint8_t *bytes, size_t count) {
    uint32_t rest = 0xFFFFFFFFu;
    for (size_t i = 0; i < 8 * count; i++) {
        const uint32_t divides = (rest ^ (uint32_t)bytes[i / 8] >> i % 8) & 1u;
        rest = rest / 2 ^ (divides != 0 ? 0xEDB88320u : 0u);
    }
    return ~rest;
}

/* Prepares a push of the device's own state, often with some bytes changed. */
static void offer_fill(bytes_t *content) {
    uint32_t count = 0;
    const uint8_t *state = device_state(&count);
    if (count > sizeof pushed.bytes) {
        abort();
    }
    pushed.count = count;
    memcpy(pushed.bytes, state, count);
    for (uint32_t times = draw(4) * draw(4); times > 0; times--) {
        const uint32_t place = draw(2) == 0 ? count - 1 - draw(8) : draw(count);
        pushed.bytes[place] = draw_byte();
    }
    number_put(content->bytes + content->count - 4, crc32_of(pushed.bytes, count));
}

/* Fills a PUSH request with the next piece of the state, if one is left. */
static void push_fill(bytes_t *content) {
    const size_t offset = device_push_offset();
    if (offset < pushed.count) {
        const size_t most = content->count - 6;
        const size_t count = pushed.count - offset < most ? pushed.count - offset : most;
        number_put(content->bytes + 2, (uint32_t)offset);
        memcpy(content->bytes + 6, pushed.bytes + offset, count);
        content->count = 6 + count;
    }
}

/* Turns a seed into the request that the device expects. */
static bytes_t request_of(const bytes_t *seed) {
    bytes_t content = *seed;
    content.bytes[1] = device_next_seq();
    if (content.bytes[0] == TYPE_SAMPLE) {
        number_put(content.bytes + 2, device_number());
    } else if (content.bytes[0] == TYPE_SET_RATE) {
        number_put(content.bytes + 3, device_token());
    } else if (content.bytes[0] == TYPE_SAVE) {
        number_put(content.bytes + 2, device_token());
    } else if (content.bytes[0] == TYPE_SET_TOKEN) {
        uint32_t count = 0;
        const uint8_t *state = device_state(&count);
        number_put(content.bytes + 6, crc32_of(state, count));
    } else if (content.bytes[0] == TYPE_OFFER) {
        offer_fill(&content);
    } else if (content.bytes[0] == TYPE_PUSH) {
        push_fill(&content);
    }
    return content;
}

static bytes_t request_of_type(uint8_t type) {
    for (size_t i = 0; i < seed_count; i++) {
        if (seeds[i].bytes[0] == type) {
            return request_of(&seeds[i]);
        }
    }
    abort();
}

/* Makes any request; during a push, mostly the next piece. */
static bytes_t request_any(void) {
    if (device_is_pushed() && draw(4) != 0) {
        return request_of_type(TYPE_PUSH);
    }
    return draw(2) == 0 ? request_of_type(TYPE_SAMPLE)
                        : request_of(&seeds[draw((uint32_t)seed_count)]);
}

/* Spoils a valid request as a wire, a host or another program might. */
static void send_mutated(void) {
    bytes_t content = request_any();
    const uint32_t way = draw(16);
    if (way < 7) { /* the bytes on the line are mutated, zeros included */
        line_add_frame(&content);
        mutate(&line, sizeof line.bytes / 2);
    } else if (way < 12) { /* the payload is mutated, and gets a valid CRC */
        bytes_t payload = content;
        memmove(payload.bytes, payload.bytes + 2, payload.count - 2);
        payload.count -= 2;
        mutate(&payload, CONTENT_MOST - 2);
        memcpy(content.bytes + 2, payload.bytes, payload.count);
        content.count = payload.count + 2;
        line_add_frame(&content);
    } else if (way < 14) { /* type and seq are mutated as well */
        mutate(&content, CONTENT_MOST);
        line_add_frame(&content);
    } else { /* the request is sent twice, then `previous` */
        line_add_frame(&content);
        const size_t once = line.count;
        line_add_frame(&content);
        line_add(previous.bytes, previous.count);
        memcpy(previous.bytes, line.bytes, once);
        previous.count = once;
    }
}

/* --- a device's life -------------------------------------------------------------------------- */

typedef enum {
    STAGE_OPEN,
    STAGE_LEARN,
    STAGE_BAD,
    STAGE_ZERO,
    STAGE_AGAIN,
    STAGE_LAST,
    STAGE_END
} stage_t;

static stage_t stage;
static uint64_t left; /* bytes or frames still to be sent to this device */
static bool whole_frames;
static uint32_t zeros; /* at least one in this many random bytes is a zero, on average */
static uint64_t executed_before;

static void random_byte(void) {
    const uint8_t byte = draw(zeros) == 0 ? 0 : (uint8_t)(zeros == 256 ? draw(256) : draw_byte());
    line_add(&byte, 1);
}

/* Puts the next bytes into the line; returns false at the end. */
static bool produce(void) {
    static const uint8_t zero = 0;
    bytes_t content;
    switch (stage) {
    case STAGE_OPEN:
    case STAGE_AGAIN:
        executed_before = device_counts.executed;
        content = request_of_type(TYPE_HELLO);
        line_add_frame(&content);
        stage = stage == STAGE_OPEN ? STAGE_LEARN : STAGE_LAST;
        return true;
    case STAGE_LEARN:
    case STAGE_LAST:
        content = request_of_type(TYPE_SAMPLE);
        line_add_frame(&content);
        stage = stage == STAGE_LEARN ? STAGE_BAD : STAGE_END;
        return true;
    case STAGE_BAD:
        if (left > 0) {
            left--;
            if (whole_frames) {
                send_mutated();
            } else {
                random_byte();
            }
            return true;
        }
        stage = STAGE_ZERO;
        /* fall through */
    case STAGE_ZERO: /* a zero ends the last piece; after it, the next seq is known */
        line_add(&zero, 1);
        stage = STAGE_AGAIN;
        return true;
    default:
        if (device_counts.executed != executed_before + 2) {
            device_broke("a device answers and learns after all that came");
        }
        return false;
    }
}

static int16_t next(void) {
    while (line_at == line.count) {
        line.count = 0;
        line_at = 0;
        if (!produce()) {
            return -1;
        }
    }
    return (int16_t)line.bytes[line_at++];
}

/* Starts devices until `total` bytes or frames are sent. */
static void campaign(uint64_t total, uint64_t a_start) {
    static const uint32_t kinds[] = {256, 16, 4};
    for (uint64_t sent = 0, start = 0; sent < total; start++) {
        left = total - sent < a_start ? total - sent : a_start;
        sent += left;
        zeros = kinds[start % 3];
        stage = STAGE_OPEN;
        previous.count = 0;
        device_run(next);
    }
}

static void report(const char *what, uint64_t number) {
    (void)printf("  %-28s %12llu\n", what, (unsigned long long)number);
}

static int run(const char *what, uint64_t total, uint64_t a_start) {
    memset(&device_counts, 0, sizeof device_counts);
    campaign(total, a_start);
    (void)printf("%llu %s\n", (unsigned long long)total, what);
    report("devices started", device_counts.starts);
    report("bytes received", device_counts.bytes);
    report("frames", device_counts.frames);
    report("frames with a good CRC", device_counts.good);
    report("requests executed", device_counts.executed);
    report("requests answered again", device_counts.repeated);
    report("requests out of turn", device_counts.out_of_turn);
    report("requests refused in turn", device_counts.refused);
    report("states pushed", device_counts.pushed);
    report("states saved", device_counts.saved);
    report("changes by bad frames", device_counts.changed);
    report("promises broken", device_counts.broken);
    if (device_counts.first != NULL) {
        (void)printf("  the first: %s\n", device_counts.first);
    }
    return device_counts.changed + device_counts.broken != 0;
}

/* Keeps the last frame of a file as a seed if it is a request. */
static void seed_load(const char *path) {
    uint8_t bytes[LINE_MOST];
    FILE *file = fopen(path, "rb");
    if (file == NULL || seed_count == SEEDS_MOST) {
        perror(path);
        exit(2);
    }
    size_t end = fread(bytes, 1, sizeof bytes, file);
    (void)fclose(file);
    while (end > 0 && bytes[end - 1] == 0) {
        end--;
    }
    size_t start = end;
    while (start > 0 && bytes[start - 1] != 0) {
        start--;
    }
    uint8_t content[LINE_MOST];
    size_t length = 0;
    if (!line_decode(bytes + start, end - start, content, &length) || length > CONTENT_MOST / 2) {
        (void)fprintf(stderr, "%s: the last frame is not good\n", path);
        exit(2);
    }
    if (content[0] < TYPE_REPLIES) {
        memcpy(seeds[seed_count].bytes, content, length);
        seeds[seed_count].count = length;
        seed_count++;
    }
}

int main(int argc, char **argv) {
    if (argc < 4) {
        (void)fprintf(stderr, "usage: campaign BYTES FRAMES SEED...\n");
        return 2;
    }
    for (int i = 3; i < argc; i++) {
        seed_load(argv[i]);
    }
    int failed = run("random bytes", strtoull(argv[1], NULL, 10), BYTES_A_START);
    whole_frames = true;
    failed += run("mutated frames", strtoull(argv[2], NULL, 10), FRAMES_A_START);
    return failed != 0;
}
