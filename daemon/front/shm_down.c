/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ring down of one program: commands, tokens, completions. What the ring has no room for waits
 * in a backlog; a program that lets that grow and grow is detached.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/front/shm_program.h"
#include "daemon/front/shm_value.h"
#include "dbus/errmap.h"

/* A record that waits for room. */
struct shm_backlog {
    struct list link;
    uint32_t type, id;
    int32_t code;
    size_t len;
    uint64_t payload[];
};

/* What is to be sent; len bytes once they were counted. */
struct outgoing {
    uint32_t type, id;
    int32_t code;
    shm_fill_fn fill;
    const void *data;
    size_t len;
};

static size_t size_of(const struct shm_backlog *b)
{
    return sizeof(*b) + b->len;
}

static void write_items(const struct outgoing *out, void *payload)
{
    struct pack_writer w = {.data = payload, .size = out->len};

    out->fill(&w, out->data);
}

/* 0; -ENOBUFS; -EMSGSIZE; -EPROTO */
static int send_now(struct shm_program *p, const struct outgoing *out)
{
    uint8_t *payload;
    int r = ring_open(&p->to_program, out->len, &payload);

    if (r < 0)
        return r;
    write_items(out, payload);
    ring_commit(&p->to_program, out->type, out->id, out->code, out->len);
    return 0;
}

static int keep(struct shm_program *p, const struct outgoing *out, size_t bound)
{
    struct shm_backlog *b;

    if (p->n_backlog + sizeof(*b) + out->len > bound)
        return -ENOBUFS;
    b = malloc(sizeof(*b) + out->len);
    if (!b)
        return -ENOMEM;
    b->type = out->type;
    b->id = out->id;
    b->code = out->code;
    b->len = out->len;
    write_items(out, b->payload);
    list_append(&p->backlog, &b->link);
    p->n_backlog += size_of(b);
    return 0;
}

/* The program rings when it has read; unless it has already. */
static void want_room(struct shm_program *p)
{
    __atomic_store_n(&p->down->wants_room, 1U, __ATOMIC_SEQ_CST);
    fence_full(); /* before the look at what was read */
    (void) shm_down_flush(p);
}

/* In order: nothing overtakes what waits. */
static int put(struct shm_program *p, struct outgoing *out, size_t bound)
{
    struct pack_writer count = {.size = SIZE_MAX};
    int r = -ENOBUFS;

    if (p->is_over)
        return -ENOTCONN;
    out->fill(&count, out->data);
    out->len = count.len;
    if (out->len > LAYOUT_RECORD_MAX - sizeof(struct layout_record))
        return -EMSGSIZE;
    if (list_is_empty(&p->backlog))
        r = send_now(p, out);
    if (r == -EPROTO)
        shm_program_end(p, SHM_END_OFFENCE, "the ring down is broken");
    if (r == 0)
        shm_program_wake(p);
    if (r != -ENOBUFS)
        return r;
    r = keep(p, out, bound);
    if (r == 0)
        want_room(p);
    return r;
}

bool shm_down_flush(struct shm_program *p)
{
    bool sent = false;
    int r = 0;

    while (r == 0 && !list_is_empty(&p->backlog)) {
        struct shm_backlog *b = LIST_ENTRY(p->backlog.next, struct shm_backlog, link);
        uint8_t *payload;

        r = ring_open(&p->to_program, b->len, &payload);
        if (r < 0)
            break;
        memcpy(payload, b->payload, b->len);
        ring_commit(&p->to_program, b->type, b->id, b->code, b->len);
        list_remove(&b->link);
        p->n_backlog -= size_of(b);
        free(b);
        sent = true;
    }
    if (r == -EPROTO)
        shm_program_end(p, SHM_END_OFFENCE, "the ring down is broken");
    if (sent && list_is_empty(&p->backlog))
        __atomic_store_n(&p->down->wants_room, 0U, __ATOMIC_RELAXED);
    if (sent)
        shm_program_wake(p);
    return sent;
}

bool shm_down_can_flush(struct shm_program *p)
{
    const struct shm_backlog *b = LIST_ENTRY(p->backlog.next, struct shm_backlog, link);
    uint8_t *payload;

    /* Nothing is committed. What is wrong with the ring is found when it is. */
    return !list_is_empty(&p->backlog) && ring_open(&p->to_program, b->len, &payload) != -ENOBUFS;
}

