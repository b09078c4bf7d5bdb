/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/cloud/login.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define EXPIRY_FAR_S 2147483647ULL
#define YEAR_S (365ULL * 86400)

int login_make(struct login *ret_login, const struct ident *ident, const struct signer *signer,
               const char *connid, uint64_t expiry_s)
{
    struct login l;
    char hex[SIGNER_MAX_HEX];
    int r;

    (void) snprintf(l.client_id, sizeof(l.client_id), "%s%s", ident->product_id,
                    ident->device_name);
    (void) snprintf(l.username, sizeof(l.username), "%s;%s;%s;%" PRIu64, l.client_id,
                    LOGIN_SDK_APP_ID, connid, expiry_s);
    r = signer_sign_hex(signer, l.username, strlen(l.username), hex);
    if (r < 0)
        return r;
    (void) snprintf(l.password, sizeof(l.password), "%s;%s", hex, signer_method(signer));
    explicit_bzero(hex, sizeof(hex));
    *ret_login = l;
    login_wipe(&l);
    return 0;
}

void login_wipe(struct login *login)
{
    explicit_bzero(login, sizeof(*login));
}

uint64_t login_expiry_s(uint64_t real_us)
{
    uint64_t later = real_us / USEC_PER_SEC + YEAR_S;

    return later > EXPIRY_FAR_S ? later : EXPIRY_FAR_S;
}
