/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file of credentials: taken whole, or refused with a text that fits its buffer. */

#include <errno.h>
#include <string.h>

#include "daemon/store/vault.h"
#include "libiotclient/base/name.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char problem[VAULT_PROBLEM] = "", url[IDENT_URL];
    struct ident *id = NULL;
    int r = vault_parse(&id, (const char *) data, size, problem);

    FUZZ_CHECK(r == 0 || r == -EINVAL);
    FUZZ_CHECK((r == 0) == (id != NULL));
    FUZZ_CHECK((r == 0) == !problem[0] && memchr(problem, '\0', sizeof(problem)));
    if (id) {
        FUZZ_CHECK(name_is_product_id(id->product_id) && name_is_device_name(id->device_name));
        FUZZ_CHECK(ident_endpoint(id, url) == 0);
        FUZZ_CHECK(ident_is_complete(id) || id->product_secret);
        if (id->device_secret) {
            FUZZ_CHECK(secret_len(id->device_secret) > 0);
            FUZZ_CHECK(secret_len(id->device_secret) <= LIMIT_SECRET_BYTES);
        }
    }
    ident_free(id);
    return 0;
}
