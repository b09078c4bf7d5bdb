/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values as JSON, as they travel: a bool is 0 or 1. */

#include <inttypes.h>

#include "libiotclient/base/num.h"
#include "libiotclient/value.h"

static void add_parts(struct strbuf *sb, const struct value_list *parts, bool named)
{
    for (size_t i = 0; i < parts->n_items; i++) {
        if (i > 0)
            strbuf_addc(sb, ',');
        if (named) {
            strbuf_add_json(sb, parts->items[i].id);
            strbuf_addc(sb, ':');
        }
        value_add_json(sb, &parts->items[i].value);
    }
}

void value_add_json(struct strbuf *sb, const struct value *v)
{
    char number[NUM_DOUBLE_TEXT];

    switch (v->kind) {
    case VALUE_KIND_BOOL:
        strbuf_addc(sb, v->b ? '1' : '0');
        break;
    case VALUE_KIND_INT:
        strbuf_addf(sb, "%" PRId64, v->i);
        break;
    case VALUE_KIND_DOUBLE:
        num_format_double(number, v->d);
        strbuf_adds(sb, number);
        break;
    case VALUE_KIND_STRING:
        strbuf_add_json(sb, v->s);
        break;
    case VALUE_KIND_STRUCT:
        strbuf_addc(sb, '{');
        add_parts(sb, &v->n->parts, true);
        strbuf_addc(sb, '}');
        break;
    case VALUE_KIND_ARRAY:
        strbuf_addc(sb, '[');
        add_parts(sb, &v->n->parts, false);
        strbuf_addc(sb, ']');
        break;
    case VALUE_KIND_NONE:
    case VALUE_KIND_COUNT_:
        strbuf_adds(sb, "null");
        break;
    }
}