void shm_down_done(struct shm_program *p)
{
    while (!list_is_empty(&p->backlog)) {
        struct list *n = p->backlog.next;

        list_remove(n);
        free(LIST_ENTRY(n, struct shm_backlog, link));
    }
    while (!list_is_empty(&p->calls)) {
        struct list *n = p->calls.next;

        struct shm_call *call = LIST_ENTRY(n, struct shm_call, link);
        struct call_part *part = call->part;

        list_remove(n);
        free(call);
        calls_answer(part, errmap_code(-ECONNREFUSED), "the program that served it has ended",
                     NULL);
    }
}

/* --- how it went --- */

/* What cannot be told must not be lost without a word. */
static void put_or_end(struct shm_program *p, struct outgoing *out)
{
    int r = p->is_drained ? 0 : put(p, out, SHM_BACKLOG);

    if (r < 0)
        shm_program_end(p, SHM_END_OFFENCE,
                        r == -ENOBUFS ? "it does not read" : "no memory for what it has to read");
}

struct token {
    uint64_t token;
    const char *text; /* NULL: none */
};

static void fill_token(struct pack_writer *w, const void *data)
{
    const struct token *t = data;

    if (t->text)
        pack_put_string(w, "text", t->text, strlen(t->text));
    else
        pack_put_int(w, "token", (int64_t) t->token);
}

void shm_down_token(struct shm_program *p, uint32_t id, int r, uint64_t token, const char *text)
{
    const struct token t = {
        .token = token,
        .text = r == 0          ? NULL
                : text && *text ? text
                                : errmap_text(r),
    };
    struct outgoing out = {
        .type = LAYOUT_DOWN_TOKEN,
        .id = id,
        .code = errmap_code(r),
        .fill = fill_token,
        .data = &t,
    };

    put_or_end(p, &out);
}

void shm_down_completed(struct shm_program *p, uint64_t token, int code)
{
    const struct token t = {.token = token};
    struct outgoing out = {
        .type = LAYOUT_DOWN_COMPLETED,
        .code = code,
        .fill = fill_token,
        .data = &t,
    };

    put_or_end(p, &out);
}

/* --- commands --- */

struct command {
    const struct call_part *part;
    const struct model *model;
    const struct model_action *action; /* NULL: a control */
    const struct value *inputs;
};

static void fill_control(struct pack_writer *w, const void *data)
{
    const struct command *c = data;
    const char *handler = c->part->owner->handler;

    pack_put_string(w, "handler", handler, strlen(handler));
    shm_value_put_updates(w, "values", c->model, c->part->updates, c->part->n_updates);
}

static void fill_invoke(struct pack_writer *w, const void *data)
{
    const struct command *c = data;
    const char *handler = c->part->owner->handler;
    size_t opened;

    pack_put_string(w, "handler", handler, strlen(handler));
    pack_put_string(w, "action", c->action->id, strlen(c->action->id));
    opened = pack_open(w, "input", PACK_STRUCT);
    for (size_t i = 0; i < c->action->n_inputs; i++)
        shm_value_put(w, c->action->inputs[i].id, &c->inputs[i]);
    pack_close(w, opened);
}

static int command(struct shm_program *p, struct call_part *part, const struct command *command)
{
    struct shm_call *call = malloc(sizeof(*call));
    struct outgoing out = {
        .type = command->action ? LAYOUT_DOWN_INVOKE : LAYOUT_DOWN_CONTROL,
        .id = p->last_id + 1,
        .fill = command->action ? fill_invoke : fill_control,
        .data = command,
    };
    int r;

    if (!call)
        return -ENOMEM;
    r = p->is_drained ? -ENOTCONN : put(p, &out, SHM_BACKLOG_COMMANDS);
    if (r < 0) {
        free(call);
        return r;
    }
    *call = (struct shm_call){.id = out.id, .part = part};
    p->last_id = out.id;
    list_append(&p->calls, &call->link);
    return 0;
}

int shm_program_control(struct shm_program *p, struct call_part *part)
{
    const struct command c = {.part = part, .model = p->bus->core->model};

    return command(p, part, &c);
}

int shm_program_invoke(struct shm_program *p, struct call_part *part,
                       const struct model_action *action, const struct value *inputs)
{
    const struct command c = {.part = part, .action = action, .inputs = inputs};

    return command(p, part, &c);
}

bool shm_program_cancel(struct shm_program *p, struct call_part *part)
{
    LIST_FOR_EACH (n, &p->calls) {
        struct shm_call *call = LIST_ENTRY(n, struct shm_call, link);

        if (call->part != part)
            continue;
        list_remove(&call->link);
        free(call);
        return true;
    }
    return false;
}
