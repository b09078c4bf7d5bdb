/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What answers a registration; the first byte chooses the HTTP status. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/cloud/dynreg.h"
#include "tests/fuzz/fuzz.h"

#define SECRET "hzvf5LF9S0isvBhDSauWMaIk"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const unsigned statuses[] = {200, 302, 404, 503};
    struct dynreg_answer answer = {0};
    struct ident *id = calloc(1, sizeof(*id));
    char problem[DYNREG_PROBLEM] = "";
    int r;

    if (!id || size < 1 || secret_new(&id->product_secret, SECRET, strlen(SECRET)) < 0) {
        ident_free(id);
        return 0;
    }
    r = dynreg_read(&answer, id, statuses[data[0] % 4], (const char *) data + 1, size - 1, problem);
    FUZZ_CHECK(r == 0 || r == -EACCES || r == -EAGAIN || r == -EBADMSG);
    FUZZ_CHECK((r == 0) == !problem[0] && memchr(problem, '\0', sizeof(problem)));
    FUZZ_CHECK((r == 0) == (answer.psk || (answer.certificate && answer.key)));
    for (const char *c = problem; *c; c++)
        FUZZ_CHECK((unsigned char) *c >= 0x20 && *c != 0x7f);
    dynreg_answer_done(&answer);
    ident_free(id);
    return 0;
}
