/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "libiotclient/codegen/text.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "libiotclient/base/utf8.h"

#define COLUMNS 100
/* C99 5.2.4.1 promises 4095; ours are names of a mapping. */
#define MAX_LITERAL 1024

/* Characters up to the end; a UTF-8 sequence is one. */
static size_t width(const char *text, size_t len)
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++)
        n += ((unsigned char) text[i] & 0xc0) != 0x80;
    return n;
}

/* Controls of direction (U+200E/F, U+202A to E, U+2066 to 9), U+2028/9: what is read is no more. */
static size_t is_hidden(const unsigned char *p)
{
    if (p[0] != 0xe2 || (p[1] != 0x80 && p[1] != 0x81))
        return 0;
    if (p[1] == 0x80)
        return (p[2] == 0x8e || p[2] == 0x8f || (p[2] >= 0xa8 && p[2] <= 0xae)) ? 3 : 0;
    return p[2] >= 0xa6 && p[2] <= 0xa9 ? 3 : 0;
}

/* C1 controls, U+0080 to U+009F, are two bytes; the others of that page are letters. */
static size_t is_control(const unsigned char *p)
{
    if (p[0] < 0x20 || p[0] == 0x7f)
        return 1;
    if (p[0] == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f)
        return 2;
    return is_hidden(p);
}

void text_add_words(struct strbuf *sb, const char *words)
{
    const unsigned char *p = (const unsigned char *) words;

    while (*p) {
        size_t skip = is_control(p);

        if (skip > 0) {
            strbuf_addc(sb, ' ');
            p += skip;
            continue;
        }
        if (*p == '\\')
            strbuf_adds(sb, "&#92;"); /* no splice, and no command of a documentation tool */
        else
            strbuf_addc(sb, (char) *p);
        if ((p[0] == '*' && p[1] == '/') || (p[0] == '/' && p[1] == '*') ||
            (p[0] == '?' && p[1] == '?'))
            strbuf_addc(sb, ' ');
        p++;
    }
}

static void add_blanks(struct strbuf *sb, size_t n)
{
    strbuf_addf(sb, "%*s", (int) n, "");
}

/* One paragraph, filled; a word that is longer than a line stays whole. */
static void add_paragraph(struct strbuf *sb, size_t indent, const char *text, size_t len)
{
    size_t column = 0, at = 0;

    while (at < len) {
        size_t n = strcspn(text + at, " \n"), wide;

        if (at + n > len)
            n = len - at;
        wide = width(text + at, n);
        if (n > 0 && (column == 0 || column + 1 + wide > COLUMNS)) {
            strbuf_adds(sb, column > 0 ? "\n" : "");
            add_blanks(sb, indent);
            strbuf_adds(sb, " * ");
            strbuf_add(sb, text + at, n);
            column = indent + 3 + wide;
        } else if (n > 0) {
            strbuf_addc(sb, ' ');
            strbuf_add(sb, text + at, n);
            column += 1 + wide;
        }
        at += n + 1;
    }
    if (column > 0)
        strbuf_addc(sb, '\n');
}

void text_comment(struct strbuf *sb, size_t indent, const char *text)
{
    size_t len = strlen(text);

    if (!strchr(text, '\n') && indent + width(text, len) + 7 <= COLUMNS) {
        add_blanks(sb, indent);
        strbuf_addf(sb, "/** %s */\n", text);
        return;
    }
    add_blanks(sb, indent);
    strbuf_adds(sb, "/**\n");
    for (const char *p = text; *p;) {
        size_t n = strcspn(p, "\n");

        add_paragraph(sb, indent, p, n);
        p += n + (p[n] == '\n');
    }
    add_blanks(sb, indent);
    strbuf_adds(sb, " */\n");
}

void text_literal(struct strbuf *sb, const char *text)
{
    char cut[MAX_LITERAL + 1];
    const unsigned char *first = (const unsigned char *) cut;

    strncpy(cut, text, MAX_LITERAL);
    cut[MAX_LITERAL] = '\0';
    utf8_trim(cut);
    strbuf_addc(sb, '"');
    for (const unsigned char *p = first; *p;) {
        size_t n = is_control(p);

        if (n == 0) {
            /* "?\?/": no trigraph. */
            if (*p == '"' || *p == '\\' || (*p == '?' && p > first && p[-1] == '?'))
                strbuf_addc(sb, '\\');
            strbuf_addc(sb, (char) *p++);
        }
        for (; n > 0; n--)
            strbuf_addf(sb, "\\%03o", *p++);
    }
    strbuf_addc(sb, '"');
}

void text_call(struct strbuf *sb, const char *head, const char *tail, ...)
{
    const char *line, *arg;
    size_t column, open, more;
    bool is_first = true;
    va_list ap;

    strbuf_addf(sb, "%s(", head);
    if (sb->error)
        return;
    line = memrchr(sb->data, '\n', sb->len);
    line = line ? line + 1 : sb->data;
    column = width(line, strlen(line));
    open = column;
    va_start(ap, tail);
    while ((arg = va_arg(ap, const char *)) != NULL) {
        more = width(arg, strlen(arg));
        if (!is_first && column + 2 + more + 1 > COLUMNS) {
            strbuf_adds(sb, ",\n");
            add_blanks(sb, open);
            column = open;
        } else if (!is_first) {
            strbuf_adds(sb, ", ");
            column += 2;
        }
        strbuf_adds(sb, arg);
        column += more;
        is_first = false;
    }
    va_end(ap);
    strbuf_addf(sb, ")%s", tail);
}
