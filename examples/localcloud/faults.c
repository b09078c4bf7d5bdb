/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "examples/localcloud/faults.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define COUNT_MAX 1000000

struct device_faults {
    unsigned refuse_count;
    unsigned duplicate_count;
    uint8_t refuse_code;
    bool mute;
    bool hold_replies;
};

struct faults {
    const struct config *config;
    struct device_faults *devices;
    const struct faults_ops *ops;
    void *userdata;
};

/* One request, checked. */
struct request {
    const struct config_device *device; /* NULL: all */
    unsigned count;
    uint8_t code;
    bool on;
};

#define NEEDS_COUNT 1U
#define NEEDS_CODE 2U
#define NEEDS_ON 4U

int faults_new(struct faults **ret_faults, const struct config *config)
{
    CLEANUP(faults_freep) struct faults *f = calloc(1, sizeof(*f));

    if (!f)
        return -ENOMEM;
    f->config = config;
    f->devices = calloc(config->n_devices + 1, sizeof(*f->devices));
    if (!f->devices)
        return -ENOMEM;
    *ret_faults = TAKE(f);
    return 0;
}

struct faults *faults_free(struct faults *f)
{
    if (!f)
        return NULL;
    free(f->devices);
    free(f);
    return NULL;
}

void faults_set_ops(struct faults *f, const struct faults_ops *ops, void *userdata)
{
    f->ops = ops;
    f->userdata = userdata;
}

static void set_refuse(struct device_faults *d, const struct request *rq)
{
    d->refuse_code = rq->code;
    d->refuse_count = rq->count;
}

static void set_duplicate(struct device_faults *d, const struct request *rq)
{
    d->duplicate_count = rq->count;
}

static void set_mute(struct device_faults *d, const struct request *rq)
{
    d->mute = rq->on;
}

static void set_hold(struct device_faults *d, const struct request *rq)
{
    d->hold_replies = rq->on;
}

static void act_drop(struct faults *f, const struct request *rq)
{
    f->ops->drop(rq->device, f->userdata);
}

static void act_mute(struct faults *f, const struct request *rq)
{
    if (!rq->on)
        f->ops->unmute(rq->device, f->userdata);
}

static void act_hold(struct faults *f, const struct request *rq)
{
    if (!rq->on)
        f->ops->release_replies(rq->device, f->userdata);
}

static const struct {
    const char *name;
    unsigned needs;
    void (*set)(struct device_faults *d, const struct request *rq);
    void (*act)(struct faults *f, const struct request *rq);
} table[] = {
    {"drop", 0, NULL, act_drop},
    {"refuse", NEEDS_CODE | NEEDS_COUNT, set_refuse, NULL},
    {"duplicate", NEEDS_COUNT, set_duplicate, NULL},
    {"mute", NEEDS_ON, set_mute, act_mute},
    {"hold_replies", NEEDS_ON, set_hold, act_hold},
};

static int PRINTF_LIKE(2, 3) wrong(char *error, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void) vsnprintf(error, FAULTS_ERROR_MAX, fmt, ap);
    va_end(ap);
    return -EINVAL;
}

static int get_int(const json_t *request, const char *key, json_int_t min, json_int_t max,
                   json_int_t *ret_value, char *error)
{
    const json_t *v = json_object_get(request, key);

    if (!json_is_integer(v) || json_integer_value(v) < min || json_integer_value(v) > max)
        return wrong(error, "%s must be an integer from %lld to %lld", key, (long long) min,
                     (long long) max);
    *ret_value = json_integer_value(v);
    return 0;
}

static int parse_device(const struct faults *f, const json_t *request, struct request *rq,
                        char *error)
{
    const json_t *device = json_object_get(request, "device");

    if (!device)
        return 0;
    if (!json_is_string(device))
        return wrong(error, "device must be a string PID/DN");
    rq->device = config_find_device_id(f->config, json_string_value(device));
    return rq->device ? 0 : wrong(error, "there is no device %.64s", json_string_value(device));
}

static int parse_arguments(const json_t *request, unsigned needs, struct request *rq, char *error)
{
    const json_t *on = json_object_get(request, "on");
    json_int_t code = 0, count = 0;

    if (needs & NEEDS_CODE && get_int(request, "code", 1, 5, &code, error) < 0)
        return -EINVAL;
    if (needs & NEEDS_COUNT && get_int(request, "count", 0, COUNT_MAX, &count, error) < 0)
        return -EINVAL;
    if (needs & NEEDS_ON && !json_is_boolean(on))
        return wrong(error, "on must be true or false");
    rq->code = (uint8_t) code;
    rq->count = (unsigned) count;
    rq->on = json_is_true(on);
    return 0;
}

static int check_members(const json_t *request, unsigned needs, char *error)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *) (uintptr_t) request, key, value)
    {
        if (strcmp(key, "device") == 0 || strcmp(key, "fault") == 0)
            continue;
        if ((strcmp(key, "code") == 0 && needs & NEEDS_CODE) ||
            (strcmp(key, "count") == 0 && needs & NEEDS_COUNT) ||
            (strcmp(key, "on") == 0 && needs & NEEDS_ON))
            continue;
        return wrong(error, "this fault has no member \"%.64s\"", key);
    }
    return 0;
}

int faults_apply(struct faults *f, const json_t *request, char ret_error[FAULTS_ERROR_MAX])
{
    const char *name = json_string_value(json_object_get(request, "fault"));
    struct request rq = {0};
    size_t i = 0;

    if (!json_is_object(request) || !name)
        return wrong(ret_error, "must be an object with a fault");
    while (i < ARRAY_SIZE(table) && strcmp(table[i].name, name) != 0)
        i++;
    if (i == ARRAY_SIZE(table))
        return wrong(ret_error,
                     "unknown fault \"%.64s\"; there are drop, refuse, duplicate, mute, "
                     "hold_replies",
                     name);
    if (check_members(request, table[i].needs, ret_error) < 0 ||
        parse_device(f, request, &rq, ret_error) < 0 ||
        parse_arguments(request, table[i].needs, &rq, ret_error) < 0)
        return -EINVAL;

    for (size_t d = 0; table[i].set && d < f->config->n_devices; d++) {
        if (!rq.device || rq.device->index == d)
            table[i].set(&f->devices[d], &rq);
    }
    if (table[i].act)
        table[i].act(f, &rq);
    return 0;
}

uint8_t faults_take_refusal(struct faults *f, const struct config_device *device)
{
    struct device_faults *d = &f->devices[device->index];

    if (d->refuse_count == 0)
        return 0;
    d->refuse_count--;
    return d->refuse_code;
}

bool faults_take_duplicate(struct faults *f, const struct config_device *device)
{
    struct device_faults *d = &f->devices[device->index];

    if (d->duplicate_count == 0)
        return false;
    d->duplicate_count--;
    return true;
}

bool faults_is_muted(const struct faults *f, const struct config_device *device)
{
    return f->devices[device->index].mute;
}

bool faults_holds_replies(const struct faults *f, const struct config_device *device)
{
    return f->devices[device->index].hold_replies;
}

json_t *faults_json(const struct faults *f, const struct config_device *device)
{
    const struct device_faults *d = &f->devices[device->index];

    if (!d->refuse_count && !d->duplicate_count && !d->mute && !d->hold_replies)
        return NULL;
    return json_pack("{s:i, s:i, s:i, s:b, s:b}", "refuse", (int) d->refuse_count, "refuse_code",
                     (int) d->refuse_code, "duplicate", (int) d->duplicate_count, "mute", d->mute,
                     "hold_replies", d->hold_replies);
}
