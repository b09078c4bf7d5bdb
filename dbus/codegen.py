#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Interface XML -> constant tables (iface-gen.c, iface-gen.h).

usage: codegen.py OUTPUT-DIRECTORY FILE.xml...

The output depends on the content of the files only, not on their order or place. Comments of
the XML are for readers of the XML and are left out.
"""

import os
import re
import sys
import xml.etree.ElementTree as ElementTree

PRIVILEGED = "org.iotd1.Privileged"
DEPRECATED = "org.freedesktop.DBus.Deprecated"
EMITS = "org.freedesktop.DBus.Property.EmitsChangedSignal"
KNOWN_ANNOTATIONS = {PRIVILEGED, DEPRECATED, EMITS, "org.iotd1.Since"}
EMITS_KINDS = {"true": "TRUE", "invalidates": "INVALIDATES", "const": "CONST", "false": "FALSE"}
ACCESS = {"read": "IFACE_READ", "write": "IFACE_WRITE", "readwrite": "IFACE_READ | IFACE_WRITE"}
BASIC = "ybnqiuxtdsogh"

LICENSE = "/* SPDX-License-Identifier: LGPL-2.1-or-later */\n"
HEAD = LICENSE + "/* Made by dbus/codegen.py from the interface XML. */\n"


class Bad(Exception):
    pass


def type_end(text, at, depth=0):
    """The index behind the one complete type that starts at `at`."""
    if at >= len(text) or depth > 32:
        raise Bad(f"'{text}' is not a D-Bus type")
    c = text[at]
    if c in BASIC or c == "v":
        return at + 1
    if c == "a" and text[at + 1:at + 2] == "{":
        if text[at + 2:at + 3] not in list(BASIC):
            raise Bad(f"'{text}' has a dictionary with a key that is not basic")
        end = type_end(text, at + 3, depth + 1)
        if text[end:end + 1] != "}":
            raise Bad(f"'{text}' has a dictionary that does not end")
        return end + 1
    if c == "a":
        return type_end(text, at + 1, depth + 1)
    if c == "(":
        at = type_end(text, at + 1, depth + 1)
        while text[at:at + 1] != ")":
            at = type_end(text, at, depth + 1)
        return at + 1
    raise Bad(f"'{text}' is not a D-Bus type")


def single_type(element, where):
    text = element.get("type") or ""
    if type_end(text, 0) != len(text):
        raise Bad(f"{where}: '{text}' is more than one type")
    return text


def member_name(element, where):
    name = element.get("name") or ""
    if not re.fullmatch(r"[A-Z][A-Za-z0-9]{0,254}", name):
        raise Bad(f"{where}: '{name}' is not a member name")
    return name


def annotations(element, where):
    found = {}
    for note in element.findall("annotation"):
        name = note.get("name")
        if name not in KNOWN_ANNOTATIONS or name in found:
            raise Bad(f"{where}: annotation {name} is unknown or given twice")
        found[name] = note.get("value") or ""
    return found


def flags_of(notes, where):
    flags = []
    for name, flag in ((PRIVILEGED, "IFACE_PRIVILEGED"), (DEPRECATED, "IFACE_DEPRECATED")):
        value = notes.get(name, "false")
        if value not in ("true", "false"):
            raise Bad(f"{where}: {name} is neither true nor false")
        if value == "true":
            flags.append(flag)
    return " | ".join(flags) or "0"


def arguments(element, where, direction, default):
    types, names = [], []
    for arg in element.findall("arg"):
        if arg.get("direction", default) not in ("in", "out"):
            raise Bad(f"{where}: an argument goes neither in nor out")
        if arg.get("direction", default) != direction:
            continue
        name = arg.get("name") or ""
        if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name) or name in names:
            raise Bad(f"{where}: argument name '{name}' is bad or given twice")
        types.append(single_type(arg, where))
        names.append(name)
    return "".join(types), names


def quote(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def interface_xml(element):
    """The element as text: two spaces a level, attributes in the order of the source."""
    lines = []

    def walk(node, indent):
        attributes = "".join(
            f' {k}="{v.replace("&", "&amp;").replace("<", "&lt;").replace(chr(34), "&quot;")}"'
            for k, v in node.attrib.items())
        children = [c for c in node if isinstance(c.tag, str)]
        if not children:
            lines.append(f"{indent}<{node.tag}{attributes}/>")
            return
        lines.append(f"{indent}<{node.tag}{attributes}>")
        for child in children:
            walk(child, indent + "  ")
        lines.append(f"{indent}</{node.tag}>")

    walk(element, "  ")
    return lines


def names_list(lists, names):
    """Lists of argument names are shared: one symbol for each different list."""
    if not names:
        lists["no_names"] = []
        return "no_names"
    symbol = "names_" + "__".join(names)
    lists[symbol] = names
    return symbol


def read_interface(element, lists):
    name = element.get("name") or ""
    if not re.fullmatch(r"org\.iotd1(\.[A-Z][A-Za-z0-9]*)+", name):
        raise Bad(f"'{name}' is not an interface below org.iotd1")
    seen = set()
    methods, signals, properties = [], [], []

    for node in element:
        where = f"{name}.{node.get('name')}"
        if node.tag == "annotation":
            continue
        if node.tag not in ("method", "signal", "property"):
            raise Bad(f"{name}: <{node.tag}> is not known")
        member = member_name(node, where)
        if (node.tag, member) in seen:
            raise Bad(f"{where} is there twice")
        seen.add((node.tag, member))
        notes = annotations(node, where)
        flags = flags_of(notes, where)
        if EMITS in notes and node.tag != "property":
            raise Bad(f"{where}: only a property can have {EMITS}")
        if node.tag == "method":
            in_type, in_names = arguments(node, where, "in", "in")
            out_type, out_names = arguments(node, where, "out", "in")
            methods.append(f"{{{quote(member)}, {quote(in_type)}, {quote(out_type)}, "
                           f"{names_list(lists, in_names)}, {names_list(lists, out_names)}, "
                           f"{flags}}},")
        elif node.tag == "signal":
            types, names = arguments(node, where, "out", "out")
            if arguments(node, where, "in", "out")[1]:
                raise Bad(f"{where}: a signal has no argument that goes in")
            signals.append(f"{{{quote(member)}, {quote(types)}, {names_list(lists, names)}, "
                           f"{flags}}},")
        else:
            emits = notes.get(EMITS, "true")
            if emits not in EMITS_KINDS or node.get("access") not in ACCESS:
                raise Bad(f"{where}: bad access or {EMITS}")
            properties.append(f"{{{quote(member)}, {quote(single_type(node, where))}, "
                              f"{ACCESS[node.get('access')]}, "
                              f"IFACE_EMITS_{EMITS_KINDS[emits]}, {flags}}},")
    return name, methods, signals, properties, interface_xml(element)


def symbol_of(name):
    words = re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name[len("org.iotd1."):])
    return "iface_" + words.replace(".", "_").lower()


def table(out, kind, symbol, rows):
    if not rows:
        return "NULL, 0"
    out.append(f"static const struct iface_{kind} {symbol}[] = {{")
    out.extend(f"    {row}" for row in rows)
    out.append("};\n")
    return f"{symbol}, {len(rows)}"


def generate(interfaces, lists):
    out = [HEAD, '#include "dbus/iface-gen.h"\n']
    for symbol, names in sorted(lists.items()):
        out.append(f"static const char *const {symbol}[] = "
                   f"{{{''.join(quote(n) + ', ' for n in names)}NULL}};")
    out.append("")
    for name, methods, signals, properties, xml in interfaces:
        symbol = symbol_of(name)
        parts = [table(out, "method", symbol + "_methods", methods),
                 table(out, "signal", symbol + "_signals", signals),
                 table(out, "property", symbol + "_properties", properties)]
        out.append(f"static const char {symbol}_xml[] =")
        out.append("\n".join("    " + quote(line)[:-1] + '\\n"' for line in xml) + ";\n")
        out.append(f"const struct iface {symbol} = {{\n    {quote(name)}, {symbol}_xml,")
        out.append("".join(f"    {part},\n" for part in parts) + "};\n")
    out.append("const struct iface *const iface_all[] = {")
    out.extend(f"    &{symbol_of(name)}," for name, *_ in interfaces)
    out.append("    NULL,\n};")

    header = [HEAD, "#ifndef IOTD_DBUS_IFACE_GEN_H\n#define IOTD_DBUS_IFACE_GEN_H\n",
              '#include "dbus/iface.h"\n']
    header.extend(f"extern const struct iface {symbol_of(name)}; /* {name} */"
                  for name, *_ in interfaces)
    header.append("\n/* All of them, sorted by name, up to a NULL. */")
    header.append("extern const struct iface *const iface_all[];\n")
    header.append("#endif /* IOTD_DBUS_IFACE_GEN_H */")
    return "\n".join(out) + "\n", "\n".join(header) + "\n"


def write(path, text):
    with open(path + ".tmp", "w", encoding="utf-8", newline="\n") as f:
        f.write(text)
    os.replace(path + ".tmp", path)


def main(arguments_):
    if len(arguments_) < 2:
        sys.exit(__doc__)
    interfaces, lists = [], {}
    for path in arguments_[1:]:
        try:
            for element in ElementTree.parse(path).getroot().findall("interface"):
                interfaces.append(read_interface(element, lists))
        except (Bad, ElementTree.ParseError, OSError) as error:
            sys.exit(f"{path}: {error}")
    interfaces.sort(key=lambda interface: interface[0])
    names = [interface[0] for interface in interfaces]
    if len(set(names)) != len(names):
        sys.exit("an interface is there twice")
    source, header = generate(interfaces, lists)
    write(os.path.join(arguments_[0], "iface-gen.c"), source)
    write(os.path.join(arguments_[0], "iface-gen.h"), header)


main(sys.argv[1:])
