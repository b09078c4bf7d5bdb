/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ring up of one program: reports, events, answers. Each record is copied out before it is
 * looked at, and checked as what comes over the bus is.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/front/handler_answer.h"
#include "daemon/front/shm_program.h"
#include "daemon/front/shm_value.h"
#include "libiotclient/base/utf8.h"

/* A record on its way to the disk. */
struct shm_posting {
    struct list link;
    struct shm_program *program; /* NULL: it is gone */
    uint32_t id;
};

/* A record that is being taken; the items are a copy that nobody else writes to. */
struct shm_record {
    struct shm_program *program;
    struct layout_record head;
    struct pack_reader items;
};

/* --- what was accepted --- */

static void on_posted(int result, uint64_t token, void *userdata)
{
    struct shm_posting *posting = userdata;

    if (posting->program)
        shm_down_token(posting->program, posting->id, result, token, intake_posted_text(result));
    list_remove(&posting->link);
    free(posting);
}

static int posting_new(struct shm_posting **ret_posting, const struct shm_record *rec)
{
    struct shm_posting *posting = malloc(sizeof(*posting));

    if (!posting)
        return -ENOMEM;
    *posting = (struct shm_posting){.program = rec->program, .id = rec->head.id};
    list_append(&rec->program->postings, &posting->link);
    *ret_posting = posting;
    return 0;
}

static void posting_free(struct shm_posting *posting)
{
    if (posting)
        list_remove(&posting->link);
    free(posting);
}

void shm_up_done(struct shm_program *p)
{
    LIST_FOR_EACH_SAFE (n, &p->postings) {
        struct shm_posting *posting = LIST_ENTRY(n, struct shm_posting, link);

        list_remove(&posting->link);
        list_init(&posting->link);
        posting->program = NULL;
    }
}

/* --- items of a record --- */

static int find_string(const struct shm_record *rec, struct intake *in, const char *key,
                       struct pack_item *ret_item)
{
    int r = pack_find(rec->items, key, PACK_STRING, ret_item);

    if (r == -EBADMSG || (r == 0 && utf8_is_valid(ret_item->s.text, ret_item->s.len)))
        return r;
    return intake_wrong(in, -EPROTO, "no \"%s\" that is a text", key);
}

static int find_struct(const struct shm_record *rec, struct intake *in, const char *key,
                       struct pack_reader *ret_items)
{
    struct pack_item item;
    int r = pack_find(rec->items, key, PACK_STRUCT, &item);

    if (r == 0)
        *ret_items = item.items;
    return r == 0 || r == -EBADMSG ? r : intake_wrong(in, -EPROTO, "no \"%s\"", key);
}

/* It may be missing. */
static int read_timestamp(const struct shm_record *rec, struct intake *in)
{
    struct pack_item item;
    int r = pack_find(rec->items, "timestamp", PACK_INT, &item);

    if (r == 0)
        return intake_set_timestamp(in, item.i < 0 ? UINT64_MAX : (uint64_t) item.i);
    if (r == -ENOENT)
        return 0;
    return r == -EBADMSG ? r : intake_wrong(in, -EPROTO, "\"timestamp\" is no number");
}

/* --- reports --- */

static int read_values(struct intake *in, struct pack_reader values)
{
    struct pack_item item;
    int r;

    while ((r = shm_value_next(&values, &item)) > 0) {
        const struct thing_define *def;
        struct value *v;

        r = intake_update(in, item.key, &v, &def);
        if (r == 0)
            r = intake_updated(in, shm_value_read(&item, def, item.key, v, in->detail));
        if (r < 0)
            break;
    }
    return r;
}

/* 1: the answer comes later. */
static int submit(const struct shm_record *rec, struct intake *in, uint64_t *ret_token)
{
    struct shm_posting *posting;
    int r = posting_new(&posting, rec);

    if (r < 0)
        return r;
    r = intake_submit(in, on_posted, posting, ret_token);
    if (r != REPORTS_KEEPING)
        posting_free(posting);
    return r;
}

static int on_report(const struct shm_record *rec, struct intake *in, uint64_t *ret_token)
{
    struct pack_reader values;
    int r = intake_begin_updates(in);

    if (r == 0)
        r = read_timestamp(rec, in);
    if (r == 0)
        r = find_struct(rec, in, "values", &values);
    if (r == 0)
        r = read_values(in, values);
    return r < 0 ? r : submit(rec, in, ret_token);
}

static int parse_json(const struct shm_record *rec, struct intake *in, json_t **ret_json)
{
    struct pack_item text;
    int r = find_string(rec, in, "json", &text);

    return r < 0 ? r : intake_parse(in, text.s.text, text.s.len, ret_json);
}

