/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/net/web_answer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "libiotclient/base/num.h"

#define MAX_VALUE 128     /* own choice: longer ones of those that are looked at are wrong */
#define MAX_OVERHEAD 8192 /* own choice: chunk extensions, trailers */

/* --- head --- */

size_t web_head_len(const char *data, size_t len)
{
    const char *p = data, *end = data + len, *line_end;

    while ((line_end = memchr(p, '\n', (size_t) (end - p)))) {
        if (p != data && (line_end == p || (line_end == p + 1 && *p == '\r')))
            return (size_t) (line_end + 1 - data);
        p = line_end + 1;
    }
    return 0;
}

/* "bytes 5-9/10", "bytes 5-9/ *", "bytes * /10" */
static int parse_range(struct web_answer *a, char *value)
{
    char *slash, *dash;

    if (strncasecmp(value, "bytes ", 6) != 0 || !(slash = strchr(value, '/')))
        return -EPROTO;
    value += 6;
    *slash++ = '\0';
    a->has_range = true;
    a->from = a->to = a->total = WEB_UNKNOWN;
    if (strcmp(slash, "*") != 0 && num_parse_u64(slash, &a->total) < 0)
        return -EPROTO;
    if (strcmp(value, "*") == 0)
        return 0;
    dash = strchr(value, '-');
    if (!dash)
        return -EPROTO;
    *dash++ = '\0';
    if (num_parse_u64(value, &a->from) < 0 || num_parse_u64(dash, &a->to) < 0 || a->to < a->from ||
        a->to == WEB_UNKNOWN)
        return -EPROTO;
    return 0;
}

static int parse_length(struct web_answer *a, char *value)
{
    uint64_t length;

    if (num_parse_u64(value, &length) < 0 || length == WEB_UNKNOWN ||
        (a->length != WEB_UNKNOWN && a->length != length))
        return -EPROTO;
    a->length = length;
    return 0;
}

static int parse_transfer(struct web_answer *a, char *value)
{
    a->chunked = strcasecmp(value, "chunked") == 0;
    return a->chunked ? 0 : -EPROTO; /* nothing else was asked for */
}

static int parse_encoding(struct web_answer *a, char *value)
{
    a->encoded = strcasecmp(value, "identity") != 0;
    return 0;
}

static const struct {
    const char *name;
    int (*parse)(struct web_answer *answer, char *value);
} fields[] = {
    {"content-length", parse_length},
    {"content-range", parse_range},
    {"transfer-encoding", parse_transfer},
    {"content-encoding", parse_encoding},
};

static bool is_named(const char *line, size_t len, const char *name)
{
    return strlen(name) == len && strncasecmp(line, name, len) == 0;
}

static int parse_value(struct web_answer *a, const char *line, size_t name_len, const char *value,
                       size_t len)
{
    char text[MAX_VALUE];

    if (is_named(line, name_len, "location")) {
        if (len < sizeof(a->location))
            memcpy(a->location, value, len); /* the rest is zero */
        return 0;
    }
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        if (!is_named(line, name_len, fields[i].name))
            continue;
        if (len >= sizeof(text))
            return -EPROTO;
        memcpy(text, value, len);
        text[len] = '\0';
        return fields[i].parse(a, text);
    }
    return 0;
}

static int parse_field(struct web_answer *a, const char *line, size_t len)
{
    const char *colon = memchr(line, ':', len), *value, *end = line + len;

    if (!colon || colon == line || memchr(line, '\0', len))
        return -EPROTO;
    for (value = colon + 1; value < end && (*value == ' ' || *value == '\t'); value++)
        ;
    while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    return parse_value(a, line, (size_t) (colon - line), value, (size_t) (end - value));
}

/* "HTTP/1.1 200 OK" */
static int parse_status(struct web_answer *a, const char *line, size_t len)
{
    if (len < 12 || strncmp(line, "HTTP/1.", 7) != 0 || line[8] != ' ' ||
        (len > 12 && line[12] != ' '))
        return -EPROTO;
    for (const char *p = line + 9; p < line + 12; p++) {
        if (*p < '0' || *p > '9')
            return -EPROTO;
        a->status = a->status * 10 + (unsigned) (*p - '0');
    }
    return a->status >= 100 ? 0 : -EPROTO;
}

