/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTD_BASE_LIMITS_H
#define IOTD_BASE_LIMITS_H

/*
 * Every number that bounds input or growth: its source, and what happens at the edge.
 * "doc" is the vendor's device guide, "console" its console guide, "limits page" the
 * platform's page of quotas.
 */

/* Names. Too long is refused (-EINVAL / OutOfRange / model error). */
#define LIMIT_PRODUCT_ID 10     /* vendor SDK: product id buffer */
#define LIMIT_DEVICE_NAME 48    /* console guide: device name, letters, digits, underscore */
#define LIMIT_DEVICE_SECRET 64  /* doc: base64 text of the secret */
#define LIMIT_SECRET_BYTES 48   /* doc: the same, decoded */
#define LIMIT_PRODUCT_SECRET 64 /* own choice; the platform's have 24 characters */
#define LIMIT_FEATURE_ID 32     /* console guide: property, event, action, parameter id */
#define LIMIT_APP_ID 64         /* own choice: name of a program */
#define LIMIT_VERSION 32        /* console guide: version of a firmware */
#define LIMIT_CLIENT_TOKEN 128  /* own choice; vendor clients accept 90, the cloud sends 50 */

/* Thing model. */
#define LIMIT_STRING_VALUE 2048   /* console guide: string value in bytes */
#define LIMIT_STRINGENUM_KEY 64   /* own choice: a key of a stringenum, in bytes */
#define LIMIT_ENUM_VALUES 1024    /* own choice: values of one enum or stringenum */
#define LIMIT_STRUCT_MEMBERS 64   /* own choice: members of one struct */
#define LIMIT_ARRAY_ELEMENTS 1024 /* own choice: elements of a value; the vendor advises 16 */
/* Struct or array as JSON: fits into a report by itself. Beyond: TooLarge. */
#define LIMIT_VALUE_TEXT (LIMIT_MQTT_PAYLOAD - 1024)
#define LIMIT_MODEL_IDS 2048           /* own choice: features of one product */
#define LIMIT_MODEL_PLACES 4096        /* own choice: ids of one run, also those that are gone */
#define LIMIT_EVENTS_PER_POST 100      /* own choice: of one events_post, if they fit at all */
#define LIMIT_EVENT_PARAMS 255         /* vendor SDK: parameters of one event */
#define LIMIT_MODEL_FILE (1024 * 1024) /* own choice: bytes of the model file */
#define LIMIT_CLOCK_MIN_S 1672531200   /* own choice: 2023-01-01; a clock before was never set */
#define LIMIT_TIME_SKEW_S 86400        /* doc: code 405 beyond 24 hours */

/* MQTT. */
#define LIMIT_MQTT_PACKET (256 * 1024) /* own choice; of a larger message the topic alone */
#define LIMIT_MQTT_PAYLOAD (16 * 1024) /* limits page: larger payloads are rejected; -EMSGSIZE */
#define LIMIT_MQTT_TOPIC 255           /* limits page */
#define LIMIT_MQTT_INFLIGHT                                                                        \
    1024 /* own choice: unacknowledged QoS 1 publishes; -ENOBUFS. Most are answers, and a lost one \
            breaks a promise: what the platform may send down in 50 s */
#define LIMIT_EVENTS_INFLIGHT 50 /* own choice: events without event_reply; more wait */
#define LIMIT_MQTT_QUEUE_BYTES                                                                     \
    (1024 * 1024)               /* own choice: bytes that wait for the socket; -ENOBUFS */
#define LIMIT_SUBSCRIPTIONS 100 /* limits page: per device */

/* Credentials. Beyond: refused. */
#define LIMIT_BASE64_TEXT (16 * 1024)      /* own choice; a certificate with its key has 5 KiB */
#define LIMIT_DYNREG_ANSWER (16 * 1024)    /* own choice; vendor SDK: 5 KiB */
#define LIMIT_CREDENTIALS_FILE (64 * 1024) /* own choice; the vendor's sample has 600 bytes */
#define LIMIT_CSV_FILE (8 * 1024 * 1024)   /* console guide: 10,000 devices a batch */

/* Transfers of files. */
#define LIMIT_URL 2048    /* own choice: pre-signed ones are long; the vendor's buffer has 1024 */
#define LIMIT_REDIRECTS 5 /* own choice; more are a loop */
#define LIMIT_FETCH_DRY 5 /* vendor SDK: tries in a row that brought nothing */