static int on_report_json(const struct shm_record *rec, struct intake *in, uint64_t *ret_token)
{
    CLEANUP(jx_decrefp) json_t *json = NULL;
    int r;

    shm_slots_take(rec->program); /* they are older, and the program cannot tell which it sets */
    r = intake_begin_updates(in);

    if (r == 0)
        r = parse_json(rec, in, &json);
    if (r == 0)
        r = intake_update_json(in, json);
    return r < 0 ? r : submit(rec, in, ret_token);
}

/* --- events --- */

static int read_params(struct intake *in, struct pack_reader params)
{
    struct pack_item item;
    int r;

    while ((r = shm_value_next(&params, &item)) > 0) {
        const struct thing_define *def;
        struct value *v;

        r = intake_param(in, item.key, &v, &def);
        if (r == 0)
            r = shm_value_read(&item, def, item.key, v, in->detail);
        if (r < 0)
            break;
    }
    return r;
}

/* Posts what was read: list, or the event of in. Always answered later. */
static int post(const struct shm_record *rec, struct intake *in, const json_t *list)
{
    struct shm_posting *posting;
    int r = posting_new(&posting, rec);

    if (r < 0)
        return r;
    r = list ? intake_post_list(in, list, on_posted, posting) : intake_post(in, on_posted, posting);
    if (r < 0)
        posting_free(posting);
    return r < 0 ? r : REPORTS_KEEPING;
}

static int on_event(const struct shm_record *rec, struct intake *in, uint64_t *ret_token)
{
    struct pack_reader params;
    struct pack_item id;
    int r = find_string(rec, in, "id", &id);

    (void) ret_token;
    if (r == 0)
        r = intake_begin_event(in, id.s.text);
    if (r == 0)
        r = read_timestamp(rec, in);
    if (r == 0)
        r = find_struct(rec, in, "params", &params);
    if (r == 0)
        r = read_params(in, params);
    return r < 0 ? r : post(rec, in, NULL);
}

static int on_events_json(const struct shm_record *rec, struct intake *in, uint64_t *ret_token)
{
    CLEANUP(jx_decrefp) json_t *json = NULL;
    const json_t *list;
    int r = parse_json(rec, in, &json);

    (void) ret_token;
    if (r == 0)
        r = read_timestamp(rec, in);
    if (r < 0)
        return r;
    list = json_object_get(json, "events");
    return list ? post(rec, in, list) : intake_wrong(in, -EPROTO, "no \"events\"");
}

/* --- answers --- */

static struct shm_call *find_call(const struct shm_program *p, uint32_t id)
{
    LIST_FOR_EACH (n, &p->calls) {
        struct shm_call *c = LIST_ENTRY(n, struct shm_call, link);

        if (c->id == id)
            return c;
    }
    return NULL;
}

/* Outputs that are too large as items. */
static int read_json_outputs(const struct pack_item *text, struct handler_answer *a)
{
    CLEANUP(jx_decrefp) json_t *json = NULL;
    struct jx_error error;
    const char *key;
    json_t *output;
    int r = jx_parse_object(text->s.text, text->s.len, &json, &error);

    if (r < 0)
        return r == -EBADMSG ? -EPROTO : r;
    json_object_foreach(json, key, output)
    {
        const struct thing_define *def;
        struct value *v;

        r = handler_answer_output(a, key, &v, &def);
        if (r == 0)
            r = value_from_json(def, output, v, NULL);
        if (r < 0)
            return r;
    }
    return 0;
}

static int read_outputs(const struct shm_record *rec, struct handler_answer *a)
{
    struct pack_reader outputs;
    struct pack_item item;
    int r = pack_find(rec->items, "json", PACK_STRING, &item);

    if (r == 0)
        return read_json_outputs(&item, a);
    r = r == -ENOENT ? pack_find(rec->items, "output", PACK_STRUCT, &item) : r;
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    outputs = item.items;
    while ((r = shm_value_next(&outputs, &item)) > 0) {
        const struct thing_define *def;
        struct value *v;

        r = handler_answer_output(a, item.key, &v, &def);
        if (r == 0)
            r = shm_value_read(&item, def, item.key, v, a->detail);
        if (r < 0)
            break;
    }
    return r;
}

/* What is refused is counted by no quota, and is work all the same. */
static void count_refused(struct shm_program *p)
{
    if (ratelimit_take(&p->refused, loop_now_us(p->bus->loop)) != 0)
        p->is_over_quota = true;
}

/* -EBADMSG; everything else is what the cloud hears. An answer that came too late is none. */
static int on_answer(const struct shm_record *rec)
{
    struct shm_call *c = find_call(rec->program, rec->head.id);
    struct pack_item text = {.s.text = ""};
    struct handler_answer a;
    struct call_part *part;
    int r;

    if (!c) {
        count_refused(rec->program);
        return 0;
    }
    part = c->part;
    list_remove(&c->link);
    free(c);
    r = handler_answer_begin(&a, part);
    if (r == 0) {
        r = pack_find(rec->items, "text", PACK_STRING, &text);
        if (r == -ENOENT)
            r = 0;
        else if (r == 0 && !utf8_is_valid(text.s.text, text.s.len))
            r = -EPROTO;
    }
    if (r == 0 && call_action(part->call))
        r = read_outputs(rec, &a);
    handler_answer_end(&a, r, rec->head.code, text.s.text);
    return r == -EBADMSG ? r : 0;
}

