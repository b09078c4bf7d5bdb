/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "examples/localcloud/blobs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "examples/localcloud/persist.h"
#include "examples/localcloud/sign.h"
#include "libiotclient/base/fdutil.h"
#include "libiotclient/base/strbuf.h"

#define INDEX "blobs.json"
#define SECRET_LEN 64
#define URL_MAX 1024 /* protocol: what a device must take */

struct listener {
    const char *prefix;
    blobs_fn fn;
    void *userdata;
};

struct blobs {
    struct blobs_deps deps;
    struct list list; /* oldest first */
    size_t n;
    uint64_t last_number;
    char secret[SECRET_LEN + 1]; /* of the signatures */
    char *base;
    struct listener listeners[BLOBS_LISTENERS_MAX];
    size_t n_listeners;
};

struct blobs_writer {
    struct blobs *blobs;
    struct blob *blob;
    struct sign_md5 *md5;
};

bool blobs_is_key(const char *key)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                  "._-/";
    size_t len = strlen(key);

    return len >= 1 && len <= BLOBS_KEY_MAX && strspn(key, allowed) == len && *key != '/' &&
           !strstr(key, "//") && !strstr(key, "..");
}

struct blob *blobs_ref(const struct blob *blob)
{
    struct blob *own = (struct blob *) (uintptr_t) blob;

    own->refs++;
    return own;
}

struct blob *blobs_unref(struct blob *blob)
{
    if (!blob || --blob->refs > 0)
        return NULL;
    (void) fd_close(blob->fd);
    free(blob);
    return NULL;
}
DEFINE_FREEP(struct blob, blobs_unref)

static void file_name(const struct blob *blob, char name[32])
{
    (void) snprintf(name, 32, "blob-%llu", (unsigned long long) blob->number);
}

static void save(const struct blobs *b)
{
    json_t *list = json_array(), *document;
    int e;

    LIST_FOR_EACH (n, &b->list) {
        const struct blob *blob = LIST_ENTRY(n, struct blob, link);

        (void) json_array_append_new(
            list, json_pack("{s:s, s:I, s:s, s:I, s:I}", "key", blob->key, "size",
                            (json_int_t) blob->size, "md5", blob->md5, "time_ms",
                            (json_int_t) blob->time_ms, "number", (json_int_t) blob->number));
    }
    document = json_pack("{s:s, s:I, s:o}", "secret", b->secret, "last_number",
                         (json_int_t) b->last_number, "blobs", list);
    e = document ? persist_save(b->deps.dir, INDEX, document) : -ENOMEM;
    json_decref(document);
    if (e < 0)
        journal_event(b->deps.journal, "", "not_kept", "%s: %s", INDEX, strerror(-e));
}

