/* A disk that fails on purpose: preloaded into a process of a test, steered by its environment.

   PUHUI_DISK_FILE    only files whose path contains this are touched ("" = none)
   PUHUI_DISK_SYNC    the n-th sync of such a file fails with EIO, all later ones say yes
   PUHUI_DISK_TORN    the n-th write writes the first half only, then the process ends
   PUHUI_DISK_FULL    from the n-th call on, writes and preallocations fail with ENOSPC
   PUHUI_DISK_POWER   at the n-th sync power fails: of what was written since the last sync each
                      block of 512 bytes is on disk or not, by chance, and the process ends
   PUHUI_DISK_SEED    the chance
   PUHUI_DISK_SHORT   every write writes at most so many bytes
*/
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { BLOCK = 512, KEPT_MAX = 4096, FILES_MAX = 256, ENDED = 86 };

static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static long syncs, writes, full_calls;
static unsigned long long dice;
static struct { int file; off_t at; size_t size; char *before; } kept[KEPT_MAX];
static int kept_count;
static struct { dev_t device; ino_t node; int fd; } files[FILES_MAX];
static int file_count;

static long number(const char *name) {
    const char *text = getenv(name);
    return text ? atol(text) : 0;
}

static int is_ours(int fd) {
    const char *part = getenv("PUHUI_DISK_FILE");
    char link[64], path[4096];
    if (!part || !*part) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size < 0) return 0;
    path[size] = 0;
    return strstr(path, part) != NULL;
}

static unsigned chance(void) {
    if (!dice) dice = 88172645463325252ULL + 7919ULL * (unsigned long long)number("PUHUI_DISK_SEED");
    dice ^= dice << 13; dice ^= dice >> 7; dice ^= dice << 17;
    return (unsigned)(dice >> 33);
}

static ssize_t raw_write(int fd, const void *from, size_t size, off_t at) {
    return syscall(SYS_pwrite64, fd, from, size, at);
}

/* A descriptor of our own for each file: the process may close its own, or use it for another. */
static int file_of(int fd) {
    struct stat now;
    int at = 0;
    if (fstat(fd, &now)) abort();
    while (at < file_count && (files[at].device != now.st_dev || files[at].node != now.st_ino)) at++;
    if (at == FILES_MAX) abort();
    if (at == file_count) {
        files[at].device = now.st_dev; files[at].node = now.st_ino;
        files[at].fd = dup(fd);
        file_count++;
    }
    return at;
}

/* Past KEPT_MAX writes are not kept: their blocks happen to be on disk. */
static void keep(int fd, size_t size, off_t at) {
    if (!number("PUHUI_DISK_POWER") || kept_count == KEPT_MAX) return;
    char *before = calloc(1, size);
    int file = file_of(fd);
    syscall(SYS_pread64, files[file].fd, before, size, at);
    kept[kept_count].file = file; kept[kept_count].at = at;
    kept[kept_count].size = size; kept[kept_count++].before = before;
}

static void forget(int fd) {
    int left = 0, file = kept_count ? file_of(fd) : 0;
    for (int i = 0; i < kept_count; i++) {
        if (kept[i].file == file) free(kept[i].before);
        else kept[left++] = kept[i];
    }
    kept_count = left;
}

/* Backwards, so that a block that was written twice may come back in any of its states. */
static void lose_power(void) {
    unsigned odds = 1 + chance() % 9;
    while (kept_count--) {
        off_t at = kept[kept_count].at, end = at + (off_t)kept[kept_count].size;
        for (off_t from = at; from < end; ) {
            off_t to = (from / BLOCK + 1) * BLOCK;
            if (to > end) to = end;
            if (chance() % 10 < odds)
                raw_write(files[kept[kept_count].file].fd,
                          kept[kept_count].before + (from - at), (size_t)(to - from), from);
            from = to;
        }
    }
    _exit(ENDED);
}

static ssize_t write_parts(int fd, const struct iovec *parts, int count, off_t at) {
    size_t size = 0, done = 0;
    for (int i = 0; i < count; i++) size += parts[i].iov_len;
    if (!is_ours(fd)) return syscall(SYS_pwritev, fd, parts, (long)count, (long)at, 0L);
    pthread_mutex_lock(&guard);
    long full = number("PUHUI_DISK_FULL"), torn = number("PUHUI_DISK_TORN");
    long most = number("PUHUI_DISK_SHORT");
    writes++;
    if (full && ++full_calls >= full) {
        pthread_mutex_unlock(&guard);
        errno = ENOSPC;
        return -1;
    }
    size_t wanted = size;
    if (torn && writes == torn) wanted = size / 2;
    if (most && wanted > (size_t)most) wanted = (size_t)most;
    keep(fd, wanted, at);
    for (int i = 0; i < count && done < wanted; i++) {
        size_t part = parts[i].iov_len < wanted - done ? parts[i].iov_len : wanted - done;
        if (raw_write(fd, parts[i].iov_base, part, at + (off_t)done) != (ssize_t)part) abort();
        done += part;
    }
    if (torn && writes == torn) _exit(ENDED);
    pthread_mutex_unlock(&guard);
    return (ssize_t)done;
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) {
    return write_parts(fd, parts, count, at);
}
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t at) {
    return write_parts(fd, parts, count, at);
}
ssize_t pwritev2(int fd, const struct iovec *parts, int count, off_t at, int flags) {
    (void)flags;
    return write_parts(fd, parts, count, at);
}
ssize_t pwritev64v2(int fd, const struct iovec *parts, int count, off64_t at, int flags) {
    (void)flags;
    return write_parts(fd, parts, count, at);
}
ssize_t pwrite(int fd, const void *from, size_t size, off_t at) {
    struct iovec part = { (void *)from, size };
    return write_parts(fd, &part, 1, at);
}
ssize_t pwrite64(int fd, const void *from, size_t size, off64_t at) {
    return pwrite(fd, from, size, at);
}

static int sync_file(int fd, long kind) {
    if (is_ours(fd)) {
        pthread_mutex_lock(&guard);
        syncs++;
        if (number("PUHUI_DISK_SYNC") == syncs) {
            pthread_mutex_unlock(&guard);
            errno = EIO;
            return -1;
        }
        if (number("PUHUI_DISK_POWER") == syncs) lose_power();
        forget(fd);
        pthread_mutex_unlock(&guard);
    }
    return (int)syscall(kind, fd);
}
int fdatasync(int fd) { return sync_file(fd, SYS_fdatasync); }
int fsync(int fd) { return sync_file(fd, SYS_fsync); }

static int allocate(int fd, off_t at, off_t size) {
    if (is_ours(fd)) {
        pthread_mutex_lock(&guard);
        long full = number("PUHUI_DISK_FULL");
        int is_full = full && ++full_calls >= full;
        pthread_mutex_unlock(&guard);
        if (is_full) return ENOSPC;
    }
    return syscall(SYS_fallocate, fd, 0, at, size) ? errno : 0;
}
int posix_fallocate(int fd, off_t at, off_t size) { return allocate(fd, at, size); }
int posix_fallocate64(int fd, off64_t at, off64_t size) { return allocate(fd, at, size); }
