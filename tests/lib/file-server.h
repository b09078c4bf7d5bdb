/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_FILE_SERVER_H
#define IOTD_TESTS_FILE_SERVER_H

/*
 * An HTTP server of one file in a child of the test, which answers as it is told to: well, badly,
 * in part, for ever. The bytes of the file are a function of their place.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FILE_SERVER_ALL UINT64_MAX

/* What it does on one connection. Zero: it serves well. */
struct file_server_step {
    const char *answer;  /* all that it says, then it closes; %s: its own URL */
    const char *head;    /* the first lines, in place of its own; then the body */
    uint64_t cut_after;  /* bytes of body, then it closes; 0: it does not */
    uint64_t stop_after; /* bytes of body, then it says nothing more */
    uint64_t extra;      /* bytes behind the end; FILE_SERVER_ALL: for ever */
    bool no_ranges;      /* 200 whatever was asked for */
    bool no_length;
    bool chunked;
    bool garbled;      /* another file of the same size */
    bool silent;       /* takes the request, says nothing */
    bool early;        /* answers when it has the head of the request */
    unsigned piece;    /* bytes of each write; 0: many */
    unsigned pause_us; /* between two */
};

/* In memory that it shares with the test. */
struct file_server_seen {
    unsigned n_connections; /* on which a request came */
    unsigned n_alarms;
    uint64_t sent;      /* bytes of bodies */
    uint64_t got;       /* bytes of bodies of requests */
    char request[8192]; /* the last one, with its body as far as there is room */
};

struct file_server;

struct file_server_config {
    uint64_t size;
    const struct file_server_step *steps; /* one for each connection; the last one stays */
    size_t n_steps;
    const char *cert, *key; /* PEM files: https; NULL: http */
};

struct file_server *file_server_start(const struct file_server_config *config);
struct file_server *file_server_stop(struct file_server *server);

uint16_t file_server_port(const struct file_server *server);
const struct file_server_seen *file_server_seen(const struct file_server *server);

/* The bytes at that place of the file, and the MD5 of all of it. */
void file_server_bytes(uint8_t *buf, uint64_t offset, size_t len);
void file_server_md5(uint64_t size, char hex[33]);

#endif /* IOTD_TESTS_FILE_SERVER_H */
