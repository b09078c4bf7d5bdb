/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_BENCH_BUS_HANDLER_H
#define IOTD_TESTS_BENCH_BUS_HANDLER_H

#include "tests/bench/helper.h"

/*
 * A program that serves a property over the bus alone, with libdbus and nothing around it: each
 * control is taken and answered at once. It serves on return.
 */
void bus_handler_start(struct helper *h, const char *property);

#endif /* IOTD_TESTS_BENCH_BUS_HANDLER_H */
