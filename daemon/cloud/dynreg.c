/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/cloud/dynreg.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/crypto/aes_cbc.h"
#include "daemon/crypto/base64.h"
#include "daemon/crypto/digest.h"
#include "daemon/crypto/hmac.h"
#include "daemon/json/jx.h"
#include "libiotclient/base/utf8.h"

#define ENCRYPTION_CERTIFICATE 1
#define ENCRYPTION_PSK 2

/*
 * Codes of the platform: error codes of the cloud API, and those that the application guide has
 * for products and devices. The longest row that a code begins with counts.
 */
static const struct {
    const char *code;
    int error;
    const char *text;
} codes[] = {
    {"AuthFailure", -EACCES,
     "the cloud does not accept the signature: is the product secret right?"},
    {"AuthFailure.SignatureExpire", -EACCES,
     "the cloud says that the signature has expired: is the clock right?"},
    {"AuthFailure.SignatureFailure", -EACCES,
     "the cloud does not accept the signature: is the product secret right?"},
    {"AuthFailure.UnauthorizedOperation", -EACCES,
     "dynamic registration is not permitted: is it switched on for the product?"},
    {"FailedOperation", -EACCES, "the cloud could not register the device"},
    {"FailedOperation.DeviceAlreadyActivated", -EACCES,
     "the device was activated before: only a reset or a new device in the console helps"},
    {"InternalError", -EAGAIN, "the cloud has an internal error"},
    {"InvalidParameter", -EACCES, "the cloud does not accept the request"},
    {"InvalidParameterValue", -EACCES,
     "the cloud does not accept product or device: are both spelled right?"},
    {"InvalidParameterValue.DeviceAlreadyExist", -EACCES, "the device was registered before"},
    {"InvalidRequest", -EACCES, "the cloud does not accept the request"},
    {"IpInBlacklist", -EACCES, "the cloud has blocked the address of this device"},
    {"IpNotInWhitelist", -EACCES, "the cloud permits other addresses only"},
    {"LimitExceeded", -EACCES,
     "the product has used up its dynamic registrations or activation codes"},
    {"MissingParameter", -EACCES, "the cloud misses something in the request"},
    {"NoSuchProduct", -EACCES, "the product does not exist: is the product id right?"},
    {"NoSuchVersion", -EACCES, "the cloud does not know this kind of request any more"},
    {"RequestLimitExceeded", -EAGAIN, "too many requests at a time"},
    {"ResourceInUse", -EACCES, "the device was registered before"},
    {"ResourceInsufficient", -EAGAIN, "the cloud is out of resources"},
    {"ResourceNotFound", -EACCES, "the product or device does not exist"},
    {"ResourceNotFound.DeviceNotExist", -EACCES,
     "the device does not exist: create it in the console, or switch automatic creation on"},
    {"ResourceNotFound.ProductNotExist", -EACCES,
     "the product does not exist: is the product id right?"},
    {"ResourceNotFound.StudioProductNotExist", -EACCES,
     "the product does not exist: is the product id right?"},
    {"ResourceUnavailable", -EAGAIN, "the cloud is not available"},
    {"UnauthorizedOperation", -EACCES,
     "dynamic registration is not permitted: is it switched on for the product?"},
    {"UnknownParameter", -EACCES, "the cloud does not accept the request"},
    {"UnsupportedOperation", -EACCES,
     "dynamic registration is not permitted: is it switched on for the product?"},
    {"UnsupportedProtocol", -EACCES, "the cloud wants another protocol: http or https"},
    {"UnsupportedRegion", -EACCES, "the product is in another region: is \"region\" right?"},
};

PRINTF_LIKE(3, 4)
static int fail(char *problem, int error, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void) vsnprintf(problem, DYNREG_PROBLEM, fmt, ap);
    va_end(ap);
    utf8_trim(problem);
    for (char *c = problem; *c; c++) {
        if ((unsigned char) *c < 0x20 || *c == 0x7f)
            *c = ' '; /* the cloud's words go to logs and terminals */
    }
    return error;
}

