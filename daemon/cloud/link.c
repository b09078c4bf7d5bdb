/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/cloud/link.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/cloud/link_impl.h"
#include "daemon/cloud/login.h"
#include "daemon/net/resolve.h"
#include "daemon/sys/clock.h"
#include "daemon/sys/log.h"
#include "daemon/sys/rand.h"
#include "libiotclient/base/backoff.h"
#include "libiotclient/base/limits.h"

LOG_AREA("link");

#define RETRY_BASE_US (1 * USEC_PER_SEC) /* own choice: the ceiling of the first retry */
#define PHASE_TIMEOUT_US                                                                           \
    (10 * USEC_PER_SEC) /* own choice: name resolution, each connection attempt */
#define KICK_WINDOW_US                                                                             \
    (10 * USEC_PER_SEC) /* own choice: closed so soon after CONNACK looks like a kick */
#define KICKS_FOR_CONFLICT 3
#define NO_CREDENTIALS "no credentials: give some with iotctl provision"
#define STABLE_US (60 * USEC_PER_SEC) /* own choice: up for so long forgives earlier trouble */

/* --- watchers --- */

void link_watch(struct link *link, struct link_watch *watch)
{
    list_append(&link->watches, &watch->link);
}

void link_unwatch(struct link_watch *watch)
{
    if (watch->link.next)
        list_remove(&watch->link);
}

/* --- transport and resolver --- */

static void on_phase_timeout(struct loop_timer *timer, void *userdata)
{
    struct link *l = userdata;

    (void) timer;
    if (l->state == LINK_STATE_RESOLVING)
        link_step(l, LINK_EVENT_FAILED, "name resolution of %s took too long",
                  l->config.endpoint.host);
    else
        link_step(l, LINK_EVENT_FAILED, "%s port %u did not answer in time",
                  l->config.endpoint.host, l->config.endpoint.port);
}

static int open_next(struct link *l)
{
    char host[ENDPOINT_HOST_TEXT];
    struct transport_target target = {
        .websocket = l->config.endpoint.websocket,
        .tls = l->config.endpoint.tls,
        .address = l->addresses.addresses[l->next_address],
        .host = host,
        .port = l->config.endpoint.port,
        .path = l->config.endpoint.path,
    };

    endpoint_host_header(&l->config.endpoint, host);
    l->next_address++;
    loop_timer_arm(l->loop, &l->phase_timer, PHASE_TIMEOUT_US, on_phase_timeout, l);
    return transport_open(l->transport, &target);
}

static void on_resolved(const struct resolve_result *result, const char *reason, void *userdata)
{
    struct link *l = userdata;

    if (result->n_addresses == 0) {
        link_step(l, LINK_EVENT_UNREACHABLE, "cannot resolve %s: %s", l->config.endpoint.host,
                  reason);
        return;
    }
    l->addresses = *result;
    l->next_address = 0;
    link_step(l, LINK_EVENT_RESOLVED, KEEP_REASON);
}

static void on_open(void *userdata)
{
    link_step(userdata, LINK_EVENT_OPENED, KEEP_REASON);
}

static void on_data(const uint8_t *data, size_t len, void *userdata)
{
    struct link *l = userdata;
    int r = mqtt_session_feed(&l->session, loop_now_us(l->loop), data, len);

    if (r < 0 && l->session.state != MQTT_SESSION_DOWN)
        link_step(l, LINK_EVENT_FAILED, "%s", l->session.reason);
    else if (r == 0)
        link_arm_session(l);
}

static void on_drained(void *userdata)
{
    (void) userdata;
}

static void on_closed(bool answered, const char *reason, void *userdata)
{
    struct link *l = userdata;
    bool early, trial;

    if (l->state == LINK_STATE_OPENING && !answered) {
        if (l->next_address < l->addresses.n_addresses && open_next(l) == 0)
            return;
        link_step(l, LINK_EVENT_UNREACHABLE, "%s port %u: %s", l->config.endpoint.host,
                  l->config.endpoint.port, reason);
        return;
    }
    trial = mqtt_session_closed(&l->session, loop_now_us(l->loop));
    early = !trial && (l->state == LINK_STATE_UP || l->state == LINK_STATE_SUBSCRIBING) &&
            loop_now_us(l->loop) - l->last_connect_us < KICK_WINDOW_US;
    l->kicks = early ? l->kicks + 1 : 0;
    if (l->kicks >= KICKS_FOR_CONFLICT)
        link_step(l, LINK_EVENT_KICKED,
                  "closed shortly after each login: another client uses this device's identity");
    else
        link_step(l, LINK_EVENT_CLOSED, "%s%s", reason,
                  trial ? ", whenever a certain message is sent" : "");
}

