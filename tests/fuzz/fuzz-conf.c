/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A settings file: taken whole, or refused with at least one mistake. */

#include <errno.h>
#include <string.h>

#include "daemon/conf/conf.h"
#include "tests/fuzz/fuzz.h"

static void on_mistake(unsigned line, const char *key, const char *what, void *userdata)
{
    (void) line;
    FUZZ_CHECK(key && what && *what);
    ++*(unsigned *) userdata;
}

static void on_stays(const char *key, void *userdata)
{
    (void) userdata;
    FUZZ_CHECK(strchr(key, '.'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(conf_freep) struct conf *c = NULL, *now = NULL;
    unsigned n_mistakes = 0;
    int r = conf_parse(&c, (const char *) data, size, on_mistake, &n_mistakes);

    FUZZ_CHECK(r == 0 || r == -EINVAL);
    FUZZ_CHECK((r == 0) == (n_mistakes == 0) && (r == 0) == (c != NULL));
    if (!c)
        return 0;
    FUZZ_CHECK(c->link_keepalive >= 60 && c->link_keepalive <= 690);
    FUZZ_CHECK(c->report_rate >= 1 && c->report_rate <= 1000);
    FUZZ_CHECK(strcmp(c->link_sign, "hmacsha256") == 0 || strcmp(c->link_sign, "hmacsha1") == 0);
    FUZZ_CHECK(conf_new(&now) == 0);
    FUZZ_CHECK(conf_reload(now, c, on_stays, NULL) == 0);
    FUZZ_CHECK(now->report_rate == c->report_rate);
    return 0;
}
