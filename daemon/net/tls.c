/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does not depend on the TLS library: words, and whether it is the one that we know. */

#include "daemon/net/tls.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/net/tls_impl.h"
#include "daemon/sys/log.h"

LOG_AREA("tls");

/* RFC 8446, section 6; those that a server sends because of us or of its settings. */
static const struct {
    int code;
    const char *text;
} alerts[] = {
    {40, "refuses the TLS handshake (handshake_failure)"},
    {42, "does not take our certificate (bad_certificate)"},
    {43, "does not take our certificate (unsupported_certificate)"},
    {44, "does not take our certificate (certificate_revoked)"},
    {45, "does not take our certificate (certificate_expired)"},
    {46, "does not take our certificate (certificate_unknown)"},
    {48, "does not know who signed our certificate (unknown_ca)"},
    {49, "does not let us in (access_denied)"},
    {70, "speaks no TLS that iotd does (protocol_version)"},
    {71, "refuses our TLS ciphers (insufficient_security)"},
    {80, "has an internal error (internal_error)"},
    {112, "does not know this name (unrecognized_name)"},
    {116, "asks for a client certificate (certificate_required)"},
};

static const char *const faults[TLS_FAULT_COUNT_] = {
    [TLS_FAULT_EXPIRED] = "expired",
    [TLS_FAULT_NOT_YET_VALID] = "not valid yet; is the clock of this machine right?",
    [TLS_FAULT_SELF_SIGNED] = "self-signed",
    [TLS_FAULT_UNKNOWN_CA] = "signed by an authority that is not trusted here (link.ca_file)",
    [TLS_FAULT_WRONG_HOST] = "made for another host",
    [TLS_FAULT_BAD] = "malformed, badly signed or not a server's",
    [TLS_FAULT_UNPROVEN] = "not verified by the TLS library",
    [TLS_FAULT_OLD_TLS] = "shown over a TLS older than 1.2",
};

/* The file that a symbol comes from names the TLS library it was linked to. */
static bool needs_library(const struct link_map *map, const char *name)
{
    const char *strings = NULL;

    for (const ElfW(Dyn) *d = map->l_ld; d && d->d_tag != DT_NULL; d++) {
        if (d->d_tag != DT_STRTAB)
            continue;
        /* Relocated by the loader on most machines, not on all. */
        strings = (const char *) (d->d_un.d_ptr < map->l_addr ? d->d_un.d_ptr + map->l_addr
                                                              : d->d_un.d_ptr);
    }
    for (const ElfW(Dyn) *d = map->l_ld; strings && d->d_tag != DT_NULL; d++) {
        if (d->d_tag == DT_NEEDED && strncmp(strings + d->d_un.d_val, name, strlen(name)) == 0)
            return true;
    }
    return false;
}

/*
 * libwebsockets has one soname whatever it was built on. Handing it the objects of another TLS
 * library than its own would at best crash, at worst verify nothing.
 */
static void check_library(struct tls *tls)
{
    void *symbol = dlsym(RTLD_DEFAULT, "lws_create_context"), *extra = NULL;
    Dl_info info;

    if (!tls_backend_library)
        (void) snprintf(tls->refusal, sizeof(tls->refusal),
                        "iotd was built with a libwebsockets without OpenSSL or wolfSSL: no TLS");
    else if (symbol && dladdr1(symbol, &info, &extra, RTLD_DL_LINKMAP) && extra &&
             !needs_library(extra, tls_backend_library))
        (void) snprintf(tls->refusal, sizeof(tls->refusal),
                        "this libwebsockets does not use the TLS library that iotd was built for "
                        "(%s): the server could not be verified",
                        tls_backend_library);
}

