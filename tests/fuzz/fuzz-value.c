/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A value as anybody may send it: a line with the id of a property, then JSON. Refused with a
 * reason, or taken, and then it is the same after it travelled, and fits into a message.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/cloud/model.h"
#include "libiotclient/base/limits.h"
#include "tests/fuzz/fuzz.h"

#define MEMBERS                                                                                    \
    "[{\"id\":\"b\",\"dataType\":{\"type\":\"bool\"}},"                                            \
    "{\"id\":\"i\",\"dataType\":{\"type\":\"int\",\"min\":\"-9\",\"max\":\"9\"}},"                 \
    "{\"id\":\"f\",\"dataType\":{\"type\":\"float\"}},"                                            \
    "{\"id\":\"s\",\"dataType\":{\"type\":\"string\",\"max\":\"2048\"}},"                          \
    "{\"id\":\"e\",\"dataType\":{\"type\":\"enum\",\"mapping\":{\"1\":\"\",\"7\":\"\"}}},"         \
    "{\"id\":\"w\",\"dataType\":{\"type\":\"stringenum\",\"mapping\":{\"lo\":\"\"}}},"             \
    "{\"id\":\"t\",\"dataType\":{\"type\":\"timestamp\"}}]"
#define HEAD(id) "{\"id\":\"" id "\",\"mode\":\"rw\",\"define\":"
#define ARRAY "{\"type\":\"array\",\"arrayInfo\":"

/* A property a line. */
/* clang-format off */
static const char model_text[] =
    "{\"properties\":["
    HEAD("struct") "{\"type\":\"struct\",\"specs\":" MEMBERS "}},"
    HEAD("structs") ARRAY "{\"type\":\"struct\",\"specs\":" MEMBERS "}}},"
    HEAD("ints") ARRAY "{\"type\":\"int\"}}},"
    HEAD("floats") ARRAY "{\"type\":\"float\"}}},"
    HEAD("strings") ARRAY "{\"type\":\"string\"}}},"
    HEAD("word") "{\"type\":\"stringenum\",\"mapping\":{\"lo\":\"\",\"high\":\"\"}}},"
    HEAD("float") "{\"type\":\"float\"}}]}";
/* clang-format on */

static void on_mistake(const char *path, const char *what, void *userdata)
{
    (void) path;
    (void) what;
    (void) userdata;
    FUZZ_CHECK(false);
}

static const struct model *get_model(void)
{
    static struct model *m;

    if (!m)
        FUZZ_CHECK(model_parse(&m, model_text, strlen(model_text), NULL, on_mistake, NULL) == 0);
    return m;
}

static char *to_text(const struct value *v)
{
    struct strbuf sb;
    char *text = NULL;

    strbuf_init(&sb, LIMIT_MQTT_PAYLOAD);
    value_to_json(&sb, v);
    FUZZ_CHECK(strbuf_finish(&sb, &text) == 0);
    return text;
}

static void check_taken(const struct thing_define *def, struct value *v)
{
    CLEANUP(freep) char *text = to_text(v);
    struct value again = {0}, merged = {0};

    FUZZ_CHECK(v->kind == thing_type_kind(def->type));
    FUZZ_CHECK(strlen(text) <= value_json_room(v));
    FUZZ_CHECK(value_from_json_text(def, text, &again, NULL) == 0);
    FUZZ_CHECK(value_equal(v, &again) && value_covers(v, &again));
    FUZZ_CHECK(value_merge(def, v, &again, &merged) == 0);
    FUZZ_CHECK(value_equal(v, &merged));
    value_done(&again);
    value_done(&merged);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = memchr(data, '\n', size);
    struct value_fault fault = {.path = ""};
    CLEANUP(freep) char *id = NULL;
    CLEANUP(freep) char *text = NULL;
    const struct thing_define *def;
    struct value v = {0};
    char buf[256];
    int index, r;

    if (!end)
        return 0;
    id = strndup((const char *) data, (size_t) (end - data));
    text = strndup((const char *) end + 1, size - (size_t) (end + 1 - data));
    index = model_find_property(get_model(), id);
    if (index < 0)
        return 0;
    def = &get_model()->properties[index].define;
    r = value_from_json_text(def, text, &v, &fault);
    if (r == 0) {
        check_taken(def, &v);
        value_done(&v);
    } else {
        FUZZ_CHECK(r == -EPROTOTYPE || r == -ERANGE || r == -EMSGSIZE);
        FUZZ_CHECK(v.kind == VALUE_NONE && fault.text[0]);
        value_explain(&fault, id, r, buf, sizeof(buf));
        FUZZ_CHECK(strncmp(buf, id, strlen(id)) == 0);
    }
    if (value_from_text(def, text, &v, NULL) == 0)
        check_taken(def, &v);
    value_done(&v);
    return 0;
}
