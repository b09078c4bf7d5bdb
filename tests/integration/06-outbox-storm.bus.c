/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Three programs post events and reports and serve controls, while by chance iotd is killed and
 * started, the cloud is killed and started without memory, and the link is dropped, falls silent,
 * repeats, delays, or holds back (the table of faults). Then everything is let through, and the
 * books have to balance: tests/lib/ledger.h. After that the same without kills of iotd, which must
 * not grow.
 *
 * IOTD_STORM_SEED repeats a run (the seed is printed), IOTD_STORM_BLOWS makes it longer; 200 take
 * more than a minute: tests/run has a row for it.
 */

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "libiotclient/base/num.h"
#include "tests/lib/ledger-scene.h"
#include "tests/lib/test-loop.h"

#define BLOWS 70
#define MAX_DELAYED 8
#define SETTLE_MS 30000U
#define RSS_GROWTH_KIB 2048

struct program {
    struct bus_client *bus;
    unsigned index;
    DBusMessage *delayed[MAX_DELAYED]; /* controls that are not answered yet */
    unsigned n_delayed;
    bool register_again;
    int level; /* the newest that was reported */
};

struct storm {
    struct scene scene;
    struct program programs[LEDGER_PROGRAMS];
    struct ledger ledger;
    uint64_t chance;
    unsigned n_controls;
    int fds; /* of iotd at rest, the first time; 0: not seen yet */
    unsigned n_blows, n_kills, n_cloud_kills;
};

/* xorshift64: the whole run follows from the seed. */
static unsigned chance(struct storm *s, unsigned n)
{
    s->chance ^= s->chance << 13;
    s->chance ^= s->chance >> 7;
    s->chance ^= s->chance << 17;
    return (unsigned) (s->chance >> 11) % n;
}

static void start(struct storm *s)
{
    ledger_scene_start(&s->scene, "[outbox]\nrate = 0\n[report]\nrate = 10\n");
    for (unsigned i = 0; i < LEDGER_PROGRAMS; i++) {
        s->programs[i] =
            (struct program){.bus = bus_client_new(), .index = i, .register_again = true};
        bus_client_subscribe(s->programs[i].bus, DBUS_SERVICE_DBUS);
    }
}

/* --- one program --- */

static void send_register(struct program *p)
{
    char wish[16], level[16], note[16], alarm[16];
    DBusMessage *msg = bus_client_new_call(IOTD_DEVICE_PATH, IOTD_IFACE_THING, "Register");

    (void) snprintf(wish, sizeof(wish), "wish_%u", p->index);
    (void) snprintf(level, sizeof(level), "level_%u", p->index);
    (void) snprintf(note, sizeof(note), "note_%u", p->index);
    (void) snprintf(alarm, sizeof(alarm), "alarm_%u", p->index);
    msg_add(msg, "asasasoa{sv}", 2, wish, level, 2, note, alarm, 0, SCENE_HANDLER, 0);
    dbus_message_set_auto_start(msg, FALSE);
    (void) bus_client_send(p->bus, msg);
    p->register_again = false;
}

static void send_report(struct program *p)
{
    DBusMessage *msg = bus_client_new_call(IOTD_DEVICE_PATH, IOTD_IFACE_THING, "ReportValue");
    char id[16];

    (void) snprintf(id, sizeof(id), "level_%u", p->index);
    msg_add(msg, "sv", id, "i", ++p->level);
    dbus_message_set_auto_start(msg, FALSE);
    (void) bus_client_send(p->bus, msg);
}

static void answer(struct program *p, DBusMessage *call)
{
    scene_reply(p->bus, call, "is", 0, "");
}

static void on_control(struct storm *s, struct program *p, DBusMessage *call)
{
    const char *key, *token = "";
    DBusMessageIter it, value;
    struct msg_dict dict;

    if (!dbus_message_iter_init(call, &it) || msg_read_dict(&it, &dict) < 0 ||
        msg_read_dict(&it, &dict) < 0) {
        suite_fail(__FILE__, __LINE__, "a Control without a context");
    } else {
        while (msg_dict_next(&dict, &key, &value)) {
            struct msg_value v;

            if (strcmp(key, "token") == 0 && msg_read_value(&value, &v) == 0)
                token = v.s;
        }
        if (token[0]) /* else iotd's own offer of what nobody took before */
            ledger_executed(&s->ledger, p->index, token);
    }
    if (p->n_delayed < MAX_DELAYED && chance(s, 3) == 0)
        p->delayed[p->n_delayed++] = dbus_message_ref(call);
    else
        answer(p, dbus_message_ref(call));
}

