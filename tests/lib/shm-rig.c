/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "tests/lib/shm-rig.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "libiotclient/base/fdutil.h"
#include "tests/lib/suite.h"

#define PEER ":1.1"
#define TURNS 100 /* of a loop that comes to rest */

struct srig srig;

static struct crig_told *told(const char *peer, uint64_t token, int code, const char *text)
{
    struct crig_told *t = &crig.told[crig.n_told++];

    assert(crig.n_told < CRIG_TOLD);
    *t = (struct crig_told){.token = token, .code = code};
    (void) snprintf(t->peer, sizeof(t->peer), "%s", peer);
    (void) snprintf(t->text, sizeof(t->text), "%s", text);
    return t;
}

static void on_completed(const char *peer, uint64_t token, int code, const char *text,
                         void *userdata)
{
    (void) userdata;
    (void) told(peer, token, code, text);
    if (srig.p && strcmp(peer, PEER) == 0)
        (void) shm_program_completed(srig.p, token, code);
}

static int front_control(struct call_part *part, void *userdata)
{
    (void) userdata;
    return srig.p ? shm_program_control(srig.p, part) : -ENOTCONN;
}

static int front_invoke(struct call_part *part, const struct model_action *action,
                        const struct value *inputs, void *userdata)
{
    (void) userdata;
    return srig.p ? shm_program_invoke(srig.p, part, action, inputs) : -ENOTCONN;
}

static void front_cancel(struct call_part *part, void *userdata)
{
    (void) userdata;
    if (srig.p)
        CHECK(shm_program_cancel(srig.p, part));
}

static void front_controlled(const struct prop_update *updates, size_t n, void *userdata)
{
    (void) updates;
    (void) n;
    (void) userdata;
    crig.n_controlled++;
}

static const struct calls_front front = {
    .control = front_control,
    .invoke = front_invoke,
    .cancel = front_cancel,
    .controlled = front_controlled,
};

static void on_end(struct shm_program *p, enum shm_end why, void *userdata)
{
    (void) userdata;
    assert(p == srig.p);
    if (why == SHM_END_OFFENCE)
        srig.n_offences++;
    else
        srig.n_hung_up++;
    srig.p = NULL;
    shm_program_free(p);
}

static void make_bus(void)
{
    srig.bus.loop = &crig.rig.fl.loop;
    srig.bus.core = crig.core;
    bus_peers_init(&srig.bus.peers);
    log_limit_init(&srig.bus.refusals);
    srig.peer = (struct bus_peer){.bus = &srig.bus, .known = true, .client = crig.lamp};
    srig.peer.name = crig.lamp->peer;
    srig.peer.uid = crig.core->access.own_uid;
    list_append(&srig.bus.peers.list, &srig.peer.link);
    srig.bus.peers.n = 1;
}

static void make_program(void)
{
    const struct shm_program_config config = {
        .bus = &srig.bus,
        .client = crig.lamp,
        .peer = &srig.peer,
        .on_end = on_end,
    };
    int fds[LAYOUT_FD_COUNT_];
    int r = shm_program_make(&srig.p, &config, fds);

    assert(r == 0);
    CHECK_INT(fds[LAYOUT_FD_TABLE], -1);
    r = segment_map(&srig.up_segment, fds[LAYOUT_FD_UP], LAYOUT_KIND_UP, sizeof(struct layout_up),
                    sizeof(struct layout_up), true);
    assert(r == 0);
    r = segment_map(&srig.down_segment, fds[LAYOUT_FD_DOWN], LAYOUT_KIND_DOWN,
                    sizeof(struct layout_down), sizeof(struct layout_down), false);
    assert(r == 0);
    (void) r;
    srig.up = srig.up_segment.base;
    srig.down = srig.down_segment.base;
    ring_init(&srig.to_iotd, srig.up->ring, &srig.up->ring_head, &srig.down->up_tail);
    ring_init(&srig.from_iotd, srig.down->ring, &srig.down->ring_head, &srig.up->down_tail);
    srig.bell_up = fds[LAYOUT_FD_BELL_UP];
    srig.bell_down = fds[LAYOUT_FD_BELL_DOWN];
    (void) fd_close(fds[LAYOUT_FD_UP]);
    (void) fd_close(fds[LAYOUT_FD_DOWN]);
}

