/* SPDX-License-Identifier: GPL-2.0-or-later */
/* POST /fault: which faults there are, and what each switches. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "examples/localcloud/faults_state.h"
#include "libiotclient/base/limits.h"

#define COUNT_MAX 1000000
#define BYTES_MAX 1000000000
#define DELAY_MS_MAX 600000
#define SLOW_MS_MAX 60000
#define REFUSE_MS_MAX 3600000
#define CLOCK_MS_MAX 4000000000000 /* more than a century */
#define SEED_MAX 0xffffffff
#define OVERSIZED_MIN 128 /* more than the topic */
#define GARBAGE_DEFAULT 64

#define VALUE(rq, name) ((rq)->value[FAULTS_MEMBER_##name])
#define HAS(rq, name) ((rq)->has[FAULTS_MEMBER_##name])

static int check_drop(const struct faults_request *rq, char *error)
{
    bool later = HAS(rq, AFTER_PACKETS) || HAS(rq, AFTER_BYTES);

    if (HAS(rq, AFTER_PACKETS) && HAS(rq, AFTER_BYTES))
        return faults_wrong(error, "after_packets or after_bytes, not both");
    if (!later && (HAS(rq, DIRECTION) || HAS(rq, COUNT)))
        return faults_wrong(error, "direction and count need after_packets or after_bytes");
    return 0;
}

static void set_drop(struct faults_device *d, const struct faults_request *rq)
{
    static const unsigned directions[] = {FAULTS_UP | FAULTS_DOWN, FAULTS_UP, FAULTS_DOWN};

    if (!HAS(rq, AFTER_PACKETS) && !HAS(rq, AFTER_BYTES))
        return;
    d->drop = (struct faults_drop){
        .packets = (uint64_t) VALUE(rq, AFTER_PACKETS),
        .bytes = (uint64_t) VALUE(rq, AFTER_BYTES),
        .directions = directions[VALUE(rq, DIRECTION)],
        .count = (unsigned) VALUE(rq, COUNT),
    };
}

static void act_drop(struct faults *f, const struct faults_request *rq)
{
    if (!HAS(rq, AFTER_PACKETS) && !HAS(rq, AFTER_BYTES))
        f->ops->drop(rq->device, f->userdata);
}

static void set_refuse(struct faults_device *d, const struct faults_request *rq)
{
    d->refuse_code = (uint8_t) VALUE(rq, CODE);
    d->refuse_count = (unsigned) VALUE(rq, COUNT);
}

static void set_duplicate(struct faults_device *d, const struct faults_request *rq)
{
    d->duplicate_count = (unsigned) VALUE(rq, COUNT);
}

static void set_reorder(struct faults_device *d, const struct faults_request *rq)
{
    d->reorder_count = (unsigned) VALUE(rq, COUNT);
}

static void set_wrong_code(struct faults_device *d, const struct faults_request *rq)
{
    d->wrong[VALUE(rq, METHOD)] = (struct faults_wrong_code){
        .code = (int) VALUE(rq, CODE),
        .count = (unsigned) VALUE(rq, COUNT),
    };
}

static void set_mute(struct faults_device *d, const struct faults_request *rq)
{
    d->mute = VALUE(rq, ON);
}

static void set_half_open(struct faults_device *d, const struct faults_request *rq)
{
    d->half_open = VALUE(rq, ON);
}

static void set_hold_replies(struct faults_device *d, const struct faults_request *rq)
{
    d->hold_replies = VALUE(rq, ON);
}

static void set_hold_puback(struct faults_device *d, const struct faults_request *rq)
{
    d->hold_puback = VALUE(rq, ON);
}

static void set_delay(struct faults_device *d, const struct faults_request *rq)
{
    d->delay_ms = (unsigned) VALUE(rq, MS);
}

static void set_slow(struct faults_device *d, const struct faults_request *rq)
{
    d->slow_ms = (unsigned) VALUE(rq, MS);
}

