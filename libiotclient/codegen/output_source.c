/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The source as a whole. */

#include "libiotclient/codegen/output.h"

/* Whether a callback is kept for the program. */
static bool has_callbacks(const struct cg_model *m)
{
    return m->control.n_fields > 0 || m->n_actions > 0;
}

void output_source(struct strbuf *sb, const struct cg_model *m, const char *name)
{
    strbuf_addf(
        sb,
        "/* Made by iotc-codegen from a thing model: do not edit. Use it as you like. */\n\n"
        "#include \"%s.h\"\n\n"
        "#include <errno.h>\n#include <stdlib.h>\n#include <string.h>\n\n",
        name);
    output_helpers(sb, m);
    if (has_callbacks(m))
        output_binding(sb);
    for (size_t i = 0; i < m->properties.n_fields; i++)
        output_property(sb, &m->properties.fields[i]);
    if (m->properties.n_fields > 0)
        output_control(sb, m);
    for (size_t i = 0; i < m->n_events; i++)
        output_event(sb, &m->events[i]);
    for (size_t i = 0; i < m->n_actions; i++)
        output_action(sb, &m->actions[i]);
    /* No blank line at the end, and not an empty file: that is no C. */
    if (!sb->error && sb->len > 1 && sb->data[sb->len - 2] == '\n')
        sb->data[--sb->len] = '\0';
}
