/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "examples/localcloud/wire.h"

#include <errno.h>
#include <string.h>

#include "libiotclient/base/bytes.h"
#include "libiotclient/base/utf8.h"

#define LENGTH_BYTES_MAX 4 /* MQTT 3.1.1, 2.2.3 */
#define GROW_STEP 1024

/* CONNECT flags, MQTT 3.1.1, 3.1.2.3 */
#define CONNECT_RESERVED 0x01U
#define CONNECT_CLEAN 0x02U
#define CONNECT_WILL 0x04U
#define CONNECT_WILL_QOS 0x18U
#define CONNECT_WILL_RETAIN 0x20U
#define CONNECT_PASSWORD 0x40U
#define CONNECT_USER_NAME 0x80U

void wire_reader_init(struct wire_reader *r, size_t cap)
{
    *r = (struct wire_reader){.cap = cap};
}

void wire_reader_done(struct wire_reader *r)
{
    free(r->buf);
    *r = (struct wire_reader){0};
}

static int feed_header(struct wire_reader *r, uint8_t byte)
{
    unsigned shift;

    if (r->n_header++ == 0) {
        if (byte >> 4 < WIRE_CONNECT || byte >> 4 > WIRE_DISCONNECT)
            return -EBADMSG;
        r->first = byte;
        r->need = 0;
        return 0;
    }

    shift = 7 * (r->n_header - 2);
    r->need |= (size_t) (byte & 0x7f) << shift;
    if (byte & 0x80)
        return r->n_header - 1 == LENGTH_BYTES_MAX ? -EBADMSG : 0;
    if (r->need > r->cap)
        return -EMSGSIZE;
    r->have_header = true;
    r->len = 0;
    return 0;
}

/* Memory follows what arrived, not what was announced. */
static int reserve(struct wire_reader *r, size_t len)
{
    size_t size = r->size ? r->size : GROW_STEP;
    uint8_t *buf;

    if (len <= r->size)
        return 0;
    while (size < len)
        size *= 2;
    buf = realloc(r->buf, size);
    if (!buf)
        return -ENOMEM;
    r->buf = buf;
    r->size = size;
    return 0;
}

int wire_reader_feed(struct wire_reader *r, const uint8_t **data, size_t *len,
                     struct wire_frame *ret_frame)
{
    while (*len > 0 || (r->have_header && r->len == r->need)) {
        size_t n;
        int e;

        if (!r->have_header) {
            e = feed_header(r, **data);
            if (e < 0)
                return e;
            (*data)++;
            (*len)--;
            continue;
        }

        n = r->need - r->len < *len ? r->need - r->len : *len;
        e = reserve(r, r->len + n);
        if (e < 0)
            return e;
        if (n > 0)
            memcpy(r->buf + r->len, *data, n);
        r->len += n;
        *data += n;
        *len -= n;
        if (r->len == r->need) {
            *ret_frame = (struct wire_frame){.type = (enum wire_type)(r->first >> 4),
                                             .flags = r->first & 15,
                                             .body = r->buf,
                                             .len = r->need};
            r->have_header = false;
            r->n_header = 0;
            return WIRE_READER_FRAME;
        }
    }
    return 0;
}

/* A string with its length in front; UTF-8 as MQTT wants it, a copy with NUL. */
static int get_string(struct bytes_reader *r, char **ret_text)
{
    const uint8_t *p;
    uint16_t len;
    char *text;
    int e;

    e = bytes_get_u16(r, &len);
    if (e < 0)
        return e;
    e = bytes_get_slice(r, len, &p);
    if (e < 0)
        return e;
    if (!utf8_is_valid((const char *) p, len))
        return -EBADMSG;
    text = malloc((size_t) len + 1);
    if (!text)
        return -ENOMEM;
    if (len > 0)
        memcpy(text, p, len);
    text[len] = '\0';
    *ret_text = text;
    return 0;
}

static int skip_field(struct bytes_reader *r)
{
    const uint8_t *p;
    uint16_t len;
    int e = bytes_get_u16(r, &len);

    return e < 0 ? e : bytes_get_slice(r, len, &p);
}

void wire_connect_done(struct wire_connect *c)
{
    free(c->client_id);
    free(c->user_name);
    free(c->password);
    *c = (struct wire_connect){0};
}