const struct transport_events link_transport_events = {
    .on_open = on_open,
    .on_data = on_data,
    .on_drained = on_drained,
    .on_closed = on_closed,
};

/* --- actions --- */

static void on_retry(struct loop_timer *timer, void *userdata)
{
    struct link *l = userdata;

    (void) timer;
    l->next_try_us = 0;
    l->new_network = false;
    if (ident_is_complete(l->config.ident))
        link_step(l, LINK_EVENT_TIMER, KEEP_REASON);
    else
        link_step(l, LINK_EVENT_TIMER_REGISTER, KEEP_REASON);
}

static void arm_retry(struct link *l, unsigned actions)
{
    uint64_t now = loop_now_us(l->loop), delay = 0, earliest;

    if (actions & LINK_ACTION_RETRY_PROBE && !l->new_network)
        delay = backoff_next_us(&l->probe, rand_u64());
    else if (actions & LINK_ACTION_RETRY_BACKOFF)
        delay = backoff_next_us(&l->backoff, rand_u64());
    else if (actions &
             LINK_ACTION_RETRY_SLOW) /* half fixed: a slow retry must not be an early one */
        delay = l->config.backoff_max_us / 2 + rand_u64() % (l->config.backoff_max_us / 2 + 1);

    earliest = l->last_connect_us ? l->last_connect_us + l->config.connect_interval_us : 0;
    if (now + delay < earliest)
        delay = earliest - now;
    l->next_try_us = now + delay;
    loop_timer_arm(l->loop, &l->retry_timer, delay, on_retry, l);
}

static void on_registrar(enum registrar_outcome outcome, const char *reason, void *userdata)
{
    static const enum link_event events[] = {
        [REGISTRAR_DONE] = LINK_EVENT_REGISTERED,
        [REGISTRAR_UNREACHABLE] = LINK_EVENT_UNREACHABLE,
        [REGISTRAR_FAILED] = LINK_EVENT_FAILED,
        [REGISTRAR_REFUSED] = LINK_EVENT_BAD_LOGIN,
    };

    link_step(userdata, events[outcome], "%s", reason);
}

static int do_register(struct link *l)
{
    l->last_connect_us = loop_now_us(l->loop); /* the same manners as for CONNECT */
    return registrar_start(l->config.registrar, on_registrar, l);
}

static void do_abort(struct link *l)
{
    if (l->config.registrar)
        registrar_cancel(l->config.registrar);
    l->resolve = resolve_free(l->resolve);
    transport_abort(l->transport);
    mqtt_session_lost(&l->session);
}

static int do_resolve(struct link *l)
{
    l->resolve = resolve_free(l->resolve);
    loop_timer_arm(l->loop, &l->phase_timer, PHASE_TIMEOUT_US, on_phase_timeout, l);
    return resolve_start(&l->resolve, l->loop, l->config.endpoint.host, on_resolved, l);
}

static int do_login(struct link *l)
{
    char connid[LOGIN_CONNID_LEN + 1];
    struct login login;
    struct mqtt_connect connect = {
        .client_id = login.client_id,
        .username = login.username,
        .password = login.password,
        .keepalive_s = l->config.keepalive_s,
        .clean_session = l->config.clean_session,
    };
    int r;

    rand_text(connid, LOGIN_CONNID_LEN);
    r = login_make(&login, l->config.ident, l->config.signer, connid,
                   login_expiry_s(clock_real_us()));
    if (r < 0)
        return r;
    l->last_connect_us = loop_now_us(l->loop);
    r = mqtt_session_start(&l->session, l->last_connect_us, &connect);
    login_wipe(&login);
    link_arm_session(l);
    return r;
}

static int do_tell_up(struct link *l)
{
    int r = mqtt_session_resume(&l->session, loop_now_us(l->loop));

    if (r < 0)
        return r;
    l->up_us = loop_now_us(l->loop);
    if (l->was_up)
        l->reconnects++;
    l->was_up = true;
    backoff_reset(&l->probe);
    link_arm_session(l);
    l->told_up = true;
    TELL(l, on_up, );
    return 0;
}

static void do_tell_down(struct link *l)
{
    if (!l->told_up) /* it failed before it was through */
        return;
    l->told_up = false;
    if (loop_now_us(l->loop) - l->up_us > STABLE_US)
        backoff_reset(&l->backoff);
    TELL(l, on_down, );
}

