/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CONF_ACCESS_CONF_H
#define IOTD_CONF_ACCESS_CONF_H

/*
 * The rules of access.d: who may do what with which ids, and which program serves an id on
 * demand. The files are added in the order of their names; rules keep the order of the files.
 * What the rules mean is in core/access.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libiotclient/base/macro.h"

enum access_verb {
#define ACCESS_VERB(id, name, has_id, may_have_id) ACCESS_##id,
#include "daemon/conf/access_verbs.def"
#undef ACCESS_VERB
    ACCESS_VERB_COUNT_,
};

const char *access_verb_name(enum access_verb verb);
bool access_verb_has_id(enum access_verb verb);
bool access_verb_may_have_id(enum access_verb verb);
/* -EINVAL */
int access_verb_parse(const char *name, enum access_verb *ret_verb) MUST_CHECK;

struct access_words {
    char **all;
    size_t n;
};

struct access_numbers {
    uint32_t *all;
    size_t n;
};

/* An empty list of a subject is everybody; several of them have to fit all. */
struct access_rule {
    char *place; /* FILE:LINE of its section */
    bool allow;
    unsigned verbs; /* bit 1 << enum access_verb */
    struct access_numbers uids, gids;
    struct access_words exes; /* absolute paths */
    struct access_words ids;  /* patterns; none: all */
};

struct access_service {
    char *place;
    struct access_words ids;
    char *bus_name;
};

struct access_conf {
    bool has_group; /* of access.group */
    uint32_t group;
    struct access_rule *rules;
    size_t n_rules;
    struct access_service *services;
    size_t n_services;
};

/* Numbers of names. 0; -ENOENT there is none; another negative errno when it cannot be said. */
struct access_names {
    int (*user)(const char *name, uint32_t *ret_uid);
    int (*group)(const char *name, uint32_t *ret_gid);
};

/* Places are told as FILE:LINE; line 0: about the whole file. key may be "". */
typedef void (*access_mistake_fn)(const char *file, unsigned line, const char *key,
                                  const char *what, void *userdata);

/* Without rules. -ENOMEM */
int access_conf_new(struct access_conf **ret_conf) MUST_CHECK;
struct access_conf *access_conf_free(struct access_conf *conf);
DEFINE_FREEP(struct access_conf, access_conf_free)

/*
 * Adds the rules of one file.
 * @param file  its name, for places
 * @return 0; -EINVAL after all mistakes were told, the conf is good for nothing then; -ENOMEM
 */
int access_conf_add(struct access_conf *conf, const char *file, const char *text, size_t len,
                    const struct access_names *names, access_mistake_fn on_mistake,
                    void *userdata) MUST_CHECK;

/* '*' is any text, '?' any one character. */
bool access_glob(const char *pattern, const char *text);

#endif /* IOTD_CONF_ACCESS_CONF_H */