static int parse_protocol(struct bytes_reader *r, uint8_t *ret_level)
{
    CLEANUP(freep) char *name = NULL;
    uint8_t level;
    int e;

    e = get_string(r, &name);
    if (e < 0)
        return e;
    e = bytes_get_u8(r, &level);
    if (e < 0)
        return e;
    if (strcmp(name, "MQTT") == 0 && level != 4)
        return -EPROTONOSUPPORT;
    if (strcmp(name, "MQIsdp") == 0 && level != 3)
        return -EPROTONOSUPPORT;
    if (strcmp(name, "MQTT") != 0 && strcmp(name, "MQIsdp") != 0)
        return -EBADMSG;
    *ret_level = level;
    return 0;
}

/* Contradictions between flags [MQTT-3.1.2-3, -11, -13, -14, -15, -22]. */
static bool connect_flags_are_valid(uint8_t flags)
{
    if (flags & CONNECT_RESERVED)
        return false;
    if (!(flags & CONNECT_WILL) && flags & (CONNECT_WILL_QOS | CONNECT_WILL_RETAIN))
        return false;
    if ((flags & CONNECT_WILL_QOS) == CONNECT_WILL_QOS)
        return false;
    return flags & CONNECT_USER_NAME || !(flags & CONNECT_PASSWORD);
}

static int parse_connect_payload(struct bytes_reader *r, uint8_t flags, struct wire_connect *c)
{
    int e = get_string(r, &c->client_id);

    if (e == 0 && flags & CONNECT_WILL) {
        e = skip_field(r);
        if (e == 0)
            e = skip_field(r);
    }
    if (e == 0 && flags & CONNECT_USER_NAME)
        e = get_string(r, &c->user_name);
    /* Binary by the specification; the platform's passwords are text. */
    if (e == 0 && flags & CONNECT_PASSWORD)
        e = get_string(r, &c->password);
    if (e == 0 && r->len > 0)
        e = -EBADMSG;
    return e;
}

int wire_parse_connect(const struct wire_frame *frame, struct wire_connect *ret_connect)
{
    CLEANUP(wire_connect_done) struct wire_connect c = {0};
    struct bytes_reader r = {frame->body, frame->len};
    uint8_t flags;
    int e;

    if (frame->flags != 0)
        return -EBADMSG;
    e = parse_protocol(&r, &c.level);
    if (e == 0)
        e = bytes_get_u8(&r, &flags);
    if (e == 0)
        e = bytes_get_u16(&r, &c.keepalive_s);
    if (e < 0)
        return e;
    if (!connect_flags_are_valid(flags))
        return -EBADMSG;

    c.clean_session = flags & CONNECT_CLEAN;
    c.has_will = flags & CONNECT_WILL;
    e = parse_connect_payload(&r, flags, &c);
    if (e < 0)
        return e;

    *ret_connect = c;
    c = (struct wire_connect){0};
    return 0;
}

void wire_publish_done(struct wire_publish *p)
{
    free(p->topic);
    *p = (struct wire_publish){0};
}

int wire_parse_publish(const struct wire_frame *frame, struct wire_publish *ret_publish)
{
    struct bytes_reader r = {frame->body, frame->len};
    struct wire_publish p = {
        .qos = frame->flags >> 1 & 3,
        .dup = frame->flags & 8,
        .retain = frame->flags & 1,
    };
    CLEANUP(freep) char *topic = NULL;
    int e;

    if (p.qos == 3 || (p.qos == 0 && p.dup)) /* [MQTT-3.3.1-4, -2] */
        return -EBADMSG;
    e = get_string(&r, &topic);
    if (e == 0 && p.qos > 0)
        e = bytes_get_u16(&r, &p.id);
    if (e < 0)
        return e;
    if (p.qos > 0 && p.id == 0) /* [MQTT-2.3.1-1] */
        return -EBADMSG;

    p.payload = r.data;
    p.len = r.len;
    p.topic = TAKE(topic);
    *ret_publish = p;
    return 0;
}

int wire_parse_puback(const struct wire_frame *frame, uint16_t *ret_id)
{
    struct bytes_reader r = {frame->body, frame->len};

    if (frame->flags != 0 || frame->len != 2)
        return -EBADMSG;
    return bytes_get_u16(&r, ret_id);
}

void wire_filters_done(struct wire_filters *f)
{
    for (size_t i = 0; i < f->n; i++)
        free(f->items[i].text);
    f->n = 0;
}

