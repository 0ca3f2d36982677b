/*
 * ska_journal.h: keeps what a network has learned over a restart.
 *
 * Two slots take turns, so the last save stays whole until the next one is complete: power may go
 * at any moment, and what is loaded then is the old state or the new one. What a slot holds is told
 * in ska_journal.c, what is and is not promised in docs/FIRMWARE.md.
 */
#ifndef SKA_JOURNAL_H
#define SKA_JOURNAL_H

#include "ska.h"

/* --- layout ----------------------------------------------------------------------------------- */

/* Bytes of a slot: header, state, CRC-32. */
#define SKA_JOURNAL_HEADER 32u
#define SKA_JOURNAL_BYTES (SKA_JOURNAL_HEADER + SKA_STATE_BYTES + 4u)

/* Where the second slot begins, the same for every network: so an image finds the counts of erases
 * that another one has left. */
#ifdef SKA_STORAGE_SIZE
#define SKA_JOURNAL_SECOND (SKA_STORAGE_SIZE / 2u / SKA_STORAGE_PAGE * SKA_STORAGE_PAGE)
#else
#define SKA_JOURNAL_SECOND 0u
#endif

/* Whether the board has memory for two slots. Where it has not, nothing below exists. */
#if SKA_JOURNAL_BYTES <= SKA_JOURNAL_SECOND
#define SKA_PERSISTENT 1
#else
#define SKA_PERSISTENT 0
#endif

#ifdef __cplusplus
extern "C" {
#endif

#if SKA_PERSISTENT

/* --- a network -------------------------------------------------------------------------------- */

/* Saves what the network has learned. On any error the save before stays what is loaded.
 *   SKA_ERROR_WORN     the pages have been erased SKA_STORAGE_WEAR times; nothing was touched
 *   SKA_ERROR_STORAGE  the memory failed, or did not give back what was written */
ska_status_t ska_save(const ska_t *ska);

/* Loads the last complete save into a network, which ska_init has prepared.
 *   SKA_ERROR_UNSAVED  there is none of this plan and these initial parameters, or none is whole;
 *                      the network is as before */
ska_status_t ska_load(ska_t *ska);

/* Complete saves of this network so far, 0 when there is none; wraps after 2^32. */
uint32_t ska_journal_saves(void);

/* --- a state in pieces ------------------------------------------------------------------------ */

/* For a state that comes over a line, without a second copy of it in RAM: begin, append its
 * SKA_STATE_BYTES bytes in order, in pieces of any size, commit. Only commit makes a save of it;
 * whatever is left unfinished is forgotten by the next begin, or by a restart. */
ska_status_t ska_journal_begin(void);

/* SKA_ERROR_PIECES: not begun, or more bytes than a state has; begin anew. */
ska_status_t ska_journal_append(const uint8_t *bytes, uint32_t count);

/* SKA_ERROR_PIECES: not begun, or fewer bytes than a state has; begin anew. */
ska_status_t ska_journal_commit(void);

#else

static inline uint32_t ska_journal_saves(void) { return 0; }

#endif

#ifdef __cplusplus
}
#endif

#endif
