/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "examples/localcloud/faults.h"

#include <errno.h>
#include <string.h>

#include "examples/localcloud/faults_state.h"

#define X(name) #name,
const char *const faults_method_names[FAULTS_METHOD_COUNT_ + 1] = {FAULTS_METHODS NULL};
#undef X
#define X(name) #name,
const char *const faults_file_names[FAULTS_FILE_COUNT_ + 1] = {FAULTS_FILES NULL};
#undef X

static uint64_t shifted_ms(const struct faults *f)
{
    uint64_t now = clock_real_ms(f->real_clock);
    uint64_t back = f->clock_offset_ms < 0 ? (uint64_t) -f->clock_offset_ms : 0;

    if (back > 0)
        return now > back ? now - back : 0;
    return now + (uint64_t) f->clock_offset_ms;
}

static uint64_t stamp_ms(const struct cloud_clock *clock)
{
    return shifted_ms(CONTAINER_OF(clock, struct faults, clock));
}

static uint64_t login_ms(const struct cloud_clock *clock)
{
    const struct faults *f = CONTAINER_OF(clock, struct faults, login_clock);

    return f->clock_login ? shifted_ms(f) : clock_real_ms(f->real_clock);
}

int faults_new(struct faults **ret_faults, const struct config *config, struct loop *loop,
               const struct cloud_clock *clock)
{
    CLEANUP(faults_freep) struct faults *f = calloc(1, sizeof(*f));

    if (!f)
        return -ENOMEM;
    f->config = config;
    f->loop = loop;
    f->real_clock = clock;
    f->clock.real_ms = stamp_ms;
    f->login_clock.real_ms = login_ms;
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
    loop_timer_cancel(&f->refuse_timer);
    free(f->devices);
    free(f);
    return NULL;
}

void faults_set_ops(struct faults *f, const struct faults_ops *ops, void *userdata)
{
    f->ops = ops;
    f->userdata = userdata;
}

static void on_refuse_end(struct loop_timer *timer, void *userdata)
{
    (void) timer;
    faults_set_refuse_tcp(userdata, false, 0);
}

void faults_set_refuse_tcp(struct faults *f, bool on, uint64_t delay_us)
{
    loop_timer_cancel(&f->refuse_timer);
    if (on && delay_us > 0)
        loop_timer_arm(f->loop, &f->refuse_timer, delay_us, on_refuse_end, f);
    if (on != f->refuse_tcp)
        f->ops->refuse_tcp(on, f->userdata);
    f->refuse_tcp = on;
}

const struct cloud_clock *faults_clock(const struct faults *f)
{
    return &f->clock;
}

const struct cloud_clock *faults_login_clock(const struct faults *f)
{
    return &f->login_clock;
}

static bool take(unsigned *count)
{
    if (*count == 0)
        return false;
    --*count;
    return true;
}

uint8_t faults_take_refusal(struct faults *f, const struct config_device *device)
{
    struct faults_device *d = &f->devices[device->index];

    return take(&d->refuse_count) ? d->refuse_code : 0;
}

bool faults_take_duplicate(struct faults *f, const struct config_device *device)
{
    return take(&f->devices[device->index].duplicate_count);
}

bool faults_take_reorder(struct faults *f, const struct config_device *device)
{
    return take(&f->devices[device->index].reorder_count);
}

bool faults_take_wrong_code(struct faults *f, const struct config_device *device,
                            const char *method, int *ret_code)
{
    struct faults_device *d = &f->devices[device->index];

    for (size_t i = 0; i < FAULTS_METHOD_COUNT_; i++) {
        if (strcmp(faults_method_names[i], method) != 0)
            continue;
        if (!take(&d->wrong[i].count))
            return false;
        *ret_code = d->wrong[i].code;
        return true;
    }
    return false;
}

bool faults_take_file(struct faults *f, enum faults_direction direction, enum faults_file kind,
                      const char *key, int64_t *ret_value)
{
    struct faults_file_state *state = &f->files[direction][kind];

    if (!strstr(key, state->key) || !take(&state->count))
        return false;
    *ret_value = state->value;
    return true;
}

size_t faults_room(const struct faults *f, const struct config_device *device,
                   enum faults_direction direction, size_t len)
{
    const struct faults_drop *drop = &f->devices[device->index].drop;

    if (drop->count == 0 || drop->bytes == 0 || !(drop->directions & (unsigned) direction))
        return len;
    return len < drop->bytes - drop->seen_bytes ? len : (size_t) (drop->bytes - drop->seen_bytes);
}

bool faults_count(struct faults *f, const struct config_device *device,
                  enum faults_direction direction, size_t bytes, size_t packets)
{
    struct faults_drop *drop = &f->devices[device->index].drop;