static void set_none(struct faults_device *d, const struct faults_request *rq)
{
    (void) rq;
    *d = (struct faults_device){0};
}

static void act_changed(struct faults *f, const struct faults_request *rq)
{
    (void) rq;
    f->ops->changed(f->userdata);
}

static int check_garbage(const struct faults_request *rq, char *error)
{
    if (HAS(rq, HEX) && (HAS(rq, BYTES) || HAS(rq, SEED)))
        return faults_wrong(error, "hex needs no bytes and no seed");
    return 0;
}

/* xorshift64*: the same seed gives the same bytes everywhere. */
static void fill(uint8_t *data, size_t len, uint64_t seed)
{
    uint64_t x = seed * 0x9e3779b97f4a7c15U;

    for (size_t i = 0; i < len; i++) {
        x ^= x >> 12;
        x ^= x << 25;
        x ^= x >> 27;
        data[i] = (uint8_t) ((x * 0x2545f4914f6cdd1dU) >> 56);
    }
}

static void act_garbage(struct faults *f, const struct faults_request *rq)
{
    uint8_t data[FAULTS_GARBAGE_MAX] = {0};
    size_t len = (size_t) VALUE(rq, BYTES);

    if (HAS(rq, HEX)) {
        f->ops->garbage(rq->device, rq->data, rq->len, VALUE(rq, LAYER), f->userdata);
        return;
    }
    fill(data, len, (uint64_t) VALUE(rq, SEED));
    /*
     * Nobody may take it for a start and wait for the rest: MQTT has no packet type 15 and no
     * length of five bytes, WebSocket no reserved bits and no mask from a server.
     */
    data[0] |= 0xf0;
    for (size_t i = 1; i < len && i <= 4; i++)
        data[i] |= 0x80;
    f->ops->garbage(rq->device, data, len, VALUE(rq, LAYER), f->userdata);
}

static int check_oversized(const struct faults_request *rq, char *error)
{
    if (VALUE(rq, SENT) && VALUE(rq, BYTES) > FAULTS_OVERSIZED_SENT_MAX)
        return faults_wrong(error, "no more than %d bytes can be sent", FAULTS_OVERSIZED_SENT_MAX);
    return 0;
}

static void act_oversized(struct faults *f, const struct faults_request *rq)
{
    f->ops->oversized(rq->device, (size_t) VALUE(rq, BYTES), VALUE(rq, SENT), f->userdata);
}

static void act_clock(struct faults *f, const struct faults_request *rq)
{
    f->clock_offset_ms = VALUE(rq, OFFSET_MS);
    f->clock_login = VALUE(rq, LOGIN);
}

static int check_refuse_tcp(const struct faults_request *rq, char *error)
{
    if (HAS(rq, ON) == HAS(rq, MS))
        return faults_wrong(error, "needs on, or ms for a while");
    return 0;
}

static void act_refuse_tcp(struct faults *f, const struct faults_request *rq)
{
    faults_set_refuse_tcp(f, HAS(rq, MS) || VALUE(rq, ON),
                          (uint64_t) VALUE(rq, MS) * USEC_PER_MSEC);
}

/* Which faults of files have a number, in which member; which are for uploads, too. */
static const struct {
    bool bytes, code, up;
} file_faults[FAULTS_FILE_COUNT_] = {
    [FAULTS_FILE_cut] = {true, false, true},      [FAULTS_FILE_stall] = {true, false, false},
    [FAULTS_FILE_slow] = {true, false, false},    [FAULTS_FILE_wrong_length] = {true, false, false},
    [FAULTS_FILE_expired] = {false, false, true}, [FAULTS_FILE_not_found] = {false, false, true},
    [FAULTS_FILE_status] = {false, true, true},
};

