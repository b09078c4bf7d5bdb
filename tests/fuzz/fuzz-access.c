/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file of access rules: taken without a mistake or refused with one, and decided upon. */

#include <errno.h>
#include <string.h>

#include "daemon/core/access.h"
#include "libiotclient/base/limits.h"
#include "tests/fuzz/fuzz.h"

static int look_up(const char *name, uint32_t *ret_id)
{
    if (strlen(name) > 8)
        return strlen(name) > 12 ? -EIO : -ENOENT;
    *ret_id = (uint32_t) name[0];
    return 0;
}

static void on_mistake(const char *file, unsigned line, const char *key, const char *what,
                       void *userdata)
{
    (void) line;
    FUZZ_CHECK(strcmp(file, "f") == 0 && key && what && *what);
    ++*(unsigned *) userdata;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct access_names names = {look_up, look_up};
    static const uint32_t gids[] = {'a', 5};
    static const struct access_subject subjects[] = {
        {.uid = 0, .has_gids = true, .exe = "/a"},
        {.uid = 'a', .gids = gids, .n_gids = 2, .has_gids = true, .exe = ""},
        {.uid = 77},
    };
    CLEANUP(access_conf_freep) struct access_conf *conf = NULL;
    struct access a = {.own_uid = 9};
    unsigned n_mistakes = 0;
    int r;

    FUZZ_CHECK(access_conf_new(&conf) == 0);
    r = access_conf_add(conf, "f", (const char *) data, size, &names, on_mistake, &n_mistakes);
    FUZZ_CHECK(r == (n_mistakes ? -EINVAL : 0));
    FUZZ_CHECK(conf->n_rules <= LIMIT_ACCESS_RULES && conf->n_services <= LIMIT_ACCESS_RULES);
    if (r < 0)
        return 0;
    a.conf = conf;
    for (size_t i = 0; i < ARRAY_SIZE(subjects); i++) {
        for (int v = 0; v < ACCESS_VERB_COUNT_; v++)
            FUZZ_CHECK(access_decide(&a, &subjects[i], (enum access_verb) v, "ab_1").rule);
        /* What is not hidden everybody may read. */
        if (conf->n_rules > 0 && !access_hides(&a, "ab_1"))
            FUZZ_CHECK(access_decide(&a, &subjects[i], ACCESS_READ, "ab_1").allowed);
    }
    for (size_t i = 0; i < conf->n_services; i++)
        FUZZ_CHECK(conf->services[i].bus_name && conf->services[i].ids.n > 0);
    (void) access_service_of(&a, "ab_1");
    return 0;
}
