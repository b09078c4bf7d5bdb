/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A public key in PEM, a NUL, and a signature: what is taken can be used, and again. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/crypto/verify.h"
#include "tests/fuzz/fuzz.h"

/* Copies whose ends are where they end. */
static void *copy(const uint8_t *data, size_t len)
{
    void *p = malloc(len ? len : 1);

    FUZZ_CHECK(p);
    if (len)
        memcpy(p, data, len);
    return p;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t digest[VERIFY_DIGEST] = {1, 2, 3};
    const uint8_t *nul = size ? memchr(data, '\0', size) : NULL;
    size_t pem_len = nul ? (size_t) (nul - data) : size;
    size_t len = nul ? size - pem_len - 1 : 0;
    char problem[VERIFY_PROBLEM] = "";
    struct verify_key *key = NULL;
    char *pem = copy(data, pem_len);
    uint8_t *signature = copy(data + size - len, len);
    int r;

    r = verify_key_load(&key, pem, pem_len, problem);
    FUZZ_CHECK((r == 0) == (key != NULL) && (r == 0) == (problem[0] == '\0'));
    FUZZ_CHECK(memchr(problem, '\0', sizeof(problem)));
    if (key) {
        r = verify_digest(key, digest, signature, len);
        FUZZ_CHECK(r == 0 || r == -EKEYREJECTED);
        FUZZ_CHECK(verify_digest(key, digest, signature, len) == r);
    }
    verify_key_free(key);
    free(signature);
    free(pem);
    return 0;
}
