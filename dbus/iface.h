/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTD_DBUS_IFACE_H
#define IOTD_DBUS_IFACE_H

/* The shape of the constant tables that codegen.py makes from the XML (iface-gen.c). */

#include <stddef.h>
#include <stdint.h>

/* Flags of a member. */
#define IFACE_PRIVILEGED 1U /* annotation org.iotd1.Privileged */
#define IFACE_DEPRECATED 2U /* annotation org.freedesktop.DBus.Deprecated */

/* Access of a property. */
#define IFACE_READ 1U
#define IFACE_WRITE 2U

/* Annotation org.freedesktop.DBus.Property.EmitsChangedSignal. */
enum iface_emits {
    IFACE_EMITS_TRUE, /* PropertiesChanged carries the value */
    IFACE_EMITS_INVALIDATES,
    IFACE_EMITS_CONST, /* never changes while the object lives */
    IFACE_EMITS_FALSE,
    IFACE_EMITS_COUNT_
};

/* All strings and lists are constants; lists of names end with NULL. */
struct iface_method {
    const char *name;
    const char *in; /* signature; "" for no arguments */
    const char *out;
    const char *const *in_names;
    const char *const *out_names;
    uint32_t flags;
};

struct iface_signal {
    const char *name;
    const char *signature;
    const char *const *names;
    uint32_t flags;
};

struct iface_property {
    const char *name;
    const char *type;
    uint32_t access;
    enum iface_emits emits;
    uint32_t flags;
};

struct iface {
    const char *name;
    const char *xml; /* the <interface> element, indented by two spaces, with a final newline */
    const struct iface_method *methods;
    size_t n_methods;
    const struct iface_signal *signals;
    size_t n_signals;
    const struct iface_property *properties;
    size_t n_properties;
};

#endif /* IOTD_DBUS_IFACE_H */