static int check_file(const struct faults_request *rq, char *error)
{
    int64_t kind = VALUE(rq, KIND);

    if (file_faults[kind].bytes != HAS(rq, BYTES))
        return faults_wrong(error, "%s %s", faults_file_names[kind],
                            HAS(rq, BYTES) ? "has no bytes" : "needs bytes");
    if (file_faults[kind].code != HAS(rq, CODE))
        return faults_wrong(error, "%s %s", faults_file_names[kind],
                            HAS(rq, CODE) ? "has no code" : "needs a code");
    if (kind == FAULTS_FILE_slow && VALUE(rq, BYTES) < 1)
        return faults_wrong(error, "slow needs at least one byte in a second");
    if (kind != FAULTS_FILE_wrong_length && VALUE(rq, BYTES) < 0)
        return faults_wrong(error, "bytes must not be negative");
    if (VALUE(rq, DIRECTION) == 0)
        return faults_wrong(error, "direction must be up or down");
    if (VALUE(rq, DIRECTION) == FAULTS_UP && !file_faults[kind].up)
        return faults_wrong(error, "%s is for downloads only", faults_file_names[kind]);
    return 0;
}

static void act_file(struct faults *f, const struct faults_request *rq)
{
    struct faults_file_state *state = &f->files[VALUE(rq, DIRECTION)][VALUE(rq, KIND)];

    state->count = (unsigned) VALUE(rq, COUNT);
    state->value = HAS(rq, CODE) ? VALUE(rq, CODE) : VALUE(rq, BYTES);
    memcpy(state->key, rq->key, sizeof(state->key));
}

static void act_none(struct faults *f, const struct faults_request *rq)
{
    if (!rq->device) {
        f->clock_offset_ms = 0;
        f->clock_login = false;
        memset(f->files, 0, sizeof(f->files));
        faults_set_refuse_tcp(f, false, 0);
    }
    f->ops->changed(f->userdata);
}

/* clang-format off */
#define ON_OFF {{FAULTS_MEMBER_ON, true, 0, 1, 0}}, 1
#define COUNT {{FAULTS_MEMBER_COUNT, true, 0, COUNT_MAX, 0}}, 1
/* clang-format on */

