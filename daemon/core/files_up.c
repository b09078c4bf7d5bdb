/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/core/files_up.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "daemon/crypto/digest.h"
#include "daemon/sys/log.h"
#include "libiotclient/base/fdutil.h"
#include "libiotclient/base/name.h"

LOG_AREA("files");

#define ANSWER_US (10 * USEC_PER_SEC) /* own choice: the cloud's address for an upload */
#define SLICE (256 * 1024)            /* own choice: hashed in less than a millisecond */
#define CHUNK 2048                    /* own choice: on the stack */
#define FUSE_MAGIC 0x65735546         /* linux/magic.h: read(2) waits for a program there */

struct upload {
    struct list link;
    struct files_up *owner;
    enum file_kind kind;
    char name[LIMIT_FILE_NAME + 1];
    int fd;
    uint64_t size;
    struct loop_timer timer; /* the next slice, or the deadline of the answer */
    struct digest *digest;   /* NULL: of a file, or done */
    uint64_t hashed;
    uint8_t md5[DIGEST_MAX];
    char hex[2 * DIGEST_MD5_LEN + 1];
    char request_id[FILESVC_REQUEST_ID];
    bool has_address; /* the cloud knows of it, and hears how it ends */
    char token[LIMIT_FILE_TOKEN + 1];
    struct put *put;
    struct transfer *transfer;
    struct transfer_pace pace;
};

struct files_up {
    struct files_up_config config;
    struct list uploads;
};

static void upload_free(struct upload *u)
{
    if (u->put)
        u->owner->config.net.ops->put_free(u->put);
    loop_timer_cancel(&u->timer);
    digest_free(u->digest);
    list_remove(&u->link);
    (void) fd_close(u->fd);
    free(u);
}

static void tell_cloud(struct upload *u, int code, const char *text)
{
    struct files_up_config *c = &u->owner->config;
    int r = u->kind == FILE_KIND_FILE ? filesvc_report_posted(c->filesvc, u->token, code, text)
                                      : resource_report_end(c->resource, true, u->name, code, text);

    if (r < 0)
        log_warn("the cloud is not told of an upload name=\"%s\" error=\"%s\"", u->name,
                 strerror(-r));
}

static void end(struct upload *u, enum transfer_state state, int code, const char *text)
{
    if (code == 0 && state == TRANSFER_STATE_DONE)
        log_info("sent name=\"%s\" size=%llu", u->name, (unsigned long long) u->size);
    else
        log_warn("not sent name=\"%s\" code=%d: %s", u->name, code, text);
    if (u->has_address)
        tell_cloud(u, code, text);
    transfer_end(u->transfer, state, state == TRANSFER_STATE_CANCELLED ? 0 : code,
                 state == TRANSFER_STATE_DONE ? "" : text);
    upload_free(u);
}

static void fail(struct upload *u, int code, const char *text)
{
    end(u, TRANSFER_STATE_FAILED, code, text);
}

/* --- the file on its way --- */

static void on_progress(uint64_t done, void *userdata)
{
    struct upload *u = userdata;
    struct files_up_config *c = &u->owner->config;
    unsigned percent;

    transfer_progress(u->transfer, done);
    if (u->kind == FILE_KIND_RESOURCE &&
        transfer_pace_pass(&u->pace, loop_now_us(c->loop), done, u->size, &percent))
        (void) !resource_report_progress(c->resource, true, u->name, percent); /* the next does */
}

static void on_put(const struct put_end *put, void *userdata)
{
    struct upload *u = userdata;

    if (put->result == TRANSFER_OK) {
        on_progress(u->size, u);
        end(u, TRANSFER_STATE_DONE, 0, "success");
    } else {
        fail(u, -(int) put->result, put->text);
    }
}

static const struct put_events put_events = {.progress = on_progress, .done = on_put};

static void begin_put(struct upload *u, const char *url)
{
    struct files_up_config *c = &u->owner->config;
    const struct put_request request = {
        .url = url,
        .fd = u->fd,
        .size = u->size,
        .md5 = u->kind == FILE_KIND_RESOURCE ? u->md5 : NULL,
    };
    int r = c->net.ops->put_start(&u->put, c->net.fetcher, &request, &put_events, u);

    if (r < 0)
        fail(u, FILE_CODE_FAILED,
             r == -EINVAL ? "the address cannot be" : "the device cannot begin the upload");
    else
        on_progress(0, u);
}

