/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTD_DBUS_NAMES_H
#define IOTD_DBUS_NAMES_H

/* The only place where names of the bus are spelled. The major version sits in each of them. */

#define IOTD_BUS_NAME "org.iotd1"
#define IOTD_ROOT_PATH "/org/iotd1"
#define IOTD_DEVICE_PATH "/org/iotd1/device"
#define IOTD_CLIENT_PATH_PREFIX "/org/iotd1/client/"
#define IOTD_TRANSFER_PATH_PREFIX "/org/iotd1/transfer/"
/* Of the library, in the programs. */
#define IOTD_HANDLER_PATH_PREFIX "/org/iotd1/handler/"

#define IOTD_IFACE_MANAGER "org.iotd1.Manager"
#define IOTD_IFACE_CLIENT "org.iotd1.Client"
#define IOTD_IFACE_CALL "org.iotd1.Call"
#define IOTD_IFACE_DEVICE "org.iotd1.Device"
#define IOTD_IFACE_LINK "org.iotd1.Link"
#define IOTD_IFACE_THING "org.iotd1.Thing"
#define IOTD_IFACE_HANDLER "org.iotd1.Handler"
#define IOTD_IFACE_FIRMWARE "org.iotd1.Firmware"
#define IOTD_IFACE_INSTALLER "org.iotd1.Installer"

#define IOTD_IFACE_FILES "org.iotd1.Files"
#define IOTD_IFACE_RESOURCES "org.iotd1.Resources"
#define IOTD_IFACE_TRANSFER "org.iotd1.Transfer"

#define IOTD_ERROR_PREFIX "org.iotd1.Error."

#endif /* IOTD_DBUS_NAMES_H */
