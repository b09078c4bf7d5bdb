/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "tests/lib/tls-matrix.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/names.h"
#include "libiotclient/base/macro.h"
#include "tests/lib/certs.h"
#include "tests/lib/suite.h"

#define CERT "certificate of localhost: "
#define UNKNOWN CERT "signed by an authority that is not trusted here (link.ca_file)"

const struct tls_case tls_cases[] = {
    {"right", "ca", NULL},
    {"right", "other-ca", UNKNOWN},
    {"right", NULL, UNKNOWN}, /* the system does not know our test's authority */
    {"wrong-host", "ca", CERT "made for another host"},
    {"expired", "ca", CERT "expired"},
    {"not-yet", "ca", CERT "not valid yet; is the clock of this machine right?"},
    {"self-signed", "ca", CERT "self-signed"},
    {NULL, NULL, NULL},
};

struct daemon_fixture *tls_start_iotd(const char *endpoint, const char *trust,
                                      const char *credentials)
{
    CLEANUP(freep) char *settings = NULL;
    CLEANUP(freep) char *pem = trust ? certs_pem(trust) : NULL;
    struct daemon_options options = {.endpoint = endpoint, .credentials = credentials};

    if (asprintf(&settings,
                 "[link]\nconnect_interval = 0\nprobe_max = 1\nbackoff_max = 1\nca_file = %s\n",
                 pem ? pem : "") < 0)
        fixture_fatal("out of memory");
    options.settings = settings;
    return daemon_start(&options);
}

void tls_check_refused(struct daemon_fixture *iotd, const char *reason)
{
    for (int attempt = 0; attempt < 2; attempt++) {
        CLEANUP(freep)
        char *line = proc_wait_line(daemon_proc(iotd), PROC_STDERR, "waiting reason=");
        CLEANUP(freep) char *shown = NULL;

        if (!line || !strstr(line, reason))
            suite_fail(__FILE__, __LINE__, "%s, not: %s", line, reason);
        CHECK(daemon_wait_link(iotd, "waiting"));
        shown = bus_client_get(daemon_bus(iotd), IOTD_DEVICE_PATH, IOTD_IFACE_LINK, "Reason");
        if (!shown || !strstr(shown, reason))
            suite_fail(__FILE__, __LINE__, "Link.Reason is %s, not: %s", shown, reason);
    }
}