/* At most one of the actions that can fail is in a transition, so one result is enough. */
static int run_actions(struct link *l, unsigned actions)
{
    int r = 0;

    if (actions & LINK_ACTION_TELL_DOWN)
        do_tell_down(l);
    if (actions & LINK_ACTION_ABORT)
        do_abort(l);
    if (actions & LINK_ACTION_GOODBYE) {
        mqtt_session_disconnect(&l->session);
        transport_close(l->transport);
    }
    if (actions & LINK_ACTION_REGISTER)
        r = do_register(l);
    if (actions & LINK_ACTION_RESOLVE)
        r = do_resolve(l);
    if (actions & LINK_ACTION_OPEN)
        r = open_next(l);
    if (actions & LINK_ACTION_LOGIN)
        r = do_login(l);
    if (actions & LINK_ACTION_SUBSCRIBE)
        link_subscribe(l);
    if (actions & LINK_ACTION_TELL_UP)
        r = do_tell_up(l);
    if (actions & LINK_ACTION_PROBE) {
        r = mqtt_session_probe(&l->session, loop_now_us(l->loop));
        link_arm_session(l);
    }
    if (actions & (LINK_ACTION_RETRY_NOW | LINK_ACTION_RETRY_PROBE | LINK_ACTION_RETRY_BACKOFF |
                   LINK_ACTION_RETRY_SLOW))
        arm_retry(l, actions);
    if (actions & LINK_ACTION_CANCEL_RETRY) {
        loop_timer_cancel(&l->retry_timer);
        l->next_try_us = 0;
    }
    return r;
}

static void log_step(struct link *l, enum link_state from, enum link_event event)
{
    const char *public_from = link_state_public(from), *public_to = link_state_public(l->state);

    log_debug("%s -> %s (%s)", link_state_name(from), link_state_name(l->state),
              link_event_name(event));
    if (strcmp(public_from, public_to) == 0)
        return;
    if (l->state == LINK_STATE_UP)
        log_notice("up host=\"%s\" session_present=%d", l->config.endpoint.host,
                   l->session_present);
    else if (from == LINK_STATE_UP || l->state == LINK_STATE_REFUSED ||
             l->state == LINK_STATE_DISABLED || l->state == LINK_STATE_CONFLICT)
        log_notice("%s reason=\"%s\"", public_to, l->reason);
    else if (l->state == LINK_STATE_WAITING && l->reason[0])
        log_info("waiting reason=\"%s\"", l->reason);
}

/* A clock that was never set is the reason behind some reasons. */
static bool may_be_the_clock(enum link_state from, enum link_event event)
{
    bool answered = from == LINK_STATE_OPENING && event == LINK_EVENT_CLOSED; /* by TLS or HTTP */

    return !clock_is_set(clock_real_us()) &&
           (event == LINK_EVENT_BAD_LOGIN || answered ||
            (from == LINK_STATE_REGISTERING && event == LINK_EVENT_FAILED));
}

static void put_clock_before(char *reason, size_t size)
{
    time_t now = (time_t) (clock_real_us() / USEC_PER_SEC);
    char rest[sizeof(((struct link *) 0)->reason)], date[16] = "";
    struct tm tm;

    if (gmtime_r(&now, &tm))
        (void) strftime(date, sizeof(date), "%Y-%m-%d", &tm);
    (void) snprintf(rest, sizeof(rest), "%s", reason);
    /* What does not fit is cut. */
    if (snprintf(reason, size, "the clock is not set (it says %s): %s", date, rest) < 0)
        reason[0] = '\0';
}

void link_step(struct link *l, enum link_event event, const char *fmt, ...)
{
    const struct link_transition *t = link_fsm_step(l->state, event);
    enum link_state from = l->state;
    char reason[sizeof(l->reason)];
    va_list ap;
    int r;

    va_start(ap, fmt);
    (void) vsnprintf(reason, sizeof(reason), fmt, ap);
    va_end(ap);
    if (t->verdict != LINK_VERDICT_GO) {
        if (t->verdict == LINK_VERDICT_BUG)
            log_err("event \"%s\" in state \"%s\" has no rule", link_event_name(event),
                    link_state_name(l->state));
        return;
    }

    if (may_be_the_clock(from, event))
        put_clock_before(reason, sizeof(reason));
    loop_timer_cancel(&l->phase_timer);
    l->state = t->next;
    if (strcmp(link_state_public(from), link_state_public(t->next)) != 0)
        l->since_real_us = clock_real_us();
    if (t->next == LINK_STATE_UP || t->next == LINK_STATE_OFF)
        l->reason[0] = '\0'; /* as it should be */
    else if (strcmp(reason, KEEP_REASON) != 0)
        memcpy(l->reason, reason, sizeof(reason));
    log_step(l, from, event);
    r = run_actions(l, t->actions);
    TELL(l, on_changed, );
    if (r < 0)
        link_step(l, LINK_EVENT_FAILED, "%s", strerror(-r));
}

