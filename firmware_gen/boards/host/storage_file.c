/* The host's memory for saves: the file that the environment variable SKA_STORAGE names, mapped, so
 * that what was written is in it when the process is killed; without the variable, memory that ends
 * with the process. One process at a time may have a file. The rules of flash stand in
 * storage_ram.c.
 */

#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#define _XOPEN_SOURCE 600

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

uint8_t *ska_storage_memory(void);

static void fail(const char *what) {
    (void)fprintf(stderr, "host board: %s the file of SKA_STORAGE", what);
    perror("");
    exit(EXIT_FAILURE);
}

/* The file, made and erased if it is new. */
static int open_file(const char *path) {
    static uint8_t page[SKA_STORAGE_PAGE];
    int file = open(path, O_RDWR | O_CREAT, 0666);
    off_t end;

    if (file < 0) {
        fail("opening");
    }
    if (lockf(file, F_TLOCK, 0) != 0) {
        fail("locking");
    }
    (void)memset(page, 0xFF, sizeof page);
    for (end = lseek(file, 0, SEEK_END); end < (off_t)SKA_STORAGE_SIZE; end += (off_t)sizeof page) {
        if (end < 0 || end % (off_t)sizeof page != 0 ||
            write(file, page, sizeof page) != (ssize_t)sizeof page) {
            fail("filling");
        }
    }
    return file;
}

uint8_t *ska_storage_memory(void) {
    static uint8_t *memory = NULL;
    const char *path = getenv("SKA_STORAGE");
    void *place;

    if (memory != NULL) {
        return memory;
    }
    if (path != NULL && path[0] != '\0') {
        place =
            mmap(NULL, SKA_STORAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, open_file(path), 0);
    } else {
        place = mmap(NULL, SKA_STORAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                     -1, 0);
    }
    if (place == MAP_FAILED) {
        fail("mapping");
    }
    memory = place;
    return memory;
}
