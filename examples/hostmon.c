/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * This machine's own figures as properties: processor load, memory, disk, temperature (if it has
 * a sensor), uptime, boot time and network bytes, read from /proc and /sys every second. Only
 * what changed is reported; iotd merges what comes faster than the cloud wants it.
 */

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <iotclient/iotclient.h>

enum figure {
    CPU_LOAD,
    MEMORY_USED,
    DISK_USED,
    TEMPERATURE,
    UPTIME,
    BOOT_TIME,
    NET_RX,
    NET_TX,
    N_FIGURES
};

struct reading {
    const char *id;
    bool is_float;
    bool is_known; /* this machine has it */
    bool was_sent;
    bool is_waited_for; /* how a report of it ends */
    double value;       /* floats are rounded to 0.1 */
    double sent;
};

struct host {
    iotc_client *client;
    struct reading readings[N_FIGURES];
    unsigned long long busy, total; /* of /proc/stat, a second ago */
};

static const char *const ids[N_FIGURES] = {
    "cpu_load", "memory_used", "disk_used",    "temperature",
    "uptime",   "boot_time",   "net_rx_bytes", "net_tx_bytes",
};

static volatile sig_atomic_t stopping;

static void on_signal(int signo)
{
    (void) signo;
    stopping = 1;
}

static void set(struct host *host, enum figure f, double value)
{
    struct reading *r = &host->readings[f];

    r->is_known = true;
    r->value = r->is_float ? round(value * 10) / 10 : value;
}

static void read_stat(struct host *host)
{
    unsigned long long t[8] = {0}, boot, busy, total = 0;
    FILE *f = fopen("/proc/stat", "re");
    char line[512];

    if (!f)
        return;
    while (fgets(line, sizeof(line), f)) {
        /* All processors together; "cpu0" and others are one each. */
        if (strncmp(line, "cpu ", 4) == 0 &&
            sscanf(line + 4, "%llu %llu %llu %llu %llu %llu %llu %llu", &t[0], &t[1], &t[2], &t[3],
                   &t[4], &t[5], &t[6], &t[7]) == 8) {
            for (int i = 0; i < 8; i++)
                total += t[i];
            busy = total - t[3] - t[4]; /* idle, iowait */
            if (host->total && total > host->total && busy >= host->busy)
                set(host, CPU_LOAD,
                    100.0 * (double) (busy - host->busy) / (double) (total - host->total));
            host->busy = busy;
            host->total = total;
        } else if (sscanf(line, "btime %llu", &boot) == 1) {
            set(host, BOOT_TIME, (double) boot);
        }
    }
    fclose(f);
}

static void read_memory(struct host *host)
{
    unsigned long long total = 0, available = 0;
    FILE *f = fopen("/proc/meminfo", "re");
    char line[128];

    if (!f)
        return;
    while (fgets(line, sizeof(line), f)) {
        if (sscanf(line, "MemTotal: %llu", &total) != 1)
            (void) !sscanf(line, "MemAvailable: %llu", &available);
    }
    fclose(f);
    if (total && available <= total)
        set(host, MEMORY_USED, 100.0 * (double) (total - available) / (double) total);
}

static void read_disk(struct host *host)
{
    struct statvfs st;

    if (statvfs("/", &st) < 0 || !st.f_blocks)
        return;
    set(host, DISK_USED, 100.0 * (double) (st.f_blocks - st.f_bfree) / (double) st.f_blocks);
}

/* The hottest of directory/PREFIX*SUFFIX, in thousandths of a degree as the kernel has them. */
static void read_sensors(const char *directory, const char *file, double *hottest)
{
    DIR *dir = opendir(directory);
    struct dirent *entry;
    char path[512];

    while (dir && (entry = readdir(dir))) {
        FILE *f;
        long milli;

        snprintf(path, sizeof(path), "%s/%s/%s", directory, entry->d_name, file);
        f = entry->d_name[0] == '.' ? NULL : fopen(path, "re");
        if (!f)
            continue;
        if (fscanf(f, "%ld", &milli) == 1 && (double) milli / 1000 > *hottest)
            *hottest = (double) milli / 1000;
        fclose(f);
    }
    if (dir)
        closedir(dir);
}

static void read_temperature(struct host *host)
{
    double hottest = -273;

    read_sensors("/sys/class/thermal", "temp", &hottest);
    read_sensors("/sys/class/hwmon", "temp1_input", &hottest);
    if (hottest > -60 && hottest < 200) /* what the model allows; else it is no sensor */
        set(host, TEMPERATURE, hottest);
}

