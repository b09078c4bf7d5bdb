#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Runs benchmarks, each on a bus and in a directory of its own, and prints their lines as a table:
#
#   report.sh [--quick] [--tsv] NAME...     codec model outbox dbus link control reconnect size
#                                           shm-read shm-report latency many fetch
#
# IOTD_SRCDIR and IOTD_BUILDDIR are the trees; files that are measured lie in TMPDIR, which should
# be on the disk that matters. "wanted" is what the ratio, or the median, should be.
set -u

: "${IOTD_SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}"
: "${IOTD_BUILDDIR:=$PWD}"
IOTD_TEST_TIMEOUT_SCALE=10
export IOTD_SRCDIR IOTD_BUILDDIR IOTD_TEST_TIMEOUT_SCALE
format=table
flags=
while :; do
    case ${1-} in
    --quick) flags=--quick ;;
    --tsv) format=tsv ;;
    *) break ;;
    esac
    shift
done

# name, what it is about, and the limit
wanted='
outbox.durable_1        ratio  >= 0.70
outbox.durable_10       ratio  >= 0.70
outbox.durable_100      ratio  >= 0.70
link.event_reply        ratio  <= 1.5
link.stored_reply       ratio  <= 1.5
link.events             ratio  >= 0.80
control.iotd            ratio  <= 1.5
model.register          median <= 50
model.memory            median <= 1024
reconnect.after_3s      median <= 4
reconnect.after_20s     median <= 4
reconnect.after_60s     median <= 4
size.iotd_pss           median <= 6144
size.iotd_rss           median <= 9216
size.library            median <= 1024
size.iotd_wakes         median <= 0
shm.get_calls           median <= 0
shm.get_int             ratio  <= 2
shm.get_int_flood       ratio  <= 2
shm.get_string          median <= 50
shm.report              median <= 100
shm.report_calls        median <= 0
shm.flood_cpu           median <= 2
latency.control         ratio  <= 1.5
latency.control_dbus    ratio  >= 3
latency.event           ratio  <= 1.5
latency.report          ratio  <= 3
fetch.http              ratio  >= 0.80
fetch.http_synced       ratio  >= 0.80
fetch.http_memory       median <= 1024
fetch.https             ratio  >= 0.80
fetch.https_synced      ratio  >= 0.80
fetch.https_memory      median <= 1024
'

table() {
    awk -F '\t' -v wanted="$wanted" '
        function row(a, b, c, d, e, f, g, h, i) {
            printf "%-24s %6s %10s %10s %10s %-9s %10s %7s  %s\n", a, b, c, d, e, f, g, h, i
            fflush()
        }
        BEGIN {
            n = split(wanted, lines, "\n")
            for (i = 1; i <= n; i++)
                if (split(lines[i], w, " ") == 4) {
                    what[w[1]] = w[2]
                    sign[w[1]] = w[3]
                    limit[w[1]] = w[4]
                }
            row("name", "n", "min", "median", "p99", "unit", "baseline", "ratio", "wanted")
        }
        {
            text = ""
            if ($1 in limit) {
                value = what[$1] == "ratio" ? $8 : $4
                met = sign[$1] == ">=" ? value + 0 >= limit[$1] : value + 0 <= limit[$1]
                text = sign[$1] " " limit[$1] (met ? "" : "  missed")
            }
            row($1, $2, $3, $4, $5, $6, $7, $8, text)
        }'
}

run() {
    for name; do
        # Those that have a short form.
        case $name in
        reconnect | size | fetch) option=$flags ;;
        *) option= ;;
        esac
        # shellcheck disable=SC2086 # none or one
        "$IOTD_SRCDIR/tests/lib/with-bus" "$IOTD_BUILDDIR/tests/bench/bench-$name" $option || {
            echo "bench-$name failed" >&2
            failed=1
        }
    done
    return "${failed:-0}"
}

if [ "$format" = tsv ]; then
    run "$@"
else
    exec 4>&1
    status=$({ { run "$@"; echo $? >&3; } | table >&4; } 3>&1)
    exit "$status"
fi