static void answer_delayed(struct program *p)
{
    for (unsigned i = 0; i < p->n_delayed; i++)
        answer(p, p->delayed[i]);
    p->n_delayed = 0;
}

static void on_owner_changed(struct program *p, DBusMessage *msg)
{
    const char *name, *old, *new;

    if (dbus_message_get_args(msg, NULL, DBUS_TYPE_STRING, &name, DBUS_TYPE_STRING, &old,
                              DBUS_TYPE_STRING, &new, DBUS_TYPE_INVALID) &&
        strcmp(name, IOTD_BUS_NAME) == 0 && new[0])
        p->register_again = true;
}

static void take(struct storm *s, struct program *p, DBusMessage *msg)
{
    if (dbus_message_get_type(msg) == DBUS_MESSAGE_TYPE_METHOD_CALL)
        on_control(s, p, msg);
    else if (dbus_message_has_member(msg, "NameOwnerChanged"))
        on_owner_changed(p, msg);
    else
        ledger_take(&s->ledger, p->index, msg);
}

/* --- the loop of all three --- */

static void turn(struct storm *s, int wait_ms)
{
    struct pollfd fds[LEDGER_PROGRAMS];
    DBusMessage *msg;

    for (unsigned i = 0; i < LEDGER_PROGRAMS; i++)
        fds[i] = (struct pollfd){.fd = bus_client_fd(s->programs[i].bus), .events = POLLIN};
    (void) poll(fds, LEDGER_PROGRAMS, wait_ms);
    for (unsigned i = 0; i < LEDGER_PROGRAMS; i++) {
        struct program *p = &s->programs[i];

        while ((msg = bus_client_next(p->bus))) {
            take(s, p, msg);
            dbus_message_unref(msg);
        }
        if (p->register_again)
            send_register(p);
    }
    while ((msg = bus_client_next(s->scene.bus))) /* nobody wants them */
        dbus_message_unref(msg);
}

/* Serves for so long: the moment of the next blow is by chance. */
static void run_for(struct storm *s, unsigned ms)
{
    uint64_t end = fixture_now_ms() + ms;
    int left;

    do {
        left = fixture_left_ms(end);
        turn(s, left);
    } while (left > 0);
}

/* Serves until it is so; false after the deadline. */
static bool run_until(struct storm *s, bool (*fn)(struct storm *s), uint64_t deadline)
{
    while (!fn(s)) {
        if (fixture_left_ms(deadline) == 0)
            return false;
        turn(s, 10);
    }
    return true;
}

static bool link_property_is(struct storm *s, const char *name, const char *want)
{
    CLEANUP(freep)
    char *value = bus_client_get(s->scene.bus, IOTD_DEVICE_PATH, IOTD_IFACE_LINK, name);

    return value && strcmp(value, want) == 0;
}

static bool is_up(struct storm *s)
{
    return link_property_is(s, "State", "up");
}

/* --- blows --- */

static void fault(struct storm *s, const char *json)
{
    CLEANUP(freep) char *text = ledger_quoted(json);

    cloud_fault(s->scene.cloud, text);
}

/* Deaf first, so that what it took in last is in the books before it dies. */
static void kill_cloud(struct storm *s, bool leave_a_gap)
{
    fault(s, "{'fault':'mute','on':true}");
    ledger_read(&s->ledger, s->scene.cloud);
    cloud_kill(s->scene.cloud);
    if (leave_a_gap)
        run_for(s, chance(s, 300));
    cloud_restart(s->scene.cloud);
    ledger_new_life(&s->ledger);
    s->n_cloud_kills++;
}

static void post_some(struct storm *s, unsigned most)
{
    for (unsigned i = 0; i < LEDGER_PROGRAMS; i++) {
        for (unsigned n = chance(s, most + 1); n > 0; n--)
            ledger_post(&s->ledger, s->programs[i].bus, i, chance(s, LEDGER_CLASSES));
        if (chance(s, 3) == 0)
            send_report(&s->programs[i]);
    }
}