/* --- records --- */

/* 0 with the token; REPORTS_KEEPING: it is answered later; what is wrong. */
typedef int (*record_fn)(const struct shm_record *rec, struct intake *in, uint64_t *ret_token);

static record_fn handler_of(uint32_t type)
{
    switch (type) {
    case LAYOUT_UP_REPORT:
        return on_report;
    case LAYOUT_UP_EVENT:
        return on_event;
    case LAYOUT_UP_EVENTS_JSON:
        return on_events_json;
    case LAYOUT_UP_REPORT_JSON:
        return on_report_json;
    default:
        return NULL;
    }
}

/* -EBADMSG: no record of this layout. */
static int handle(const struct shm_record *rec)
{
    struct shm_program *p = rec->program;
    record_fn fn = handler_of(rec->head.type);
    struct intake in;
    uint64_t token = 0;
    int r;

    if (rec->head.type == LAYOUT_UP_ANSWER)
        return on_answer(rec);
    if (!fn)
        return -EBADMSG;
    intake_init(&in, p->bus, p->peer, p->peer->name);
    r = fn(rec, &in, &token);
    p->is_over_quota |= in.is_over_rate;
    if (r < 0)
        count_refused(p);
    if (r <= 0 && r != -EBADMSG) {
        r = intake_error(&in, r);
        shm_down_token(p, rec->head.id, r, token, in.detail);
    }
    intake_done(&in);
    return r == -EBADMSG ? r : 0;
}

/* Whether there was one. */
static bool take_record(struct shm_program *p)
{
    struct shm_record rec = {.program = p, .items.data = p->bus->shm_record};
    int r = ring_peek(&p->from_program, &rec.head, p->bus->shm_record, &rec.items.len);

    if (r > 0) {
        ring_pop(&p->from_program, &rec.head);
        r = handle(&rec);
        if (r == 0)
            return true;
    }
    if (r < 0)
        shm_program_end(p, SHM_END_OFFENCE,
                        r == -EPROTO ? "the ring up is broken" : "a record that is none");
    return false;
}

/* The program waits for room, and now there is some. */
static void give_room(struct shm_program *p)
{
    fence_full(); /* the room is there before the look */
    if (__atomic_load_n(&p->up->wants_room, __ATOMIC_RELAXED) &&
        __atomic_exchange_n(&p->up->wants_room, 0, __ATOMIC_SEQ_CST))
        shm_program_wake(p);
}

/* Who does not read gets nothing more done in the end: there is room for few answers. */
static bool takes_records(const struct shm_program *p)
{
    return p->n_backlog <= SHM_BACKLOG_PRESSURE;
}

static bool has_work(struct shm_program *p)
{
    return (takes_records(p) && !ring_is_empty(&p->from_program)) || shm_down_can_flush(p);
}

static void on_ring_timer(struct loop_timer *timer, void *userdata)
{
    (void) timer;
    (void) shm_up_look(userdata);
}

/* From now on the program rings; unless there is something already. */
static void sleep_on_ring(struct shm_program *p)
{
    doorbell_sleep(&p->up->bell_ring);
    if (!has_work(p))
        return;
    doorbell_wake(&p->up->bell_ring);
    loop_timer_arm(p->bus->loop, &p->ring_timer, 0, on_ring_timer, p);
}

bool shm_up_look(struct shm_program *p)
{
    unsigned n = 0;
    bool found;

    if (p->is_over || loop_timer_is_armed(&p->ring_timer))
        return false;
    doorbell_wake(&p->up->bell_ring);
    p->is_over_quota = false;
    found = shm_down_flush(p);
    while (n < SHM_RECORDS_PER_TURN && !p->is_over && takes_records(p) && take_record(p))
        n++;
    if (p->is_over)
        return true;
    if (n > 0)
        give_room(p);
    if (p->is_over_quota || n == SHM_RECORDS_PER_TURN)
        loop_timer_arm(p->bus->loop, &p->ring_timer, p->is_over_quota ? SHM_QUOTA_PAUSE_US : 0,
                       on_ring_timer, p);
    else
        sleep_on_ring(p);
    return found || n > 0;
}

/* No more than there can be in it. */
void shm_up_drain(struct shm_program *p)
{
    unsigned n = LAYOUT_RING_SIZE / sizeof(struct layout_record);

    while (!p->is_over && n > 0 && take_record(p))
        n--;
}
