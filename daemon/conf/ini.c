/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/conf/ini.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static char *trim(char *text)
{
    size_t len;

    text += strspn(text, " \t\r");
    len = strlen(text);
    while (len > 0 && strchr(" \t\r", text[len - 1]))
        text[--len] = '\0';
    return text;
}

static int parse_section(unsigned line, char *text, const struct ini_events *events, void *userdata)
{
    size_t len = strlen(text);

    if (text[len - 1] != ']') {
        events->on_mistake(line, text, "section without closing bracket", userdata);
        return events->on_section(line, NULL, userdata);
    }
    text[len - 1] = '\0';
    return events->on_section(line, trim(text + 1), userdata);
}

static int parse_assignment(unsigned line, char *text, const struct ini_events *events,
                            void *userdata)
{
    char *equals = strchr(text, '=');

    if (!equals) {
        events->on_mistake(line, text, "neither a section nor key = value", userdata);
        return 0;
    }
    *equals = '\0';
    return events->on_key(line, trim(text), trim(equals + 1), userdata);
}

int ini_parse(const char *text, size_t len, const struct ini_events *events, void *userdata)
{
    CLEANUP(freep) char *copy = strndup(text, len);
    unsigned line = 0;
    int r = 0;

    if (!copy)
        return -ENOMEM;
    if (strlen(copy) != len)
        events->on_mistake(0, "", "contains a NUL byte", userdata);
    for (char *rest = copy, *one; r == 0 && (one = strsep(&rest, "\n"));) {
        char *t = trim(one);

        line++;
        if (!*t || *t == '#' || *t == ';')
            continue;
        r = *t == '[' ? parse_section(line, t, events, userdata)
                      : parse_assignment(line, t, events, userdata);
    }
    return r;
}
