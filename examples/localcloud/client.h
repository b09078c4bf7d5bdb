/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_LOCALCLOUD_CLIENT_H
#define IOTD_LOCALCLOUD_CLIENT_H

/*
 * The other end of the HTTP port, for people and scripts: plays an app user, reads the journal,
 * switches faults. Blocking: these are commands, not servers.
 */

/* Each takes the arguments after its own name and returns an exit code. */
int client_app(int argc, char **argv);
int client_journal(int argc, char **argv);
int client_fault(int argc, char **argv);
int client_fence(int argc, char **argv);
int client_resource(int argc, char **argv); /* client_items.c, as the next */
int client_file(int argc, char **argv);
int client_state(int argc, char **argv);
int client_blob(int argc, char **argv); /* client_files.c, as the next */
int client_firmware(int argc, char **argv);

#endif /* IOTD_LOCALCLOUD_CLIENT_H */