void srig_begin(void)
{
    memset(&srig, 0, sizeof(srig));
    srig.bell_up = srig.bell_down = -1;
    crig_begin();
    crig.core->completion.fn = on_completed;
    crig.core->calls.front = &front;
    make_bus();
    make_program();
}

void srig_begin_up(void)
{
    srig_begin();
    rig_connect(&crig.rig, true);
}

void srig_end(void)
{
    core_save(crig.core); /* what is being posted comes back, as when iotd stops */
    srig.p = shm_program_free(srig.p);
    segment_done(&srig.up_segment);
    segment_done(&srig.down_segment);
    srig.bell_up = fd_close(srig.bell_up);
    srig.bell_down = fd_close(srig.bell_down);
    free(srig.bus.shm_record);
    list_remove(&srig.peer.link);
    crig_end();
}

/* --- iotd's turn --- */

static bool is_readable(int fd)
{
    struct pollfd pfd = {.fd = fd, .events = POLLIN};

    return fd >= 0 && poll(&pfd, 1, 0) > 0;
}

static bool is_heard(void)
{
    return srig.p && srig.p->io.loop && is_readable(srig.p->bell);
}

void srig_run(void)
{
    unsigned n = 0;

    do {
        if (is_heard())
            srig.p->io.fn(&srig.p->io, LOOP_READ, srig.p->io.userdata);
        rig_advance(&crig.rig, 0);
    } while (is_heard() && ++n < TURNS);
    CHECK(n < TURNS);
}

void srig_advance(uint64_t us)
{
    srig_run();
    rig_advance(&crig.rig, us);
    srig_run();
}

/* --- records --- */

struct pack_writer *srig_items(void)
{
    srig.items = (struct pack_writer){
        .data = (uint8_t *) srig.buffer,
        .size = LAYOUT_RECORD_MAX - sizeof(struct layout_record),
    };
    return &srig.items;
}

static void ring_iotd(uint32_t *word)
{
    if (doorbell_must_ring(word))
        doorbell_ring(srig.bell_up);
}

int srig_try_send(uint32_t type, uint32_t id, int32_t code)
{
    uint8_t *payload;
    int r = ring_open(&srig.to_iotd, srig.items.len, &payload);

    assert(!srig.items.full);
    if (r < 0)
        return r;
    memcpy(payload, srig.buffer, srig.items.len);
    ring_commit(&srig.to_iotd, type, id, code, srig.items.len);
    ring_iotd(&srig.up->bell_ring);
    return 0;
}

void srig_send(uint32_t type, uint32_t id, int32_t code)
{
    CHECK_INT(srig_try_send(type, id, code), 0);
}

void srig_report(uint32_t id, const char *property, int64_t value)
{
    struct pack_writer *w = srig_items();
    size_t opened = pack_open(w, "values", PACK_STRUCT);

    pack_put_int(w, property, value);
    pack_close(w, opened);
    srig_send(LAYOUT_UP_REPORT, id, 0);
}

void srig_post(uint32_t id, const char *event)
{
    struct pack_writer *w = srig_items();

    pack_put_string(w, "id", event, strlen(event));
    pack_close(w, pack_open(w, "params", PACK_STRUCT));
    srig_send(LAYOUT_UP_EVENT, id, 0);
}

