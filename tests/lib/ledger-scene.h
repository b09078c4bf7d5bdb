/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_LEDGER_SCENE_H
#define IOTD_TESTS_LEDGER_SCENE_H

/*
 * A scene for a ledger: a product whose events carry the ledger's ids, and a cloud without a limit
 * of the rate. Program N has events note_N (info) and alarm_N (alert), a property wish_N that the
 * cloud sets and level_N that it only reads.
 */

#include "tests/lib/ledger.h"
#include "tests/lib/scene.h"

/* settings as scene_start(). */
void ledger_scene_start(struct scene *s, const char *settings);

/* Sends a post, without waiting for its answer. */
void ledger_post(struct ledger *l, struct bus_client *bus, unsigned program, unsigned class);
/* A message to that program: takes note if it is an answer to a post, or tells of its end. */
void ledger_take(struct ledger *l, unsigned program, DBusMessage *msg);

/* A copy with double quotes for single ones; the caller's. */
char *ledger_quoted(const char *text);

#endif /* IOTD_TESTS_LEDGER_SCENE_H */