/* Firmware. Beyond: the order fails with code -5. */
#define LIMIT_FIRMWARE (1024ULL * 1024 * 1024) /* console guide, limits page: bytes of an image */
#define LIMIT_FIRMWARE_CUSTOM 4096             /* console guide: 1536 bytes of user_defined */
#define LIMIT_FIRMWARE_EXTRA 4096              /* own choice: of what is not documented, as JSON */

/* Files and resources. */
#define LIMIT_FILE_NAME 64          /* vendor SDK: in bytes */
#define LIMIT_FILE_TYPE 10          /* vendor SDK */
#define LIMIT_FILE_TOKEN 128        /* own choice: resource_token of an upload */
#define LIMIT_FILE_MAX (1ULL << 30) /* console guide: 1024 MB of one */
#define LIMIT_FILES 256             /* own choice: on the device; told as no space beyond */
#define LIMIT_DOWNLOADS 32          /* own choice: orders that wait or run; failed beyond */
#define LIMIT_DOWNLOADS_RATE 2      /* own choice: begin in a second, three messages each */
#define LIMIT_DOWNLOADS_RUN 4       /* own choice: of them at the same time */
#define LIMIT_DOWNLOADS_BROKEN 8    /* own choice: partial files kept; the oldest goes */
#define LIMIT_UPLOADS 16            /* own choice: of all programs at the same time; -ENOBUFS */
#define LIMIT_UPLOADS_OWNER 4       /* own choice: of one program */
#define LIMIT_TRANSFERS_ENDED 64    /* own choice: to be looked at; the oldest goes */
#define LIMIT_ASR_REQUEST 4096      /* own choice: parameters of a request_asr */

/* JSON. Beyond: refused as not JSON. */
#define LIMIT_JSON_DEPTH 16 /* own choice; the deepest vendor message has 6 levels */

/* Requests in flight. Beyond: -ENOBUFS / Full. */
#define LIMIT_REPORT_TOKENS 1024  /* own choice: reports of all programs that wait for an answer */
#define LIMIT_PENDING_REPLIES 256 /* own choice: requests to the cloud that wait for a reply */
#define LIMIT_PENDING_EVENTS 1024 /* own choice: events that wait for the link or a reply */
#define LIMIT_PENDING_CALLS 64    /* own choice: controls and actions that programs work on */
#define LIMIT_REMEMBERED_ANSWERS 256 /* own choice: above the 150 that the cloud keeps for us */
#define LIMIT_STATUS_TEXT 64         /* vendor SDK: text of control_reply */

/* Programs. Beyond: Full. */
#define LIMIT_CLIENTS 256                /* own choice: attached programs */
#define LIMIT_DESCRIPTORS 2048           /* own choice: above four for each program, and our own */
#define LIMIT_DESCRIPTORS_KEPT 32        /* own choice: not for shared memory: D-Bus alone */
#define LIMIT_CLIENT_IDS LIMIT_MODEL_IDS /* own choice: ids owned by one program */
#define LIMIT_ACCOUNTS 512       /* own choice: programs that have events in the queue; -EDQUOT */
#define LIMIT_CLIENT_TOKENS 256  /* own choice: reports and posts of one program in flight */
#define LIMIT_STARTS 32          /* own choice: programs that are being started; -ENOBUFS */
#define LIMIT_MONITORS 8         /* own choice: programs that watch the traffic */
#define LIMIT_CLIENT_BATCHES 64  /* own choice: reports of one program on their way; they merge */
#define LIMIT_CLIENT_DONES 1024  /* own choice: completions that a program waits for; -ENOBUFS */
#define LIMIT_CLIENT_POSTS 64    /* own choice: events of one program on their way; -ENOBUFS */
#define LIMIT_SNAPSHOT_PROPS 256 /* own choice: properties of one snapshot; -EMSGSIZE */
#define LIMIT_ATTACH_TOKENS 1024 /* own choice: that one Attach asks for */
#define LIMIT_BUS_NAME 255       /* D-Bus specification: valid names */
#define LIMIT_DBUS_MESSAGE (1024 * 1024) /* own choice: one text in a message on the bus */

/* Rules of access.d. Beyond: the files are refused. */
#define LIMIT_ACCESS_FILES 128         /* own choice */
#define LIMIT_ACCESS_FILE (256 * 1024) /* own choice: bytes of one */
#define LIMIT_ACCESS_RULES 512         /* own choice: of all files; each call may look at all */
#define LIMIT_ACCESS_WORDS 64          /* own choice: users, paths, patterns of one key */

#endif /* IOTD_BASE_LIMITS_H */
