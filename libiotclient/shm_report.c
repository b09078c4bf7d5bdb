/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "libiotclient/shm_report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/errmap.h"
#include "libiotclient/client.h"
#include "libiotclient/done.h"
#include "libiotclient/ipc/report_slots.h"
#include "libiotclient/prop_table.h"

/* The types have the same numbers on both sides. */
LAYOUT_ASSERT(LAYOUT_TYPE_BOOL == IOTC_TYPE_BOOL);
LAYOUT_ASSERT(LAYOUT_TYPE_INT == IOTC_TYPE_INT);
LAYOUT_ASSERT(LAYOUT_TYPE_FLOAT == IOTC_TYPE_FLOAT);
LAYOUT_ASSERT(LAYOUT_TYPE_STRING == IOTC_TYPE_STRING);
LAYOUT_ASSERT(LAYOUT_TYPE_ENUM == IOTC_TYPE_ENUM);
LAYOUT_ASSERT(LAYOUT_TYPE_TIMESTAMP == IOTC_TYPE_TIMESTAMP);
LAYOUT_ASSERT(LAYOUT_TYPE_STRINGENUM == IOTC_TYPE_STRINGENUM);

bool shm_report_keeps_all(iotc_prop *prop)
{
    struct prop_report *pr = &prop->report;
    uint32_t flags;

    if (!prop->client->reports.is_open)
        return false;
    if (prop_table_flags(prop, &flags))
        pr->table_keeps_all = flags & LAYOUT_FLAG_HISTORY;
    return pr->table_keeps_all;
}

/* --- slots --- */

/*
 * What giving the value back will need is there before the value: when iotd is gone there may be
 * no memory.
 */
static int new_reserve(iotc_prop *prop)
{
    struct report *reserve = calloc(1, sizeof(*reserve));

    if (!reserve)
        return -ENOMEM;
    reserve->value.s = malloc(LAYOUT_INLINE + 1);
    if (!reserve->value.s) {
        free(reserve);
        return -ENOMEM;
    }
    list_init(&reserve->link);
    list_init(&reserve->dones);
    reserve->prop = prop;
    prop->report.reserve = reserve;
    return 0;
}

static void drop_reserve(struct prop_report *pr)
{
    if (pr->reserve)
        free(pr->reserve->value.s);
    free(pr->reserve);
    pr->reserve = NULL;
}

static int take_slot(iotc_prop *prop)
{
    struct reports *reports = &prop->client->reports;
    struct prop_report *pr = &prop->report;
    int r;

    if (reports->n_slots >= LAYOUT_REPORT_SLOTS || !pr->has_place)
        return -EXFULL;
    if (!reports->slots)
        reports->slots = calloc(LAYOUT_REPORT_SLOTS, sizeof(reports->slots[0]));
    if (!reports->slots)
        return -ENOMEM;
    r = new_reserve(prop);
    if (r < 0)
        return r;
    pr->has_slot = true;
    pr->slot = reports->n_slots++;
    pr->n_writes = 0;
    pr->done_seen = 0;
    reports->slots[pr->slot] = prop;
    return 0;
}

/* False: it does not fit. */
static bool fill_copy(struct layout_copy *copy, iotc_type type, const struct value *value)
{
    size_t len = sizeof(copy->word[2]);

    switch (value->kind) {
    case VALUE_KIND_BOOL:
        copy->word[2] = value->b;
        break;
    case VALUE_KIND_INT:
        copy->word[2] = (uint64_t) value->i;
        break;
    case VALUE_KIND_DOUBLE:
        memcpy(&copy->word[2], &value->d, sizeof(value->d));
        break;
    case VALUE_KIND_STRING:
        len = strnlen(value->s, LAYOUT_INLINE + 1);
        if (len > LAYOUT_INLINE)
            return false;
        memcpy(&copy->word[2], value->s, len);
        break;
    case VALUE_KIND_STRUCT:
    case VALUE_KIND_ARRAY:
    case VALUE_KIND_NONE:
    case VALUE_KIND_COUNT_:
        return false;
    }
    copy->word[0] = latch_meta((uint32_t) type, LAYOUT_FLAG_VALUE, (uint32_t) len);
    return true;
}

/* A thread beside does not wait for a callback that may take its time. */
static void ring(struct reports *reports, const struct shm *shm)
{
    reports->owes_bell = reports->in_turn && pthread_equal(reports->turn_thread, pthread_self());
    if (!reports->owes_bell)
        doorbell_ring(shm->bell_up);
}

