/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CORE_TWECALL_H
#define IOTD_CORE_TWECALL_H

/*
 * What a program asks of the cloud so that the device can call WeChat (device guide, TWeCall), on
 * topics of their own: a ticket, the activation of the licence, its state. Each request has one
 * outcome within TWECALL_TIMEOUT_US. It is sent once: an activation may cost a licence.
 */

#include "daemon/cloud/ntp.h"
#include "daemon/cloud/thing.h"
#include "daemon/sys/log.h"

#define TWECALL_REQUESTS 8                     /* own choice: that wait for the cloud */
#define TWECALL_NAME 128                       /* own choice: bytes of a model or mini-program id */
#define TWECALL_PACKAGE_MAX 4                  /* device guide: 0 test … 4 intercom and other */
#define TWECALL_TIMEOUT_US (10 * USEC_PER_SEC) /* own choice: WeChat stands behind the cloud */

enum twecall_kind {
    TWECALL_TICKET,
    TWECALL_ACTIVATION,
    TWECALL_STATE,
    TWECALL_KIND_COUNT_,
};

#define TWECALL_TOPIC (32 + LIMIT_PRODUCT_ID + LIMIT_DEVICE_NAME)

struct twecall {
    struct loop *loop; /* borrowed: core, as the next three */
    struct link *link;
    struct thing *thing;
    struct ntp *ntp;
    struct link_watch watch;
    struct list pending;
    unsigned n_pending;
    struct log_limit bad_messages;
    char up[TWECALL_TOPIC], down[TWECALL_TOPIC];
};

/* Adds its topic to the link's filters; refused, the device goes without. */
int twecall_init(struct twecall *t, struct loop *loop, struct link *link, const struct ident *ident,
                 struct thing *thing, struct ntp *ntp) MUST_CHECK;
/* Ends all with -ECANCELED. */
void twecall_done(struct twecall *t);

struct twecall_question {
    enum twecall_kind kind;
    const char *model_id, *app_id; /* of WeChat and of the mini program: 1 to TWECALL_NAME bytes */
    uint64_t package;              /* of an activation: 0 to TWECALL_PACKAGE_MAX */
};

/* Texts are borrowed for the call. */
struct twecall_outcome {
    int code; /* 0; the cloud's; -ETIMEDOUT, -ECANCELED, -EPROTO the answer makes no sense */
    const char *text;   /* for people; the cloud's status */
    const char *ticket; /* of a ticket */
    const char *sn;     /* of the state, as the next */
    int64_t expires_s;
};
typedef void (*twecall_fn)(const struct twecall_outcome *outcome, void *userdata);

/*
 * fn runs once, later. Of a request that timed out nobody knows what the cloud made of it.
 * @return 0; -EINVAL; -ENETDOWN; -EAGAIN nobody knows the time; -ENOBUFS; -ENOMEM
 */
int twecall_ask(struct twecall *t, const struct twecall_question *question, twecall_fn fn,
                void *userdata) MUST_CHECK;

#endif /* IOTD_CORE_TWECALL_H */
