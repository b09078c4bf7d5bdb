/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "examples/localcloud/ident.h"

#include <stdio.h>
#include <string.h>

#include "examples/localcloud/sign.h"
#include "libiotclient/base/num.h"

#define USER_NAME_PARTS 4
#define USER_NAME_MAX 512
#define RSA_PASSWORD_MAX 1100 /* a signature of 4096 bits as hex, and the method */
#define EXPIRY_DIGITS_MAX 19  /* the C clients send LONG_MAX, cut or whole */

static enum ident_code refuse(enum ident_code code, char *why, const char *text)
{
    (void) snprintf(why, IDENT_WHY_MAX, "%s", text);
    return code;
}

static bool is_digits(const char *text)
{
    return *text && strspn(text, "0123456789") == strlen(text);
}

/* Cuts copy at each ';'. The number of parts, at most max + 1. */
static size_t split(char *copy, char *parts[], size_t max)
{
    size_t n = 0;
    char *rest = copy, *part;

    while ((part = strsep(&rest, ";"))) {
        if (n == max)
            return max + 1;
        parts[n++] = part;
    }
    return n;
}

static enum ident_code check_user_name(const struct config_device *device, const char *user_name,
                                       uint64_t now_s, char *why)
{
    char copy[USER_NAME_MAX], *parts[USER_NAME_PARTS];
    uint64_t expiry;

    (void) snprintf(copy, sizeof(copy), "%s", user_name); /* length was checked */
    if (split(copy, parts, USER_NAME_PARTS) != USER_NAME_PARTS)
        return refuse(IDENT_CODE_CREDENTIALS, why,
                      "user name is not clientid;sdkappid;connid;expiry");
    if (strcmp(parts[0], device->client_id) != 0)
        return refuse(IDENT_CODE_CREDENTIALS, why, "user name is for another client id");
    if (!is_digits(parts[1]))
        return refuse(IDENT_CODE_CREDENTIALS, why, "sdkappid is not a number");
    if (!*parts[2])
        return refuse(IDENT_CODE_CREDENTIALS, why, "connid is empty");
    if (!is_digits(parts[3]) || strlen(parts[3]) > EXPIRY_DIGITS_MAX ||
        num_parse_u64(parts[3], &expiry) < 0)
        return refuse(IDENT_CODE_CREDENTIALS, why, "expiry is not a number of 1 to 19 digits");
    if (expiry <= now_s)
        return refuse(IDENT_CODE_CREDENTIALS, why, "expiry has passed");
    return IDENT_CODE_OK;
}

static enum ident_code check_password(const struct config_device *device, const char *user_name,
                                      const char *password, char *why)
{
    char copy[2 * SIGN_DIGEST_MAX + 32], *parts[2];
    struct sign_digest digest;
    enum sign_method method;

    if (strlen(password) >= sizeof(copy))
        return refuse(IDENT_CODE_CREDENTIALS, why, "password is too long");
    (void) snprintf(copy, sizeof(copy), "%s", password);
    if (split(copy, parts, 2) != 2)
        return refuse(IDENT_CODE_CREDENTIALS, why, "password is not hex;method");
    if (sign_method_parse(parts[1], &method) < 0)
        return refuse(IDENT_CODE_CREDENTIALS, why, "method is not hmacsha1 or hmacsha256");
    if (sign_hmac(method, device->secret, device->secret_len, user_name, strlen(user_name),
                  &digest) < 0)
        return refuse(IDENT_CODE_UNAVAILABLE, why, "no digest");
    if (!sign_digest_equals_hex(&digest, parts[0]))
        return refuse(IDENT_CODE_CREDENTIALS, why, "signature does not match the device secret");
    return IDENT_CODE_OK;
}

static enum ident_code check_signature(const struct config_device *device, const char *user_name,
                                       const char *password, char *why)
{
    char copy[RSA_PASSWORD_MAX], *parts[2];

    if (strlen(password) >= sizeof(copy))
        return refuse(IDENT_CODE_CREDENTIALS, why, "password is too long");
    (void) snprintf(copy, sizeof(copy), "%s", password);
    if (split(copy, parts, 2) != 2 || strcmp(parts[1], "rsa-sha256") != 0)
        return refuse(IDENT_CODE_CREDENTIALS, why, "password is not hex;rsa-sha256");
    if (!cert_signed(device->cert, user_name, parts[0]))
        return refuse(IDENT_CODE_CREDENTIALS, why, "signature does not match the certificate");
    return IDENT_CODE_OK;
}

static enum ident_code check_cert(const struct config_device *device, const struct ident_peer *peer,
                                  char *why)
{
    size_t len;
    const uint8_t *key = cert_key(device->cert, &len);

    if (!peer->key)
        return refuse(IDENT_CODE_CREDENTIALS, why, "the TLS client showed no certificate");
    if (peer->key_len != len || memcmp(peer->key, key, len) != 0)
        return refuse(IDENT_CODE_CREDENTIALS, why, "the TLS certificate is another device's");
    return IDENT_CODE_OK;
}

static enum ident_code check_proof(const struct config_device *device, const char *user_name,
                                   const char *password, const struct ident_peer *peer, char *why)
{
    if (!device->cert)
        return check_password(device, user_name, password, why);
    if (peer->needs_cert)
        return check_cert(device, peer, why);
    return check_signature(device, user_name, password, why);
}

enum ident_code ident_check(const struct config_device *device, const char *user_name,
                            const char *password, const struct ident_peer *peer, uint64_t now_s,
                            char ret_why[IDENT_WHY_MAX])
{
    enum ident_code code;

    if (!device)
        return refuse(IDENT_CODE_CLIENT_ID, ret_why, "no device has this client id");
    if (!user_name || !password)
        return refuse(IDENT_CODE_CREDENTIALS, ret_why, "user name or password is missing");
    if (strlen(user_name) >= USER_NAME_MAX)
        return refuse(IDENT_CODE_CREDENTIALS, ret_why, "user name is too long");

    code = check_user_name(device, user_name, now_s, ret_why);
    if (code == IDENT_CODE_OK)
        code = check_proof(device, user_name, password, peer, ret_why);
    if (code == IDENT_CODE_OK && !device->enabled)
        return refuse(IDENT_CODE_NOT_AUTHORIZED, ret_why, "device is disabled");
    return code;
}
