/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTD_BASE_UTF8_H
#define IOTD_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/*
 * UTF-8 as MQTT 3.1.1 wants it (1.5.3): well formed, no surrogates [MQTT-1.5.3-1], no U+0000
 * [MQTT-1.5.3-2].
 */
bool utf8_is_valid(const char *text, size_t len);

/* Takes off the beginning of a sequence that a size limit cut: for what snprintf() filled. */
void utf8_trim(char *text);

/* Makes a line for people of it: blanks for control characters, '?' for all above ASCII if it is
 * not UTF-8. */
void utf8_clean(char *text);

#endif /* IOTD_BASE_UTF8_H */
