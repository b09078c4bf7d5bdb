/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_LOCALCLOUD_FAULTS_STATE_H
#define IOTD_LOCALCLOUD_FAULTS_STATE_H

/* What faults.c (state), faults_apply.c (requests) and faults_request.c share; for them only. */

#include "examples/localcloud/faults.h"

/* Replies whose code can be made wrong. */
#define FAULTS_METHODS                                                                             \
    X(report_reply)                                                                                \
    X(report_info_reply)                                                                           \
    X(get_status_reply)                                                                            \
    X(clear_control_reply)                                                                         \
    X(event_reply)                                                                                 \
    X(events_reply)                                                                                \
    X(app_bind_token_reply)                                                                        \
    X(unbind_device_reply)                                                                         \
    X(report_version_rsp)                                                                          \
    X(get_wechat_sn_ticket_reply)                                                                  \
    X(active_device_voip_license_reply)                                                            \
    X(get_voip_device_active_info_reply)                                                           \
    X(create_upload_task_rsp)                                                                      \
    X(report_upload_progress_rsp) X(report_download_progress_rsp) X(request_url_resp)
#define X(name) FAULTS_METHOD_##name,
enum faults_method { FAULTS_METHODS FAULTS_METHOD_COUNT_ };
#undef X
extern const char *const faults_method_names[FAULTS_METHOD_COUNT_ + 1];

/* One of packets and bytes is 0: no limit. */
struct faults_drop {
    uint64_t packets;
    uint64_t bytes;
    uint64_t seen_packets;
    uint64_t seen_bytes;
    unsigned directions; /* of enum faults_direction */
    unsigned count;      /* drops to come */
};

struct faults_wrong_code {
    int code;
    unsigned count;
};

#define FAULTS_KEY_MAX 64
extern const char *const faults_file_names[FAULTS_FILE_COUNT_ + 1];

struct faults_file_state {
    unsigned count;
    int64_t value;
    char key[FAULTS_KEY_MAX + 1]; /* part of the keys that are meant; "" for all */
};

struct faults_device {
    struct faults_drop drop;
    struct faults_wrong_code wrong[FAULTS_METHOD_COUNT_];
    unsigned refuse_count;
    unsigned duplicate_count;
    unsigned reorder_count;
    unsigned delay_ms;
    unsigned slow_ms;
    uint8_t refuse_code;
    bool mute;
    bool half_open;
    bool hold_replies;
    bool hold_puback;
};

struct faults {
    const struct config *config;
    struct loop *loop;
    const struct cloud_clock *real_clock;
    struct cloud_clock clock;       /* for stamps */
    struct cloud_clock login_clock; /* for logins */
    struct faults_device *devices;
    struct faults_file_state files[FAULTS_DOWN + 1][FAULTS_FILE_COUNT_]; /* by direction */
    const struct faults_ops *ops;
    void *userdata;
    int64_t clock_offset_ms;
    bool clock_login;
    bool refuse_tcp;
    struct loop_timer refuse_timer; /* armed: when ports listen again */
};

/* Ports listen again, or no more until delay_us has passed; 0 is for ever. */
void faults_set_refuse_tcp(struct faults *f, bool on, uint64_t delay_us);

/* Members of a request apart from fault and device. */
enum faults_member {
    FAULTS_MEMBER_AFTER_BYTES,
    FAULTS_MEMBER_AFTER_PACKETS,
    FAULTS_MEMBER_BYTES,
    FAULTS_MEMBER_CODE,
    FAULTS_MEMBER_COUNT,
    FAULTS_MEMBER_DIRECTION,
    FAULTS_MEMBER_HEX,
    FAULTS_MEMBER_KEY,
    FAULTS_MEMBER_KIND,
    FAULTS_MEMBER_LAYER,
    FAULTS_MEMBER_LOGIN,
    FAULTS_MEMBER_METHOD,
    FAULTS_MEMBER_MS,
    FAULTS_MEMBER_OFFSET_MS,
    FAULTS_MEMBER_ON,
    FAULTS_MEMBER_SEED,
    FAULTS_MEMBER_SENT,
    FAULTS_MEMBER_COUNT_,
};

#define FAULTS_ARGUMENTS_MAX 6
/* A member that a fault has; min and max are for numbers. */
struct faults_argument {
    enum faults_member member;
    bool required;
    int64_t min;
    int64_t max;
    int64_t fallback; /* when it is missing */
};

/* One request, checked. */
struct faults_request {
    const struct config_device *device; /* NULL: all */
    bool has[FAULTS_MEMBER_COUNT_];
    int64_t value[FAULTS_MEMBER_COUNT_]; /* number, 0 or 1, or index of a word */
    uint8_t data[FAULTS_GARBAGE_MAX];    /* of hex */
    size_t len;
    char key[FAULTS_KEY_MAX + 1];
};

int faults_wrong(char error[FAULTS_ERROR_MAX], const char *fmt, ...) PRINTF_LIKE(2, 3);
int faults_request_parse(struct faults_request *ret_request, const json_t *request,
                         const struct config *config, const struct faults_argument *arguments,
                         size_t n_arguments, bool has_device,
                         char error[FAULTS_ERROR_MAX]) MUST_CHECK;

#endif /* IOTD_LOCALCLOUD_FAULTS_STATE_H */
