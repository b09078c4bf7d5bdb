# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# For the checks: sourced. A check says pass or fail for each thing it looks at and ends with
# total. It runs from any directory; `make check` sets IOTD_SRCDIR and IOTD_BUILDDIR.
set -u
export LC_ALL=C

: "${IOTD_SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}"
: "${IOTD_BUILDDIR:=$IOTD_SRCDIR/build}"
: "${CC:=cc}"
cd "$IOTD_SRCDIR" || exit 99
n_pass=0
n_fail=0

pass() {
    n_pass=$((n_pass + 1))
    echo "PASS $1"
}

# fail NAME [DETAIL]
fail() {
    n_fail=$((n_fail + 1))
    [ -z "${2:-}" ] || echo "$2"
    echo "FAIL $1"
}

# expect NAME TEXT: TEXT lists what is wrong; empty is good.
expect() {
    if [ -n "$2" ]; then fail "$1" "$2"; else pass "$1"; fi
}

total() {
    echo "TOTAL $n_pass passed, $n_fail failed"
    [ "$n_fail" -eq 0 ] && [ "$n_pass" -gt 0 ]
    exit
}

is_empty() {
    [ $((n_pass + n_fail)) -eq 0 ]
}

skip() {
    echo "SKIP $1"
    exit 77
}

# need PROGRAM DEBIAN-PACKAGE
need() {
    command -v "$1" >/dev/null || skip "no $1 (Debian: $2)"
}

# sources PATTERN...: files of the tree whose name matches, sorted; generated ones are left out.
sources() {
    for pattern in "$@"; do
        find daemon dbus examples libiotclient packaging tests -name "$pattern" -type f \
            ! -path 'dbus/iface-gen.[ch]' ! -path 'examples/smart-light.[ch]' ! -path 'tests/fuzz/corpus/*'
    done | sort -u
}

# Scripts: executable files whose first line names an interpreter.
scripts() {
    {
        find daemon dbus examples libiotclient packaging tests -type f -perm -u+x \
            ! -path 'tests/fuzz/corpus/*'
        echo .ci/run
    } | sort | while read -r file; do
        head -n 1 "$file" | grep -q "^#!.*$1" && echo "$file"
    done
}

# What the compiler needs to see our headers and those of the libraries.
compile_flags() {
    printf '%s ' "-I$IOTD_SRCDIR" "-I$IOTD_BUILDDIR" "-I$IOTD_SRCDIR/libiotclient" \
        "-I$IOTD_BUILDDIR/libiotclient"
    for module in dbus-1 libwebsockets wolfssl jansson libcrypto cunit sqlite3; do
        pkg-config --cflags "$module" 2>/dev/null | tr '\n' ' '
    done
}
