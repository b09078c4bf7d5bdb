/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How an update goes: a bar on a terminal, else a line for each state. The bar also of uploads. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "dbus/names.h"
#include "libiotclient/iotctl_firmware.h"

#define MATCH_FIRMWARE                                                                             \
    "type='signal',sender='" IOTD_BUS_NAME "',path='" IOTD_DEVICE_PATH                             \
    "',interface='" DBUS_INTERFACE_PROPERTIES                                                      \
    "',member='PropertiesChanged',arg0='" IOTD_IFACE_FIRMWARE "'"
#define DEFAULT_COLUMNS 80
#define MIN_BAR 8
#define MAX_BAR 40

int ctl_follow_begin(struct ctl *ctl)
{
    int r = ctl_add_owner_match(ctl);

    return r == CTL_OK ? ctl_add_match(ctl, MATCH_FIRMWARE) : r;
}

static int columns(void)
{
    struct winsize size;

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
        return DEFAULT_COLUMNS;
    return size.ws_col;
}

static bool is_download(const struct ctl_firmware *fw)
{
    return strcmp(fw->state, "downloading") == 0;
}

/* " 42 %  1.2 MiB of 3.4 MiB" */
static void add_numbers(struct strbuf *sb, const struct ctl_bar *bar)
{
    strbuf_addf(sb, " %3u %%", bar->percent);
    if (!bar->has_bytes)
        return;
    strbuf_adds(sb, "  ");
    ctl_add_bytes(sb, bar->done);
    strbuf_adds(sb, " of ");
    ctl_add_bytes(sb, bar->size);
}

void ctl_bar_draw(const struct ctl_bar *bar)
{
    int width = columns() - 52, full;
    CLEANUP(freep) char *line = NULL;
    struct strbuf sb;

    width = width < MIN_BAR ? MIN_BAR : width > MAX_BAR ? MAX_BAR : width;
    full = width * (int) bar->percent / 100;
    strbuf_init(&sb, CTL_TEXT_MAX);
    strbuf_adds(&sb, "\r\x1b[K"); /* over the last one */
    ctl_add_text(&sb, bar->label, strnlen(bar->label, 16));
    strbuf_adds(&sb, " [");
    for (int i = 0; i < width; i++)
        strbuf_addc(&sb, i < full ? '#' : '.');
    strbuf_addc(&sb, ']');
    add_numbers(&sb, bar);
    if (strbuf_finish(&sb, &line) < 0)
        return; /* the next one */
    fputs(line, stdout);
    (void) fflush(stdout);
}

void ctl_bar_wipe(void)
{
    fputs("\r\x1b[K", stdout);
}

static void draw_bar(const struct ctl_firmware *fw)
{
    const struct ctl_bar bar = {
        .label = fw->state,
        .percent = fw->percent > 100 ? 100 : (unsigned) fw->percent,
        .has_bytes = is_download(fw),
        .done = fw->done,
        .size = fw->size,
    };

    ctl_bar_draw(&bar);
}

static int print_line(struct ctl *ctl, const struct ctl_firmware *fw)
{
    DBusMessageIter it;
    struct strbuf sb;

    strbuf_init(&sb, CTL_TEXT_MAX);
    if (ctl->json) {
        (void) dbus_message_iter_init(fw->reply, &it);
        ctl_add_json(&sb, &it);
        return ctl_print(ctl, &sb);
    }
    ctl_add_text(&sb, fw->state, strlen(fw->state));
    if (*fw->target) {
        strbuf_addc(&sb, ' ');
        ctl_add_text(&sb, fw->target, strlen(fw->target));
    }
    if (*fw->reason) {
        strbuf_adds(&sb, ": ");
        ctl_add_text(&sb, fw->reason, strlen(fw->reason));
    }
    return ctl_print(ctl, &sb);
}

static bool is_moving(const struct ctl_firmware *fw)
{
    return is_download(fw) || strcmp(fw->state, "installing") == 0;
}

/* -1: it goes on. */
static int outcome(struct ctl *ctl, const struct ctl_firmware *fw)
{
    if (strcmp(fw->state, "failed") == 0)
        return ctl_fail(ctl, NULL, "the update failed (%" PRId64 "): %s", fw->code, fw->reason);
    if (strcmp(fw->state, "installed") == 0 || strcmp(fw->state, "idle") == 0)
        return CTL_OK;
    if (fw->confirm)
        return CTL_OK; /* asked again: it is for a person to say */
    return -1;
}

/* What is shown stays the same: no line. */
struct shown {
    char state[32];
    char reason[256];
    bool has_bar;
};

static int show(struct ctl *ctl, const struct ctl_firmware *fw, struct shown *s)
{
    bool is_same = strncmp(s->state, fw->state, sizeof(s->state) - 1) == 0 &&
                   strncmp(s->reason, fw->reason, sizeof(s->reason) - 1) == 0;

    if (!ctl->json && is_moving(fw) && isatty(STDOUT_FILENO)) {
        draw_bar(fw);
        s->has_bar = true;
        return CTL_OK;
    }
    if (s->has_bar)
        ctl_bar_wipe();
    s->has_bar = false;
    (void) snprintf(s->state, sizeof(s->state), "%s", fw->state);
    (void) snprintf(s->reason, sizeof(s->reason), "%s", fw->reason);
    return is_same && !ctl->json ? CTL_OK : print_line(ctl, fw);
}

int ctl_follow(struct ctl *ctl)
{
    struct shown shown = {.has_bar = false};
    int r = CTL_OK, end = -1;

    while (r == CTL_OK && end < 0) {
        CLEANUP(ctl_firmware_done) struct ctl_firmware fw = {.reply = NULL};
        CLEANUP(msg_unrefp) DBusMessage *msg = NULL;

        r = ctl_firmware_get(ctl, &fw);
        if (r == CTL_OK)
            r = show(ctl, &fw, &shown);
        if (r == CTL_OK)
            end = outcome(ctl, &fw);
        if (r == CTL_OK && end < 0)
            r = ctl_next_signal(ctl, DBUS_INTERFACE_PROPERTIES, "PropertiesChanged", -1, &msg);
    }
    if (shown.has_bar)
        putchar('\n');
    return r == CTL_OK ? end : r;
}
