/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "examples/localcloud/session.h"

#include <errno.h>
#include <string.h>

#include "examples/localcloud/topic.h"

struct filter {
    struct list link;
    uint8_t qos;
    char text[];
};

void session_init(struct session *s, size_t max_filters, size_t max_messages)
{
    *s = (struct session){.max_filters = max_filters, .max_messages = max_messages};
    list_init(&s->filters);
    list_init(&s->messages);
}

static struct session_message *message_free(struct session_message *m)
{
    if (!m)
        return NULL;
    free(m->topic);
    free(m->payload);
    free(m);
    return NULL;
}
DEFINE_FREEP(struct session_message, message_free)

static void message_remove(struct session *s, struct session_message *m)
{
    list_remove(&m->link);
    s->n_messages--;
    message_free(m);
}

void session_clear(struct session *s)
{
    LIST_FOR_EACH_SAFE (n, &s->filters) {
        struct filter *f = LIST_ENTRY(n, struct filter, link);

        list_remove(&f->link);
        free(f);
    }
    LIST_FOR_EACH_SAFE (n, &s->messages)
        message_remove(s, LIST_ENTRY(n, struct session_message, link));
    s->n_filters = 0;
    s->present = false;
}

static struct filter *filter_find(const struct session *s, const char *text)
{
    LIST_FOR_EACH (n, &s->filters) {
        struct filter *f = LIST_ENTRY(n, struct filter, link);

        if (strcmp(f->text, text) == 0)
            return f;
    }
    return NULL;
}

int session_subscribe(struct session *s, const char *filter, uint8_t qos)
{
    struct filter *f = filter_find(s, filter);
    size_t len = strlen(filter);

    if (f) {
        f->qos = qos;
        return 0;
    }
    if (s->n_filters >= s->max_filters)
        return -ENOSPC;
    f = malloc(sizeof(*f) + len + 1);
    if (!f)
        return -ENOMEM;
    f->qos = qos;
    memcpy(f->text, filter, len + 1);
    list_append(&s->filters, &f->link);
    s->n_filters++;
    return 0;
}

void session_unsubscribe(struct session *s, const char *filter)
{
    struct filter *f = filter_find(s, filter);

    if (!f)
        return;
    list_remove(&f->link);
    s->n_filters--;
    free(f);
}

int session_match(const struct session *s, const char *topic)
{
    int qos = -1;

    LIST_FOR_EACH (n, &s->filters) {
        const struct filter *f = LIST_ENTRY(n, struct filter, link);

        if ((int) f->qos > qos && topic_matches(f->text, topic))
            qos = f->qos;
    }
    return qos;
}

void session_each_filter(const struct session *s,
                         void (*fn)(const char *filter, uint8_t qos, void *userdata),
                         void *userdata)
{
    LIST_FOR_EACH (n, &s->filters) {
        const struct filter *f = LIST_ENTRY(n, struct filter, link);

        fn(f->text, f->qos, userdata);
    }
}

static bool id_is_used(const struct session *s, uint16_t id)
{
    LIST_FOR_EACH (n, &s->messages) {
        if (LIST_ENTRY(n, struct session_message, link)->id == id)
            return true;
    }
    return false;
}

static struct session_message *message_new(const char *topic, const void *payload, size_t len)
{
    CLEANUP(message_freep) struct session_message *m = calloc(1, sizeof(*m));

    if (!m)
        return NULL;
    m->topic = strdup(topic);
    m->payload = malloc(len + 1);
    if (!m->topic || !m->payload)
        return NULL;
    if (len > 0)
        memcpy(m->payload, payload, len);
    m->len = len;
    return TAKE(m);
}

int session_add(struct session *s, const char *topic, const void *payload, size_t len)
{
    bool full = s->n_messages >= s->max_messages && !list_is_empty(&s->messages);
    struct session_message *m = message_new(topic, payload, len);

    if (!m)
        return -ENOMEM;
    if (full)
        message_remove(s, LIST_ENTRY(s->messages.next, struct session_message, link));
    do
        s->last_id = s->last_id == UINT16_MAX ? 1 : (uint16_t) (s->last_id + 1);
    while (id_is_used(s, s->last_id));
    m->id = s->last_id;
    list_append(&s->messages, &m->link);
    s->n_messages++;
    return full ? SESSION_DROPPED_OLDEST : 0;
}

struct session_message *session_next(struct session *s)
{
    LIST_FOR_EACH (n, &s->messages) {
        struct session_message *m = LIST_ENTRY(n, struct session_message, link);

        if (!m->sent)
            return m;
    }
    return NULL;
}

void session_mark_sent(struct session_message *m)
{
    m->sent = true;
    m->dup = true;
}

bool session_acknowledge(struct session *s, uint16_t id)
{
    LIST_FOR_EACH (n, &s->messages) {
        struct session_message *m = LIST_ENTRY(n, struct session_message, link);

        if (m->id == id && m->sent) {
            message_remove(s, m);
            return true;
        }
    }
    return false;
}

void session_rewind(struct session *s)
{
    LIST_FOR_EACH (n, &s->messages)
        LIST_ENTRY(n, struct session_message, link)->sent = false;
}

void session_reverse(struct session *s)
{
    struct list reversed;

    list_init(&reversed);
    while (!list_is_empty(&s->messages)) {
        struct list *n = s->messages.prev;

        list_remove(n);
        list_append(&reversed, n);
    }
    list_splice(&s->messages, &reversed);
}
