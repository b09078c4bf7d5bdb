/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_SYS_LOG_H
#define IOTD_SYS_LOG_H

/*
 * One line per fact on stderr: "key=value" after a fixed phrase, no secrets. Never blocks: what a
 * full pipe does not take is counted and said later. Levels: err, an operation was lost or the
 * daemon stops; warn, went on, says how; notice, a state that a person would want; info, rare;
 * debug, free and per area.
 */

#include <stdbool.h>
#include <stdint.h>

#include "libiotclient/base/macro.h"
#include "libiotclient/base/ratelimit.h"

enum log_level { /* as syslog.h counts */
                 LOG_LEVEL_ERR = 3,
                 LOG_LEVEL_WARN = 4,
                 LOG_LEVEL_NOTICE = 5,
                 LOG_LEVEL_INFO = 6,
                 LOG_LEVEL_DEBUG = 7,
};

/* What a peer can provoke goes through one of these; it says how much was left out. */
struct log_limit {
    struct ratelimit rate;
    unsigned suppressed;
};

void log_set_level(enum log_level level);
/* Comma-separated globs of areas, "*" for all; NULL or "" for none. */
void log_set_debug(const char *areas);
/* SIGUSR2: debug for all areas, and back. */
void log_toggle_debug(void);
int log_level_parse(const char *text, enum log_level *ret_level) MUST_CHECK;

bool log_is_on(enum log_level level, const char *area);
void log_write(enum log_level level, const char *area, const char *fmt, ...) PRINTF_LIKE(3, 4);

void log_limit_init(struct log_limit *limit);
/* May one more line go out? Tells about the lines left out before. */
bool log_limit_pass(struct log_limit *limit, enum log_level level, const char *area);

#define LOG_AREA(name) static const char log_area[] UNUSED = name

#define log_at(level, ...)                                                                         \
    do {                                                                                           \
        if (log_is_on(level, log_area))                                                            \
            log_write(level, log_area, __VA_ARGS__);                                               \
    } while (0)
#define log_err(...) log_at(LOG_LEVEL_ERR, __VA_ARGS__)
#define log_warn(...) log_at(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_notice(...) log_at(LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_info(...) log_at(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_at(LOG_LEVEL_DEBUG, __VA_ARGS__)
#define log_warn_limited(limit, ...)                                                               \
    do {                                                                                           \
        if (log_limit_pass(limit, LOG_LEVEL_WARN, log_area))                                       \
            log_warn(__VA_ARGS__);                                                                 \
    } while (0)

#endif /* IOTD_SYS_LOG_H */
