/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_FRONT_BUS_THING_H
#define IOTD_FRONT_BUS_THING_H

/* Methods of org.iotd1.Thing that take values; the others are in bus_thing.c. */

#include "dbus/tree.h"

void bus_thing_on_report(struct tree_call *call, void *userdata);
void bus_thing_on_report_value(struct tree_call *call, void *userdata);
void bus_thing_on_report_json(struct tree_call *call, void *userdata);
void bus_thing_on_post_event(struct tree_call *call, void *userdata);
void bus_thing_on_post_event_json(struct tree_call *call, void *userdata);
/* PostEvents and PostEventsJson. */
void bus_thing_on_post_events(struct tree_call *call, void *userdata);
void bus_thing_on_control(struct tree_call *call, void *userdata);
void bus_thing_on_control_json(struct tree_call *call, void *userdata);
void bus_thing_on_invoke(struct tree_call *call, void *userdata);
void bus_thing_on_invoke_json(struct tree_call *call, void *userdata);

#endif /* IOTD_FRONT_BUS_THING_H */
