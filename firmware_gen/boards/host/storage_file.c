/* The host's memory for saves: the file that the environment variable SKA_STORAGE names. It is
 * mapped, so everything written is in the file even if the process is killed. Without the variable,
 * the saves end with the process. Only one process at a time may use a file. storage_ram.c
 * implements the rules of flash.
 */

#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#define _XOPEN_SOURCE 600

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

uint8_t *ska_storage_memory(void);

static void fail(const char *what, const char *path, const char *why) {
    (void)fprintf(stderr, "host board: cannot %s %s, the file of SKA_STORAGE: %s\n", what, path,
                  why);
    exit(EXIT_FAILURE);
}

/* Opens and locks the file. If the file is new or too short, adds erased pages up to its full
 * size. */
static int open_file(const char *path) {
    static uint8_t page[SKA_STORAGE_PAGE];
    int file = open(path, O_RDWR | O_CREAT, 0666);
    off_t end;

    if (file < 0) {
        fail("open", path, strerror(errno));
    }
    if (lockf(file, F_TLOCK, 0) != 0) {
        fail("lock", path, strerror(errno));
    }
    (void)memset(page, 0xFF, sizeof page);
    for (end = lseek(file, 0, SEEK_END); end < (off_t)SKA_STORAGE_SIZE; end += (off_t)sizeof page) {
        if (end < 0) {
            fail("measure", path, strerror(errno));
        }
        if (end % (off_t)sizeof page != 0) {
            fail("fill", path, "its size is not a whole number of pages");
        }
        errno = ENOSPC; /* the reason for a short write, which sets no error itself */
        if (write(file, page, sizeof page) != (ssize_t)sizeof page) {
            fail("fill", path, strerror(errno));
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
    if (path == NULL || path[0] == '\0') {
        place = mmap(NULL, SKA_STORAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                     -1, 0);
        if (place == MAP_FAILED) {
            perror("host board: reserving memory for saves");
            exit(EXIT_FAILURE);
        }
    } else {
        place =
            mmap(NULL, SKA_STORAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, open_file(path), 0);
        if (place == MAP_FAILED) {
            fail("map", path, strerror(errno));
        }
    }
    memory = place;
    return memory;
}
