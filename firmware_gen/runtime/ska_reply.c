/* ska_reply.c: packs replies and sends them; see ska_reply.h. */
#include "ska_reply.h"

#include "ska_crc.h"

const uint8_t ska_plan_digest[8] = SKA_PLAN_DIGEST;

uint32_t ska_state_crc(const ska_t *network) {
    uint32_t crc = 0;
    for (uint32_t offset = 0; offset < SKA_STATE_BYTES; offset += SKA_STATE_RUN) {
        crc = ska_crc32_update(crc, ska_state(network, offset), SKA_STATE_RUN);
    }
    return crc;
}

/* Returns `count` consecutive bytes of the state from an offset on. */
static const uint8_t *state_piece(const ska_t *network, uint32_t offset, uint8_t count) {
#if SKA_LITTLE_ENDIAN
    (void)count;
    return ska_state(network, offset);
#else
    static uint8_t piece[SKA_CHUNK_MAX];
    for (uint8_t i = 0; i < count; i++) {
        piece[i] = *ska_state(network, offset + i);
    }
    return piece;
#endif
}

void ska_reply_status(uint8_t seq, ska_outcome_t went) {
    const ska_message_status_t status = {went.code, went.detail};
    uint8_t payload[SKA_MESSAGE_STATUS_SIZE];
    const uint16_t length = ska_message_status_pack(&status, payload);
    ska_frame_write(SKA_MESSAGE_STATUS, seq, payload, length);
}

void ska_reply_metrics(uint8_t seq, const ska_t *network, uint8_t layer) {
    ska_metrics_t sums;
    ska_metrics(network, layer, &sums);
    ska_message_metrics_t metrics;
    metrics.layer = layer;
    metrics.step = ska_step(network);
#define COPY(name) metrics.name = sums.name;
    SKA_METRICS_EACH(COPY)
#undef COPY
    uint8_t payload[SKA_MESSAGE_METRICS_SIZE];
    const uint16_t length = ska_message_metrics_pack(&metrics, payload);
    ska_frame_write(SKA_MESSAGE_METRICS, seq, payload, length);
}

void ska_reply_result(uint8_t seq, const ska_t *network, bool with_crc) {
    ska_message_result_t result;
    result.step = ska_step(network);
    result.samples = ska_samples(network);
    result.crc = with_crc ? ska_state_crc(network) : 0u;
    result.predicted = ska_predicted(network);
    result.decisions = ska_decisions(network);
    uint8_t payload[SKA_MESSAGE_RESULT_SIZE];
    const uint16_t length = ska_message_result_pack(&result, payload);
    ska_frame_write(SKA_MESSAGE_RESULT, seq, payload, length);
}

void ska_reply_chunk(uint8_t seq, const ska_t *network, uint32_t offset) {
    const uint32_t left = SKA_STATE_BYTES - offset;
    ska_message_chunk_t chunk;
    chunk.offset = offset;
    chunk.data_count = (uint8_t)(left < SKA_CHUNK_MAX ? left : SKA_CHUNK_MAX);
    chunk.data = state_piece(network, offset, chunk.data_count);
    uint8_t payload[SKA_MESSAGE_CHUNK_SIZE];
    const uint16_t length = ska_message_chunk_pack(&chunk, payload);
    ska_frame_write(SKA_MESSAGE_CHUNK, seq, payload, length);
}