static void read_uptime(struct host *host)
{
    struct timespec ts;

    clock_gettime(CLOCK_BOOTTIME, &ts);
    set(host, UPTIME, (double) ts.tv_sec);
}

static void read_network(struct host *host)
{
    unsigned long long rx, tx, sum_rx = 0, sum_tx = 0;
    FILE *f = fopen("/proc/net/dev", "re");
    char line[512], name[64];

    if (!f)
        return;
    while (fgets(line, sizeof(line), f)) {
        if (sscanf(line, " %63[^:]: %llu %*u %*u %*u %*u %*u %*u %*u %llu", name, &rx, &tx) != 3 ||
            strcmp(name, "lo") == 0)
            continue;
        sum_rx += rx;
        sum_tx += tx;
    }
    fclose(f);
    set(host, NET_RX, (double) sum_rx);
    set(host, NET_TX, (double) sum_tx);
}

/*
 * Read-only: iotd refuses controls by itself. Serving the ids makes this the only program that
 * reports them, and shows in iotctl status.
 */
static void on_control(iotc_client *client, iotc_control *control, void *userdata)
{
    (void) client;
    (void) control;
    (void) userdata;
}

/* What could not leave is overtaken by the next value; what is refused is worth a line. */
static void on_reported(iotc_client *client, int result, void *userdata)
{
    struct reading *r = userdata;

    (void) client;
    r->is_waited_for = false;
    if (result == -ERANGE || result == -EPERM || result == -EACCES)
        fprintf(stderr, "hostmon: %s: %s\n", r->id, iotc_strerror(result));
}

static int report(struct host *host, struct reading *r)
{
    /* One at a time: while iotd is away none ends. */
    iotc_done_fn done = r->is_waited_for ? NULL : on_reported;
    iotc_prop *prop = NULL;
    int err;

    err = iotc_prop_lookup(host->client, r->id, &prop);
    if (err < 0)
        return err;
    err = r->is_float ? iotc_prop_report_double(prop, r->value, done, r)
                      : iotc_prop_report_int(prop, (int64_t) r->value, done, r);
    if (err >= 0) {
        r->sent = r->value;
        r->was_sent = r->is_waited_for = true;
    }
    return err;
}

static void on_second(struct host *host)
{
    read_stat(host);
    read_memory(host);
    read_disk(host);
    read_temperature(host);
    read_uptime(host);
    read_network(host);
    for (int f = 0; f < N_FIGURES; f++) {
        struct reading *r = &host->readings[f];
        int err;

        /* Both were rounded the same way: a difference is a step of the model. */
        if (!r->is_known || (r->was_sent && fabs(r->value - r->sent) < 0.05))
            continue;
        err = report(host, r);
        if (err < 0 && err != -ENOTCONN)
            fprintf(stderr, "hostmon: %s: %s\n", r->id, iotc_strerror(err));
    }
}

static int run(struct host *host, int timer_fd)
{
    struct pollfd fds[] = {
        {.fd = iotc_client_get_fd(host->client), .events = POLLIN},
        {.fd = timer_fd, .events = POLLIN},
    };
    uint64_t n;
    int r = 0;

    while (!stopping && r >= 0) {
        if (poll(fds, 2, -1) < 0)
            continue; /* a signal */
        if (fds[0].revents)
            r = iotc_client_dispatch(host->client);
        if (fds[1].revents && read(timer_fd, &n, sizeof(n)) == (ssize_t) sizeof(n))
            on_second(host);
    }
    return r;
}

int main(void)
{
    struct itimerspec its = {{1, 0}, {0, 1}};
    struct sigaction sa = {.sa_handler = on_signal};
    struct host host = {.client = NULL};
    int r, timer_fd;

    for (int f = 0; f < N_FIGURES; f++) {
        host.readings[f].id = ids[f];
        host.readings[f].is_float = f <= TEMPERATURE;
    }
    sigaction(SIGINT, &sa, NULL);
    sigaction(SIGTERM, &sa, NULL);
    timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (timer_fd < 0 || timerfd_settime(timer_fd, 0, &its, NULL) < 0) {
        perror("hostmon");
        return 1;
    }
    r = iotc_client_new(&host.client, "hostmon");
    if (r >= 0)
        r = iotc_serve_control(host.client, NULL, ids, N_FIGURES, on_control, NULL, NULL);
    if (r >= 0)
        r = run(&host, timer_fd);
    if (r < 0)
        fprintf(stderr, "hostmon: %s\n", iotc_strerror(r));
    iotc_client_unref(host.client);
    close(timer_fd);
    return r < 0;
}