/* --- public --- */

static bool can_start(const struct link *l)
{
    return ident_is_complete(l->config.ident) || l->config.registrar;
}

int link_new(struct link **ret_link, struct loop *loop, const struct link_config *config)
{
    struct link *l;

    l = calloc(1, sizeof(*l));
    if (!l)
        return -ENOMEM;
    l->loop = loop;
    l->config = *config;
    l->since_real_us = clock_real_us();
    if (!can_start(l))
        strcpy(l->reason, NO_CREDENTIALS);
    l->session_is_whole = true;
    list_init(&l->watches);
    log_limit_init(&l->skipped);
    backoff_init(&l->probe, RETRY_BASE_US, config->probe_max_us);
    backoff_init(&l->backoff, RETRY_BASE_US, config->backoff_max_us);
    mqtt_session_init(&l->session, &link_session_ops, l, LIMIT_MQTT_PACKET, (uint16_t) rand_u64());
    *ret_link = l;
    return 0;
}

struct link *link_free(struct link *link)
{
    if (!link)
        return NULL;

    loop_timer_cancel(&link->retry_timer);
    loop_timer_cancel(&link->phase_timer);
    loop_timer_cancel(&link->session_timer);
    resolve_free(link->resolve);
    transport_free(link->transport);
    mqtt_session_done(&link->session);
    filters_done(&link->filters);
    free(link);
    return NULL;
}

void link_set_transport(struct link *link, struct transport *transport)
{
    link->transport = transport;
}

void link_set_memory(struct link *link, const struct link_memory *memory)
{
    link->memory = memory ? *memory : (struct link_memory){0};
}

int link_add_filter(struct link *link, const char *filter, uint8_t qos)
{
    return filters_add(&link->filters, filter, qos, false);
}

int link_add_optional_filter(struct link *link, const char *filter, uint8_t qos)
{
    return filters_add(&link->filters, filter, qos, true);
}

void link_enable(struct link *link)
{
    if (can_start(link))
        link_step(link, LINK_EVENT_ENABLE, KEEP_REASON);
}

void link_disable(struct link *link)
{
    link_step(link, LINK_EVENT_DISABLE, KEEP_REASON);
}

/*
 * A network that changes all the time must not keep an attempt from its end: it begins anew once
 * in the time that it may take.
 */
void link_network_changed(struct link *link)
{
    uint64_t now = loop_now_us(link->loop);

    backoff_reset(&link->probe);
    link->new_network = true;
    if (link->state == LINK_STATE_RESOLVING || link->state == LINK_STATE_OPENING) {
        if (link->restart_us && now - link->restart_us < PHASE_TIMEOUT_US)
            return;
        link->restart_us = now;
    }
    link_step(link, LINK_EVENT_NETWORK, KEEP_REASON);
}

void link_clock_stepped(struct link *link, int64_t by_us)
{
    link->since_real_us += (uint64_t) by_us;
    link_step(link, LINK_EVENT_CLOCK, KEEP_REASON);
}

bool link_is_up(const struct link *link)
{
    return link->state == LINK_STATE_UP;
}

void link_get_info(const struct link *link, struct link_info *ret_info)
{
    uint64_t now = loop_now_us(link->loop), real = clock_real_us();

    *ret_info = (struct link_info){
        .state = link->state,
        .reason = link->reason,
        .since_real_us = link->since_real_us,
        .session_present = link->session_present,
        .rtt_us = link->session.rtt_us,
        .sent = link->sent,
        .received = link->received,
        .reconnects = link->reconnects,
    };
    if (link->next_try_us)
        ret_info->next_try_real_us = real + (link->next_try_us > now ? link->next_try_us - now : 0);
}

int link_publish(struct link *link, const char *topic, const void *payload, size_t len, uint8_t qos,
                 mqtt_acked_fn acked, void *userdata)
{
    int r = mqtt_session_publish(&link->session, loop_now_us(link->loop), topic, payload, len, qos,
                                 acked, userdata);

    if (r == 0)
        link_arm_session(link);
    return r;
}

void link_answer_follows(struct link *link)
{
    mqtt_session_answer_follows(&link->session);
}
