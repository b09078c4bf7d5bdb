/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "tests/lib/big-model.h"

#include <stdio.h>
#include <stdlib.h>

#include "libiotclient/base/macro.h"
#include "libiotclient/base/strbuf.h"

static const struct {
    const char *define, *value;
} types[] = {
    {"{\"type\":\"bool\",\"mapping\":{\"0\":\"off\",\"1\":\"on\"}}", "1"},
    {"{\"type\":\"int\",\"unit\":\"%\",\"step\":\"1\",\"min\":\"0\",\"max\":\"100\"}", "50"},
    {"{\"type\":\"float\",\"step\":\"0.1\",\"min\":\"-10.0\",\"max\":\"10.0\"}", "0.5"},
    {"{\"type\":\"string\",\"min\":\"0\",\"max\":\"64\"}", "\"sixteen letters!\""},
    {"{\"type\":\"enum\",\"mapping\":{\"0\":\"a\",\"1\":\"b\",\"2\":\"c\"}}", "2"},
    {"{\"type\":\"stringenum\",\"mapping\":{\"lo\":\"Low\",\"high\":\"High\"}}", "\"high\""},
    {"{\"type\":\"timestamp\"}", "1700000000"},
    {"{\"type\":\"struct\",\"specs\":["
     "{\"id\":\"x\",\"name\":\"X\",\"dataType\":{\"type\":\"int\",\"min\":\"0\",\"max\":\"9\"}},"
     "{\"id\":\"y\",\"name\":\"Y\",\"dataType\":{\"type\":\"float\"}}]}",
     "{\"x\":1,\"y\":0.25}"},
    {"{\"type\":\"array\",\"arrayInfo\":{\"type\":\"int\",\"min\":\"0\",\"max\":\"9\"}}",
     "[1,2,3,4]"},
    {"{\"type\":\"array\",\"arrayInfo\":{\"type\":\"struct\",\"specs\":["
     "{\"id\":\"Mac\",\"name\":\"M\",\"dataType\":{\"type\":\"string\",\"max\":\"17\"}}]}}",
     "[{\"Mac\":\"78a106a5b166\"}]"},
};

const char big_model_last_control[] = "{\"p999\":[{\"Mac\":\"a\"},{}]}";
const char big_model_last_control_text[] = "{\"p999\":av:[a{sv}:{\"Mac\":s:\"a\"},a{sv}:{}]} *";

const char *big_model_id(char id[BIG_MODEL_ID], char kind, unsigned i)
{
    (void) snprintf(id, BIG_MODEL_ID, "%c%u", kind, i);
    return id;
}

static char *finish(struct strbuf *sb)
{
    char *text;

    if (strbuf_finish(sb, &text) < 0)
        abort();
    return text;
}

char *big_model_text(const char *product_id, unsigned n_properties, unsigned n_events,
                     unsigned n_actions)
{
    struct strbuf sb;

    strbuf_init(&sb, 4U * 1024 * 1024);
    strbuf_addf(&sb,
                "{\"version\":\"1.0\",\"profile\":{\"ProductId\":\"%s\",\"CategoryId\":\"1\"},"
                "\"properties\":[",
                product_id);
    for (unsigned i = 0; i < n_properties; i++)
        strbuf_addf(&sb,
                    "%s{\"id\":\"p%u\",\"name\":\"Property %u\",\"desc\":\"\",\"required\":false,"
                    "\"mode\":\"rw\",\"define\":%s}",
                    i ? "," : "", i, i, types[i % ARRAY_SIZE(types)].define);
    strbuf_adds(&sb, "],\"events\":[");
    for (unsigned i = 0; i < n_events; i++)
        strbuf_addf(&sb,
                    "%s{\"id\":\"e%u\",\"name\":\"Event %u\",\"desc\":\"\",\"type\":\"info\","
                    "\"required\":false,\"params\":[{\"id\":\"x\",\"name\":\"X\",\"define\":%s}]}",
                    i ? "," : "", i, i, types[i % ARRAY_SIZE(types)].define);
    strbuf_adds(&sb, "],\"actions\":[");
    for (unsigned i = 0; i < n_actions; i++)
        strbuf_addf(&sb,
                    "%s{\"id\":\"a%u\",\"name\":\"Action %u\",\"desc\":\"\",\"required\":false,"
                    "\"input\":[{\"id\":\"x\",\"name\":\"X\",\"define\":%s}],\"output\":[]}",
                    i ? "," : "", i, i, types[i % ARRAY_SIZE(types)].define);
    strbuf_adds(&sb, "]}");
    return finish(&sb);
}

char *big_model_values(unsigned n_properties)
{
    struct strbuf sb;

    strbuf_init(&sb, 1024 * 1024);
    strbuf_addc(&sb, '{');
    for (unsigned i = 0; i < n_properties; i++)
        strbuf_addf(&sb, "%s\"p%u\":%s", i ? "," : "", i, types[i % ARRAY_SIZE(types)].value);
    strbuf_addc(&sb, '}');
    return finish(&sb);
}
