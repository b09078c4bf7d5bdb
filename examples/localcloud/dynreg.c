/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "examples/localcloud/dynreg.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "examples/localcloud/sign.h"

#define REQUEST_ID_CHARS 32
#define TEXT_MAX 1024

/* Why not: the code of the new style and the number of the old one, which is ours. */
struct refusal {
    const char *code;
    int number;
    const char *text;
};

/* The documents have no code for the last one: its name is ours. */
static const struct refusal bad_request = {"InvalidParameter", 1, "the request is malformed"};
static const struct refusal no_product = {"ResourceNotFound.StudioProductNotExist", 2,
                                          "no such product"};
static const struct refusal switched_off = {"UnsupportedOperation", 3,
                                            "dynamic registration is off for the product"};
static const struct refusal bad_signature = {"AuthFailure.SignatureFailure", 4,
                                             "the signature does not match"};
static const struct refusal no_device = {"ResourceNotFound.DeviceNotExist", 5, "no such device"};
static const struct refusal activated = {"FailedOperation.DeviceAlreadyActivated", 6,
                                         "the device was activated before"};

static bool is_number(const char *text)
{
    return *text && strspn(text, "0123456789") == strlen(text);
}

/* NULL, or why the product cannot register devices. */
static const struct refusal *find_product(const struct dynreg_deps *deps, const json_t *body,
                                          const char *key,
                                          const struct config_product **ret_product)
{
    const char *id = json_string_value(json_object_get(body, key));

    if (!id)
        return &bad_request;
    *ret_product = config_find_product(deps->config, id);
    if (!*ret_product)
        return &no_product;
    if ((*ret_product)->registration == CONFIG_REGISTRATION_OFF)
        return &switched_off;
    return NULL;
}

/* NULL, or why the device gets nothing. The signature was good. */
static const struct refusal *find_device(const struct dynreg_deps *deps, const json_t *body,
                                         const char *key, const struct config_product *product,
                                         const struct config_device **ret_device)
{
    const char *name = json_string_value(json_object_get(body, key));

    if (!name)
        return &bad_request;
    *ret_device = config_find_device(deps->config, product->id, name);
    if (!*ret_device)
        return &no_device;
    if ((*ret_device)->cert && !(*ret_device)->cert_text)
        return &switched_off; /* there is no key to give out */
    if (product->registration == CONFIG_REGISTRATION_ONCE &&
        broker_was_online(deps->broker, *ret_device))
        return &activated;
    return NULL;
}

static char *dump(json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT);

    json_decref(value);
    return text;
}

/* {"encryptionType":2,"psk":"…"}, or 1 with the certificate and its key. */
static char *make_plain(const struct config_device *device)
{
    CLEANUP(freep) char *psk = NULL;

    if (device->cert_text)
        return dump(json_pack("{s:i,s:s,s:s}", "encryptionType", 1, "clientCert", device->cert_text,
                              "clientKey", device->key_text));
    if (sign_base64_encode(device->secret, device->secret_len, &psk) < 0)
        return NULL;
    return dump(json_pack("{s:i,s:s}", "encryptionType", 2, "psk", psk));
}

/* Encrypted with the secret of the product, as base64. */
static int make_payload(const struct config_device *device, size_t *ret_len, char **ret_payload)
{
    CLEANUP(freep) char *plain = make_plain(device);
    CLEANUP(freep) uint8_t *data = NULL;
    size_t len, blocks;
    int e;

    if (!plain)
        return -ENOMEM;
    len = strlen(plain);
    blocks = (len + 15) / 16 * 16; /* the rest is zero */
    data = calloc(1, blocks);
    if (!data)
        return -ENOMEM;
    memcpy(data, plain, len);
    e = sign_aes_cbc_encrypt(device->product->secret, "0000000000000000", data, blocks);
    if (e == 0)
        e = sign_base64_encode(data, blocks, ret_payload);
    if (e == 0)
        *ret_len = len;
    return e;
}

static void note(const struct dynreg_deps *deps, const struct config_device *device,
                 const struct refusal *refusal)
{
    const char *id = device ? device->id : "";

    if (refusal)
        journal_event(deps->journal, id, "register_refused", "%s: %s", refusal->code,
                      refusal->text);
    else
        journal_event(deps->journal, id, "registered", "the device got its secret");
}

/* --- new style --- */

/* The text that is signed; the algorithm as it was sent. */
static int string_to_sign(const struct dynreg_request *rq, enum sign_method method,
                          const char *algorithm, char text[TEXT_MAX])
{
    char hash[2 * SIGN_DIGEST_MAX + 1];
    int host_len = (int) strcspn(rq->host, ":"), n;
    int e = sign_hash_hex(method, rq->body, rq->len, hash);

    if (e < 0)
        return e;
    n = snprintf(text, TEXT_MAX, "POST\n%.*s\n" DYNREG_PATH_NEW "\n\n%s\n%s\n%s\n%s", host_len,
                 rq->host, algorithm, rq->timestamp, rq->nonce, hash);
    return n < 0 || n >= TEXT_MAX ? -EMSGSIZE : n;
}

