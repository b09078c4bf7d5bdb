/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_STORE_SCHEMA_H
#define IOTD_STORE_SCHEMA_H

/*
 * The database by versions: entry n brings a file of user_version n to n + 1. Entries are never
 * changed after a release, new ones are added.
 */

#define SCHEMA_APPLICATION_ID 0x696f7464 /* "iotd", PRAGMA application_id */

static const char *const schema_steps[] = {
    "CREATE TABLE outbox ("
    " token INTEGER PRIMARY KEY," /* order of posting */
    " class INTEGER NOT NULL,"    /* enum event_class */
    " client_token TEXT NOT NULL,"
    " event_id TEXT NOT NULL,"
    " type INTEGER NOT NULL,"
    " timestamp_s INTEGER NOT NULL,"
    " params TEXT NOT NULL,"
    " peer TEXT NOT NULL,"
    " scope TEXT NOT NULL," /* the bus on which peer is a name */
    " bytes INTEGER NOT NULL);"
    "CREATE INDEX outbox_order ON outbox (class, token);"
    "CREATE TABLE properties ("
    " id TEXT PRIMARY KEY,"
    " value TEXT,"   /* JSON as it travels; NULL: none */
    " desired TEXT," /* the same, set by the cloud and not yet taken by a program */
    " stamp_us INTEGER NOT NULL,"
    " confirmed INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE answers ("
    " slot INTEGER PRIMARY KEY," /* in the ring */
    " taken INTEGER NOT NULL,"   /* order */
    " token TEXT NOT NULL,"
    " content INTEGER NOT NULL,"
    " state INTEGER NOT NULL," /* enum answer_state */
    " code INTEGER NOT NULL,"
    " text TEXT NOT NULL,"
    " response TEXT);" /* NULL: a control; "": a fence alarm */
    "CREATE TABLE facts ("
    " name TEXT PRIMARY KEY,"
    " value TEXT NOT NULL) WITHOUT ROWID;",

    "ALTER TABLE outbox ADD COLUMN turn INTEGER NOT NULL DEFAULT 0;" /* orders before token */
    "DROP INDEX outbox_order;"
    "CREATE INDEX outbox_order ON outbox (class, turn, token);",

    /* The program whose share it takes; "": nobody's. */
    "ALTER TABLE outbox ADD COLUMN account TEXT NOT NULL DEFAULT '';",

    "CREATE TABLE files ("
    " kind INTEGER NOT NULL," /* enum file_kind */
    " name TEXT NOT NULL,"
    " type TEXT NOT NULL,"
    " version TEXT NOT NULL,"
    " md5 TEXT NOT NULL," /* "": it is not here */
    " size INTEGER NOT NULL,"
    " stamp_us INTEGER NOT NULL," /* when it came */
    " part TEXT NOT NULL,"        /* the partial file that takes its place if it is still there */
    " PRIMARY KEY (kind, name)) WITHOUT ROWID;"
    "CREATE TABLE downloads ("
    " kind INTEGER NOT NULL,"
    " name TEXT NOT NULL,"
    " type TEXT NOT NULL,"
    " version TEXT NOT NULL,"
    " md5 TEXT NOT NULL,"
    " size INTEGER NOT NULL,"
    " url TEXT NOT NULL," /* "": it failed, and its partial file waits for the next order */
    " PRIMARY KEY (kind, name)) WITHOUT ROWID;",
};

#endif /* IOTD_STORE_SCHEMA_H */
