/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTCLIENT_OTA_H
#define IOTCLIENT_OTA_H

/**
 * @file ota.h
 * Updates of the device's firmware: be the program that installs them, say yes or no, watch.
 */

#include <iotclient/client.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Where an update is. Treat an unknown value as IOTC_OTA_INSTALLING. */
typedef int32_t iotc_ota_state;
#define IOTC_OTA_IDLE ((iotc_ota_state) 0)        /**< there is no order */
#define IOTC_OTA_OFFERED ((iotc_ota_state) 1)     /**< waits for a yes, to be downloaded */
#define IOTC_OTA_DOWNLOADING ((iotc_ota_state) 2) /**< also while what is here is checked */
#define IOTC_OTA_READY ((iotc_ota_state) 3)       /**< waits for a yes or for who installs */
#define IOTC_OTA_INSTALLING ((iotc_ota_state) 4)
#define IOTC_OTA_INSTALLED ((iotc_ota_state) 5) /**< runs after a restart */
#define IOTC_OTA_FAILED ((iotc_ota_state) 6)    /**< until the next order */

/** What iotd tells about the update. Texts are never NULL. Later releases have more, at the end. */
typedef struct iotc_ota_info {
    iotc_ota_state state;
    int32_t code;            /**< of a failure, the cloud's: -1 timeout, -2 not found, -3 expired,
                                  -4 wrong hash or signature, -5 anything else */
    uint32_t percent;        /**< of the download, then of the installation */
    bool needs_confirmation; /**< waits for iotc_ota_accept() */
    uint64_t size;           /**< of the image */
    uint64_t done;           /**< bytes of it that are here */
    const char *version;     /**< what runs; "" when nobody said */
    const char *target;      /**< what is ordered; "" */
    const char *custom;      /**< custom information of the order, as it came; "" */
    const char *extra;       /**< JSON object of what else the order has; "" */
    const char *reason;      /**< why it failed, or what it waits for, for people; "" */
    const char *installer;   /**< "program", "exec", "rauc"; "" nobody */
} iotc_ota_info;

/** An update that waits for a yes. Later releases have more, at the end. */
typedef struct iotc_ota_offer {
    iotc_ota_state state; /**< IOTC_OTA_OFFERED or IOTC_OTA_READY: what the yes is to */
    uint64_t size;
    const char *version; /**< for iotc_ota_accept() */
    const char *running;
    const char *custom;
    const char *extra;
} iotc_ota_offer;

/** An image whose size, hash and signature iotd has checked. Later releases have more. */
typedef struct iotc_ota_image {
    int fd; /**< a file, open for reading, at its first byte; closed when the callback returns:
                 duplicate it to go on later */
    uint64_t size;
    const char *version;
    const char *md5;    /**< in hex */
    const char *sha256; /**< in hex; "" when it was not computed */
    const char *custom;
    const char *extra;
} iotc_ota_image;

/** Answer with iotc_ota_accept(), _postpone() or _refuse(), when the user has. */
typedef void (*iotc_ota_offer_fn)(iotc_client *client, const iotc_ota_offer *offer, void *userdata);
/**
 * Install it: here, or from here on.
 * @return 0 begun, iotc_ota_finish() follows (or has been called); a negative errno: failed
 */
typedef int (*iotc_ota_install_fn)(iotc_client *client, const iotc_ota_image *image,
                                   void *userdata);
/** Stop installing that version, and leave what runs as it is; no iotc_ota_finish() any more. */
typedef void (*iotc_ota_cancel_fn)(iotc_client *client, const char *version, void *userdata);
/** Something of the update has changed; info is borrowed. */
typedef void (*iotc_ota_fn)(iotc_client *client, const iotc_ota_info *info, void *userdata);

/** What the program that installs does. */
typedef struct iotc_ota_ops {
    size_t size;                    /**< sizeof(iotc_ota_ops) */
    iotc_ota_offer_fn on_offer;     /**< NULL: somebody else asks the user */
    iotc_ota_install_fn on_install; /**< must be there */
    iotc_ota_cancel_fn on_cancel;   /**< NULL: it cannot be stopped */
} iotc_ota_ops;

/**
 * This program installs the firmware from now on, after each attach. The outcome is
 * iotc_slot_get_error() and iotc_slot_watch(): -EEXIST another program does, or iotd's settings say
 * who; -EACCES this program may not.
 * An installation goes on when iotd is started again: on_install is not called a second time for
 * the same image, and the result is told when iotd is back.
 * @param ret_slot  may be NULL: as long as the client lives
 * @param version   what runs here, 1 to 32 of [A-Za-z0-9._-]: the cloud is told; NULL: iotd's
 *                  settings say it
 * @param ops       copied
 * @param destroy   may be NULL
 * @return 0; -EINVAL; -EEXIST another slot of this client does; -ESHUTDOWN; -ENOMEM
 * @since 0.1
 */
