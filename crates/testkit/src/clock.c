/* Shifts the wall clock of a process by TEST_CLOCK_SHIFT seconds. Loaded by LD_PRELOAD; the monotonic clock and the kernel's stay as they are, so
   deadlines by the wall clock are shifted back before they are waited for. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/time.h>
#include <threads.h>
#include <time.h>

static long shift(void) {
    static long known, asked;
    if (!asked) {
        const char *text = getenv("TEST_CLOCK_SHIFT");
        known = text ? atol(text) : 0;
        asked = 1;
    }
    return known;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

int clock_gettime(clockid_t clock, struct timespec *now) {
    static __typeof__(&clock_gettime) real;
    if (!real) real = REAL(clock_gettime);
    int result = real(clock, now);
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) now->tv_sec += shift();
    return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    static __typeof__(&gettimeofday) real;
    if (!real) real = REAL(gettimeofday);
    int result = real(now, zone);
    now->tv_sec += shift();
    return result;
}

int timespec_get(struct timespec *now, int base) {
    static __typeof__(&timespec_get) real;
    if (!real) real = REAL(timespec_get);
    int result = real(now, base);
    now->tv_sec += shift();
    return result;
}

time_t time(time_t *out) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out) *out = now.tv_sec;
    return now.tv_sec;
}

int cnd_timedwait(cnd_t *restrict condition, mtx_t *restrict mutex, const struct timespec *restrict until) {
    static __typeof__(&cnd_timedwait) real;
    if (!real) real = REAL(cnd_timedwait);
    struct timespec shifted = {until->tv_sec - shift(), until->tv_nsec};
    return real(condition, mutex, &shifted);
}

int pthread_cond_timedwait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex, const struct timespec *restrict until) {
    static __typeof__(&pthread_cond_timedwait) real;
    if (!real) real = REAL(pthread_cond_timedwait);
    struct timespec shifted = {until->tv_sec - shift(), until->tv_nsec};
    return real(condition, mutex, &shifted);
}
