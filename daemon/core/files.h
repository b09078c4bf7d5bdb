/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CORE_FILES_H
#define IOTD_CORE_FILES_H

/*
 * Files and resources as programs see them: what is here, what comes, what goes. Brings together
 * the directory (files_dir), orders (files_down), uploads (files_up) and the messages of both
 * kinds; tells the cloud after each connect what is here.
 */

#include "daemon/core/files_down.h"
#include "daemon/core/files_up.h"

struct files;

struct files_config {
    const char *path;  /* of the directory; borrowed for the call */
    uint64_t quota;    /* bytes */
    uint64_t max_size; /* of one */
};

struct files_front {
    void (*received)(const struct file *f, void *userdata);
    void (*removed)(enum file_kind kind, const char *name, void *userdata);
};

/* All borrowed. 0; what the directory or the database failed with; -ENOMEM; -EINVAL */
int files_new(struct files **ret_files, struct loop *loop, struct link *link,
              const struct ident *ident, struct thing *thing, struct db *db,
              const struct files_net *net, const struct files_config *config) MUST_CHECK;
struct files *files_free(struct files *files);
DEFINE_FREEP(struct files, files_free)

/* What can change at run time. What is here stays, also above a smaller quota. */
void files_configure(struct files *files, uint64_t quota, uint64_t max_size);
/* front NULL: it is gone. */
void files_listen(struct files *files, const struct files_front *front, void *userdata);
struct transfers *files_transfers(struct files *files);

enum file_state {
    FILE_STATE_HERE,
    FILE_STATE_RENEWED, /* here, and another version is on its way */
    FILE_STATE_COMING,
    FILE_STATE_AWAY, /* the cloud has it on record */
};

/* Each file of the kind once, until fn returns something else than 0, which is returned. */
int files_walk(const struct files *files, enum file_kind kind,
               int (*fn)(const struct file *f, enum file_state state, void *userdata),
               void *userdata);
/* f is borrowed until the next turn of the loop. -ENOENT; as files_dir_open() */
int files_open(const struct files *files, enum file_kind kind, const char *name, int *ret_fd,
               const struct file **ret_file) MUST_CHECK;
/* -ENOENT; what unlinkat(2) failed with */
int files_delete(struct files *files, enum file_kind kind, const char *name) MUST_CHECK;
/* As files_up_start(). */
int files_upload(struct files *files, const struct files_up_request *request,
                 struct transfer **ret_transfer) MUST_CHECK;
/* Asks for resources. -ENETDOWN; as link_publish() */
int files_check(struct files *files) MUST_CHECK;
/* params: the parameters of the request but the token, as a JSON object or "". -EINVAL; -EMSGSIZE;
 * -ENETDOWN; as link_publish() */
int files_request_asr(struct files *files, const char *token, const char *params) MUST_CHECK;

#endif /* IOTD_CORE_FILES_H */
