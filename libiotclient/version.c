/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <iotclient/client.h>
#include <iotclient/version.h>

uint32_t iotc_version(void)
{
    return IOTC_VERSION;
}
