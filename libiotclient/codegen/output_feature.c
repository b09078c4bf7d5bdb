/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The source: events and actions. */

#include "libiotclient/codegen/output.h"

static void add_types(struct strbuf *sb, const struct cg_set *set, unsigned ways)
{
    for (size_t i = 0; i < set->n_fields; i++)
        output_type(sb, &set->fields[i], ways);
}

void output_event(struct strbuf *sb, const struct cg_feature *e)
{
    const struct output_access a = {.fn = "iotc_event_set", .object = "event", .set = "params"};

    add_types(sb, &e->in, OUTPUT_SET);
    sign_post(sb, e, "");
    strbuf_adds(sb, "\n{\n    iotc_event *event = NULL;\n    int r;\n\n");
    if (e->in.n_fields > 0)
        strbuf_adds(sb, "    if (!params)\n        return -EINVAL;\n");
    strbuf_addf(sb, "    r = iotc_event_new(client, &event, \"%s\");\n", e->id);
    for (size_t i = 0; i < e->in.n_fields; i++)
        output_set(sb, &a, &e->in.fields[i]);
    strbuf_adds(sb, "    if (r >= 0)\n        r = iotc_event_post(event, flags, done, userdata);\n"
                    "    iotc_event_free(event);\n    return r;\n}\n\n");
}

/* The trampoline from the library to a typed callback. */
static void add_call(struct strbuf *sb, const struct cg_feature *a)
{
    strbuf_addf(sb,
                "static void %s(iotc_client *client, iotc_call *call, void *userdata)\n{\n"
                "    struct binding *b = (struct binding *) userdata;\n",
                a->fn_call);
    if (a->in.n_fields == 0) {
        strbuf_addf(sb, "\n    ((%s) b->fn)(client, call, b->userdata);\n}\n\n", a->fn_type);
        return;
    }
    strbuf_addf(sb,
                "    struct %s *values = (struct %s *) calloc(1, sizeof(*values));\n"
                "    int r = values ? %s(call, values) : -ENOMEM;\n\n"
                "    if (r < 0)\n        (void) iotc_call_answer(call, r, NULL);\n"
                "    else\n        ((%s) b->fn)(client, call, values, b->userdata);\n"
                "    %s(values);\n}\n\n",
                a->in.tag, a->in.tag, a->in.fn_get, a->fn_type, a->in.fn_free);
}

static void add_answer(struct strbuf *sb, const struct cg_feature *a)
{
    const struct output_access access = {.fn = "iotc_call_set", .object = "call", .set = "output"};

    sign_answer(sb, a, "");
    if (a->out.n_fields == 0) {
        strbuf_adds(sb, "\n{\n    return iotc_call_answer(call, 0, NULL);\n}\n\n");
        return;
    }
    strbuf_adds(sb, "\n{\n    int r = output ? 0 : -EINVAL;\n\n");
    for (size_t i = 0; i < a->out.n_fields; i++)
        output_set(sb, &access, &a->out.fields[i]);
    strbuf_adds(sb, "    return r < 0 ? r : iotc_call_answer(call, 0, NULL);\n}\n\n");
}

void output_action(struct strbuf *sb, const struct cg_feature *a)
{
    add_types(sb, &a->in, OUTPUT_GET);
    add_types(sb, &a->out, OUTPUT_SET);
    if (a->in.n_fields > 0)
        output_set_get(sb, &a->in, "call");
    add_call(sb, a);
    sign_on_action(sb, a, "");
    strbuf_addf(sb,
                "\n{\n    struct binding *b = NULL;\n    int r = -EINVAL;\n\n"
                "    if (fn)\n"
                "        r = binding_new(&b, (void (*)(void)) fn, userdata, destroy);\n"
                "    if (r >= 0)\n        r = iotc_serve_action(client, ret_slot, \"%s\", %s, b,\n"
                "                              binding_free);\n"
                "    if (r < 0)\n        free(b);\n    return r;\n}\n\n",
                a->id, a->fn_call);
    add_answer(sb, a);
}
