/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "examples/localcloud/journal.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "examples/localcloud/sign.h"
#include "libiotclient/base/utf8.h"

#define DIRECTION_UP "up"
#define DIRECTION_DOWN "down"
#define DIRECTION_EVENT "event"

struct entry {
    struct list link;
    uint64_t seq;
    uint64_t time_ms;
    const char *direction;
    char *device;
    char *subject; /* topic, or the event's name */
    char *payload; /* NUL-terminated; the reason of an event */
    size_t len;
    uint8_t qos;
    bool dup;
};

struct journal {
    const struct cloud_clock *clock;
    FILE *trace;
    bool verbose;
    struct list entries;
    size_t n_entries;
    size_t n_bytes;
    uint64_t next_seq;
    struct list waiters;
};

int journal_new(struct journal **ret_journal, const struct cloud_clock *clock, FILE *trace,
                bool verbose)
{
    struct journal *j = calloc(1, sizeof(*j));

    if (!j)
        return -ENOMEM;
    j->clock = clock;
    j->trace = trace;
    j->verbose = verbose;
    j->next_seq = 1;
    list_init(&j->entries);
    list_init(&j->waiters);
    *ret_journal = j;
    return 0;
}

static size_t entry_bytes(const struct entry *e)
{
    return sizeof(*e) + strlen(e->device) + strlen(e->subject) + e->len + 3;
}

static struct entry *entry_free(struct entry *e)
{
    if (!e)
        return NULL;
    free(e->device);
    free(e->subject);
    free(e->payload);
    free(e);
    return NULL;
}
DEFINE_FREEP(struct entry, entry_free)

static void drop_oldest(struct journal *j)
{
    struct entry *e = LIST_ENTRY(j->entries.next, struct entry, link);

    list_remove(&e->link);
    j->n_entries--;
    j->n_bytes -= entry_bytes(e);
    entry_free(e);
}

struct journal *journal_free(struct journal *j)
{
    if (!j)
        return NULL;

    while (!list_is_empty(&j->entries))
        drop_oldest(j);
    while (!list_is_empty(&j->waiters))
        list_remove(j->waiters.next);
    free(j);
    return NULL;
}

static void trace(const struct journal *j, const char *direction, const char *device,
                  const char *subject, const char *payload, size_t len)
{
    bool is_event = strcmp(direction, DIRECTION_EVENT) == 0;

    if (!j->trace || (!is_event && !j->verbose))
        return;
    fprintf(j->trace, "%-5s %s %s ", direction, *device ? device : "-", subject);
    if (!utf8_is_valid(payload, len))
        payload = "(bytes)";
    for (; *payload; payload++) /* nothing that a terminal would obey */
        fputc((uint8_t) *payload < ' ' || *payload == 0x7f ? '?' : *payload, j->trace);
    fputc('\n', j->trace);
}

static void add(struct journal *j, const char *direction, const char *device, const char *subject,
                const void *payload, size_t len, uint8_t qos, bool dup)
{
    CLEANUP(entry_freep) struct entry *e = calloc(1, sizeof(*e));
    uint64_t seq = j->next_seq++;
    struct list wake;

    if (!e)
        return;
    e->seq = seq;
    e->time_ms = clock_real_ms(j->clock);
    e->direction = direction;
    e->device = strdup(device);
    e->subject = strdup(subject);
    e->payload = malloc(len + 1);
    if (!e->device || !e->subject || !e->payload)
        return;
    if (len > 0)
        memcpy(e->payload, payload, len);
    e->payload[len] = '\0';
    e->len = len;
    e->qos = qos;
    e->dup = dup;
    trace(j, direction, device, subject, e->payload, len);

    j->n_entries++;
    j->n_bytes += entry_bytes(e);
    list_append(&j->entries, &TAKE(e)->link);
    while (j->n_entries > JOURNAL_ENTRIES_MAX || j->n_bytes > JOURNAL_BYTES_MAX)
        drop_oldest(j);

    list_init(&wake);
    list_splice(&wake, &j->waiters);
    while (!list_is_empty(&wake)) {
        struct journal_waiter *w = LIST_ENTRY(wake.next, struct journal_waiter, link);

        list_remove(&w->link);
        w->fn(w, w->userdata);
    }
}

void journal_message(struct journal *j, bool up, const char *device, const char *topic,
                     const void *payload, size_t len, uint8_t qos, bool dup)
{
    add(j, up ? DIRECTION_UP : DIRECTION_DOWN, device, topic, payload, len, qos, dup);
}

void journal_event(struct journal *j, const char *device, const char *name, const char *fmt, ...)
{
    char text[512];
    va_list ap;

    va_start(ap, fmt);
    (void) vsnprintf(text, sizeof(text), fmt, ap); /* a cut reason is good enough */
    va_end(ap);
    if (!utf8_is_valid(text, strlen(text))) /* cut inside a character */
        for (char *p = text; *p; p++)
            *p = *p & 0x80 ? '?' : *p;
    add(j, DIRECTION_EVENT, device, name, text, strlen(text), 0, false);
}

uint64_t journal_next(const struct journal *j)
{
    return j->next_seq;
}

static json_t *entry_json(const struct entry *e)
{
    CLEANUP(freep) char *base64 = NULL;
    json_t *o = json_pack("{s:I, s:I, s:s, s:s}", "seq", (json_int_t) e->seq, "time_ms",
                          (json_int_t) e->time_ms, "device", e->device, "direction", e->direction);

    if (!o)
        return NULL;
    /* Failing sets leave a member out; only a lack of memory can cause that. */
    if (strcmp(e->direction, DIRECTION_EVENT) == 0) {
        (void) json_object_set_new(o, "event", json_string(e->subject));
        (void) json_object_set_new(o, "reason", json_string(e->payload));
        return o;
    }
    (void) json_object_set_new(o, "topic", json_string(e->subject));
    (void) json_object_set_new(o, "qos", json_integer(e->qos));
    (void) json_object_set_new(o, "dup", json_boolean(e->dup));
    if (utf8_is_valid(e->payload, e->len))
        (void) json_object_set_new(o, "payload", json_stringn(e->payload, e->len));
    else if (sign_base64_encode(e->payload, e->len, &base64) == 0)
        (void) json_object_set_new(o, "payload_base64", json_string(base64));
    return o;
}

json_t *journal_page(const struct journal *j, uint64_t since)
{
    json_t *page = json_object(), *list = json_array();
    uint64_t next = since > j->next_seq || since == 0 ? 1 : since;
    uint64_t first = j->next_seq, lost;

    if (!list_is_empty(&j->entries))
        first = LIST_ENTRY(j->entries.next, struct entry, link)->seq;
    lost = first > next ? first - next : 0;
    LIST_FOR_EACH (n, &j->entries) {
        const struct entry *e = LIST_ENTRY(n, struct entry, link);

        if (e->seq < next)
            continue;
        if (json_array_size(list) == JOURNAL_PAGE_MAX)
            break;
        (void) json_array_append_new(list, entry_json(e));
        next = e->seq + 1;
    }
    if (next < first)
        next = first;
    (void) json_object_set_new(page, "next", json_integer((json_int_t) next));
    (void) json_object_set_new(page, "lost", json_integer((json_int_t) lost));
    (void) json_object_set_new(page, "entries", list);
    return page;
}

void journal_wait(struct journal *j, struct journal_waiter *w)
{
    list_append(&j->waiters, &w->link);
}

void journal_wait_cancel(struct journal_waiter *w)
{
    list_remove(&w->link);
}
