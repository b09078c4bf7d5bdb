/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "tests/lib/ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libiotclient/base/macro.h"
#include "tests/lib/proc.h"
#include "tests/lib/suite.h"

#define MAX_POSTS 20000 /* of a program and class */
#define MAX_CONTROLS 20000

void ledger_init(struct ledger *l)
{
    *l = (struct ledger){.life = 1, .run = 1, .journal_next = 1};
}

void ledger_done(struct ledger *l)
{
    for (unsigned p = 0; p < LEDGER_PROGRAMS; p++) {
        for (unsigned c = 0; c < LEDGER_CLASSES; c++)
            free(l->posts[p][c]);
    }
    free(l->controls);
    *l = (struct ledger){0};
}

struct ledger_post *ledger_new_post(struct ledger *l, unsigned program, unsigned class,
                                    char ret_id[LEDGER_ID])
{
    size_t n = l->n_posts[program][class];
    struct ledger_post *posts =
        reallocarray(l->posts[program][class], n + 1, sizeof(struct ledger_post));

    if (!posts || n == MAX_POSTS)
        fixture_fatal("too many posts");
    l->posts[program][class] = posts;
    l->n_posts[program][class] = n + 1;
    l->n_sent++;
    posts[n] = (struct ledger_post){.state = LEDGER_SENT};
    (void) snprintf(ret_id, LEDGER_ID, "%u.%u.%zu", program, class, n);
    return &posts[n];
}

/* The latest are looked for most. */
static struct ledger_post *find(struct ledger *l, unsigned program, uint32_t serial, uint64_t token)
{
    for (unsigned c = 0; c < LEDGER_CLASSES; c++) {
        for (size_t i = l->n_posts[program][c]; i-- > 0;) {
            struct ledger_post *p = &l->posts[program][c][i];

            if (serial ? p->serial == serial : p->state == LEDGER_PROMISED && p->token == token)
                return p;
        }
    }
    return NULL;
}

struct ledger_post *ledger_find_serial(struct ledger *l, unsigned program, uint32_t serial)
{
    return find(l, program, serial, 0);
}

struct ledger_post *ledger_find_token(struct ledger *l, unsigned program, uint64_t token)
{
    return find(l, program, 0, token);
}

static struct ledger_control *get_control(struct ledger *l, const char *token)
{
    struct ledger_control *all;

    for (size_t i = l->n_controls; i-- > 0;) {
        if (strcmp(l->controls[i].token, token) == 0)
            return &l->controls[i];
    }
    all = reallocarray(l->controls, l->n_controls + 1, sizeof(*all));
    if (!all || l->n_controls == MAX_CONTROLS)
        fixture_fatal("too many controls");
    l->controls = all;
    all[l->n_controls] = (struct ledger_control){0};
    (void) snprintf(all[l->n_controls].token, LEDGER_TOKEN, "%s", token);
    return &all[l->n_controls++];
}

void ledger_promised(struct ledger *l, struct ledger_post *post, uint64_t token)
{
    post->state = LEDGER_PROMISED;
    post->token = token;
    l->n_promised++;
}

void ledger_refused(struct ledger *l, struct ledger_post *post)
{
    post->state = LEDGER_REFUSED;
    l->n_refused++;
}

/* Killed between telling it and forgetting the event, iotd may tell it again. */
void ledger_ended(struct ledger *l, struct ledger_post *post, int code)
{
    if (post->last_run == l->run)
        suite_fail(__FILE__, __LINE__, "an event that ended twice, with %d and %d", post->code,
                   code);
    post->last_run = l->run;
    l->n_ended += post->n_ended++ == 0;
    post->code = code;
}

void ledger_executed(struct ledger *l, unsigned program, const char *token)
{
    get_control(l, token)->n_executed[program]++;
}

static unsigned most_executed(const struct ledger_control *c)
{
    unsigned most = 0;

    for (unsigned i = 0; i < LEDGER_PROGRAMS; i++)
        most = c->n_executed[i] > most ? c->n_executed[i] : most;
    return most;
}

/* iotd had it: the cloud of today sent it, or a program was asked to do it. */
static bool is_owed(const struct ledger *l, const struct ledger_control *c)
{
    return c->life == l->life || most_executed(c) > 0;
}

/* --- the journal --- */

static const char *text_of(const json_t *json, const char *key)
{
    const char *text = json_string_value(json_object_get(json, key));

    return text ? text : "";
}

static void read_event(struct ledger *l, const json_t *payload)
{
    const char *id = text_of(json_object_get(payload, "params"), "id");
    const char *token = text_of(payload, "clientToken");
    struct ledger_post *p;
    unsigned program, class;
    size_t n;

    /* The tests' own text, which the daemon has checked. */
    if (sscanf(id, "%u.%u.%zu", &program, &class, &n) != 3 || program >= LEDGER_PROGRAMS ||
        class >= LEDGER_CLASSES || n >= l->n_posts[program][class]) {
        suite_fail(__FILE__, __LINE__, "the cloud saw an event that nobody posted: \"%s\"", id);
        return;
    }
    p = &l->posts[program][class][n];
    p->n_seen++;
    if (!p->arrival) {
        p->arrival = ++l->n_arrivals;
        (void) snprintf(p->client_token, sizeof(p->client_token), "%s", token);
    } else if (strcmp(p->client_token, token) != 0) {
        p->n_others++;
    }
}

static void read_reply(struct ledger *l, const json_t *payload)
{
    struct ledger_control *c = get_control(l, text_of(payload, "clientToken"));
    int code = (int) json_integer_value(json_object_get(payload, "code"));

    if (c->n_replies++ == 0)
        c->code = code;
    else if (c->code != code)
        c->contradicted = true;
}

