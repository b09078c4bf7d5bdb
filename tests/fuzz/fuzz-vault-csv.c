/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A batch file; the first byte is the line. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/vault_csv.h"
#include "libiotclient/base/name.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char problem[VAULT_CSV_PROBLEM] = "", *text;
    struct vault_csv_device d;
    int r;

    if (size < 1)
        return 0;
    text = malloc(size); /* its end is where it ends */
    FUZZ_CHECK(text);
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    r = vault_csv_find(&d, text, size - 1, data[0] % 4, data[0] & 128 ? "dev" : NULL, problem);
    FUZZ_CHECK(r == 0 || r == -EINVAL || r == -ENOENT);
    FUZZ_CHECK((r == 0) == !problem[0] && memchr(problem, '\0', sizeof(problem)));
    if (r == 0)
        FUZZ_CHECK(name_is_device_name(d.device_name));
    free(text);
    return 0;
}
