/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_FAKE_IOTD_IMPL_H
#define IOTD_TESTS_FAKE_IOTD_IMPL_H

/* Between fake-iotd.c, fake-thing.c, fake-client.c, fake-files.c and fake-twecall.c. */

#include "tests/lib/fake-iotd.h"

int fake_add_thing(struct fake *f, const char **reterr_member);
/* The index of a property, or -ENOENT. */
int fake_find_prop(const struct fake *f, const char *id);
void fake_on_register(struct tree_call *call, void *userdata);
void fake_on_unregister(struct tree_call *call, void *userdata);
int fake_add_client(struct fake *f);
int fake_add_twecall(struct fake *f);
/* A program is gone: its claims and tokens go. */
void fake_forget(struct fake *f, const char *sender);

#endif /* IOTD_TESTS_FAKE_IOTD_IMPL_H */
