/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "examples/localcloud/files.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "examples/localcloud/files_source.h"
#include "examples/localcloud/sign.h"
#include "libiotclient/base/num.h"
#include "libiotclient/base/strbuf.h"

#define SIGN_MAX (2 * SIGN_DIGEST_MAX + 1)
#define URI_MAX 1024
#define WRITE_TEXT_MAX 1024

/* What can be wrong with a request, as the vendor's object store says it. */
struct refusal {
    int status;
    const char *code;
    const char *text;
};
static const struct refusal no_signature = {403, "AccessDenied", "The URL is not signed"};
static const struct refusal bad_signature = {403, "SignatureDoesNotMatch",
                                             "The signature does not match"};
static const struct refusal expired = {403, "AccessDenied", "Request has expired"};
static const struct refusal no_key = {404, "NoSuchKey", "The specified key does not exist"};
static const struct refusal bad_range = {416, "InvalidRange", "The range is not in the file"};
static const struct refusal bad_length = {400, "EntityTooLarge", "This length was not announced"};
static const struct refusal bad_digest = {400, "BadDigest", "The MD5 is another one"};
static const struct refusal invalid_digest = {400, "InvalidDigest", "Content-MD5 is no MD5"};
static const struct refusal no_room = {500, "InternalError", "The file cannot be kept"};

static void refuse(struct files *f, struct http_request *rq, const struct refusal *r,
                   const char *headers)
{
    struct http_answer answer = {
        .status = r->status, .type = "application/xml", .headers = headers};
    struct strbuf sb;
    char *text = NULL;

    journal_event(f->journal, "", "file_refused", "%s: %d %s", http_request_path(rq), r->status,
                  r->text);
    strbuf_init(&sb, WRITE_TEXT_MAX);
    strbuf_addf(&sb,
                "<?xml version='1.0' encoding='utf-8' ?>\n<Error><Code>%s</Code>"
                "<Message>%s</Message></Error>\n",
                r->code, r->text);
    if (strbuf_finish(&sb, &text) < 0)
        text = NULL;
    http_request_answer_text(rq, &answer, text);
}

/* What the query of a URL says. */
struct query {
    char sign[SIGN_MAX];
    char md5[BLOBS_MD5_MAX];
    struct blobs_ticket ticket;
};

/* NULL when all is well. */
static const struct refusal *check_url(struct files *f, const struct http_request *rq,
                                       const char *method, struct query *q)
{
    int e;

    *q = (struct query){.ticket = {.method = method, .key = http_request_path(rq)}};
    q->ticket.sign = q->sign;
    q->ticket.md5 = q->md5;
    e = http_request_text(rq, "sign", q->sign, sizeof(q->sign));
    if (e == -ENOENT)
        return &no_signature;
    if (e == 0)
        e = http_request_number(rq, "expires", INT64_MAX, &q->ticket.expires_s);
    if (e == 0)
        e = http_request_number(rq, "size", INT64_MAX, &q->ticket.size);
    if (e == 0)
        e = http_request_text(rq, "md5", q->md5, sizeof(q->md5));
    if (e < 0 && e != -ENOENT)
        return &bad_signature;
    e = blobs_check(f->blobs, &q->ticket);
    return e == 0 ? NULL : e == -ETIMEDOUT ? &expired : &bad_signature;
}

static bool take(struct files *f, const struct http_request *rq, enum faults_direction direction,
                 enum faults_file kind, int64_t *ret_value)
{
    return faults_take_file(f->faults, direction, kind, http_request_path(rq), ret_value);
}

/* Faults that are an answer of their own. */
static bool refuse_by_fault(struct files *f, struct http_request *rq,
                            enum faults_direction direction)
{
    struct refusal r = {503, "ServiceUnavailable", "A fault"};
    int64_t value;

    if (take(f, rq, direction, FAULTS_FILE_expired, &value)) {
        refuse(f, rq, &expired, NULL);
    } else if (take(f, rq, direction, FAULTS_FILE_not_found, &value)) {
        refuse(f, rq, &no_key, NULL);
    } else if (take(f, rq, direction, FAULTS_FILE_status, &value)) {
        r.status = (int) value;
        refuse(f, rq, &r, NULL);
    } else {
        return false;
    }
    return true;
}

/* To the same place, so that a client that follows comes again. */
static void redirect(struct http_request *rq, const struct query *q)
{
    char headers[URI_MAX];
    struct http_answer answer = {.status = 302, .type = "text/plain", .headers = headers};

    (void) snprintf(headers, sizeof(headers), "Location: /files/%s?sign=%s&expires=%llu\r\n",
                    http_request_path(rq), q->sign, (unsigned long long) q->ticket.expires_s);
    http_request_answer_text(rq, &answer, strdup(""));
}

