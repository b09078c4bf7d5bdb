/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ids that the platform has given a meaning and a layout (console guide, location models and
 * value-added services): whoever uses one has to use it so.
 */

#include <string.h>

#include "daemon/cloud/model_reader.h"

#define MEMBERS_MAX 5

static const struct platform_id {
    const char *id;
    enum thing_type type;
    const char *members[MEMBERS_MAX + 1]; /* of the struct, or of the elements of the array */
} platform_ids[] = {
    {"GPS_Info", THING_STRUCT, {"latitude", "longitude"}},
    {"GPS_ExtInfo", THING_STRUCT, {"latitude", "longitude"}},
    {"Cell_Info", THING_STRUCT, {"mcc", "mnc", "lac", "cid", "rss"}},
    {"Wifi_Info", THING_ARRAY, {"Mac", "Rssi"}},
    {"_mesh_generic_onoff", THING_BOOL, {NULL}},
    {"_mesh_light_color_temperature", THING_INT, {NULL}},
    {"_mesh_light_hsl", THING_ARRAY, {NULL}},
    {"_mesh_light_lightness", THING_INT, {NULL}},
    {"_sys_asr_response", THING_STRING, {NULL}},
    {"_sys_kg_control_seq", THING_INT, {NULL}},
    {"_sys_kg_cur_play_list", THING_STRING, {NULL}},
    {"_sys_kg_cur_song_id", THING_STRING, {NULL}},
    {"_sys_kg_pause_play", THING_BOOL, {NULL}},
    {"_sys_kg_play_mode", THING_ENUM, {NULL}},
    {"_sys_kg_play_position", THING_INT, {NULL}},
    {"_sys_kg_powers_witch", THING_BOOL, {NULL}}, /* spelled so */
    {"_sys_kg_pre_next", THING_ENUM, {NULL}},
    {"_sys_kg_recommend_quality", THING_ENUM, {NULL}},
    {"_sys_kg_song_list", THING_STRING, {NULL}},
    {"_sys_kg_tvs_auth_cmd", THING_STRING, {NULL}},
    {"_sys_kg_tvs_auth_reply", THING_STRING, {NULL}},
    {"_sys_kg_volume", THING_INT, {NULL}},
    {"_sys_play_mode", THING_ENUM, {NULL}},
    {"_sys_play_position", THING_INT, {NULL}},
    {"_sys_xp2p_info", THING_STRING, {NULL}},
};

static const struct platform_id *find(const char *id)
{
    for (size_t i = 0; id && i < ARRAY_SIZE(platform_ids); i++) {
        if (strcmp(platform_ids[i].id, id) == 0)
            return &platform_ids[i];
    }
    return NULL;
}

bool model_is_platform_id(const char *id)
{
    return find(id) != NULL;
}

static bool has_member(const struct thing_define *d, const char *id)
{
    for (size_t i = 0; d->type == THING_STRUCT && i < d->st.n_members; i++) {
        if (d->st.members[i].id && strcmp(d->st.members[i].id, id) == 0)
            return true;
    }
    return false;
}

void model_reader_platform_property(struct model_reader *rd, const struct model_property *p)
{
    const struct platform_id *want = find(p->id);
    const struct thing_define *d = &p->define;

    if (!want)
        return;
    if (d->type != want->type) {
        model_reader_mistake(rd, "define.type", "the platform has fixed \"%s\" as %s", p->id,
                             thing_type_name(want->type));
        return;
    }
    if (d->type == THING_ARRAY)
        d = d->a.element;
    for (size_t i = 0; want->members[i]; i++) {
        if (!has_member(d, want->members[i]))
            model_reader_mistake(rd, "define", "the platform wants the member \"%s\" in \"%s\"",
                                 want->members[i], p->id);
    }
}

void model_reader_platform_other(struct model_reader *rd, const char *id)
{
    if (find(id))
        model_reader_mistake(rd, "id", "\"%s\" is a property of the platform", id);
}
