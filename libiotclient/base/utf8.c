/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "libiotclient/base/utf8.h"

#include <stdint.h>
#include <string.h>

/* Length of the sequence that starts at p, 0 when it is not one (RFC 3629, section 4). */
static size_t sequence(const uint8_t *p, size_t left)
{
    uint8_t lo = 0x80, hi = 0xbf;
    size_t n;

    if (p[0] == 0)
        return 0;
    if (p[0] < 0x80)
        return 1;
    if (p[0] >= 0xc2 && p[0] <= 0xdf)
        n = 2;
    else if (p[0] >= 0xe0 && p[0] <= 0xef)
        n = 3;
    else if (p[0] >= 0xf0 && p[0] <= 0xf4)
        n = 4;
    else
        return 0;

    if (p[0] == 0xe0)
        lo = 0xa0; /* overlong */
    else if (p[0] == 0xed)
        hi = 0x9f; /* surrogates */
    else if (p[0] == 0xf0)
        lo = 0x90; /* overlong */
    else if (p[0] == 0xf4)
        hi = 0x8f; /* above U+10FFFF */

    if (left < n || p[1] < lo || p[1] > hi)
        return 0;
    for (size_t i = 2; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    }
    return n;
}

/* Most text is ASCII: eight bytes of it at once, none of them 0. */
static bool is_ascii8(const uint8_t *p)
{
    uint64_t v;

    memcpy(&v, p, sizeof(v));
    /* The top bit of a byte is set by what is above 0x7f, or by the borrow of a 0. */
    return ((v | (v - 0x0101010101010101)) & 0x8080808080808080) == 0;
}

bool utf8_is_valid(const char *text, size_t len)
{
    const uint8_t *p = (const uint8_t *) text;

    while (len > 0) {
        size_t n = len >= 8 && is_ascii8(p) ? 8 : sequence(p, len);

        if (n == 0)
            return false;
        p += n;
        len -= n;
    }
    return true;
}

void utf8_trim(char *text)
{
    size_t len = strlen(text), start = len;

    /* Back over continuation bytes, at most three, to the byte that began them. */
    while (start > 0 && len - start < 3 && ((uint8_t) text[start - 1] & 0xc0) == 0x80)
        start--;
    if (start > 0 && (uint8_t) text[start - 1] >= 0xc0)
        start--;
    if (start < len && sequence((const uint8_t *) text + start, len - start) == 0)
        text[start] = '\0';
}

void utf8_clean(char *text)
{
    bool is_utf8 = utf8_is_valid(text, strlen(text));

    for (char *c = text; *c; c++) {
        uint8_t byte = (uint8_t) *c;

        if (byte < ' ' || byte == 0x7f)
            *c = ' ';
        else if (byte >= 0x80 && !is_utf8)
            *c = '?';
    }
}
