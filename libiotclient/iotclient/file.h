/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTCLIENT_FILE_H
#define IOTCLIENT_FILE_H

/**
 * @file file.h
 * Files that users exchange with the device, and resources that the maker sends: what is here, a
 * descriptor of it, uploads.
 *
 * Requests do not wait for iotd: what is asked is for now. The function of each runs once. Names
 * have 1 to 64 bytes, no slash, no dot in front and no control characters.
 */

#include <iotclient/client.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Each kind has names of its own. */
typedef int32_t iotc_file_kind;
#define IOTC_FILE_USER ((iotc_file_kind) 0)     /**< file management */
#define IOTC_FILE_RESOURCE ((iotc_file_kind) 1) /**< resource management */

/** Where a file is. Treat an unknown value as IOTC_FILE_AWAY. */
typedef int32_t iotc_file_state;
#define IOTC_FILE_HERE ((iotc_file_state) 0)
#define IOTC_FILE_RENEWING ((iotc_file_state) 1) /**< here, and another version is on its way */
#define IOTC_FILE_COMING ((iotc_file_state) 2)   /**< on its way */
#define IOTC_FILE_AWAY ((iotc_file_state) 3)     /**< on record in the cloud, not here */

/** A file. Texts are never NULL. Later releases have more, at the end. */
typedef struct iotc_file_info {
    const char *name;
    const char *type;    /**< "FILE", "AUDIO", …; "" of a resource */
    const char *version; /**< of a resource its MD5 */
    const char *md5;     /**< in hex; "" in a list */
    uint64_t size;
    uint64_t stamp_us; /**< CLOCK_REALTIME, when it came */
    iotc_file_state state;
} iotc_file_info;

/** files: n pointers, that live as long as the call; result as of iotc_file_delete(). */
typedef void (*iotc_file_list_fn)(iotc_client *client, int result,
                                  const iotc_file_info *const *files, size_t n, void *userdata);
/**
 * fd: open for reading, at its first byte, -1 unless result is 0; closed when the function returns:
 * duplicate it to read on later. It stays what it was when another version comes. info: NULL unless
 * result is 0. result as of iotc_file_delete().
 */
typedef void (*iotc_file_open_fn)(iotc_client *client, int result, int fd,
                                  const iotc_file_info *info, void *userdata);
/** A file came, whole and verified (info), or is not here any more (only its name is told). */
typedef void (*iotc_file_fn)(iotc_client *client, iotc_file_kind kind, bool is_here,
                             const iotc_file_info *info, void *userdata);
/** Bytes that are through; at most once a second, and not after the end. */
typedef void (*iotc_file_progress_fn)(iotc_client *client, uint64_t id, uint64_t done,
                                      uint64_t size, void *userdata);
/**
 * The one end of an upload.
 * @param result  0; -ETIMEDOUT; -ECONNREFUSED the cloud said no, or what it allowed has expired;
 *                -EIO it failed otherwise; -ECANCELED somebody ended it, or the client ended (it
 *                goes on in iotd then); -ECONNRESET iotd went away; -ENETDOWN no connection to the
 *                cloud; -EMSGSIZE the file is too large; -ENOBUFS too many run; -EOPNOTSUPP a
 *                program serves its file system; -EINVAL not a regular file, open for reading;
 *                -EAGAIN; -EACCES this program may not; any other code that iotd answered
 * @param token   what names the file to other services of the cloud; "" when there is none
 * @param text    why, for people; ""
 */
typedef void (*iotc_file_upload_fn)(iotc_client *client, uint64_t id, int result, const char *token,
                                    const char *text, void *userdata);

/** How to upload. */
typedef struct iotc_file_upload_options {
    size_t size;                       /**< sizeof(iotc_file_upload_options) */
    const char *type;                  /**< 1 to 10 of [A-Za-z0-9_-]; NULL: "FILE" */
    const char *version;               /**< 1 to 32 bytes; NULL: "1.0.0" */
    iotc_file_progress_fn on_progress; /**< may be NULL */
} iotc_file_upload_options;