void reports_turn_begin(iotc_client *client)
{
    client_lock(client);
    client->reports.turn_thread = pthread_self();
    client->reports.in_turn = true;
    client_unlock(client);
}

void reports_turn_end(iotc_client *client)
{
    struct reports *reports = &client->reports;

    client_lock(client);
    reports->in_turn = false;
    if (reports->owes_bell && client->shm.is_active)
        doorbell_ring(client->shm.bell_up);
    reports->owes_bell = false;
    client_unlock(client);
}

static void write_slot(iotc_prop *prop, const struct layout_copy *copy)
{
    struct shm *shm = &prop->client->shm;
    struct reports *reports = &prop->client->reports;
    struct prop_report *pr = &prop->report;
    uint32_t seq;

    pr->n_writes++;
    if (report_slots_write(shm->up, pr->slot, copy, &seq) || reports->owes_bell)
        ring(reports, shm);
}

static int wait_for_done(iotc_prop *prop, iotc_done_fn done, void *userdata)
{
    struct reports *reports = &prop->client->reports;
    struct prop_report *pr = &prop->report;
    int r = done_add(prop->client, &pr->dones, done, userdata);

    if (r < 0)
        return r;
    LIST_ENTRY(pr->dones.prev, struct done, link)->count = pr->n_writes + 1;
    if (list_is_empty(&pr->waiting))
        list_append(&reports->waiting, &pr->waiting);
    return 0;
}

int shm_report_write(iotc_prop *prop, iotc_type type, const struct value *value, iotc_done_fn done,
                     void *userdata)
{
    struct reports *reports = &prop->client->reports;
    struct prop_report *pr = &prop->report;
    struct layout_copy copy = {{0}};
    int r = 0;

    if (!reports->is_open || !prop->client->shm.is_active || !fill_copy(&copy, type, value))
        return -EXFULL;
    if (!pr->has_slot)
        r = take_slot(prop);
    if (r == 0 && done)
        r = wait_for_done(prop, done, userdata);
    if (r < 0)
        return r;
    if (!list_is_empty(&pr->dones))
        copy.word[0] |= latch_meta(0, LAYOUT_FLAG_DONE, 0);
    copy.word[1] = pr->place;
    pr->number = ++reports->next_number;
    pr->is_in_slot = true;
    write_slot(prop, &copy);
    return 0;
}

/* The dones of a property go elsewhere, all of them. */
static void move_dones(struct prop_report *pr, struct list *ret_dones)
{
    list_splice(ret_dones, &pr->dones);
    list_remove(&pr->waiting);
}

void shm_report_take_back(iotc_prop *prop, struct list *ret_dones)
{
    static const struct layout_copy nothing;
    struct shm *shm = &prop->client->shm;
    struct prop_report *pr = &prop->report;
    uint32_t bit = (uint32_t) 1 << pr->slot % 32;
    uint32_t *word;

    if (!pr->is_in_slot || !shm->is_active)
        return;
    word = &shm->up->dirty[pr->slot / 32];
    if (!(__atomic_fetch_and(word, ~bit, __ATOMIC_SEQ_CST) & bit))
        return; /* iotd has taken it, and ends it */
    /* Nothing, so that iotd reads no old value if it was just putting the bit back. */
    (void) latch_write(&shm->up->slots[pr->slot], &nothing);
    pr->n_writes++;
    pr->is_in_slot = false;
    move_dones(pr, ret_dones);
}

/* --- how far iotd has come --- */

static uint64_t done_word(const iotc_client *client, const struct prop_report *pr)
{
    return __atomic_load_n(&client->shm.down->done[pr->slot], __ATOMIC_ACQUIRE);
}

/* Takes those that ended; each keeps its result. */
static void take_ended(iotc_client *client, struct prop_report *pr, struct list *ret_ended)
{
    uint64_t word = done_word(client, pr);
    int result = errmap_from_code(LAYOUT_DONE_CODE(word));
    uint32_t behind = (uint32_t) pr->n_writes - LAYOUT_DONE_SEQ(word);

    if (word == pr->done_seen)
        return;
    pr->done_seen = word;
    if (behind > pr->n_writes)
        return; /* of a write that never was */
    if (behind == 0 && result == 0 && pr->is_in_slot)
        pr->confirmed = pr->number;
    LIST_FOR_EACH_SAFE (n, &pr->dones) {
        struct done *done = LIST_ENTRY(n, struct done, link);

        if (done->count > pr->n_writes - behind)
            break;
        done->result = result;
        list_remove(n);
        list_append(ret_ended, n);
    }
}

