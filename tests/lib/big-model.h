/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_BIG_MODEL_H
#define IOTD_TESTS_BIG_MODEL_H

/* A product as large as they get: ids p0… e0… a0…, every type in turn. */

#define BIG_PROPERTIES 1000
#define BIG_EVENTS 200
#define BIG_ACTIONS 100

#define BIG_MODEL_ID 16
/* id, filled. */
const char *big_model_id(char id[BIG_MODEL_ID], char kind, unsigned i);
/* The console's JSON, and a value of each property as an object. The texts are the caller's. */
char *big_model_text(const char *product_id, unsigned n_properties, unsigned n_events,
                     unsigned n_actions);
char *big_model_values(unsigned n_properties);

/* A control of the last property, and how its program sees it. */
extern const char big_model_last_control[];
extern const char big_model_last_control_text[];

#endif /* IOTD_TESTS_BIG_MODEL_H */
