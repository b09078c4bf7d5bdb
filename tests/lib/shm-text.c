/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "tests/lib/shm-text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tests/lib/suite.h"

PRINTF_LIKE(2, 3) static void say(char *text, const char *fmt, ...)
{
    size_t n = strlen(text);
    va_list ap;

    va_start(ap, fmt);
    (void) vsnprintf(text + n, SHM_TEXT - n, fmt, ap);
    va_end(ap);
}

static void say_items(char *text, struct pack_reader items);

static void say_item(char *text, const struct pack_item *item)
{
    switch (item->kind) {
    case PACK_BOOL:
        say(text, "%s", item->b ? "true" : "false");
        break;
    case PACK_INT:
        say(text, "%" PRId64, item->i);
        break;
    case PACK_FLOAT:
        say(text, "%g", item->d);
        break;
    case PACK_STRING:
        say(text, "\"%s\"", item->s.text);
        break;
    case PACK_STRUCT:
    case PACK_ARRAY:
        say(text, "{");
        say_items(text, item->items);
        say(text, "}");
        break;
    case PACK_NONE:
    case PACK_KIND_COUNT_:
        say(text, "?");
        break;
    }
}

static void say_items(char *text, struct pack_reader items)
{
    struct pack_item item;
    int r, n = 0;

    while ((r = pack_next(&items, &item)) > 0) {
        say(text, "%s%s%s", n++ ? " " : "", item.key, *item.key ? "=" : "");
        say_item(text, &item);
    }
    CHECK_INT(r, 0);
}

static const char *type_name(uint32_t type)
{
    switch (type) {
    case LAYOUT_DOWN_TOKEN:
        return "TOKEN";
    case LAYOUT_DOWN_COMPLETED:
        return "COMPLETED";
    case LAYOUT_DOWN_CONTROL:
        return "CONTROL";
    case LAYOUT_DOWN_INVOKE:
        return "INVOKE";
    default:
        return "?";
    }
}

void shm_text(char buf[SHM_TEXT], const struct layout_record *record, struct pack_reader items)
{
    buf[0] = '\0';
    say(buf, "%s %u %d%s", type_name(record->type), record->id, record->code, items.len ? " " : "");
    say_items(buf, items);
}

uint64_t shm_text_token(const char *text)
{
    const char *at = strstr(text, "token=");

    return at ? strtoull(at + strlen("token="), NULL, 10) : 0;
}