IOTC_API IOTC_MUST_CHECK int iotc_ota_serve(iotc_client *client, iotc_slot **ret_slot,
                                            const char *version, const iotc_ota_ops *ops,
                                            void *userdata, iotc_free_fn destroy);
/**
 * What runs here is another version now; for the program that serves.
 * @return 0; -ENOENT it does not; -EINVAL; -ESHUTDOWN; -ENOMEM
 * @since 0.1
 */
IOTC_API IOTC_MUST_CHECK int iotc_ota_set_version(iotc_client *client, const char *version);
/**
 * How far the installation is; as often as the program likes, iotd tells the cloud now and then.
 * @param percent  0 to 100
 * @param text     what it does, for people; may be NULL
 * @return 0; -ENOENT nothing is being installed; -ECONNRESET iotd is away; -EINVAL; -ESHUTDOWN;
 *         -ENOMEM
 * @since 0.1
 */
IOTC_API int iotc_ota_progress(iotc_client *client, unsigned percent, const char *text);
/**
 * The end of the installation. After 0 the new version has to be started: iotd tells the cloud that
 * the update is done when a program serves again and says that version.
 * @param result  0; or a negative errno
 * @param text    what is wrong, for people; may be NULL
 * @return 0, told as soon as iotd is there; -ENOENT nothing is being installed; -EINVAL;
 *         -ESHUTDOWN; -ENOMEM
 * @since 0.1
 */
IOTC_API IOTC_MUST_CHECK int iotc_ota_finish(iotc_client *client, int result, const char *text);

/**
 * Says yes to the update to that version.
 * @param version  of the offer or the info that the user saw
 * @param done     runs with 0; -EAGAIN there is no order; -ECONNREFUSED it is about another version
 *                 now, or does not wait for an answer; -EACCES this program may not; may be NULL
 * @return 0; -ENOTCONN iotd is not there; -ENOBUFS too many are on their way; -EINVAL; -ESHUTDOWN;
 *         -ENOMEM
 * @since 0.1
 */
IOTC_API IOTC_MUST_CHECK int iotc_ota_accept(iotc_client *client, const char *version,
                                             iotc_done_fn done, void *userdata);
/** As iotc_ota_accept(): ask again in so many seconds, 60 to 604800 (-ERANGE). @since 0.1 */
IOTC_API IOTC_MUST_CHECK int iotc_ota_postpone(iotc_client *client, const char *version,
                                               uint32_t seconds, iotc_done_fn done, void *userdata);
/** As iotc_ota_accept(): do not; the cloud hears text, which may be NULL. @since 0.1 */
IOTC_API IOTC_MUST_CHECK int iotc_ota_refuse(iotc_client *client, const char *version,
                                             const char *text, iotc_done_fn done, void *userdata);
/**
 * Installs an image from here, through whoever installs on this device.
 * @param fd         a regular file, open for reading; duplicated
 * @param signature  of the image, in base64; NULL: none, which settings may refuse
 * @param done       as iotc_ota_accept(); -ECONNREFUSED also while another update runs
 * @return as iotc_ota_accept()
 * @since 0.1
 */
IOTC_API IOTC_MUST_CHECK int iotc_ota_install(iotc_client *client, int fd, const char *version,
                                              const char *signature, iotc_done_fn done,
                                              void *userdata);

/**
 * Calls fn with what iotd tells about the update: once after each attach, and with each change;
 * bytes and percent once a second.
 * @param ret_slot  may be NULL: as long as the client lives
 * @param destroy   may be NULL
 * @return 0; -EINVAL; -ESHUTDOWN; -ENOMEM
 * @since 0.1
 */
IOTC_API IOTC_MUST_CHECK int iotc_ota_watch(iotc_client *client, iotc_slot **ret_slot,
                                            iotc_ota_fn fn, void *userdata, iotc_free_fn destroy);
/**
 * What iotd last told about the update; for programs that serve or watch it.
 * @param ret_info  lives until the next dispatch
 * @return 0; -ENODATA iotd has not told yet; -EINVAL; -ESHUTDOWN
 * @since 0.1
 */
IOTC_API IOTC_MUST_CHECK int iotc_ota_get_info(iotc_client *client, const iotc_ota_info **ret_info);

#ifdef __cplusplus
}
#endif

#endif /* IOTCLIENT_OTA_H */
