/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/store/vault_csv.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "libiotclient/base/name.h"

#define MAX_COLUMNS 16 /* own choice; the console has 6 */
#define BOM "\xef\xbb\xbf"

enum column {
    COLUMN_OTHER,
    COLUMN_PRODUCT_ID,
    COLUMN_DEVICE_NAME,
    COLUMN_PRODUCT_SECRET,
    COLUMN_DEVICE_SECRET,
};

static const struct {
    const char *name; /* lower case, letters only */
    enum column column;
} names[] = {
    {"productid", COLUMN_PRODUCT_ID},         {"devicename", COLUMN_DEVICE_NAME},
    {"productsecret", COLUMN_PRODUCT_SECRET}, {"devicepsk", COLUMN_DEVICE_SECRET},
    {"devicesecret", COLUMN_DEVICE_SECRET},   {"psk", COLUMN_DEVICE_SECRET},
};

struct reader {
    const char *at, *end;
    enum column columns[MAX_COLUMNS];
    char *problem;
};

PRINTF_LIKE(3, 4)
static int fail(char *problem, int error, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void) vsnprintf(problem, VAULT_CSV_PROBLEM, fmt, ap);
    va_end(ap);
    return error;
}

/* A field as it stands there, without blanks around it and without its quotes. */
struct field {
    const char *text;
    size_t len;
};

static void trim(struct field *f)
{
    while (f->len > 0 && strchr(" \t\r", f->text[0])) {
        f->text++;
        f->len--;
    }
    while (f->len > 0 && strchr(" \t\r", f->text[f->len - 1]))
        f->len--;
    if (f->len >= 2 && f->text[0] == '"' && f->text[f->len - 1] == '"') {
        f->text++;
        f->len -= 2;
    }
}

/*
 * The fields of the next line that is not empty; the number of them, 0 at the end. In a field that
 * begins with a quote, quotes guard commas and line ends (RFC 4180, 2.6).
 */
static size_t next_line(struct reader *r, struct field fields[MAX_COLUMNS])
{
    size_t n = 0;

    while (r->at < r->end && strchr("\r\n", *r->at))
        r->at++;
    while (r->at < r->end) {
        struct field f = {r->at, 0};
        bool is_quoted = *r->at == '"', inside = false;

        while (r->at < r->end && (inside || (*r->at != ',' && *r->at != '\n'))) {
            if (is_quoted && *r->at == '"')
                inside = !inside;
            r->at++;
        }
        f.len = (size_t) (r->at - f.text);
        trim(&f);
        if (n < MAX_COLUMNS)
            fields[n++] = f;
        if (r->at == r->end || *r->at++ == '\n')
            break;
    }
    return n;
}

static enum column column_of(const struct field *f)
{
    char plain[24];
    size_t len = 0;

    for (size_t i = 0; i < f->len && len < sizeof(plain) - 1; i++) {
        if (isalpha((unsigned char) f->text[i]))
            plain[len++] = (char) tolower((unsigned char) f->text[i]);
    }
    plain[len] = '\0';
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (strcmp(names[i].name, plain) == 0)
            return names[i].column;
    }
    return COLUMN_OTHER;
}

/* Whether the line has names of columns; a device name would have to be "DeviceName" otherwise. */
static bool take_names(struct reader *r, const struct field *fields, size_t n)
{
    bool found = false;

    for (size_t i = 0; i < n; i++)
        found = found || column_of(&fields[i]) == COLUMN_DEVICE_NAME;
    for (size_t i = 0; found && i < n; i++)
        r->columns[i] = column_of(&fields[i]);
    return found;
}

static int copy(char *to, size_t size, const struct field *f)
{
    if (f->len >= size || memchr(f->text, '\0', f->len))
        return -EINVAL;
    memcpy(to, f->text, f->len);
    to[f->len] = '\0';
    return 0;
}

static int take_field(struct vault_csv_device *d, enum column column, const struct field *f)
{
    switch (column) {
    case COLUMN_PRODUCT_ID:
        return copy(d->product_id, sizeof(d->product_id), f);
    case COLUMN_DEVICE_NAME:
        return copy(d->device_name, sizeof(d->device_name), f);
    case COLUMN_PRODUCT_SECRET:
        return copy(d->product_secret, sizeof(d->product_secret), f);
    case COLUMN_DEVICE_SECRET:
        return copy(d->device_secret, sizeof(d->device_secret), f);
    case COLUMN_OTHER:
    default:
        return 0;
    }
}

static int read_device(struct reader *r, struct vault_csv_device *ret_device,
                       const struct field *fields, size_t n, uint64_t line)
{
    struct vault_csv_device d = {0};
    int e = 0;

    for (size_t i = 0; e == 0 && i < n; i++)
        e = take_field(&d, r->columns[i], &fields[i]);
    if (e == 0 && !name_is_device_name(d.device_name))
        e = -EINVAL;
    if (e == 0)
        *ret_device = d;
    explicit_bzero(&d, sizeof(d));
    return e < 0 ? fail(r->problem, e,
                        "device %" PRIu64 " of the file has a field that is too "
                        "long, or no device name",
                        line)
                 : 0;
}

static bool is_wanted(uint64_t n, const struct vault_csv_device *d, uint64_t line,
                      const char *device_name)
{
    return (!line || line == n) && (!device_name || strcmp(d->device_name, device_name) == 0);
}

int vault_csv_find(struct vault_csv_device *ret_device, const char *text, size_t len, uint64_t line,
                   const char *device_name, char problem[VAULT_CSV_PROBLEM])
{
    struct reader r = {
        .at = text,
        .end = text + len,
        .columns = {COLUMN_PRODUCT_ID, COLUMN_DEVICE_NAME, COLUMN_DEVICE_SECRET},
        .problem = problem,
    };
    struct field fields[MAX_COLUMNS];
    struct vault_csv_device d = {0}, found = {0};
    uint64_t n_lines = 0, n_found = 0;
    bool is_first = true;
    int e = 0;

    if (len >= strlen(BOM) && memcmp(text, BOM, strlen(BOM)) == 0)
        r.at += strlen(BOM);
    for (size_t n; e == 0 && (n = next_line(&r, fields)) > 0; is_first = false) {
        if (is_first && take_names(&r, fields, n))
            continue;
        n_lines++;
        if (line && line != n_lines)
            continue; /* what is wrong elsewhere does not matter */
        e = read_device(&r, &d, fields, n, n_lines);
        if (e == 0 && is_wanted(n_lines, &d, line, device_name) && n_found++ == 0)
            found = d;
    }
    if (e == 0 && n_found == 0)
        e = fail(problem, -ENOENT, "the file has no such device");
    else if (e == 0 && n_found > 1)
        e = fail(problem, -EINVAL,
                 "the file has %" PRIu64 " devices: say which one, by its line or name", n_found);
    if (e == 0)
        *ret_device = found;
    explicit_bzero(&d, sizeof(d));
    explicit_bzero(&found, sizeof(found));
    return e;
}