static struct prop_report *waiting_at(struct list *n)
{
    return LIST_ENTRY(n, struct prop_report, waiting);
}

void shm_reports_dispatch(iotc_client *client)
{
    struct list ended;

    list_init(&ended);
    client_lock(client);
    LIST_FOR_EACH_SAFE (n, &client->reports.waiting) {
        struct prop_report *pr = waiting_at(n);

        take_ended(client, pr, &ended);
        if (list_is_empty(&pr->dones))
            list_remove(n);
    }
    client_unlock(client);
    dones_run_own(client, &ended);
}

bool shm_reports_have_work(iotc_client *client)
{
    bool has_work = false;

    client_lock(client);
    LIST_FOR_EACH (n, &client->reports.waiting) {
        const struct prop_report *pr = waiting_at(n);

        has_work |= done_word(client, pr) != pr->done_seen;
    }
    client_unlock(client);
    return has_work;
}

/* --- the end of an attach --- */

/* What lies in the slot; our own memory, but others may have written to it. False: no value. */
static bool read_back(const iotc_client *client, const struct prop_report *pr,
                      struct report *report)
{
    const struct layout_slot *slot = &client->shm.up->slots[pr->slot];
    char *text = report->value.s;
    struct layout_copy copy;
    enum value_kind kind;
    uint32_t len, seq;

    if (!latch_read(slot, 1, &copy, &seq) || seq != (uint32_t) pr->n_writes ||
        prop_kind((iotc_type) latch_type(copy.word[0]), &kind) < 0)
        return false;
    len = latch_len(copy.word[0]);
    switch (kind) {
    case VALUE_KIND_BOOL:
        report->value = value_of_bool(copy.word[2] != 0);
        break;
    case VALUE_KIND_INT:
        report->value = value_of_int((int64_t) copy.word[2]);
        break;
    case VALUE_KIND_DOUBLE:
        report->value.kind = VALUE_KIND_DOUBLE;
        memcpy(&report->value.d, &copy.word[2], sizeof(report->value.d));
        break;
    case VALUE_KIND_STRING:
        if (len > LAYOUT_INLINE)
            return false;
        memcpy(text, &copy.word[2], len);
        text[len] = '\0';
        report->value.kind = VALUE_KIND_STRING;
        return value_check(&report->value) == 0;
    case VALUE_KIND_STRUCT:
    case VALUE_KIND_ARRAY:
    case VALUE_KIND_NONE:
    case VALUE_KIND_COUNT_:
        return false;
    }
    free(text);
    return true;
}

static void give_slot_back(iotc_prop *prop, struct list *ret_ended)
{
    struct prop_report *pr = &prop->report;
    struct report *report = pr->reserve;
    bool is_confirmed;

    take_ended(prop->client, pr, ret_ended);
    is_confirmed = LAYOUT_DONE_SEQ(pr->done_seen) == (uint32_t) pr->n_writes;
    if (pr->is_in_slot && !is_confirmed && read_back(prop->client, pr, report)) {
        pr->reserve = NULL;
        report->number = pr->number;
        report->alone = false;
        move_dones(pr, &report->dones);
        report_requeue(report, ret_ended);
    } else if (pr->pending) {
        move_dones(pr, &pr->pending->dones);
    } else {
        /* Somebody else of this program has written there; or what was confirmed overtook them. */
        dones_set_result(&pr->dones, pr->is_in_slot && !is_confirmed ? -EIO : 0);
        move_dones(pr, ret_ended);
    }
    drop_reserve(pr);
    pr->has_slot = pr->is_in_slot = pr->has_place = pr->table_keeps_all = false;
}

void shm_reports_done(iotc_client *client, struct list *ret_dones)
{
    struct reports *reports = &client->reports;

    for (unsigned i = 0; i < reports->n_slots; i++) {
        move_dones(&reports->slots[i]->report, ret_dones);
        drop_reserve(&reports->slots[i]->report);
    }
    reports->n_slots = 0;
    free(reports->slots);
    reports->slots = NULL;
}

void shm_reports_requeue(iotc_client *client, struct list *ret_ended)
{
    struct reports *reports = &client->reports;

    for (unsigned i = 0; i < reports->n_slots; i++)
        give_slot_back(reports->slots[i], ret_ended);
    reports->n_slots = 0;
}