static void kill_iotd(struct storm *s)
{
    daemon_kill(s->scene.iotd);
    s->n_kills++;
    if (chance(s, 3) == 0)
        post_some(s, 1); /* to nobody */
    run_for(s, chance(s, 20));
    s->ledger.run++;
    daemon_start_again(s->scene.iotd);
}

static void control(struct storm *s)
{
    CLEANUP(freep)
    char *values =
        scene_printf("{\"wish_%u\":\"%u\"}", chance(s, LEDGER_PROGRAMS), s->n_controls++);

    json_decref(cloud_control(s->scene.cloud, values));
}

#define CALM "{'fault':'none'}"

/* What the cloud is told to do badly; calm comes often enough for things to go on. */
static const char *const faults[] = {
    CALM,
    CALM,
    CALM,
    "{'fault':'drop'}",
    "{'fault':'drop'}",
    "{'fault':'drop','after_packets':3,'direction':'both'}",
    "{'fault':'drop','after_bytes':300,'direction':'down','count':2}",
    "{'fault':'drop','after_bytes':900,'direction':'up','count':2}",
    "{'fault':'refuse','code':3,'count':2}",
    "{'fault':'hold_replies','on':true}",
    "{'fault':'hold_puback','on':true}",
    "{'fault':'half_open','on':true}",
    "{'fault':'mute','on':true}",
    "{'fault':'delay','ms':40}",
    "{'fault':'duplicate','count':4}",
    "{'fault':'reorder','count':1}",
    "{'fault':'garbage','bytes':16,'seed':7}",
};

static bool strike(struct storm *s, bool kills)
{
    unsigned blow = chance(s, 10);
    const char *json;

    if (blow < 3 && kills) {
        kill_iotd(s);
        return true;
    }
    if (blow == 3) {
        kill_cloud(s, chance(s, 2) == 0);
        return true;
    }
    if (blow == 9)
        return false;
    json = faults[chance(s, ARRAY_SIZE(faults))];
    fault(s, json);
    return strcmp(json, CALM) != 0;
}

static void round_of(struct storm *s, bool kills)
{
    for (unsigned i = 0; i < LEDGER_PROGRAMS; i++)
        answer_delayed(&s->programs[i]);
    post_some(s, 5);
    if (chance(s, 2) == 0)
        control(s);
    run_for(s, chance(s, 40));
    s->n_blows += strike(s, kills);
    post_some(s, 2);
    run_for(s, chance(s, 80));
    if (chance(s, 2) == 0)
        (void) run_until(s, is_up, fixture_now_ms() + 1000);
    if (chance(s, 8) == 0)
        ledger_read(&s->ledger, s->scene.cloud);
}

/* --- rest --- */

static bool is_at_rest(struct storm *s)
{
    for (unsigned i = 0; i < LEDGER_PROGRAMS; i++)
        answer_delayed(&s->programs[i]);
    if (!is_up(s) || !link_property_is(s, "QueuedEvents", "0"))
        return false;
    ledger_read(&s->ledger, s->scene.cloud);
    return ledger_n_open_controls(&s->ledger) == 0;
}

/* A report after everything else has arrived after it, and is the newest. */
static void check_reports(struct storm *s)
{
    CLEANUP(json_decrefp) json_t *state = NULL;
    CLEANUP(freep) char *text = NULL;

    for (unsigned i = 0; i < LEDGER_PROGRAMS; i++) {
        struct program *p = &s->programs[i];
        CLEANUP(freep) char *id = scene_printf("level_%u", i);

        CHECK_COMPLETED(p->bus, thing_token(p->bus, "ReportValue", "sv", id, "i", ++p->level), 0);
    }
    state = cloud_state(s->scene.cloud);
    text = state ? json_dumps(state, JSON_COMPACT) : NULL;
    for (unsigned i = 0; i < LEDGER_PROGRAMS; i++) {
        CLEANUP(freep)
        char *want = scene_printf("\"level_%u\":%d", i, s->programs[i].level);

        if (!text || !strstr(text, want))
            suite_fail(__FILE__, __LINE__, "the cloud does not have %s: %s", want, text);
    }
}

