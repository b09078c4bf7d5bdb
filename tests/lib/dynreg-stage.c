/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "tests/lib/dynreg-stage.h"

#include <stdlib.h>
#include <string.h>

#include "libiotclient/base/macro.h"

static char *write_cloud_config(void)
{
    CLEANUP(freep) char *model = fixture_source_path("examples/smart-light.json");
    CLEANUP(freep)
    char *text = scene_printf(
        "{\"products\":[{\"product_id\":\"" CLOUD_PRODUCT "\",\"product_secret\":\"%s\","
        "\"model\":\"%s\",\"devices\":[{\"device_name\":\"" STAGE_DEVICE "\"},"
        "{\"device_name\":\"" CLOUD_DEVICE "\",\"secret\":\"ZGVzay1vbmx5LXNlY3JldA==\"}]},"
        "{\"product_id\":\"OFF1\",\"product_secret\":\"%s\",\"registration\":\"off\","
        "\"model\":\"%s\",\"devices\":[{\"device_name\":\"" STAGE_DEVICE "\","
        "\"secret\":\"ZGVzay1vbmx5LXNlY3JldA==\"}]}]}",
        STAGE_PRODUCT_SECRET, model, STAGE_PRODUCT_SECRET, model);

    return fixture_write_file("cloud.json", 0600, text);
}

void stage_init(struct stage *st, const char *link)
{
    CLEANUP(freep) char *config = write_cloud_config();

    *st = (struct stage){.settings = NULL};
    st->scene.cloud = cloud_start(config);
    st->settings = scene_printf("%sregister_url = http://127.0.0.1:%d/device/register\n",
                                link ? link : SCENE_LINK, cloud_http_port(st->scene.cloud));
    st->credentials = fixture_test_path("device_info.json");
}

void stage_done(struct stage *st)
{
    stage_halt(st);
    st->scene.cloud = cloud_stop(st->scene.cloud);
    free(st->settings);
    free(st->credentials);
    free(st->model);
}

static void boot(struct stage *st, const char *credentials, const char *path)
{
    st->scene.iotd = daemon_start(&(struct daemon_options){
        .endpoint = cloud_ws_url(st->scene.cloud),
        .settings = st->settings,
        .credentials = credentials,
        .credentials_path = path,
        .model = st->model,
    });
    st->scene.bus = daemon_bus(st->scene.iotd);
}

void stage_boot(struct stage *st, const char *credentials)
{
    boot(st, credentials, NULL);
}

void stage_boot_path(struct stage *st, const char *path)
{
    boot(st, NULL, path);
}

void stage_halt(struct stage *st)
{
    st->scene.iotd = daemon_stop(st->scene.iotd);
    st->scene.bus = NULL;
}

void stage_wait(const char *file, int line, struct stage *st, const char *state, const char *part)
{
    CLEANUP(freep) char *reason = NULL;

    if (!daemon_wait_link(st->scene.iotd, state))
        return; /* has failed */
    reason = bus_client_get(st->scene.bus, IOTD_DEVICE_PATH, IOTD_IFACE_LINK, "Reason");
    if (!reason || !strstr(reason, part))
        suite_fail(file, line, "%s: \"%s\" does not say \"%s\"", state, reason ? reason : "", part);
}

unsigned stage_count(struct stage *st, const char *event)
{
    CLEANUP(freep) char *journal = cloud_journal(st->scene.cloud);
    CLEANUP(freep) char *wanted = scene_printf("\"event\":\"%s\"", event);
    char *rest, *line;
    unsigned n = 0;

    for (rest = journal; (line = strsep(&rest, "\n"));)
        n += strstr(line, wanted) != NULL;
    return n;
}

json_t *stage_read(const char *path)
{
    json_error_t error;
    json_t *json = json_load_file(path, JSON_REJECT_DUPLICATES, &error);

    if (!json)
        suite_fail(__FILE__, __LINE__, "%s: %s", path, error.text);
    return json;
}

const char *stage_secret(const json_t *json)
{
    return scene_text(json_object_get(json, "key_deviceinfo"), "deviceSecret");
}
