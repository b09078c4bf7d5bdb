/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "dbus/errmap.h"
#include "dbus/names.h"
#include "libiotclient/base/macro.h"
#include "tests/lib/suite.h"

static const struct {
    int err;
    const char *name;
    int32_t code;
} rows[] = {
#define ERROR(err, name, code, text) {-(err), IOTD_ERROR_PREFIX name, (code)},
#include "dbus/errors.def"
#undef ERROR
};

static void test_both_ways(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CHECK_STR(errmap_name(rows[i].err), rows[i].name);
        CHECK_INT(errmap_from_name(rows[i].name), rows[i].err);
        CHECK_INT(errmap_code(rows[i].err), rows[i].code);
        CHECK_INT(errmap_from_code(rows[i].code), rows[i].err);
        CHECK(errmap_is_known_code(rows[i].code));
        CHECK(strlen(errmap_text(rows[i].err)) > 0);
    }
}

static void test_unique(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        for (size_t k = 0; k < i; k++) {
            CHECK(strcmp(rows[i].name, rows[k].name) != 0);
            CHECK(rows[i].err != rows[k].err);
            CHECK(rows[i].code != rows[k].code);
        }
    }
}

/* What the design promises of single errors. */
static void test_contract(void)
{
    CHECK_STR(errmap_name(-EACCES), "org.iotd1.Error.NotAuthorized");
    CHECK_STR(errmap_name(-ENOENT), "org.iotd1.Error.UnknownId");
    CHECK_STR(errmap_name(-ERANGE), "org.iotd1.Error.OutOfRange");
    CHECK_STR(errmap_name(-EPROTOTYPE), "org.iotd1.Error.WrongType");
    CHECK_STR(errmap_name(-EINVAL), "org.freedesktop.DBus.Error.InvalidArgs");
    CHECK_INT(errmap_code(-EINVAL), 400);
    CHECK_INT(errmap_code(-ERANGE), 406);
    CHECK_INT(errmap_code(-ENOENT), 403);
    CHECK_INT(errmap_from_code(400), -EPROTO);
    CHECK_INT(errmap_from_code(405), -ECONNREFUSED);
    CHECK_INT(errmap_from_code(503), -EIO);
}

static void test_none(void)
{
    CHECK(errmap_name(0) == NULL);
    CHECK_INT(errmap_code(0), 0);
    CHECK_STR(errmap_text(0), "done");
    CHECK_INT(errmap_from_code(0), 0);
}

static void test_unknown(void)
{
    CHECK_STR(errmap_name(-EXDEV), "org.iotd1.Error.Io");
    CHECK_INT(errmap_code(-EXDEV), 503);
    CHECK_INT(errmap_from_name("org.iotd1.Error.NoSuchName"), -EIO);
    CHECK_INT(errmap_from_name("org.iotd1.Error"), -EIO);
    CHECK_INT(errmap_from_name("org.freedesktop.DBus.Error.NoSuchName"), -EIO);
    CHECK_INT(errmap_from_name(""), -EIO);
    CHECK_INT(errmap_from_name(NULL), -EIO);
    CHECK_INT(errmap_from_code(499), -ECONNREFUSED);
    CHECK_INT(errmap_from_code(-1), -ECONNREFUSED);
    CHECK_INT(errmap_from_code(INT32_MIN), -ECONNREFUSED);
    CHECK(!errmap_is_known_code(0));
    CHECK(!errmap_is_known_code(499));
}

static void test_bus_names(void)
{
    static const struct {
        const char *name;
        int err;
    } cases[] = {
        {"NoReply", -ETIMEDOUT},          {"Timeout", -ETIMEDOUT},
        {"ServiceUnknown", -ENOTCONN},    {"NameHasNoOwner", -ENOTCONN},
        {"Disconnected", -ENOTCONN},      {"AccessDenied", -EACCES},
        {"InvalidArgs", -EINVAL},         {"UnknownMethod", -EOPNOTSUPP},
        {"UnknownObject", -EOPNOTSUPP},   {"NoMemory", -ENOMEM},
        {"LimitsExceeded", -ENOBUFS},     {"PropertyReadOnly", -EROFS},
        {"InconsistentMessage", -EPROTO}, {"Failed", -EIO},
    };
    char name[128];

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        (void) snprintf(name, sizeof(name), "org.freedesktop.DBus.Error.%s", cases[i].name);
        CHECK_INT(errmap_from_name(name), cases[i].err);
    }
}

const char *const suite_name = "dbus-errmap";
const struct suite_test suite_tests[] = {
    {"both-ways", test_both_ways},
    {"unique", test_unique},
    {"contract", test_contract},
    {"none", test_none},
    {"unknown", test_unknown},
    {"bus-names", test_bus_names},
    {NULL, NULL},
};