int dynreg_make(struct dynreg_request *ret_request, const struct ident *ident, const char *host,
                const char *path, uint64_t now_s, uint32_t nonce)
{
    struct dynreg_request rq;
    uint8_t digest[HMAC_MAX_BYTES];
    char hash[DIGEST_MAX_HEX], text[1024];
    int n, r;

    /* Names have no character that JSON escapes. */
    (void) snprintf(rq.body, sizeof(rq.body), "{\"ProductId\":\"%s\",\"DeviceName\":\"%s\"}",
                    ident->product_id, ident->device_name);
    (void) snprintf(rq.timestamp, sizeof(rq.timestamp), "%" PRIu64, now_s);
    (void) snprintf(rq.nonce, sizeof(rq.nonce), "%" PRIu32, nonce);
    r = digest_hex(DIGEST_SHA256, rq.body, strlen(rq.body), hash);
    if (r < 0)
        return r;
    /* The empty line is the query string. */
    n = snprintf(text, sizeof(text), DYNREG_METHOD "\n%s\n%s\n\n" DYNREG_ALGORITHM "\n%s\n%s\n%s",
                 host, path, rq.timestamp, rq.nonce, hash);
    if (n < 0 || (size_t) n >= sizeof(text))
        return -EIO; /* host and path are bounded by endpoint.h */
    r = hmac_sign(HMAC_SHA256, ident->product_secret, text, (size_t) n, digest);
    if (r < 0)
        return r;
    r = base64_encode(digest, (size_t) r, rq.signature, sizeof(rq.signature));
    if (r < 0)
        return r;
    *ret_request = rq;
    return 0;
}

void dynreg_answer_done(struct dynreg_answer *answer)
{
    answer->psk = secret_free(answer->psk);
    answer->certificate = secret_free(answer->certificate);
    answer->key = secret_free(answer->key);
}

static bool begins_with(const char *code, const char *row)
{
    size_t len = strlen(row);

    return strncmp(code, row, len) == 0 && (code[len] == '\0' || code[len] == '.');
}

/* {"Code":…,"Message":…} */
static int read_error(const json_t *error, char *problem)
{
    const char *code = jx_string_or(error, "Code", ""),
               *message = jx_string_or(error, "Message", "");
    size_t best = ARRAY_SIZE(codes);

    for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
        if (begins_with(code, codes[i].code) &&
            (best == ARRAY_SIZE(codes) || strlen(codes[i].code) > strlen(codes[best].code)))
            best = i;
    }
    if (best == ARRAY_SIZE(codes))
        return fail(problem, -EACCES, "the cloud refuses (code %.64s, \"%.100s\")", code, message);
    return fail(problem, codes[best].error, "%s (code %.64s, \"%.64s\")", codes[best].text, code,
                message);
}

/* Decrypts data in place; the plain text is its first len bytes, zero padded to whole blocks. */
static int decrypt(const struct ident *ident, uint8_t *data, size_t size, size_t len, char *problem)
{
    static const uint8_t iv[AES_CBC_BLOCK] = "0000000000000000"; /* the digit, without NUL */
    int r;

    if (len == 0 || len > size || size - len > AES_CBC_BLOCK || size % AES_CBC_BLOCK != 0)
        return fail(problem, -EBADMSG, "the answer was not understood: its length is wrong");
    if (secret_len(ident->product_secret) < AES_CBC_KEY)
        return fail(problem, -EACCES, "the product secret is too short");
    r = aes_cbc_decrypt(secret_data(ident->product_secret), iv, data, size, data);
    if (r < 0)
        return fail(problem, r, "out of memory");
    for (size_t i = len; i < size; i++) {
        if (data[i] != 0)
            return fail(problem, -EBADMSG,
                        "the answer cannot be decrypted: is the product secret right?");
    }
    return 0;
}

