/* Stands between a program and the system in tests: turns the clock (SHIM_CLOCK, seconds to add), or has one write to a
 * file write half of what it was given (SHIM_SHORT, which one) and makes a file then (SHIM_NOTE). See shim.rs. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long number(const char *name) {
    const char *text = getenv(name);
    return text ? atol(text) : 0;
}

int clock_gettime(clockid_t clock, struct timespec *at) {
    int failed = (int)syscall(SYS_clock_gettime, clock, at);
    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        at->tv_sec += number("SHIM_CLOCK");
    return failed;
}

time_t time(time_t *at) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at)
        *at = now.tv_sec;
    return now.tv_sec;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone) {
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    at->tv_sec = now.tv_sec;
    at->tv_usec = now.tv_nsec / 1000;
    return 0;
}

static void note(void) {
    const char *path = getenv("SHIM_NOTE");
    if (path)
        syscall(SYS_close, syscall(SYS_openat, AT_FDCWD, path, O_CREAT | O_WRONLY, 0600));
}

ssize_t write(int file, const void *bytes, size_t length) {
    static long seen = 0;
    long wanted = number("SHIM_SHORT");
    struct stat about;
    if (wanted > 0 && length > 1 && fstat(file, &about) == 0 && S_ISREG(about.st_mode) &&
        __atomic_add_fetch(&seen, 1, __ATOMIC_RELAXED) == wanted) {
        note();
        length /= 2;
    }
    return syscall(SYS_write, file, bytes, length);
}