static bool is_signed_as(const struct dynreg_request *rq, const struct config_product *product,
                         enum sign_method method, const char *algorithm)
{
    CLEANUP(freep) char *good = NULL;
    struct sign_digest digest;
    char text[TEXT_MAX];
    int n = string_to_sign(rq, method, algorithm, text);

    return n >= 0 &&
           sign_hmac(method, product->secret, strlen(product->secret), text, (size_t) n, &digest) ==
               0 &&
           sign_base64_encode(digest.bytes, digest.len, &good) == 0 &&
           strcmp(good, rq->signature) == 0;
}

/* The guide's sample spells the algorithm HmacSha256 in the header, hmacsha256 in the text. */
static bool is_signed(const struct dynreg_request *rq, const struct config_product *product)
{
    enum sign_method method;
    char lower[32];
    size_t len = strlen(rq->algorithm);

    if (len >= sizeof(lower) || !is_number(rq->timestamp) || !is_number(rq->nonce))
        return false;
    for (size_t i = 0; i <= len; i++)
        lower[i] = (char) tolower((unsigned char) rq->algorithm[i]);
    return sign_method_parse(lower, &method) == 0 &&
           (is_signed_as(rq, product, method, lower) ||
            is_signed_as(rq, product, method, rq->algorithm));
}

static char *answer_new(const struct config_device *device, const struct refusal *refusal)
{
    CLEANUP(freep) char *payload = NULL;
    char id[REQUEST_ID_CHARS + 1];
    size_t len;

    if (sign_random_hex(id, REQUEST_ID_CHARS) < 0)
        return NULL;
    if (refusal)
        return dump(json_pack("{s:{s:{s:s,s:s},s:s}}", "Response", "Error", "Code", refusal->code,
                              "Message", refusal->text, "RequestId", id));
    if (make_payload(device, &len, &payload) < 0)
        return NULL;
    return dump(json_pack("{s:{s:I,s:s,s:s}}", "Response", "Len", (json_int_t) len, "Payload",
                          payload, "RequestId", id));
}

char *dynreg_new_style(const struct dynreg_deps *deps, const struct dynreg_request *rq)
{
    json_t *body = json_loadb(rq->body, rq->len, JSON_REJECT_DUPLICATES, NULL);
    const struct config_product *product;
    const struct config_device *device = NULL;
    const struct refusal *refusal;

    refusal = find_product(deps, body, "ProductId", &product);
    if (!refusal && !is_signed(rq, product))
        refusal = &bad_signature;
    if (!refusal)
        refusal = find_device(deps, body, "DeviceName", product, &device);
    json_decref(body);
    note(deps, device, refusal);
    return answer_new(device, refusal);
}

/* --- old style --- */

static bool is_signed_old(const json_t *body, const struct config_product *product)
{
    const char *name = json_string_value(json_object_get(body, "deviceName"));
    const char *signature = json_string_value(json_object_get(body, "signature"));
    json_int_t nonce = json_integer_value(json_object_get(body, "nonce"));
    json_int_t timestamp = json_integer_value(json_object_get(body, "timestamp"));
    char text[TEXT_MAX], hex[2 * SIGN_DIGEST_MAX + 1] = "";
    CLEANUP(freep) char *good = NULL;
    struct sign_digest digest;
    int n;

    if (!name || !signature)
        return false;
    n = snprintf(text, sizeof(text),
                 "deviceName=%s&nonce=%" JSON_INTEGER_FORMAT
                 "&productId=%s&timestamp=%" JSON_INTEGER_FORMAT,
                 name, nonce, product->id, timestamp);
    if (n < 0 || n >= TEXT_MAX ||
        sign_hmac(SIGN_METHOD_HMACSHA1, product->secret, strlen(product->secret), text, (size_t) n,
                  &digest) < 0)
        return false;
    for (size_t i = 0; i < digest.len; i++)
        (void) snprintf(hex + 2 * i, 3, "%02x", digest.bytes[i]);
    /* Base64 of the hexadecimal text, not of the bytes. */
    return sign_base64_encode(hex, strlen(hex), &good) == 0 && strcmp(good, signature) == 0;
}

static char *answer_old(const struct config_device *device, const struct refusal *refusal)
{
    CLEANUP(freep) char *payload = NULL;
    size_t len;

    if (refusal)
        return dump(json_pack("{s:i,s:s}", "code", refusal->number, "message", refusal->text));
    if (make_payload(device, &len, &payload) < 0)
        return NULL;
    return dump(json_pack("{s:i,s:s,s:I,s:s}", "code", 0, "message", "", "len", (json_int_t) len,
                          "payload", payload));
}

char *dynreg_old_style(const struct dynreg_deps *deps, const char *text, size_t len)
{
    json_t *body = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
    const struct config_product *product;
    const struct config_device *device = NULL;
    const struct refusal *refusal;

    refusal = find_product(deps, body, "productId", &product);
    if (!refusal && !is_signed_old(body, product))
        refusal = &bad_signature;
    if (!refusal)
        refusal = find_device(deps, body, "deviceName", product, &device);
    json_decref(body);
    note(deps, device, refusal);
    return answer_old(device, refusal);
}