const char *srig_next(void)
{
    static uint64_t payload[LAYOUT_RECORD_MAX / 8];
    struct layout_record record;
    struct pack_reader items = {.data = (const uint8_t *) payload};
    int r = ring_peek(&srig.from_iotd, &record, (uint8_t *) payload, &items.len);

    srig.text[0] = '\0';
    CHECK(r >= 0);
    if (r <= 0)
        return srig.text;
    shm_text(srig.text, &record, items);
    ring_pop(&srig.from_iotd, &record);
    fence_full();
    if (__atomic_load_n(&srig.down->wants_room, __ATOMIC_RELAXED))
        ring_iotd(&srig.up->bell_ring);
    return srig.text;
}

uint64_t srig_token(void)
{
    return shm_text_token(srig.text);
}

/* --- commands of the cloud --- */

int srig_cloud_code(char status[64])
{
    json_t *json = NULL;
    struct wire_packet p;
    int code = -1;

    while (rig_next_publish(&crig.rig, &p, true)) {
        json = json_loadb((const char *) p.payload, p.payload_len, 0, NULL);
        if (json && (strcmp(rig_text(json, "method"), "control_reply") == 0 ||
                     strcmp(rig_text(json, "method"), "action_reply") == 0)) {
            code = (int) json_integer_value(json_object_get(json, "code"));
            (void) snprintf(status, 64, "%s", rig_text(json, "status"));
        }
        json_decref(json);
    }
    return code;
}

void srig_push_control(const char *token, const char *params)
{
    char text[256];

    (void) snprintf(text, sizeof(text),
                    "{\"method\":\"control\",\"clientToken\":\"%s\",\"params\":%s}", token, params);
    rig_push(&crig.rig, "property", text);
}

void srig_push_action(const char *token, const char *id, const char *params)
{
    char text[256];

    (void) snprintf(text, sizeof(text),
                    "{\"method\":\"action\",\"clientToken\":\"%s\",\"actionId\":\"%s\","
                    "\"params\":%s}",
                    token, id, params);
    rig_push(&crig.rig, "action", text);
}

void srig_begin_served(void)
{
    srig_begin_up();
    crig_serve(crig.lamp, FEATURE_PROPERTY, "level");
    crig_serve(crig.lamp, FEATURE_ACTION, "unlock");
}

/* --- slots --- */

uint32_t srig_slot(uint32_t slot, const struct layout_copy *copy)
{
    uint32_t seq;

    if (report_slots_write(srig.up, slot, copy, &seq))
        doorbell_ring(srig.bell_up);
    return seq;
}

uint32_t srig_slot_int(uint32_t slot, uint32_t place, int64_t value)
{
    const struct layout_copy copy = {{
        latch_meta(LAYOUT_TYPE_INT, LAYOUT_FLAG_VALUE | LAYOUT_FLAG_DONE, 8),
        place,
        (uint64_t) value,
    }};

    return srig_slot(slot, &copy);
}

uint32_t srig_slot_text(uint32_t slot, uint32_t place, const char *text)
{
    uint32_t len = (uint32_t) strlen(text);
    struct layout_copy copy = {{
        latch_meta(LAYOUT_TYPE_STRING, LAYOUT_FLAG_VALUE | LAYOUT_FLAG_DONE, len),
        place,
    }};

    assert(len <= LAYOUT_INLINE);
    memcpy(&copy.word[2], text, len);
    return srig_slot(slot, &copy);
}

uint64_t srig_done(uint32_t slot)
{
    uint64_t done = __atomic_load_n(&srig.down->done[slot], __ATOMIC_ACQUIRE);

    return (uint64_t) LAYOUT_DONE_SEQ(done) * 1000 + (uint64_t) LAYOUT_DONE_CODE(done);
}

/* --- bells --- */

void srig_hang_up(void)
{
    srig.bell_up = fd_close(srig.bell_up);
}

void srig_sleep(void)
{
    doorbell_sleep(&srig.up->bell_program);
}

bool srig_was_rung(void)
{
    bool rung = is_readable(srig.bell_down);

    if (rung)
        (void) doorbell_clear(srig.bell_down);
    return rung;
}