static void read_control(struct ledger *l, const json_t *payload)
{
    struct ledger_control *c = get_control(l, text_of(payload, "clientToken"));

    c->life = l->life;
    c->n_down++;
}

static void read_entry(struct ledger *l, const json_t *entry)
{
    const char *direction = text_of(entry, "direction"), *event = text_of(entry, "event");
    CLEANUP(json_decrefp) json_t *payload = NULL;
    const char *method;

    if (strcmp(event, "violation") == 0 || strcmp(event, "overrun") == 0 ||
        strcmp(event, "bad_message") == 0 || strcmp(event, "subscribe_refused") == 0)
        suite_fail(__FILE__, __LINE__, "the cloud tells of %s: %s", event,
                   text_of(entry, "reason"));
    payload = json_loads(text_of(entry, "payload"), 0, NULL);
    method = text_of(payload, "method");
    if (strcmp(direction, "up") == 0 && strcmp(method, "event_post") == 0)
        read_event(l, payload);
    else if (strcmp(direction, "up") == 0 && strcmp(method, "control_reply") == 0)
        read_reply(l, payload);
    else if (strcmp(direction, "down") == 0 && strcmp(method, "control") == 0)
        read_control(l, payload);
}

void ledger_read(struct ledger *l, struct cloud_fixture *cloud)
{
    CLEANUP(freep) char *program = fixture_build_path("iot-localcloud"), *out = NULL;
    char port[16], since[32], *rest, *line;

    (void) snprintf(port, sizeof(port), "%d", cloud_http_port(cloud));
    (void) snprintf(since, sizeof(since), "%llu", (unsigned long long) l->journal_next);
    if (proc_run(
            (const char *const[]){program, "journal", "--http-port", port, "--since", since, NULL},
            &out) != 0)
        fixture_fatal("the journal cannot be read");
    for (rest = out; (line = strsep(&rest, "\n"));) {
        CLEANUP(json_decrefp) json_t *entry = json_loads(line, 0, NULL);
        uint64_t seq = (uint64_t) json_integer_value(json_object_get(entry, "seq"));

        if (!entry)
            continue;
        if (seq != l->journal_next)
            suite_fail(__FILE__, __LINE__, "the journal has a gap at %llu",
                       (unsigned long long) l->journal_next);
        l->journal_next = seq + 1;
        read_entry(l, entry);
    }
}

void ledger_new_life(struct ledger *l)
{
    l->life++;
    l->journal_next = 1;
}

/* --- the account --- */

size_t ledger_n_open_controls(const struct ledger *l)
{
    size_t n = 0;

    for (size_t i = 0; i < l->n_controls; i++)
        n += l->controls[i].n_replies == 0 && is_owed(l, &l->controls[i]);
    return n;
}

static void check_post(const struct ledger_post *p, const char *id, unsigned *last_arrival)
{
    if (p->state == LEDGER_SENT)
        suite_fail(__FILE__, __LINE__, "event %s: its post was never answered", id);
    if (p->n_others > 0)
        suite_fail(__FILE__, __LINE__, "event %s: twice in the cloud", id);
    if (p->arrival && p->arrival < *last_arrival)
        suite_fail(__FILE__, __LINE__, "event %s: before one that was posted earlier", id);
    if (p->arrival)
        *last_arrival = p->arrival;
    if (p->state != LEDGER_PROMISED)
        return;
    if (!p->arrival)
        suite_fail(__FILE__, __LINE__, "event %s: lost", id);
    if (p->n_ended == 0 || p->code != 0)
        suite_fail(__FILE__, __LINE__, "event %s: its program heard %u times, code %d", id,
                   p->n_ended, p->code);
}

static void check_control(const struct ledger *l, const struct ledger_control *c)
{
    unsigned n = most_executed(c);

    if (n > 1)
        suite_fail(__FILE__, __LINE__, "control %s: executed %u times", c->token, n);
    if (c->n_replies == 0 && is_owed(l, c))
        suite_fail(__FILE__, __LINE__, "control %s: no answer (executed %u, sent %u)", c->token, n,
                   c->n_down);
    if (c->contradicted)
        suite_fail(__FILE__, __LINE__, "control %s: answers that differ", c->token);
}

void ledger_check(const struct ledger *l)
{
    size_t n_again = 0, n_heard_again = 0;
    size_t n_executed = 0, n_answered_again = 0;

    for (unsigned p = 0; p < LEDGER_PROGRAMS; p++) {
        for (unsigned c = 0; c < LEDGER_CLASSES; c++) {
            unsigned last_arrival = 0;

            for (size_t i = 0; i < l->n_posts[p][c]; i++) {
                const struct ledger_post *post = &l->posts[p][c][i];
                char id[LEDGER_ID];

                (void) snprintf(id, sizeof(id), "%u.%u.%zu", p, c, i);
                check_post(post, id, &last_arrival);
                n_again += post->n_seen > 1;
                n_heard_again += post->n_ended > 1;
            }
        }
    }
    for (size_t i = 0; i < l->n_controls; i++) {
        check_control(l, &l->controls[i]);
        n_executed += most_executed(&l->controls[i]) > 0;
        n_answered_again += l->controls[i].n_replies > 1;
    }
    printf("events: %zu promised, %zu not, %zu sent again, %zu ends told again\n", l->n_promised,
           l->n_refused, n_again, n_heard_again);
    printf("controls: %zu, %zu executed, %zu answered again; %u lives of the cloud\n",
           l->n_controls, n_executed, n_answered_again, l->life);
}
