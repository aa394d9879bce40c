/* The physical limit as a whole process: CORES processes that use MICROSECONDS of CPU each, then
 * it ends. Under load it is slowed as all others are, so it says what the limit is worth now. */
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void burn(long us) {
    struct timespec t;
    do {
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    } while (t.tv_sec * 1000000L + t.tv_nsec / 1000 < us);
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    long us = atol(argv[1]);
    int cores = atoi(argv[2]);
    for (int n = 1; n < cores; n++) {
        pid_t pid = fork();
        if (pid < 0) return 1;
        if (pid == 0) {
            burn(us);
            _exit(0);
        }
    }
    burn(us);
    while (wait(NULL) > 0) {
    }
    return 0;
}
