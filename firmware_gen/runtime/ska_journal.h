/*
 * ska_journal.h: saves a network's state, so that it survives a restart.
 *
 * Saves are appended to a slot until it is full, and then go to the other slot. Memory that needs
 * an erase is erased first. So the last save stays valid until the next save is complete. Power may
 * fail at any moment; ska_load then loads the old state or the new one. ska_journal.c describes a
 * slot. docs/FIRMWARE.md describes the guarantees and their limits.
 */
#ifndef SKA_JOURNAL_H
#define SKA_JOURNAL_H

#include "ska.h"

/* --- layout ----------------------------------------------------------------------------------- */

/* The bytes of a save: header, state, CRC-32. */
#define SKA_JOURNAL_HEADER 32u
#define SKA_JOURNAL_BYTES (SKA_JOURNAL_HEADER + SKA_SAVED_BYTES + 4u)

/* The position of the second slot. It is the same for every network, so that an image finds the
 * erase counts of another image. */
#ifdef SKA_STORAGE_SIZE
#define SKA_JOURNAL_SECOND (SKA_STORAGE_SIZE / 2u / SKA_STORAGE_PAGE * SKA_STORAGE_PAGE)
#else
#define SKA_JOURNAL_SECOND 0u
#endif

/* Tells whether the board has memory for two slots, and the network learns. If not, nothing below
 * exists. */
#if SKA_JOURNAL_BYTES <= SKA_JOURNAL_SECOND && !SKA_INFERENCE_ONLY
#define SKA_PERSISTENT 1
#else
#define SKA_PERSISTENT 0
#endif

/* The number of saves that may be made in a row, up to 255; 0 allows any number. See "a limit"
 * below. */
#ifndef SKA_SAVE_BUDGET
#define SKA_SAVE_BUDGET 0u
#endif

#ifdef __cplusplus
extern "C" {
#endif

#if SKA_PERSISTENT

/* --- a network -------------------------------------------------------------------------------- */

/* Saves the network's state, unless the last save has the same bytes. On any error, the previous
 * save stays loadable.
 *   SKA_ERROR_WORN     the pages have been erased SKA_STORAGE_WEAR times; nothing was changed
 *   SKA_ERROR_EARLY    SKA_SAVE_BUDGET is spent; nothing was changed
 *   SKA_ERROR_STORAGE  the memory failed, or returned other bytes than were written */
ska_status_t ska_save(const ska_t *ska);

/* Loads the last complete save into a network that ska_init has initialized.
 *   SKA_ERROR_UNSAVED  there is no complete save that was made with this plan and these initial
 *                      parameters; the network is unchanged */
ska_status_t ska_load(ska_t *ska);

/* Returns the number of complete saves of this network so far; it wraps after 2^32. */
uint32_t ska_journal_saves(void);

/* --- a state in pieces ------------------------------------------------------------------------ */

/* These functions save a state that arrives over a line, without a second copy in RAM. Begin,
 * append the SKA_SAVED_BYTES bytes of the state in order, in pieces of any size, then commit. Only
 * commit completes the save; the next begin or a restart discards an unfinished save. Each function
 * can also return an error of ska_save. */
ska_status_t ska_journal_begin(void);

/* SKA_ERROR_PIECES: no save was begun, or there are more bytes than in a state; begin again. */
ska_status_t ska_journal_append(const uint8_t *bytes, uint32_t count);

/* SKA_ERROR_PIECES: no save was begun, or there are fewer bytes than in a state; begin again. */
ska_status_t ska_journal_commit(void);

#if SKA_SAVE_BUDGET > 0
/* --- a limit ---------------------------------------------------------------------------------- */

/* If anybody can request saves, too many requests could wear the memory out. Each begun save spends
 * one of SKA_SAVE_BUDGET; the caller gives one back at intervals. The header of a save stores how
 * many are spent, so a restart gives none back. */

/* Reads how many saves are spent; call it once after the start. */
void ska_journal_start(void);

/* Gives one save back. */
void ska_journal_earn(void);
#endif

#else

static inline uint32_t ska_journal_saves(void) { return 0; }

#endif

#ifdef __cplusplus
}
#endif

#endif