/* "A-B", "A-", "-N"; false: no single range, which is as good as none. */
static bool parse_range(const char *text, uint64_t *ret_first, uint64_t *ret_last)
{
    char copy[HTTP_HEADER_MAX], *dash;

    *ret_first = *ret_last = UINT64_MAX;
    if (strncmp(text, "bytes=", 6) != 0)
        return false;
    (void) snprintf(copy, sizeof(copy), "%s", text + 6);
    dash = strchr(copy, '-');
    if (!dash || strlen(copy) < 2)
        return false;
    *dash++ = '\0';
    if (*copy && (num_parse_u64(copy, ret_first) < 0 || *ret_first > INT64_MAX))
        return false;
    if (*dash && (num_parse_u64(dash, ret_last) < 0 || *ret_last > INT64_MAX))
        return false;
    return *copy == '\0' || *ret_first <= *ret_last;
}

/* The part that is wanted of total bytes: 200, 206 or 416. The last byte is cut to the file. */
static int find_range(const struct http_request *rq, const char *etag, uint64_t total,
                      uint64_t *ret_start, uint64_t *ret_length)
{
    const char *if_range = http_request_header(rq, "if-range");
    uint64_t first, last;

    *ret_start = 0;
    *ret_length = total;
    if ((*if_range && strcmp(if_range, etag) != 0) ||
        !parse_range(http_request_header(rq, "range"), &first, &last))
        return 200;
    if (first == UINT64_MAX) { /* the last bytes */
        first = last < total ? total - last : 0;
        last = last == 0 ? 0 : UINT64_MAX;
        if (last == 0)
            return 416;
    }
    if (first >= total)
        return 416;
    if (last >= total)
        last = total - 1;
    *ret_start = first;
    *ret_length = last - first + 1;
    return 206;
}

/* The faults of one body. */
static void set_faults(struct files_source *s, const struct http_request *rq,
                       struct http_answer *answer)
{
    struct files *f = s->files;
    int64_t value;

    s->cut_after = s->stall_after = UINT64_MAX;
    if (take(f, rq, FAULTS_DOWN, FAULTS_FILE_cut, &value))
        s->cut_after = (uint64_t) value;
    if (take(f, rq, FAULTS_DOWN, FAULTS_FILE_stall, &value))
        s->stall_after = (uint64_t) value;
    if (take(f, rq, FAULTS_DOWN, FAULTS_FILE_slow, &value))
        s->rate = (uint64_t) value;
    s->wrong = take(f, rq, FAULTS_DOWN, FAULTS_FILE_wrong_hash, &value);
    answer->chunked = take(f, rq, FAULTS_DOWN, FAULTS_FILE_chunked, &value);
    if (take(f, rq, FAULTS_DOWN, FAULTS_FILE_endless, &value)) {
        s->length = UINT64_MAX / 2;
        answer->chunked = false;
        answer->endless = true;
    }
}

/* How long the cloud says that the file is. */
static uint64_t claimed_size(struct files *f, const struct http_request *rq,
                             const struct blob *blob)
{
    int64_t value;

    if (!take(f, rq, FAULTS_DOWN, FAULTS_FILE_wrong_length, &value))
        return blob->size;
    return value >= 0 || blob->size > (uint64_t) -value ? blob->size + (uint64_t) value : 0;
}

static void send_blob(struct files *f, struct http_request *rq, const struct blob *blob,
                      bool is_head)
{
    struct http_answer answer = {.status = 200, .type = "application/octet-stream"};
    char etag[BLOBS_MD5_MAX + 2], headers[256];
    struct files_source *s = calloc(1, sizeof(*s));
    uint64_t total = blob->size;
    int64_t value;
    int n;

    if (!s) {
        http_request_answer(rq, 500, NULL);
        return;
    }
    if (!is_head)
        total = claimed_size(f, rq, blob);
    (void) snprintf(etag, sizeof(etag), "\"%s\"", blob->md5);
    s->files = f;
    s->blob = blobs_ref(blob);
    s->length = total;
    answer.headers = headers;
    n = snprintf(headers, sizeof(headers), "ETag: %s\r\n", etag);
    if (is_head || !take(f, rq, FAULTS_DOWN, FAULTS_FILE_no_range, &value)) {
        n += snprintf(headers + n, sizeof(headers) - (size_t) n, "Accept-Ranges: bytes\r\n");
        answer.status = find_range(rq, etag, total, &s->start, &s->length);
    }
    if (answer.status == 206)
        (void) snprintf(headers + n, sizeof(headers) - (size_t) n,
                        "Content-Range: bytes %llu-%llu/%llu\r\n", (unsigned long long) s->start,
                        (unsigned long long) (s->start + s->length - 1),
                        (unsigned long long) total);
    else if (answer.status == 416)
        (void) snprintf(headers + n, sizeof(headers) - (size_t) n,
                        "Content-Range: bytes */%llu\r\n", (unsigned long long) total);
    if (answer.status == 416) {
        blobs_unref(s->blob);
        free(s);
        refuse(f, rq, &bad_range, headers);
        return;
    }
    s->status = answer.status;
    s->cut_after = s->stall_after = UINT64_MAX;
    answer.length = s->length;
    if (!is_head)
        set_faults(s, rq, &answer);
    http_request_answer_source(rq, &answer, &files_source, s);
}