static int take_psk(struct dynreg_answer *answer, const json_t *plain, char *problem)
{
    CLEANUP(secret_freep) struct secret *bytes = NULL;
    const char *psk;
    int r;

    if (jx_get_string(plain, "psk", &psk) < 0 || strlen(psk) > LIMIT_DEVICE_SECRET)
        return fail(problem, -EBADMSG, "the answer has no device secret that iotd understands");
    r = secret_new_base64(&bytes, psk);
    if (r == 0)
        r = secret_new(&answer->psk, psk, strlen(psk));
    if (r == -ENOMEM)
        return fail(problem, r, "out of memory");
    if (r < 0)
        return fail(problem, -EBADMSG, "the device secret in the answer is not base64");
    return 0;
}

static int take_pem(struct secret **ret_secret, const json_t *plain, const char *name,
                    char *problem)
{
    static const char begin[] = "-----BEGIN ";
    const char *text;
    int r;

    if (jx_get_string(plain, name, &text) < 0 || strncmp(text, begin, strlen(begin)) != 0)
        return fail(problem, -EBADMSG, "the answer has no %s that iotd understands", name);
    r = secret_new(ret_secret, text, strlen(text));
    if (r == -EINVAL)
        return fail(problem, -EBADMSG, "%s in the answer is too long", name);
    return r < 0 ? fail(problem, r, "out of memory") : 0;
}

static int read_plain(struct dynreg_answer *ret_answer, const char *text, size_t len, char *problem)
{
    CLEANUP(jx_decrefp) json_t *plain = NULL;
    struct dynreg_answer answer = {0};
    int64_t type;
    int r;

    r = jx_parse_object(text, len, &plain, NULL);
    if (r == -ENOMEM)
        return fail(problem, r, "out of memory");
    if (r < 0 || jx_get_number_or_text(plain, "encryptionType", &type) < 0)
        return fail(problem, -EBADMSG,
                    "the answer cannot be decrypted: is the product secret right?");
    switch (type) {
    case ENCRYPTION_PSK:
        r = take_psk(&answer, plain, problem);
        break;
    case ENCRYPTION_CERTIFICATE:
        r = take_pem(&answer.certificate, plain, "clientCert", problem);
        if (r == 0)
            r = take_pem(&answer.key, plain, "clientKey", problem);
        break;
    default:
        r = fail(problem, -EBADMSG, "the answer has an encryptionType that iotd does not know");
    }
    if (r < 0)
        dynreg_answer_done(&answer);
    else
        *ret_answer = answer;
    return r;
}

static int read_payload(struct dynreg_answer *ret_answer, const struct ident *ident,
                        const json_t *response, char *problem)
{
    CLEANUP(freep) uint8_t *data = NULL;
    const char *payload;
    size_t room;
    int64_t len;
    int n, r;

    if (jx_get_string(response, "Payload", &payload) < 0 ||
        jx_get_number_or_text(response, "Len", &len) < 0 || len < 0)
        return fail(problem, -EBADMSG, "the answer was not understood: no Payload or Len");
    room = strlen(payload) / 4 * 3 + 1;
    data = malloc(room);
    if (!data)
        return fail(problem, -ENOMEM, "out of memory");
    n = base64_decode(payload, data, room);
    if (n < 0)
        return fail(problem, -EBADMSG, "the answer was not understood: Payload is not base64");
    r = decrypt(ident, data, (size_t) n, (size_t) len, problem);
    if (r == 0)
        r = read_plain(ret_answer, (const char *) data, (size_t) len, problem);
    explicit_bzero(data, room);
    return r;
}

int dynreg_read(struct dynreg_answer *ret_answer, const struct ident *ident, unsigned status,
                const char *body, size_t len, char problem[DYNREG_PROBLEM])
{
    CLEANUP(jx_decrefp) json_t *root = NULL;
    json_t *response, *error;
    int r;

    r = jx_parse_object(body, len, &root, NULL);
    if (r == -ENOMEM)
        return fail(problem, r, "out of memory");
    if (r < 0 || jx_get_object(root, "Response", &response) < 0)
        return fail(problem, status >= 500 ? -EAGAIN : -EBADMSG,
                    "the answer was not understood (HTTP status %u)", status);
    error = jx_object_or_null(response, "Error");
    if (error)
        return read_error(error, problem);
    return read_payload(ret_answer, ident, response, problem);
}