/**
 * Asks what there is.
 * @return 0; -ENOTCONN iotd is not there; -ENOBUFS too many requests wait here; -EINVAL;
 *         -ESHUTDOWN; -ENOMEM. fn does not run if this is not 0
 * @since 0.1
 */
IOTC_API IOTC_MUST_CHECK int iotc_file_list(iotc_client *client, iotc_file_kind kind,
                                            iotc_file_list_fn fn, void *userdata);
/**
 * Asks for a descriptor.
 * @return as iotc_file_list()
 * @since 0.1
 */
IOTC_API IOTC_MUST_CHECK int iotc_file_open(iotc_client *client, iotc_file_kind kind,
                                            const char *name, iotc_file_open_fn fn, void *userdata);
/**
 * Removes it here, and ends a download of it; of a file the cloud is told.
 * @param done  runs with 0; -ENOENT it is not here; -EACCES this program may not; -ENOBUFS or
 *              -EMFILE no more descriptors, there or here; -EOPNOTSUPP iotd has no files;
 *              -EPROTO the answer makes no sense; -ECONNRESET iotd went away; -ETIMEDOUT;
 *              -ECANCELED the client ended; may be NULL
 * @return as iotc_file_list()
 * @since 0.1
 */
IOTC_API IOTC_MUST_CHECK int iotc_file_delete(iotc_client *client, iotc_file_kind kind,
                                              const char *name, iotc_done_fn done, void *userdata);
/**
 * Asks the cloud whether a resource waits; iotd does after each connect.
 * @param done  as iotc_file_delete(), and -ENETDOWN no connection to the cloud; may be NULL
 * @return as iotc_file_list()
 * @since 0.1
 */
IOTC_API IOTC_MUST_CHECK int iotc_file_check(iotc_client *client, iotc_done_fn done,
                                             void *userdata);
/**
 * Asks for the words in a sound that was uploaded; they come as a control of the property
 * _sys_asr_response.
 * @param token  of the upload
 * @param json   an object with the parameters; NULL: none
 * @param done   as iotc_file_check(); may be NULL
 * @return as iotc_file_list()
 * @since 0.1
 */
IOTC_API IOTC_MUST_CHECK int iotc_file_request_asr(iotc_client *client, const char *token,
                                                   const char *json, iotc_done_fn done,
                                                   void *userdata);

/**
 * Calls fn with each file that comes or goes from now on, while the client is attached. What
 * happened before and in between: iotc_file_list().
 * @param ret_slot  may be NULL: as long as the client lives
 * @param destroy   may be NULL
 * @return 0; -EINVAL; -ESHUTDOWN; -ENOMEM
 * @since 0.1
 */
IOTC_API IOTC_MUST_CHECK int iotc_file_watch(iotc_client *client, iotc_slot **ret_slot,
                                             iotc_file_kind kind, iotc_file_fn fn, void *userdata,
                                             iotc_free_fn destroy);

/**
 * Sends a file to the cloud.
 * @param ret_id   for iotc_file_cancel(); may be NULL
 * @param fd       a regular file, open for reading; duplicated, and read from its beginning while
 *                 the upload runs
 * @param options  copied; may be NULL; type and version are for IOTC_FILE_USER
 * @return as iotc_file_list()
 * @since 0.1
 */
IOTC_API IOTC_MUST_CHECK int iotc_file_upload(iotc_client *client, uint64_t *ret_id,
                                              iotc_file_kind kind, int fd, const char *name,
                                              const iotc_file_upload_options *options,
                                              iotc_file_upload_fn fn, void *userdata);
/**
 * Ends an upload; its function runs with -ECANCELED, unless it is done before.
 * @return 0; -ENOENT it has ended; -EINVAL; -ESHUTDOWN; -ENOMEM
 * @since 0.1
 */
IOTC_API int iotc_file_cancel(iotc_client *client, uint64_t id);

#ifdef __cplusplus
}
#endif

#endif /* IOTCLIENT_FILE_H */