void files_on_get(struct files *f, struct http_request *rq, bool is_head)
{
    const struct refusal *refusal;
    const struct blob *blob;
    struct query q;
    int64_t value;

    f->n_downloads++;
    refusal = check_url(f, rq, "GET", &q);
    if (refusal) {
        refuse(f, rq, refusal, NULL);
        return;
    }
    if (refuse_by_fault(f, rq, FAULTS_DOWN))
        return;
    if (take(f, rq, FAULTS_DOWN, FAULTS_FILE_redirect, &value)) {
        redirect(rq, &q);
        return;
    }
    blob = blobs_find(f->blobs, http_request_path(rq));
    if (blob)
        send_blob(f, rq, blob, is_head);
    else
        refuse(f, rq, &no_key, NULL);
}

/* An upload under way. */
struct upload {
    struct files *files;
    struct blobs_writer *writer;
    uint64_t left; /* until a fault cuts it */
    char md5[BLOBS_MD5_MAX];
};

static void upload_free(struct upload *u)
{
    blobs_write_cancel(u->writer);
    free(u);
}

static int on_upload_data(const void *data, size_t len, void *userdata)
{
    struct upload *u = userdata;

    if (len > u->left)
        return -ECONNABORTED;
    u->left -= len;
    u->files->bytes_taken += len;
    return blobs_write(u->writer, data, len);
}

static void on_upload_end(struct http_request *rq, void *userdata)
{
    struct upload *u = userdata;
    struct http_answer answer = {.status = 200, .type = "application/xml"};
    char headers[64 + BLOBS_MD5_MAX];
    const struct blob *blob;
    int e = blobs_write_end(TAKE(u->writer), u->md5, true);

    blob = blobs_find(u->files->blobs, http_request_path(rq));
    if (e < 0) {
        refuse(u->files, rq, e == -EBADMSG ? &bad_digest : &no_room, NULL);
    } else {
        (void) snprintf(headers, sizeof(headers), "ETag: \"%s\"\r\n", blob ? blob->md5 : u->md5);
        answer.headers = headers;
        http_request_answer_text(rq, &answer, strdup(""));
    }
    upload_free(u);
}

static void on_upload_cancel(void *userdata)
{
    upload_free(userdata);
}

static const struct http_sink upload_sink = {on_upload_data, on_upload_end, on_upload_cancel};

/* Content-MD5, which must be the one that was announced, if any. */
static const struct refusal *find_md5(const struct http_request *rq, const struct query *q,
                                      char md5[BLOBS_MD5_MAX])
{
    const char *text = http_request_header(rq, "content-md5");
    uint8_t bytes[SIGN_MD5_LEN];
    size_t len;

    (void) snprintf(md5, BLOBS_MD5_MAX, "%s", q->md5);
    if (!*text)
        return NULL;
    if (sign_base64_decode(text, bytes, sizeof(bytes), &len) < 0 || len != sizeof(bytes))
        return &invalid_digest;
    sign_hex(bytes, sizeof(bytes), md5);
    return *q->md5 && strcasecmp(q->md5, md5) != 0 ? &bad_digest : NULL;
}

void files_on_put(struct files *f, struct http_request *rq)
{
    uint64_t length = http_request_length(rq);
    struct upload *u = calloc(1, sizeof(*u));
    const struct refusal *refusal;
    struct query q;
    int64_t value;

    f->n_uploads++;
    refusal = check_url(f, rq, "PUT", &q);
    if (!refusal && u)
        refusal = find_md5(rq, &q, u->md5);
    if (!refusal && (length > BLOBS_SIZE_MAX || (q.ticket.size && length != q.ticket.size)))
        refusal = &bad_length;
    if (!refusal && refuse_by_fault(f, rq, FAULTS_UP)) {
        free(u);
        return;
    }
    if (!refusal && (!u || blobs_write_start(&u->writer, f->blobs, http_request_path(rq)) < 0))
        refusal = &no_room;
    if (refusal) {
        free(u);
        refuse(f, rq, refusal, NULL);
        return;
    }
    u->files = f;
    u->left = take(f, rq, FAULTS_UP, FAULTS_FILE_cut, &value) ? (uint64_t) value : UINT64_MAX;
    http_request_set_sink(rq, &upload_sink, u);
}

json_t *files_json(const struct files *f)
{
    return json_pack("{s:I, s:I, s:I, s:I}", "downloads", (json_int_t) f->n_downloads, "uploads",
                     (json_int_t) f->n_uploads, "bytes_sent", (json_int_t) f->bytes_sent,
                     "bytes_taken", (json_int_t) f->bytes_taken);
}
