/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTD_BASE_LIST_H
#define IOTD_BASE_LIST_H

/*
 * Intrusive doubly linked list with a head. A node that is not in a list points to itself
 * after list_init(); removing it again is then harmless.
 */

#include <stdbool.h>

#include "libiotclient/base/macro.h"

struct list {
    struct list *next;
    struct list *prev;
};

static inline void list_init(struct list *l)
{
    l->next = l;
    l->prev = l;
}

static inline bool list_is_empty(const struct list *l)
{
    return l->next == l;
}

static inline void list_insert_before(struct list *where, struct list *node)
{
    node->prev = where->prev;
    node->next = where;
    where->prev->next = node;
    where->prev = node;
}

static inline void list_append(struct list *head, struct list *node)
{
    list_insert_before(head, node);
}

static inline void list_remove(struct list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    list_init(node);
}

/* Moves all nodes of from to the end of to. */
static inline void list_splice(struct list *to, struct list *from)
{
    if (list_is_empty(from))
        return;

    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    list_init(from);
}

#define LIST_ENTRY(node, type, member) CONTAINER_OF(node, type, member)

/* The body must not remove nodes. */
#define LIST_FOR_EACH(n, head) for (struct list *n = (head)->next; n != (head); n = n->next)

/* The body may remove n, and only n. */
#define LIST_FOR_EACH_SAFE(n, head)                                                                \
    for (struct list *n = (head)->next, *n##_next = n->next; n != (head);                          \
         n = n##_next, n##_next = n->next)

#endif /* IOTD_BASE_LIST_H */
