/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The client's descriptor in a program's own loop: lines of standard input, each a number, are
 * reported as brightness. The descriptor never changes, so it is added once.
 */

#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <iotclient/iotclient.h>

static void on_done(iotc_client *client, int result, void *userdata)
{
    (void) client;
    (void) userdata;
    printf("the cloud: %s\n", iotc_strerror(result));
    fflush(stdout);
}

static void on_link(iotc_client *client, iotc_link_state state, void *userdata)
{
    (void) client;
    (void) userdata;
    printf("link %s\n", state == IOTC_LINK_UP ? "up" : "not up");
    fflush(stdout);
}

/* false at the end of the input. */
static bool read_line(iotc_client *client)
{
    iotc_prop *prop = NULL;
    char line[64];
    int r;

    if (!fgets(line, sizeof(line), stdin))
        return false;
    r = iotc_prop_lookup(client, "brightness", &prop);
    if (r >= 0)
        r = iotc_prop_report_int(prop, atoll(line), on_done, NULL);
    if (r < 0)
        fprintf(stderr, "not reported: %s\n", iotc_strerror(r));
    return true;
}

static int add(int epoll_fd, int fd)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.fd = fd};

    return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &ev);
}

int main(void)
{
    iotc_client *client = NULL;
    struct epoll_event ev;
    int fd = epoll_create1(EPOLL_CLOEXEC);
    int r;

    setvbuf(stdin, NULL, _IONBF, 0); /* what stdio has read, epoll does not see any more */
    r = iotc_client_new(&client, "own-epoll");
    if (r >= 0)
        r = iotc_client_watch_link(client, NULL, on_link, NULL, NULL);
    if (r < 0 || add(fd, iotc_client_get_fd(client)) < 0 || add(fd, STDIN_FILENO) < 0) {
        fprintf(stderr, "own-epoll: cannot start\n");
        return 1;
    }
    while (r >= 0 && epoll_wait(fd, &ev, 1, -1) == 1) {
        if (ev.data.fd == STDIN_FILENO && !read_line(client))
            break;
        if (ev.data.fd != STDIN_FILENO)
            r = iotc_client_dispatch(client);
    }
    iotc_client_unref(client);
    close(fd);
    return r < 0;
}
