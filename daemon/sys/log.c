/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/sys/log.h"

#include <errno.h>
#include <fnmatch.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/sys/clock.h"

/* A line is one write of at most this, so that a pipe takes it whole (POSIX: PIPE_BUF >= 512). */
#define LINE_MAX_BYTES 1024

/* The one process-wide state: a logger has no owner that could pass it down. */
static struct {
    enum log_level level;
    char areas[256];
    bool all;
    unsigned dropped;
} state = {.level = LOG_LEVEL_INFO};

static const char *const level_names[] = {
    [LOG_LEVEL_ERR] = "err",   [LOG_LEVEL_WARN] = "warn",   [LOG_LEVEL_NOTICE] = "notice",
    [LOG_LEVEL_INFO] = "info", [LOG_LEVEL_DEBUG] = "debug",
};

void log_set_level(enum log_level level)
{
    state.level = level;
}

void log_set_debug(const char *areas)
{
    (void) snprintf(state.areas, sizeof(state.areas), "%s", areas ? areas : "");
}

void log_toggle_debug(void)
{
    state.all = !state.all;
}

int log_level_parse(const char *text, enum log_level *ret_level)
{
    for (unsigned i = LOG_LEVEL_ERR; i < ARRAY_SIZE(level_names); i++) {
        if (strcmp(level_names[i], text) == 0) {
            *ret_level = (enum log_level) i;
            return 0;
        }
    }
    return -EINVAL;
}

static bool debug_is_on(const char *area)
{
    char copy[sizeof(state.areas)];
    char *save = NULL;

    if (state.all)
        return true;
    if (!state.areas[0])
        return false;
    memcpy(copy, state.areas, sizeof(copy));
    for (char *t = strtok_r(copy, ",", &save); t; t = strtok_r(NULL, ",", &save)) {
        if (fnmatch(t, area, 0) == 0)
            return true;
    }
    return false;
}

bool log_is_on(enum log_level level, const char *area)
{
    return level <= state.level || (level == LOG_LEVEL_DEBUG && debug_is_on(area));
}

/* Line breaks and controls from foreign text must not forge lines. */
static void tidy(char *text)
{
    for (; *text; text++) {
        if ((unsigned char) *text < 0x20 || *text == 0x7f)
            *text = '?';
    }
}

static void emit(enum log_level level, const char *area, const char *text)
{
    struct pollfd pfd = {.fd = STDERR_FILENO, .events = POLLOUT};
    char line[LINE_MAX_BYTES + 64];
    int n;

    if (getenv("JOURNAL_STREAM"))
        n = snprintf(line, sizeof(line), "<%d>%s: %s\n", (int) level, area, text);
    else
        n = snprintf(line, sizeof(line), "iotd: %s %s: %s\n", level_names[level], area, text);
    if (n < 0)
        return;
    if ((size_t) n >= sizeof(line))
        n = (int) sizeof(line) - 1;

    if (poll(&pfd, 1, 0) != 1 || !(pfd.revents & POLLOUT) ||
        write(STDERR_FILENO, line, (size_t) n) != n)
        state.dropped++;
}

void log_write(enum log_level level, const char *area, const char *fmt, ...)
{
    int saved = errno;
    char text[LINE_MAX_BYTES];
    va_list ap;

    va_start(ap, fmt);
    (void) vsnprintf(text, sizeof(text), fmt, ap); /* cut lines are fine */
    va_end(ap);
    tidy(text);
    if (state.dropped) {
        char lost[64];

        (void) snprintf(lost, sizeof(lost), "lines lost n=%u", state.dropped);
        state.dropped = 0;
        emit(LOG_LEVEL_WARN, "log", lost);
    }
    emit(level, area, text);
    errno = saved;
}

void log_limit_init(struct log_limit *limit)
{
    *limit = (struct log_limit){0};
    ratelimit_init(&limit->rate, 1, USEC_PER_SEC, 5);
}

bool log_limit_pass(struct log_limit *limit, enum log_level level, const char *area)
{
    unsigned n = limit->suppressed;

    if (ratelimit_take(&limit->rate, clock_boot_us()) > 0) {
        limit->suppressed++;
        return false;
    }
    limit->suppressed = 0;
    if (n > 0 && log_is_on(level, area))
        log_write(level, area, "similar lines left out n=%u", n);
    return true;
}
