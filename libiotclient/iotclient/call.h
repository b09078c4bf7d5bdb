/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTCLIENT_CALL_H
#define IOTCLIENT_CALL_H

/**
 * @file call.h
 * What a device needs of the cloud to call WeChat (TWeCall): a ticket, a licence. The call itself,
 * its sound and its pictures are the program's.
 *
 * Requests do not wait for iotd or for the link: what is asked is for now. Each is sent once, and
 * its function runs once. model_id is the model that WeChat's console gave, app_id the one of the
 * mini program: 1 to 128 bytes.
 */

#include <iotclient/client.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Packages of iotc_twecall_activate(). */
#define IOTC_TWECALL_TEST ((uint32_t) 0)
#define IOTC_TWECALL_HOME ((uint32_t) 1)
#define IOTC_TWECALL_WEARABLE ((uint32_t) 2)
#define IOTC_TWECALL_ENTERTAINMENT ((uint32_t) 3)
#define IOTC_TWECALL_INTERCOM ((uint32_t) 4) /**< and other */

/** The ticket lives as long as the call; NULL unless result is 0. */
typedef void (*iotc_twecall_ticket_fn)(iotc_client *client, int result, const char *ticket,
                                       void *userdata);
/** code and text are the cloud's, code 0 when the licence is active; -1 and "" unless result is
 * 0. */
typedef void (*iotc_twecall_activate_fn)(iotc_client *client, int result, int code,
                                         const char *text, void *userdata);
/** sn: what the device is called at WeChat, NULL unless result is 0. expire_s: when the licence
 * ends, Unix seconds. */
typedef void (*iotc_twecall_state_fn)(iotc_client *client, int result, const char *sn,
                                      int64_t expire_s, void *userdata);

/**
 * Asks for a ticket with which the program registers the device at WeChat.
 * @param fn  result: 0; -ECONNREFUSED the cloud refused; -ENETDOWN no connection to the cloud;
 *            -ETIMEDOUT it did not answer within 10 s; -EACCES this program may not; -EAGAIN
 *            nobody knows the time yet; -ENOBUFS iotd has too many; -EPROTO the answer makes no
 *            sense; -ECONNRESET iotd went away; -ECANCELED the client ended; any other code that
 *            iotd answered
 * @return 0; -ENOTCONN not attached; -EINVAL; -ENOBUFS too many wait here; -ESHUTDOWN; -ENOMEM. fn
 *         does not run if this is not 0
 * @since 0.1
 */
IOTC_API IOTC_MUST_CHECK int iotc_twecall_get_ticket(iotc_client *client, const char *model_id,
                                                     const char *app_id, iotc_twecall_ticket_fn fn,
                                                     void *userdata);
/**
 * Activates a licence. After -ETIMEDOUT and -ECONNRESET nobody knows whether it is active: ask
 * iotc_twecall_get_state().
 * @param package  IOTC_TWECALL_...; -EINVAL beyond
 * @param fn       as iotc_twecall_get_ticket(), but what the cloud refuses has result 0 and a code
 * @return as iotc_twecall_get_ticket()
 * @since 0.1
 */
IOTC_API IOTC_MUST_CHECK int iotc_twecall_activate(iotc_client *client, const char *model_id,
                                                   const char *app_id, uint32_t package,
                                                   iotc_twecall_activate_fn fn, void *userdata);
/**
 * Asks for the licence.
 * @param fn  as iotc_twecall_get_ticket(), -ECONNREFUSED also when there is no licence
 * @return as iotc_twecall_get_ticket()
 * @since 0.1
 */
IOTC_API IOTC_MUST_CHECK int iotc_twecall_get_state(iotc_client *client, const char *model_id,
                                                    const char *app_id, iotc_twecall_state_fn fn,
                                                    void *userdata);

#ifdef __cplusplus
}
#endif

#endif /* IOTCLIENT_CALL_H */
