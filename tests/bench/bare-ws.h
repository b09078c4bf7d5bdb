/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_BENCH_BARE_WS_H
#define IOTD_TESTS_BENCH_BARE_WS_H

/*
 * WebSocket with nothing around it: blocking sockets, one write for each frame, no library. Both
 * ends, for binary frames below 64 KiB that are not fragmented. What goes wrong ends the program.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bare_ws;

/* A socket that listens on a port of loopback. */
int bare_ws_listen(uint16_t *ret_port);
/* The next connection, with the upgrade to WebSocket done; the sub-protocol is "mqtt". */
struct bare_ws *bare_ws_accept(int listen_fd);
struct bare_ws *bare_ws_connect(uint16_t port);
struct bare_ws *bare_ws_free(struct bare_ws *ws);
int bare_ws_fd(const struct bare_ws *ws);

/* Whether a whole frame has been read already: then the descriptor may be silent. */
bool bare_ws_has_frame(const struct bare_ws *ws);
/* The next frame; valid until the next call. False: the other end has closed. */
bool bare_ws_read(struct bare_ws *ws, const uint8_t **ret_data, size_t *ret_len);
void bare_ws_write(struct bare_ws *ws, const void *data, size_t len);

#endif /* IOTD_TESTS_BENCH_BARE_WS_H */