/* One entry of the index; a file that is gone or of another length is forgotten. */
static int load_blob(struct blobs *b, const json_t *o)
{
    CLEANUP(blobs_unrefp) struct blob *blob = calloc(1, sizeof(*blob));
    const char *key, *md5;
    json_int_t size, time_ms, number;
    char name[32];

    if (!blob)
        return -ENOMEM;
    blob->refs = 1;
    blob->fd = -1;
    if (json_unpack((json_t *) (uintptr_t) o, "{s:s, s:I, s:s, s:I, s:I}", "key", &key, "size",
                    &size, "md5", &md5, "time_ms", &time_ms, "number", &number) < 0 ||
        !blobs_is_key(key) || strlen(md5) >= sizeof(blob->md5) || b->n >= BLOBS_MAX)
        return -EINVAL;
    (void) snprintf(blob->key, sizeof(blob->key), "%s", key);
    (void) snprintf(blob->md5, sizeof(blob->md5), "%s", md5);
    blob->size = (uint64_t) size;
    blob->time_ms = (uint64_t) time_ms;
    blob->number = (uint64_t) number;
    file_name(blob, name);
    blob->fd = openat(b->deps.dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (blob->fd < 0 || lseek(blob->fd, 0, SEEK_END) != size)
        return 0;
    list_append(&b->list, &blob->link);
    b->n++;
    blob = NULL;
    return 0;
}

static int load(struct blobs *b)
{
    json_t *document, *list;
    const char *secret;
    json_int_t last;
    int e = persist_load(b->deps.dir, INDEX, &document);

    if (e < 0)
        return e == -ENOENT ? sign_random_hex(b->secret, SECRET_LEN) : e;
    if (json_unpack(document, "{s:s, s:I, s:o}", "secret", &secret, "last_number", &last, "blobs",
                    &list) < 0 ||
        strlen(secret) != SECRET_LEN)
        e = -EINVAL;
    if (e == 0) {
        memcpy(b->secret, secret, SECRET_LEN);
        b->last_number = (uint64_t) last;
    }
    for (size_t i = 0; e == 0 && i < json_array_size(list); i++)
        e = load_blob(b, json_array_get(list, i));
    json_decref(document);
    return e;
}

int blobs_new(struct blobs **ret_blobs, const struct blobs_deps *deps)
{
    CLEANUP(blobs_freep) struct blobs *b = calloc(1, sizeof(*b));
    int e;

    if (!b)
        return -ENOMEM;
    b->deps = *deps;
    list_init(&b->list);
    e = load(b);
    if (e < 0)
        return e;
    *ret_blobs = TAKE(b);
    return 0;
}

struct blobs *blobs_free(struct blobs *b)
{
    if (!b)
        return NULL;
    LIST_FOR_EACH_SAFE (n, &b->list)
        blobs_unref(LIST_ENTRY(n, struct blob, link));
    free(b->base);
    free(b);
    return NULL;
}

int blobs_set_base(struct blobs *b, const char *base)
{
    char *copy = strdup(base);

    if (!copy)
        return -ENOMEM;
    free(b->base);
    b->base = copy;
    return 0;
}

const struct blob *blobs_find(const struct blobs *b, const char *key)
{
    LIST_FOR_EACH (n, &b->list) {
        const struct blob *blob = LIST_ENTRY(n, struct blob, link);

        if (strcmp(blob->key, key) == 0)
            return blob;
    }
    return NULL;
}

static void forget(struct blobs *b, const char *key)
{
    struct blob *blob = (struct blob *) (uintptr_t) blobs_find(b, key);
    char name[32];

    if (!blob)
        return;
    list_remove(&blob->link);
    b->n--;
    file_name(blob, name);
    if (b->deps.dir >= 0)
        (void) unlinkat(b->deps.dir, name, 0); /* one that stays is not in the index */
    blobs_unref(blob);
}

void blobs_remove(struct blobs *b, const char *key)
{
    if (!blobs_find(b, key))
        return;
    forget(b, key);
    save(b);
}

int blobs_put(struct blobs *b, const char *key, const void *data, size_t len)
{
    CLEANUP(blobs_write_cancelp) struct blobs_writer *w = NULL;
    int e = blobs_write_start(&w, b, key);

    if (e == 0)
        e = blobs_write(w, data, len);
    return e < 0 ? e : blobs_write_end(TAKE(w), "", false);
}

/* Everything that the URL allows, so that nothing of it can be changed. */
static int make_sign(const struct blobs *b, const struct blobs_ticket *t,
                     struct sign_digest *ret_digest)
{
    char text[BLOBS_KEY_MAX + 128];
    int n = snprintf(text, sizeof(text), "%s\n%s\n%llu\n%llu\n%s", t->method, t->key,
                     (unsigned long long) t->expires_s, (unsigned long long) t->size, t->md5);

    if (n < 0 || (size_t) n >= sizeof(text))
        return -EINVAL;
    return sign_hmac(SIGN_METHOD_HMACSHA256, b->secret, SECRET_LEN, text, (size_t) n, ret_digest);
}

int blobs_check(const struct blobs *b, const struct blobs_ticket *ticket)
{
    struct sign_digest digest;
    int e = make_sign(b, ticket, &digest);

    if (e < 0 || !sign_digest_equals_hex(&digest, ticket->sign))
        return -EACCES;
    return clock_real_ms(b->deps.clock) / 1000 < ticket->expires_s ? 0 : -ETIMEDOUT;
}

static int make_url(const struct blobs *b, struct blobs_ticket *t, uint64_t life_s, char **ret_url)
{
    char hex[2 * SIGN_DIGEST_MAX + 1];
    struct sign_digest digest;
    struct strbuf sb;
    int e;

    if (!blobs_is_key(t->key) || !b->base || strlen(t->md5) >= BLOBS_MD5_MAX)
        return -EINVAL;
    t->expires_s = clock_real_ms(b->deps.clock) / 1000 + (life_s ? life_s : b->deps.life_s);
    e = make_sign(b, t, &digest);
    if (e < 0)
        return e;
    sign_hex(digest.bytes, digest.len, hex);
    strbuf_init(&sb, URL_MAX);
    strbuf_addf(&sb, "%s/files/%s?sign=%s&expires=%llu", b->base, t->key, hex,
                (unsigned long long) t->expires_s);
    if (t->size)
        strbuf_addf(&sb, "&size=%llu", (unsigned long long) t->size);
    if (*t->md5)
        strbuf_addf(&sb, "&md5=%s", t->md5);
    return strbuf_finish(&sb, ret_url);
}

int blobs_get_url(const struct blobs *b, const char *key, uint64_t life_s, char **ret_url)
{
    struct blobs_ticket t = {.method = "GET", .key = key, .md5 = ""};

    return make_url(b, &t, life_s, ret_url);
}

int blobs_put_url(const struct blobs *b, const char *key, uint64_t size, const char *md5,
                  uint64_t life_s, char **ret_url)
{
    struct blobs_ticket t = {.method = "PUT", .key = key, .size = size, .md5 = md5 ? md5 : ""};

    return make_url(b, &t, life_s, ret_url);
}

int blobs_listen(struct blobs *b, const char *prefix, blobs_fn fn, void *userdata)
{
    if (b->n_listeners >= BLOBS_LISTENERS_MAX)
        return -ENOBUFS;
    b->listeners[b->n_listeners++] = (struct listener){prefix, fn, userdata};
    return 0;
}

/* In the directory, or a file that has no name. */
static int open_file(const struct blobs *b, const struct blob *blob)
{
    const char *tmp = getenv("TMPDIR");
    char name[32];
    int fd;

    if (b->deps.dir < 0) {
        fd = open(tmp && *tmp ? tmp : "/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    } else {
        file_name(blob, name);
        fd = openat(b->deps.dir, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    }
    return fd < 0 ? -errno : fd;
}

int blobs_write_start(struct blobs_writer **ret_writer, struct blobs *b, const char *key)
{
    CLEANUP(blobs_write_cancelp) struct blobs_writer *w = calloc(1, sizeof(*w));
    int e;

    if (!blobs_is_key(key))
        return -EINVAL;
    if (b->n >= BLOBS_MAX && !blobs_find(b, key))
        return -ENOSPC;
    if (!w)
        return -ENOMEM;
    w->blobs = b;
    w->blob = calloc(1, sizeof(*w->blob));
    if (!w->blob)
        return -ENOMEM;
    w->blob->refs = 1;
    w->blob->fd = -1;
    w->blob->number = ++b->last_number;
    (void) snprintf(w->blob->key, sizeof(w->blob->key), "%s", key);
    e = w->blob->fd = open_file(b, w->blob);
    if (e >= 0)
        e = sign_md5_new(&w->md5);
    if (e < 0)
        return e;
    *ret_writer = TAKE(w);
    return 0;
}

int blobs_write(struct blobs_writer *w, const void *data, size_t len)
{
    const char *p = data;
    int e = sign_md5_add(w->md5, data, len);

    if (e < 0)
        return e;
    if (len > BLOBS_SIZE_MAX - w->blob->size)
        return -EFBIG;
    w->blob->size += len;
    while (len > 0) {
        ssize_t n = write(w->blob->fd, p, len);

        if (n < 0 && errno != EINTR)
            return -errno;
        if (n < 0)
            continue;
        p += n;
        len -= (size_t) n;
    }
    return 0;
}

static void tell_listeners(const struct blobs *b, const struct blob *blob)
{
    for (size_t i = 0; i < b->n_listeners; i++) {
        const struct listener *l = &b->listeners[i];

        if (strncmp(blob->key, l->prefix, strlen(l->prefix)) == 0)
            l->fn(blob, l->userdata);
    }
}

int blobs_write_end(struct blobs_writer *writer, const char *md5, bool tell)
{
    CLEANUP(blobs_write_cancelp) struct blobs_writer *w = writer;
    CLEANUP(blobs_unrefp) struct blob *blob = NULL;
    struct blobs *b = w->blobs;
    uint8_t sum[SIGN_MD5_LEN];
    int e = sign_md5_end(w->md5, sum);

    if (e < 0)
        return e;
    sign_hex(sum, sizeof(sum), w->blob->md5);
    if (*md5 && strcasecmp(md5, w->blob->md5) != 0)
        return -EBADMSG;
    if (b->n >= BLOBS_MAX && !blobs_find(b, w->blob->key))
        return -ENOSPC;
    forget(b, w->blob->key);
    blob = blobs_ref(w->blob); /* a listener may remove it */
    w->blob->time_ms = clock_real_ms(b->deps.clock);
    list_append(&b->list, &w->blob->link);
    b->n++;
    w->blob = NULL;
    save(b);
    if (tell)
        tell_listeners(b, blob);
    return 0;
}

struct blobs_writer *blobs_write_cancel(struct blobs_writer *w)
{
    char name[32];

    if (!w)
        return NULL;
    if (w->blob && w->blob->fd >= 0 && w->blobs->deps.dir >= 0) {
        file_name(w->blob, name);
        (void) unlinkat(w->blobs->deps.dir, name, 0);
    }
    if (w->blob)
        blobs_unref(w->blob);
    sign_md5_free(w->md5);
    free(w);
    return NULL;
}