/* --- its address --- */

static void on_silence(struct loop_timer *timer, void *userdata)
{
    (void) timer;
    fail(userdata, FILE_CODE_TIMEOUT, "no answer from the cloud in time");
}

static void await_address(struct upload *u, int r)
{
    if (r < 0)
        fail(u, FILE_CODE_FAILED, strerror(-r));
    else
        loop_timer_arm(u->owner->config.loop, &u->timer, ANSWER_US, on_silence, u);
}

static void on_address(struct upload *u, int code, const char *text, const char *url)
{
    char problem[TRANSFER_TEXT];

    loop_timer_cancel(&u->timer);
    if (code != 0) {
        (void) snprintf(problem, sizeof(problem), "the cloud answered %d: %.80s", code, text);
        fail(u, FILE_CODE_FAILED, problem);
        return;
    }
    u->has_address = true;
    begin_put(u, url);
}

static bool is_waiting(const struct upload *u, enum file_kind kind)
{
    return u->kind == kind && !u->has_address && loop_timer_is_armed(&u->timer) && !u->digest;
}

void files_up_on_file_url(struct files_up *up, const char *request_id, int code, const char *text,
                          const char *url, const char *token)
{
    LIST_FOR_EACH (n, &up->uploads) {
        struct upload *u = LIST_ENTRY(n, struct upload, link);

        if (!is_waiting(u, FILE_KIND_FILE) || strcmp(u->request_id, request_id) != 0)
            continue;
        if (code == 0 && (!*token || strlen(token) > LIMIT_FILE_TOKEN)) {
            fail(u, FILE_CODE_FAILED, "the cloud answered without a token");
            return;
        }
        if (code == 0) {
            (void) snprintf(u->token, sizeof(u->token), "%s", token);
            transfer_set_token(u->transfer, u->token);
        }
        on_address(u, code, text, url);
        return;
    }
    log_debug("an address that nobody waits for request_id=%.32s", request_id);
}

void files_up_on_resource_url(struct files_up *up, const char *name, const char *md5, int code,
                              const char *text, const char *url)
{
    LIST_FOR_EACH (n, &up->uploads) {
        struct upload *u = LIST_ENTRY(n, struct upload, link);

        if (!is_waiting(u, FILE_KIND_RESOURCE) || strcmp(u->name, name) != 0 ||
            (code == 0 && strcasecmp(u->hex, md5) != 0))
            continue;
        on_address(u, code, text, url);
        return;
    }
    log_debug("an address that nobody waits for name=\"%.64s\"", name);
}

/* --- the MD5 of a resource --- */

static void on_slice(struct loop_timer *timer, void *userdata);

static int hash_slice(struct upload *u)
{
    const uint64_t stop = u->hashed + SLICE;
    uint8_t chunk[CHUNK];

    while (u->hashed < u->size && u->hashed < stop) {
        uint64_t left = u->size - u->hashed;
        ssize_t n = pread(u->fd, chunk, left < sizeof(chunk) ? (size_t) left : sizeof(chunk),
                          (off_t) u->hashed);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -ENODATA;
        digest_add(u->digest, chunk, (size_t) n);
        u->hashed += (uint64_t) n;
    }
    return 0;
}

static void ask_resource(struct upload *u)
{
    int r = digest_finish(u->digest, u->md5);

    u->digest = digest_free(u->digest);
    for (size_t i = 0; i < DIGEST_MD5_LEN; i++)
        (void) snprintf(u->hex + 2 * i, 3, "%02x", u->md5[i]);
    if (r == 0)
        r = resource_request_upload(u->owner->config.resource, u->name, u->size, u->hex);
    await_address(u, r);
}

static void on_slice(struct loop_timer *timer, void *userdata)
{
    struct upload *u = userdata;

    if (hash_slice(u) < 0)
        fail(u, FILE_CODE_FAILED, "the file cannot be read, or became shorter");
    else if (u->hashed < u->size)
        loop_timer_arm(u->owner->config.loop, timer, 0, on_slice, u);
    else
        ask_resource(u);
}

/* --- the beginning --- */

