/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_INPUTS_H
#define IOTD_INPUTS_H

/*
 * The files the daemon is given: settings, credentials, thing model. Mistakes are told on the
 * log, all of them, with file and place.
 */

#include "daemon/access_files.h"
#include "daemon/cloud/ident.h"
#include "daemon/cloud/model_assemble.h"
#include "daemon/conf/conf.h"
#include "daemon/crypto/verify.h"
#include "daemon/manager.h"
#include "daemon/net/endpoint.h"
#include "daemon/net/tls.h"
#include "daemon/store/db.h"
#include "daemon/store/vault_source.h"

struct inputs {
    const struct manager_options *options; /* borrowed */
    struct conf *conf;
    struct vault_source source;
    struct ident *ident; /* all empty: there are no credentials yet */
    struct model *model;
    bool is_assembled; /* the model: there is no file of it */
    struct access_conf *access;
    struct endpoint endpoint;
    char endpoint_url[512];
    struct tls *tls;              /* NULL: the endpoint does not use it */
    struct endpoint register_url; /* only where a registration is needed, also the next */
    struct tls *register_tls;
    struct verify_key *verify_key; /* NULL: images need no signature */
};

/* 0, or an exit status of sysexits.h; what could be read stays. */
int inputs_load(struct inputs *in, const struct manager_options *options) MUST_CHECK;
void inputs_done(struct inputs *in);
const char *inputs_state_dir(const struct manager_options *options);
/* Whether these credentials fit the model and the settings. -EINVAL with problem; -ENOMEM */
int inputs_accept(const struct inputs *in, const struct ident *ident,
                  char problem[VAULT_PROBLEM]) MUST_CHECK;
/*
 * Without a file of the model: takes up what programs defined in an earlier run. 0; what the
 * database failed with.
 */
int inputs_take_up_model(struct inputs *in, struct db *db) MUST_CHECK;
/* As model_assemble(): what this model becomes with that. */
int inputs_define(const struct inputs *in, const json_t *brought, struct model **ret_newer,
                  char problem[MODEL_PROBLEM]) MUST_CHECK;
/* What is read again at run time. */
struct inputs_again {
    struct conf *conf;
    struct access_conf *access;
    struct model *model; /* NULL: the file is as it was */
};

/* 0; -EINVAL after telling the mistakes, all of them; -ENOMEM. */
int inputs_reload(const struct inputs *in, struct inputs_again *ret_again) MUST_CHECK;
void inputs_again_done(struct inputs_again *again);

#endif /* IOTD_INPUTS_H */