int web_head_parse(struct web_answer *ret_answer, const char *data, size_t len)
{
    struct web_answer a = {.length = WEB_UNKNOWN};
    const char *end = data + len, *p = data;
    int r = 0;

    while (r == 0 && p < end) {
        const char *line_end = memchr(p, '\n', (size_t) (end - p));
        size_t line_len;

        if (!line_end)
            return -EPROTO;
        line_len = (size_t) (line_end - p);
        if (line_len > 0 && p[line_len - 1] == '\r')
            line_len--;
        if (p == data)
            r = parse_status(&a, p, line_len);
        else if (line_len > 0)
            r = parse_field(&a, p, line_len);
        p = line_end + 1;
    }
    if (r < 0)
        return r;
    if (a.chunked) /* RFC 9112, 6.3: it overrides */
        a.length = WEB_UNKNOWN;
    *ret_answer = a;
    return 0;
}

/* --- chunks --- */

enum { CHUNK_SIZE, CHUNK_EXTENSION, CHUNK_DATA, CHUNK_END, CHUNK_TRAILER, CHUNK_TRAILER_LINE };

static int hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int end_of_size(struct web_chunks *c)
{
    if (c->digits == 0)
        return -EPROTO;
    c->digits = 0;
    c->state = c->left > 0 ? CHUNK_DATA : CHUNK_TRAILER;
    return 0;
}

static int size_byte(struct web_chunks *c, uint8_t byte)
{
    int v = hex_value(byte);

    if (v >= 0) {
        if (++c->digits > 15)
            return -EPROTO;
        c->left = c->left << 4 | (unsigned) v;
        return 0;
    }
    if (byte == '\n')
        return end_of_size(c);
    if (byte != ';' && byte != ' ' && byte != '\t' && byte != '\r')
        return -EPROTO;
    c->state = CHUNK_EXTENSION;
    return 0;
}

/* One byte that is not data. */
static int line_byte(struct web_chunks *c, uint8_t byte)
{
    if (++c->overhead > MAX_OVERHEAD)
        return -EPROTO;
    switch (c->state) {
    case CHUNK_SIZE:
        return size_byte(c, byte);
    case CHUNK_EXTENSION:
        return byte == '\n' ? end_of_size(c) : 0;
    case CHUNK_END:
        if (byte == '\n')
            c->state = CHUNK_SIZE;
        return byte == '\n' || byte == '\r' ? 0 : -EPROTO;
    case CHUNK_TRAILER:
        if (byte == '\n')
            return WEB_CHUNKS_END;
        if (byte != '\r')
            c->state = CHUNK_TRAILER_LINE;
        return 0;
    default:
        if (byte == '\n')
            c->state = CHUNK_TRAILER;
        return 0;
    }
}

int web_chunks_next(struct web_chunks *c, const uint8_t **data, size_t *len,
                    const uint8_t **ret_piece, size_t *ret_piece_len)
{
    int r = 0;
    size_t n;

    *ret_piece_len = 0;
    while (r == 0 && *len > 0 && c->state != CHUNK_DATA) {
        r = line_byte(c, **data);
        ++*data;
        --*len;
    }
    if (r != 0 || *len == 0)
        return r;
    n = c->left < *len ? (size_t) c->left : *len;
    *ret_piece = *data;
    *ret_piece_len = n;
    *data += n;
    *len -= n;
    c->left -= n;
    c->overhead = 0;
    if (c->left == 0)
        c->state = CHUNK_END;
    return 0;
}

/* --- where it leads --- */

int web_url_join(char ret_url[LIMIT_URL + 1], const char *base, const char *location)
{
    const char *authority = strstr(base, "://"), *path, *cut;
    int keep, n, wanted = (int) strcspn(location, "#");

    if (!authority || wanted == 0)
        return -EINVAL;
    path = authority + 3 + strcspn(authority + 3, "/?#");
    if (strncmp(location, "http://", 7) == 0 || strncmp(location, "https://", 8) == 0) {
        keep = 0;
    } else if (strncmp(location, "//", 2) == 0) {
        keep = (int) (authority + 1 - base);
    } else if (location[0] == '/') {
        keep = (int) (path - base);
    } else if (location[strcspn(location, ":/?")] == ':') {
        return -EINVAL; /* another scheme */
    } else {            /* beside the last part of the path */
        cut = path + strcspn(path, "?#");
        while (cut > path && cut[-1] != '/')
            cut--;
        keep = (int) (cut - base);
    }
    n = snprintf(ret_url, LIMIT_URL + 1, "%.*s%s%.*s", keep, base,
                 keep > 0 && keep == (int) (path - base) && location[0] != '/' ? "/" : "", wanted,
                 location);
    return n > 0 && n <= LIMIT_URL ? 0 : -EINVAL;
}