static const struct fault {
    const char *name;
    bool has_device;
    struct faults_argument arguments[FAULTS_ARGUMENTS_MAX];
    size_t n_arguments;
    int (*check)(const struct faults_request *rq, char *error);
    void (*set)(struct faults_device *d, const struct faults_request *rq);
    void (*act)(struct faults *f, const struct faults_request *rq);
} table[] = {
    {"drop",
     true,
     {{FAULTS_MEMBER_AFTER_PACKETS, false, 1, COUNT_MAX, 0},
      {FAULTS_MEMBER_AFTER_BYTES, false, 1, BYTES_MAX, 0},
      {FAULTS_MEMBER_DIRECTION, false, 0, 0, 0},
      {FAULTS_MEMBER_COUNT, false, 0, COUNT_MAX, 1}},
     4,
     check_drop,
     set_drop,
     act_drop},
    {"refuse",
     true,
     {{FAULTS_MEMBER_CODE, true, 1, 5, 0}, {FAULTS_MEMBER_COUNT, true, 0, COUNT_MAX, 0}},
     2,
     NULL,
     set_refuse,
     NULL},
    {"refuse_tcp",
     false,
     {{FAULTS_MEMBER_ON, false, 0, 1, 0}, {FAULTS_MEMBER_MS, false, 1, REFUSE_MS_MAX, 0}},
     2,
     check_refuse_tcp,
     NULL,
     act_refuse_tcp},
    {"duplicate", true, COUNT, NULL, set_duplicate, NULL},
    {"reorder", true, COUNT, NULL, set_reorder, NULL},
    {"hold_replies", true, ON_OFF, NULL, set_hold_replies, act_changed},
    {"hold_puback", true, ON_OFF, NULL, set_hold_puback, act_changed},
    {"wrong_code",
     true,
     {{FAULTS_MEMBER_METHOD, true, 0, 0, 0},
      {FAULTS_MEMBER_CODE, true, INT32_MIN, INT32_MAX, 0},
      {FAULTS_MEMBER_COUNT, true, 0, COUNT_MAX, 0}},
     3,
     NULL,
     set_wrong_code,
     NULL},
    {"delay",
     true,
     {{FAULTS_MEMBER_MS, true, 0, DELAY_MS_MAX, 0}},
     1,
     NULL,
     set_delay,
     act_changed},
    {"slow", true, {{FAULTS_MEMBER_MS, true, 0, SLOW_MS_MAX, 0}}, 1, NULL, set_slow, act_changed},
    {"mute", true, ON_OFF, NULL, set_mute, act_changed},
    {"half_open", true, ON_OFF, NULL, set_half_open, act_changed},
    {"garbage",
     true,
     {{FAULTS_MEMBER_LAYER, false, 0, 0, 0},
      {FAULTS_MEMBER_BYTES, false, 1, FAULTS_GARBAGE_MAX, GARBAGE_DEFAULT},
      {FAULTS_MEMBER_SEED, false, 1, SEED_MAX, 1},
      {FAULTS_MEMBER_HEX, false, 0, 0, 0}},
     4,
     check_garbage,
     NULL,
     act_garbage},
    {"oversized",
     true,
     {{FAULTS_MEMBER_BYTES, false, OVERSIZED_MIN, FAULTS_OVERSIZED_MAX, LIMIT_MQTT_PACKET + 1},
      {FAULTS_MEMBER_SENT, false, 0, 1, 0}},
     2,
     check_oversized,
     NULL,
     act_oversized},
    {"clock",
     false,
     {{FAULTS_MEMBER_OFFSET_MS, true, -CLOCK_MS_MAX, CLOCK_MS_MAX, 0},
      {FAULTS_MEMBER_LOGIN, false, 0, 1, 0}},
     2,
     NULL,
     NULL,
     act_clock},
    {"file",
     false,
     {{FAULTS_MEMBER_KIND, true, 0, 0, 0},
      {FAULTS_MEMBER_BYTES, false, -BYTES_MAX, BYTES_MAX, 0},
      {FAULTS_MEMBER_CODE, false, 400, 599, 0},
      {FAULTS_MEMBER_DIRECTION, false, 0, 0, FAULTS_DOWN},
      {FAULTS_MEMBER_COUNT, false, 0, COUNT_MAX, 1},
      {FAULTS_MEMBER_KEY, false, 0, 0, 0}},
     6,
     check_file,
     NULL,
     act_file},
    {"none", true, {{0}}, 0, NULL, set_none, act_none},
};

static int find_fault(const char *name, const struct fault **ret_fault, char *error)
{
    size_t at;

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        if (strcmp(table[i].name, name) == 0) {
            *ret_fault = &table[i];
            return 0;
        }
    }
    (void) faults_wrong(error, "unknown fault \"%.64s\"; there are", name);
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        at = strlen(error);
        (void) snprintf(error + at, FAULTS_ERROR_MAX - at, "%s %s", i ? "," : "", table[i].name);
    }
    return -EINVAL;
}

int faults_apply(struct faults *f, const json_t *request, char ret_error[FAULTS_ERROR_MAX])
{
    const char *name = json_string_value(json_object_get(request, "fault"));
    const struct fault *fault;
    struct faults_request rq;

    if (!json_is_object(request) || !name)
        return faults_wrong(ret_error, "must be an object with a fault");
    if (find_fault(name, &fault, ret_error) < 0 ||
        faults_request_parse(&rq, request, f->config, fault->arguments, fault->n_arguments,
                             fault->has_device, ret_error) < 0 ||
        (fault->check && fault->check(&rq, ret_error) < 0))
        return -EINVAL;

    for (size_t i = 0; fault->set && i < f->config->n_devices; i++) {
        if (!rq.device || rq.device->index == i)
            fault->set(&f->devices[i], &rq);
    }
    if (fault->act)
        fault->act(f, &rq);
    return 0;
}
