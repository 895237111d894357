// Counts allocations of the process that it is preloaded into, in a file of six 64-bit counters that is mapped shared:
// allocations, bytes asked for, reallocations, frees, aligned allocations, and 0. COUNTER_FILE names the file.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

static _Atomic uint64_t spare[6];
static _Atomic uint64_t *counters = spare;

__attribute__((constructor)) static void map_counters(void) {
    const char *path = getenv("COUNTER_FILE");
    int fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
    if (fd < 0 || ftruncate(fd, sizeof spare)) return;
    void *mapped = mmap(NULL, sizeof spare, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (mapped != MAP_FAILED) counters = mapped;
    close(fd);
}

static void count(int which, uint64_t by) { atomic_fetch_add_explicit(&counters[which], by, memory_order_relaxed); }

void *malloc(size_t bytes) {
    count(0, 1);
    count(1, bytes);
    return __libc_malloc(bytes);
}

void *calloc(size_t n, size_t bytes) {
    count(0, 1);
    count(1, n * bytes);
    return __libc_calloc(n, bytes);
}

void *realloc(void *old, size_t bytes) {
    count(2, 1);
    count(1, bytes);
    return __libc_realloc(old, bytes);
}

void free(void *old) {
    if (old) count(3, 1);
    __libc_free(old);
}

void *aligned_alloc(size_t alignment, size_t bytes) {
    count(4, 1);
    count(1, bytes);
    return __libc_memalign(alignment, bytes);
}

int posix_memalign(void **to, size_t alignment, size_t bytes) {
    *to = aligned_alloc(alignment, bytes);
    return *to ? 0 : ENOMEM;
}