static int get_filter(struct bytes_reader *r, bool with_qos, struct wire_filters *f)
{
    int e;

    if (f->n == WIRE_FILTERS_MAX)
        return -E2BIG;
    e = get_string(r, &f->items[f->n].text);
    if (e < 0)
        return e;
    f->n++;
    f->items[f->n - 1].qos = 0;
    if (!with_qos)
        return 0;
    e = bytes_get_u8(r, &f->items[f->n - 1].qos);
    if (e < 0)
        return e;
    return f->items[f->n - 1].qos > 2 ? -EBADMSG : 0; /* [MQTT-3-8.3-4] */
}

int wire_parse_filters(const struct wire_frame *frame, struct wire_filters *ret_filters)
{
    CLEANUP(wire_filters_done) struct wire_filters f = {0};
    struct bytes_reader r = {frame->body, frame->len};
    int e;

    if (frame->flags != 2) /* [MQTT-3.8.1-1, 3.10.1-1] */
        return -EBADMSG;
    e = bytes_get_u16(&r, &f.id);
    if (e < 0)
        return e;
    if (f.id == 0 || r.len == 0) /* [MQTT-2.3.1-1, 3.8.3-3] */
        return -EBADMSG;
    while (r.len > 0) {
        e = get_filter(&r, frame->type == WIRE_SUBSCRIBE, &f);
        if (e < 0)
            return e;
    }

    *ret_filters = f;
    f.n = 0;
    return 0;
}

/* Header and room for a body of the given length; the writer then has exactly that room. */
static int packet_begin(struct wire_packet *p, enum wire_type type, uint8_t flags, size_t len,
                        struct bytes_writer *ret_writer)
{
    uint8_t header[1 + LENGTH_BYTES_MAX] = {(uint8_t) ((uint8_t) type << 4 | flags)};
    size_t n = 1, rest = len;

    do {
        if (n == sizeof(header))
            return -EMSGSIZE;
        header[n++] = (uint8_t) ((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
        rest >>= 7;
    } while (rest > 0);

    p->data = malloc(n + len);
    if (!p->data)
        return -ENOMEM;
    p->len = n + len;
    memcpy(p->data, header, n);
    *ret_writer = (struct bytes_writer){.data = p->data + n, .size = len};
    return 0;
}

int wire_make_connack(struct wire_packet *ret_packet, bool session_present, uint8_t code)
{
    struct bytes_writer w;
    int e = packet_begin(ret_packet, WIRE_CONNACK, 0, 2, &w);

    if (e < 0)
        return e;
    bytes_put_u8(&w, session_present && code == 0);
    bytes_put_u8(&w, code);
    return 0;
}

int wire_make_publish(struct wire_packet *ret_packet, const char *topic, const void *payload,
                      size_t len, uint8_t qos, bool dup, uint16_t id)
{
    size_t topic_len = strlen(topic);
    uint8_t flags = (uint8_t) (qos << 1 | (dup ? 8 : 0));
    struct bytes_writer w;
    int e;

    if (topic_len > UINT16_MAX)
        return -EINVAL;
    e = packet_begin(ret_packet, WIRE_PUBLISH, flags, 2 + topic_len + (qos ? 2 : 0) + len, &w);
    if (e < 0)
        return e;
    bytes_put_u16(&w, (uint16_t) topic_len);
    bytes_put(&w, topic, topic_len);
    if (qos)
        bytes_put_u16(&w, id);
    bytes_put(&w, payload, len);
    return 0;
}

int wire_make_ack(struct wire_packet *ret_packet, enum wire_type type, uint16_t id)
{
    struct bytes_writer w;
    int e = packet_begin(ret_packet, type, 0, 2, &w);

    if (e == 0)
        bytes_put_u16(&w, id);
    return e;
}

int wire_make_suback(struct wire_packet *ret_packet, uint16_t id, const uint8_t *codes,
                     size_t n_codes)
{
    struct bytes_writer w;
    int e = packet_begin(ret_packet, WIRE_SUBACK, 0, 2 + n_codes, &w);

    if (e < 0)
        return e;
    bytes_put_u16(&w, id);
    bytes_put(&w, codes, n_codes);
    return 0;
}

int wire_make_pingresp(struct wire_packet *ret_packet)
{
    struct bytes_writer w;

    return packet_begin(ret_packet, WIRE_PINGRESP, 0, 0, &w);
}