    if (drop->count == 0 || !(drop->directions & (unsigned) direction))
        return false;
    drop->seen_bytes += bytes;
    drop->seen_packets += packets;
    if ((drop->bytes == 0 || drop->seen_bytes < drop->bytes) &&
        (drop->packets == 0 || drop->seen_packets < drop->packets))
        return false;
    drop->seen_bytes = drop->seen_packets = 0;
    drop->count--;
    return true;
}

bool faults_is_muted(const struct faults *f, const struct config_device *device)
{
    return f->devices[device->index].mute;
}

bool faults_is_half_open(const struct faults *f, const struct config_device *device)
{
    return f->devices[device->index].half_open;
}

bool faults_holds_replies(const struct faults *f, const struct config_device *device)
{
    return f->devices[device->index].hold_replies;
}

bool faults_holds_puback(const struct faults *f, const struct config_device *device)
{
    return f->devices[device->index].hold_puback;
}

uint64_t faults_delay_us(const struct faults *f, const struct config_device *device)
{
    return f->devices[device->index].delay_ms * USEC_PER_MSEC;
}

uint64_t faults_slow_us(const struct faults *f, const struct config_device *device)
{
    return f->devices[device->index].slow_ms * USEC_PER_MSEC;
}

/* Takes the reference. A lack of memory only leaves it out. */
static void show(json_t *o, bool on, const char *name, json_t *value)
{
    if (on)
        (void) json_object_set_new(o, name, value);
    else
        json_decref(value);
}

static json_t *drop_json(const struct faults_drop *drop)
{
    static const char *const directions[] = {
        [FAULTS_UP] = "up",
        [FAULTS_DOWN] = "down",
        [FAULTS_UP | FAULTS_DOWN] = "both",
    };

    if (drop->count == 0)
        return NULL;
    return json_pack("{s:s, s:I, s:I, s:i}", "direction", directions[drop->directions],
                     drop->bytes ? "after_bytes" : "after_packets",
                     (json_int_t) (drop->bytes ? drop->bytes : drop->packets), "seen",
                     (json_int_t) (drop->bytes ? drop->seen_bytes : drop->seen_packets), "count",
                     (int) drop->count);
}

static json_t *wrong_codes_json(const struct faults_device *d)
{
    json_t *o = json_object();

    for (size_t i = 0; i < FAULTS_METHOD_COUNT_; i++)
        show(o, d->wrong[i].count > 0, faults_method_names[i],
             json_pack("{s:i, s:i}", "code", d->wrong[i].code, "count", (int) d->wrong[i].count));
    return o;
}

static json_t *device_json(const struct faults_device *d)
{
    json_t *o = json_object(), *wrong = wrong_codes_json(d);

    show(o, d->drop.count > 0, "drop", drop_json(&d->drop));
    show(o, d->refuse_count > 0, "refuse",
         json_pack("{s:i, s:i}", "code", (int) d->refuse_code, "count", (int) d->refuse_count));
    show(o, d->duplicate_count > 0, "duplicate", json_integer(d->duplicate_count));
    show(o, d->reorder_count > 0, "reorder", json_integer(d->reorder_count));
    show(o, d->hold_replies, "hold_replies", json_true());
    show(o, d->hold_puback, "hold_puback", json_true());
    show(o, json_object_size(wrong) > 0, "wrong_code", wrong);
    show(o, d->delay_ms > 0, "delay", json_integer(d->delay_ms));
    show(o, d->slow_ms > 0, "slow", json_integer(d->slow_ms));
    show(o, d->mute, "mute", json_true());
    show(o, d->half_open, "half_open", json_true());
    return o;
}

static json_t *files_json(const struct faults_file_state states[FAULTS_FILE_COUNT_])
{
    json_t *o = json_object();

    for (size_t i = 0; i < FAULTS_FILE_COUNT_; i++)
        show(o, states[i].count > 0, faults_file_names[i],
             json_pack("{s:i, s:I, s:s}", "count", (int) states[i].count, "value",
                       (json_int_t) states[i].value, "key", states[i].key));
    return o;
}

static json_t *cloud_json(const struct faults *f)
{
    json_t *o = json_object(), *downloads = files_json(f->files[FAULTS_DOWN]);
    json_t *uploads = files_json(f->files[FAULTS_UP]);

    show(o, json_object_size(downloads) > 0, "downloads", downloads);
    show(o, json_object_size(uploads) > 0, "uploads", uploads);
    show(o, f->clock_offset_ms != 0, "clock",
         json_pack("{s:I, s:b}", "offset_ms", (json_int_t) f->clock_offset_ms, "login",
                   f->clock_login));
    show(o, f->refuse_tcp, "refuse_tcp", json_true());
    return o;
}

json_t *faults_json(const struct faults *f, const struct config_device *device)
{
    json_t *o = device ? device_json(&f->devices[device->index]) : cloud_json(f);

    if (json_object_size(o) > 0)
        return o;
    json_decref(o);
    return NULL;
}