int tls_new(struct tls **ret_tls, const struct tls_config *config, char problem[TLS_PROBLEM])
{
    CLEANUP(tls_freep) struct tls *tls = NULL;
    uint8_t address[16];
    int r;

    (void) snprintf(problem, TLS_PROBLEM, "%s", strerror(ENOMEM));
    tls = calloc(1, sizeof(*tls));
    if (!tls)
        return -ENOMEM;
    if (strlen(config->host) >= sizeof(tls->host)) {
        (void) snprintf(problem, TLS_PROBLEM, "the host name is too long");
        return -EINVAL;
    }
    strcpy(tls->host, config->host);
    tls->is_address =
        inet_pton(AF_INET, tls->host, address) == 1 || inet_pton(AF_INET6, tls->host, address) == 1;
    tls->has_cert = config->cert;
    tls_begin(tls);
    check_library(tls);
    if (!tls->refusal[0]) {
        r = tls_backend_new(tls, config, problem);
        if (r < 0)
            return r;
    }
    *ret_tls = TAKE(tls);
    return 0;
}

struct tls *tls_free(struct tls *tls)
{
    if (!tls)
        return NULL;

    tls_backend_free(tls->backend);
    free(tls);
    return NULL;
}

const char *tls_refusal(const struct tls *tls)
{
    return tls->refusal[0] ? tls->refusal : NULL;
}

void *tls_native(const struct tls *tls)
{
    return tls->backend ? tls_backend_native(tls->backend) : NULL;
}

void tls_begin(struct tls *tls)
{
    tls->begun = tls->proven = tls->asked = tls->heard = false;
    tls->fault = TLS_FAULT_NONE;
    tls->alert = TLS_ALERT_NONE;
}

int tls_prove(struct tls *tls, void *connection, char problem[TLS_PROBLEM])
{
    enum tls_fault fault = TLS_FAULT_UNPROVEN;

    if (tls->backend && connection)
        fault = tls_backend_prove(tls, connection);
    if (fault == TLS_FAULT_NONE) {
        tls->proven = true;
        return 0;
    }
    tls->fault = fault;
    (void) tls_explain(tls, NULL, problem);
    return -EPERM;
}

bool tls_is_proven(const struct tls *tls)
{
    return tls->proven;
}

void tls_note_heard(struct tls *tls)
{
    tls->heard = true;
}

static const char *alert_text(int code)
{
    for (size_t i = 0; i < ARRAY_SIZE(alerts); i++) {
        if (alerts[i].code == code)
            return alerts[i].text;
    }
    return NULL;
}

bool tls_explain(struct tls *tls, void *connection, char problem[TLS_PROBLEM])
{
    const char *text;

    if (tls->refusal[0]) {
        (void) snprintf(problem, TLS_PROBLEM, "%s", tls->refusal);
        return true;
    }
    if (connection)
        tls_backend_inspect(tls, connection);
    if (tls->fault != TLS_FAULT_NONE) {
        (void) snprintf(problem, TLS_PROBLEM, "certificate of %.80s: %s", tls->host,
                        faults[tls->fault]);
        return true;
    }
    if (tls->heard || !tls->begun)
        return false;
    if (tls->asked && !tls->has_cert) {
        (void) snprintf(problem, TLS_PROBLEM,
                        "%.80s asks for a client certificate: there is none "
                        "to show, auth_mode is not CERT",
                        tls->host);
        return true;
    }
    if (tls->alert != TLS_ALERT_NONE) {
        text = alert_text(tls->alert);
        (void) snprintf(problem, TLS_PROBLEM, "%.80s %s", tls->host,
                        text ? text : "ended the connection with a TLS alert");
        return true;
    }
    /* TLS 1.3 ends for us before the server has seen our certificate. */
    if (tls->proven && tls->asked) {
        (void) snprintf(problem, TLS_PROBLEM, "%.80s closed when it had our certificate",
                        tls->host);
        return true;
    }
    if (tls->proven)
        return false;
    (void) snprintf(problem, TLS_PROBLEM, "no TLS handshake with %.80s: is it a port for TLS?",
                    tls->host);
    return true;
}