/* What holds it up, for whoever looks at the failure. */
static void tell_state(struct storm *s)
{
    static const char *const names[] = {"State", "Reason", "QueuedEvents", "Reconnects",
                                        "SentMessages"};
    CLEANUP(json_decrefp) json_t *state = cloud_state(s->scene.cloud);
    CLEANUP(freep) char *text = state ? json_dumps(state, JSON_COMPACT) : NULL;
    CLEANUP(freep) char *log = proc_output(daemon_proc(s->scene.iotd), PROC_STDERR);
    size_t len = log ? strlen(log) : 0;

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        CLEANUP(freep)
        char *value = bus_client_get(s->scene.bus, IOTD_DEVICE_PATH, IOTD_IFACE_LINK, names[i]);

        printf("%s: %s\n", names[i], value ? value : "(none)");
    }
    printf("controls without an answer: %zu\ncloud: %s\n", ledger_n_open_controls(&s->ledger),
           text);
    printf("iotd: %s\n", len > 4000 ? log + len - 4000 : log);
}

/* Lets everything through, and waits for it; false when it does not come. */
static bool settle(struct storm *s)
{
    uint64_t deadline = fixture_now_ms() + (uint64_t) SETTLE_MS * test_timeout_scale();
    int n_fds;

    fault(s, "{'fault':'none'}");
    if (run_until(s, is_at_rest, deadline)) {
        for (unsigned i = 0; i < LEDGER_PROGRAMS; i++)
            bus_client_round_trip(s->programs[i].bus, IOTD_BUS_NAME);
        turn(s, 0); /* takes what came before */
        check_reports(s);
    }
    /* After the reports, since get_status may have brought something to do. */
    if (!run_until(s, is_at_rest, deadline)) {
        suite_fail(__FILE__, __LINE__, "it does not come to rest");
        tell_state(s);
        return false;
    }
    n_fds = proc_n_fds(daemon_proc(s->scene.iotd));
    if (s->fds == 0)
        s->fds = n_fds;
    CHECK_INT(n_fds, s->fds);
    return true;
}

/* Rounds until there were n blows, and rest after them. */
static bool rage(struct storm *s, uint64_t n, bool kills)
{
    for (unsigned begin = s->n_blows; s->n_blows - begin < n;)
        round_of(s, kills);
    return settle(s);
}

static uint64_t number_from(const char *variable, uint64_t fallback)
{
    const char *text = getenv(variable);
    uint64_t n;

    return text && num_parse_u64(text, &n) == 0 && n > 0 ? n : fallback;
}

static void test_storm(void)
{
    uint64_t seed = number_from("IOTD_STORM_SEED", (uint64_t) time(NULL));
    uint64_t blows = number_from("IOTD_STORM_BLOWS", BLOWS);
    struct storm s = {.chance = seed * 0x9e3779b97f4a7c15ULL | 1};
    long rss;

    printf("IOTD_STORM_SEED=%llu IOTD_STORM_BLOWS=%llu\n", (unsigned long long) seed,
           (unsigned long long) blows);
    ledger_init(&s.ledger);
    start(&s);
    if (settle(&s) && rage(&s, blows, true) && rage(&s, blows / 8 + 1, false)) {
        rss = proc_rss_kib(daemon_proc(s.scene.iotd));
        (void) rage(&s, blows / 2, false);
        rss = proc_rss_kib(daemon_proc(s.scene.iotd)) - rss;
        printf("%d descriptors, RSS %+ld KiB\n", s.fds, rss);
        if (PROC_RSS_IS_TELLING && rss > RSS_GROWTH_KIB)
            suite_fail(__FILE__, __LINE__, "iotd grew by %ld KiB", rss);
    }
    ledger_check(&s.ledger);
    printf("%u blows, %u kills of iotd, %u of the cloud\n", s.n_blows, s.n_kills, s.n_cloud_kills);
    for (unsigned i = 0; i < LEDGER_PROGRAMS; i++)
        s.programs[i].bus = bus_client_free(s.programs[i].bus);
    scene_stop(&s.scene);
    ledger_done(&s.ledger);
}

const char *const suite_name = "06-outbox-storm";
const struct suite_test suite_tests[] = {
    {"storm", test_storm},
    {NULL, NULL},
};
