/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CORE_UPDATE_IMPL_H
#define IOTD_CORE_UPDATE_IMPL_H

/* What the files of the update share; nobody else includes this. */

#include "daemon/cloud/link.h"
#include "daemon/core/update_fsm.h"
#include "daemon/core/update_parts.h"
#include "daemon/core/update_record.h"

#define UPDATE_REASON 256

/* How a download that does not go on comes to go on again. */
enum update_wait {
    UPDATE_WAIT_NONE,
    UPDATE_WAIT_PROOF, /* whether the link is still up */
    UPDATE_WAIT_LINK,
    UPDATE_WAIT_URL, /* another one, the one that there was has expired */
};

struct update {
    struct update_parts parts; /* borrowed: core */
    struct update_config config;
    char *dir, *version_file; /* of config */
    char boot[BOOT_ID_SIZE];
    struct persist_part part;
    bool unsaved;
    struct update_record rec;
    struct loop_timer timer; /* of the state: an end of waiting, or a deadline */
    struct loop_timer start; /* takes up what was; later, begins to install */
    bool started;

    /* DOWNLOADING */
    struct fetch *fetch;
    struct update_text *text; /* the signature */
    struct image_copy *copy;  /* of an image that was handed in */
    enum update_wait wait;
    bool asked_url;      /* and no byte came since */
    int code;            /* of the failure that is held back while it waits */
    char *signature;     /* base64, of an image that was handed in; or NULL */
    uint8_t sha256[32];  /* of the image, when a signature is wanted */
    char sha256_hex[65]; /* "" not known */

    /* READY, INSTALLING */
    struct installer *installer; /* borrowed; NULL: there is none */
    bool has_job;                /* it works on ours */
    bool was_gone;               /* since the image is installed */

    uint64_t done;
    unsigned percent;
    char reason[UPDATE_REASON];

    char version[FIRMWARE_VERSION_SIZE]; /* of the settings */
    char file_version[FIRMWARE_VERSION_SIZE];
    char program_version[FIRMWARE_VERSION_SIZE];
    char running[FIRMWARE_VERSION_SIZE];  /* the one of them that counts */
    char reported[FIRMWARE_VERSION_SIZE]; /* the cloud has it */
    bool put_off;                         /* an order came while another image was installed */

    /* What the cloud is told: update_tell.c. */
    struct loop_timer pace;
    uint64_t told_us; /* 0: nothing yet */
    unsigned told_percent;
    bool has_percent, wants_percent, wants_burning;
    unsigned n_change; /* counts changes of the state */
    unsigned n_result; /* of the change whose result is on its way; 0: none */

    void (*changed)(void *userdata);
    void *userdata;
};

/* update.c: the one door into a state. The caller saves. */
void update_enter(struct update *u, enum update_event event);
void update_changed(struct update *u);
void update_say(struct update *u, const char *fmt, ...) PRINTF_LIKE(2, 3); /* the reason */
/* On the disk when this returns; 0 or -errno, told. */
int update_save(struct update *u);
void update_save_later(struct update *u);
/* In OFFERED or READY: until the postponed question comes again. */
void update_wait_postponed(struct update *u);
/* Cancels whatever is under way; the image stays. */
void update_cancel(struct update *u);
/* code: the vendor's. Nothing happens where there is nothing that could fail. */
void update_fail(struct update *u, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* update_order.c */
void update_on_order(struct firmware_order *order, void *userdata);
void update_resume(struct update *u);
/* Takes the order over. */
void update_begin(struct update *u, struct firmware_order *order, bool local);

/* update_image.c: the file. */
#define UPDATE_NAME 48
void update_image_name(const struct update *u, char name[UPDATE_NAME]);
/* Makes the directory if need be: a descriptor, or -errno. */
int update_open_dir(const struct update *u);
/* Removes all images but the one called so; NULL: all. */
void update_clean(const struct update *u, const char *keep);

/* update_download.c */
void update_download(struct update *u);
void update_download_first(struct update *u); /* the cloud hears that it begins */
void update_download_link_up(struct update *u);
/* The image is whole, sha256 is filled in if it is needed: the signature. */
void update_check_signature(struct update *u);
/* Whether the order can have a good signature at all; fails it where it cannot. */
bool update_expects_signature(struct update *u);

/* update_install.c */
void update_ready(struct update *u); /* in READY: whoever has to be waited for, then installs */

/* update_version.c */
void update_read_version(struct update *u);
/* What runs here may have become another. is_verdict: what should run had its chance. */
void update_check_running(struct update *u, bool is_verdict);
/* INSTALLED, after a restart of iotd: whether it was one of the machine, and worked. */
void update_judge_restart(struct update *u);
bool update_is_other_boot(const struct update *u);
void update_on_reported(const char *version, void *userdata);
void update_set_program_version(struct update *u, const char *version);

/* update_tell.c */
void update_tell_percent(struct update *u); /* of u->done, when it is time */
void update_tell_burning(struct update *u);
void update_tell_again(struct update *u);  /* where it stands: the cloud may not know */
void update_tell_result(struct update *u); /* of FAILED and INSTALLED, once */
void update_tell_reset(struct update *u);  /* a new order */

#endif /* IOTD_CORE_UPDATE_IMPL_H */
