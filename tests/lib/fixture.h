/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_FIXTURE_H
#define IOTD_TESTS_FIXTURE_H

/* All that an integration test starts and talks to. */

#include "tests/lib/bus-client.h"
#include "tests/lib/cloud-fixture.h"
#include "tests/lib/daemon-fixture.h"
#include "tests/lib/mosquitto-fixture.h"
#include "tests/lib/proc.h"

#endif /* IOTD_TESTS_FIXTURE_H */