static int check_file(int fd, uint64_t *ret_size)
{
    int flags = fcntl(fd, F_GETFL);
    struct statfs fs;
    struct stat st;

    if (flags < 0 || flags & O_PATH || (flags & O_ACCMODE) == O_WRONLY || fstat(fd, &st) < 0 ||
        !S_ISREG(st.st_mode) || st.st_size <= 0)
        return -EINVAL;
    if ((uint64_t) st.st_size > LIMIT_FILE_MAX)
        return -EMSGSIZE;
    if (fstatfs(fd, &fs) < 0 || fs.f_type == FUSE_MAGIC)
        return -EOPNOTSUPP;
    *ret_size = (uint64_t) st.st_size;
    return 0;
}

static int check(const struct files_up *up, const struct files_up_request *q)
{
    unsigned n_all = 0, n_own = 0;

    if (!name_is_file(q->record.name))
        return -EINVAL;
    if (q->kind == FILE_KIND_FILE &&
        (!name_is_file_type(q->record.type) || !name_is_file_version(q->record.version)))
        return -EINVAL;
    if (!link_is_up(up->config.link))
        return -ENETDOWN;
    LIST_FOR_EACH (n, &up->uploads) {
        const struct upload *u = LIST_ENTRY(n, struct upload, link);

        n_all++;
        n_own += strcmp(u->transfer->program, q->program) == 0;
        if (u->kind == q->kind && q->kind == FILE_KIND_RESOURCE &&
            strcmp(u->name, q->record.name) == 0)
            return -EAGAIN; /* answers tell them apart by name only */
    }
    return n_all >= LIMIT_UPLOADS || n_own >= LIMIT_UPLOADS_OWNER ? -ENOBUFS : 0;
}

static void on_cancel(struct transfer *t, void *userdata)
{
    (void) t;
    end(userdata, TRANSFER_STATE_CANCELLED, FILE_CODE_FAILED, "cancelled on the device");
}

static int upload_new(struct files_up *up, const struct files_up_request *q, uint64_t size,
                      struct upload **ret_upload)
{
    enum transfer_kind kind =
        q->kind == FILE_KIND_FILE ? TRANSFER_KIND_FILE_UPLOAD : TRANSFER_KIND_RESOURCE_UPLOAD;
    struct upload *u = calloc(1, sizeof(*u));
    int r = u ? 0 : -ENOMEM;

    if (r < 0)
        return r;
    u->owner = up;
    u->kind = q->kind;
    u->size = size;
    (void) snprintf(u->name, sizeof(u->name), "%s", q->record.name);
    list_append(&up->uploads, &u->link);
    u->fd = fd_dup(q->fd);
    if (u->fd < 0)
        r = u->fd;
    if (r == 0 && q->kind == FILE_KIND_RESOURCE)
        r = digest_new(&u->digest, DIGEST_MD5);
    if (r == 0 && q->kind == FILE_KIND_FILE)
        r = filesvc_request_url(up->config.filesvc, &q->record, u->request_id);
    if (r == 0)
        r = transfer_new(&u->transfer, up->config.transfers, kind, u->name, q->program, size);
    if (r < 0) {
        upload_free(u);
        return r;
    }
    *ret_upload = u;
    return 0;
}

int files_up_start(struct files_up *up, const struct files_up_request *q,
                   struct transfer **ret_transfer)
{
    struct upload *u = NULL;
    uint64_t size = 0;
    int r = check(up, q);

    if (r == 0)
        r = check_file(q->fd, &size);
    if (r == 0)
        r = upload_new(up, q, size, &u);
    if (r < 0)
        return r;
    u->transfer->cancel = on_cancel;
    u->transfer->userdata = u;
    if (u->digest)
        loop_timer_arm(up->config.loop, &u->timer, 0, on_slice, u);
    else
        await_address(u, 0);
    *ret_transfer = u->transfer;
    return 0;
}

/* --- life --- */

int files_up_new(struct files_up **ret_up, const struct files_up_config *config)
{
    struct files_up *up = calloc(1, sizeof(*up));

    if (!up)
        return -ENOMEM;
    up->config = *config;
    list_init(&up->uploads);
    *ret_up = up;
    return 0;
}

struct files_up *files_up_free(struct files_up *up)
{
    if (!up)
        return NULL;

    while (!list_is_empty(&up->uploads))
        end(LIST_ENTRY(up->uploads.next, struct upload, link), TRANSFER_STATE_CANCELLED,
            FILE_CODE_FAILED, "iotd is stopping");
    free(up);
    return NULL;
}
