/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTD_IPC_LAYOUT_H
#define IOTD_IPC_LAYOUT_H

/*
 * The shared memory between iotd and one program, byte by byte; libiotclient/README.md shows it as
 * tables. Three segments: the table of properties (iotd writes, one for all programs that may read
 * the same), up (the program writes) and down (iotd writes). Numbers are in the byte order of the
 * machine; only uint32_t, uint64_t and uint8_t[] are used, so that a 32-bit program fits a 64-bit
 * daemon. What another process may write meanwhile is accessed with __atomic builtins only.
 *
 * Version major.minor: another major is another layout; a minor adds what older readers may ignore.
 */

#include <stdint.h>

#include "libiotclient/base/limits.h"

#ifdef __cplusplus
#define LAYOUT_ASSERT(condition) static_assert(condition, #condition)
#else
#define LAYOUT_ASSERT(condition) _Static_assert(condition, #condition)
#endif
#define LAYOUT_AT(type, member, offset) LAYOUT_ASSERT(__builtin_offsetof(type, member) == (offset))

#define LAYOUT_MAGIC 0x64746f69U /* "iotd" */
#define LAYOUT_MAJOR 1U
#define LAYOUT_MINOR 0U
#define LAYOUT_VERSION_TEXT "1.0" /* of Attach and Manager.LayoutVersion */

/*
 * Some numbers of eight bytes are written in one step. A machine that needs a lock for that has one
 * in each process: there segment.c makes and maps none, and everything goes over the bus.
 */
typedef uint64_t layout_u64 __attribute__((aligned(8))); /* where i386 would have it at 4 */
#define LAYOUT_IS_USABLE __atomic_always_lock_free(sizeof(uint64_t), 0)

#define LAYOUT_KIND_TABLE 1U
#define LAYOUT_KIND_UP 2U
#define LAYOUT_KIND_DOWN 3U

/* Of the descriptors of Attach, in this order. */
#define LAYOUT_FD_TABLE 0
#define LAYOUT_FD_UP 1
#define LAYOUT_FD_DOWN 2
#define LAYOUT_FD_BELL_UP 3   /* write end of a pipe: wakes iotd */
#define LAYOUT_FD_BELL_DOWN 4 /* read end of a pipe: iotd wakes the program */
#define LAYOUT_FD_COUNT_ 5

/* The first bytes of each segment; written before anybody else sees it. */
struct layout_head {
    uint32_t magic;
    uint32_t kind; /* LAYOUT_KIND_... */
    uint32_t major;
    uint32_t minor;
    uint64_t size;    /* of the segment in bytes, as fstat() has it */
    layout_u64 epoch; /* random, never 0: no two segments have the same */
    uint8_t reserved[32];
};
LAYOUT_AT(struct layout_head, magic, 0);
LAYOUT_AT(struct layout_head, kind, 4);
LAYOUT_AT(struct layout_head, major, 8);
LAYOUT_AT(struct layout_head, minor, 12);
LAYOUT_AT(struct layout_head, size, 16);
LAYOUT_AT(struct layout_head, epoch, 24);
LAYOUT_ASSERT(sizeof(struct layout_head) == 64);

/* --- a value in two copies (latch.h) --- */

/* Types of the thing model, as the console numbers none: our own. */
#define LAYOUT_TYPE_NONE 0U /* not in the model (any more) */
#define LAYOUT_TYPE_BOOL 1U
#define LAYOUT_TYPE_INT 2U
#define LAYOUT_TYPE_FLOAT 3U
#define LAYOUT_TYPE_STRING 4U
#define LAYOUT_TYPE_ENUM 5U
#define LAYOUT_TYPE_TIMESTAMP 6U
#define LAYOUT_TYPE_STRINGENUM 7U
#define LAYOUT_TYPE_STRUCT 8U
#define LAYOUT_TYPE_ARRAY 9U

#define LAYOUT_FLAG_VALUE 0x01U    /* there is one */
#define LAYOUT_FLAG_WRITABLE 0x02U /* mode "rw" */
#define LAYOUT_FLAG_HISTORY 0x04U  /* every sample counts: report through the ring */
#define LAYOUT_FLAG_BLOB 0x08U     /* longer than LAYOUT_INLINE: word 0 of data is where it is */
#define LAYOUT_FLAG_DONE 0x10U     /* of a report: the program waits for its end */

#define LAYOUT_INLINE 40U /* bytes of a value that a copy holds itself */
#define LAYOUT_COPY_WORDS 7U

/*
 * word 0: type in bits 0-7, flags in bits 8-15, 0 in 16-31, length of the value in bytes in 32-63.
 * word 1: in the table the CLOCK_BOOTTIME of the value in microseconds; in a report slot the place
 *         of the property in bits 0-31.
 * words 2 to 6: the value. bool: 0 or 1 in the lowest byte of a word. int, enum, timestamp:
 *         int64_t. float: an IEEE double. string and stringenum: the bytes, without a NUL. struct
 *         and array: items as pack.h has them. With LAYOUT_FLAG_BLOB word 2 is the offset of the
 *         value from the start of the segment, a multiple of 8.
 */
struct layout_copy {
    uint64_t word[LAYOUT_COPY_WORDS];
};
LAYOUT_ASSERT(sizeof(struct layout_copy) == 56);

struct layout_slot {
    uint32_t seq; /* counts the writes; copies[seq % 2] is the newest */
    uint8_t reserved[12];
    struct layout_copy copies[2];
};
LAYOUT_AT(struct layout_slot, seq, 0);
LAYOUT_AT(struct layout_slot, copies, 16);
LAYOUT_ASSERT(sizeof(struct layout_slot) == 128);

/* --- the table of properties --- */

/* Which property a place belongs to; never another one in the same table. */
struct layout_place {
    uint8_t id[40]; /* with its NUL, padded with zeros; empty: not for this program */
};
LAYOUT_ASSERT(sizeof(struct layout_place) == 40);
LAYOUT_ASSERT(LIMIT_FEATURE_ID < sizeof(((struct layout_place *) 0)->id));

/* Parts follow each other: the table, n_places places, n_places slots, the blobs. */
struct layout_table {
    struct layout_head head;
    uint32_t n_places;  /* room for so many */
    uint32_t places_at; /* offsets from the start of the segment, multiples of 64 */
    uint32_t slots_at;
    uint32_t blobs_at;
    uint32_t blobs_len;
    uint8_t reserved0[44];
    uint32_t generation; /* counts the batches of writes; odd while one is being written */
    uint32_t n_used;     /* places with a property; only grows */
    uint8_t reserved1[56];
};
LAYOUT_AT(struct layout_table, n_places, 64);
LAYOUT_AT(struct layout_table, places_at, 68);
LAYOUT_AT(struct layout_table, slots_at, 72);
LAYOUT_AT(struct layout_table, blobs_at, 76);
LAYOUT_AT(struct layout_table, blobs_len, 80);
LAYOUT_AT(struct layout_table, generation, 128);
LAYOUT_AT(struct layout_table, n_used, 132);
LAYOUT_ASSERT(sizeof(struct layout_table) == 192);

#define LAYOUT_PLACES_MAX 4096U              /* LIMIT_MODEL_PLACES */
#define LAYOUT_TABLE_MAX (64U * 1024 * 1024) /* own choice: bytes of a table that is believed */
LAYOUT_ASSERT(LAYOUT_PLACES_MAX >= LIMIT_MODEL_PLACES);

/* --- what one program writes --- */

#define LAYOUT_REPORT_SLOTS 1024U /* own choice: further properties go through the ring */
#define LAYOUT_RING_SIZE 65536U   /* own choice: bytes of each ring; a power of two */

/*
 * A bell word is 1 while its owner sleeps or is about to, else 0: doorbell.h. Bits of words are
 * numbered from the lowest.
 */
struct layout_up {
    struct layout_head head;
    uint32_t ring_head; /* of the ring up: bytes ever written */
    uint8_t reserved0[60];
    uint32_t down_tail; /* of the ring down: bytes ever read */
    uint8_t reserved1[60];
    uint32_t bell_slots; /* iotd sleeps until a slot becomes dirty */
    uint32_t bell_ring;  /* iotd sleeps until there is something in the ring up, or room down */
    uint8_t reserved2[56];
    uint32_t bell_program; /* the program sleeps */
    uint32_t wants_room;   /* 1: the program waits for room in the ring up; iotd takes it back */
    uint8_t reserved3[56];
    uint32_t dirty[LAYOUT_REPORT_SLOTS / 32]; /* slots with a value that iotd has not taken */
    uint32_t watch[LAYOUT_PLACES_MAX / 32];   /* places of the table that the program watches */
    uint8_t reserved4[64];
    struct layout_slot slots[LAYOUT_REPORT_SLOTS];
    uint8_t ring[LAYOUT_RING_SIZE];
};
LAYOUT_AT(struct layout_up, ring_head, 64);
LAYOUT_AT(struct layout_up, down_tail, 128);
LAYOUT_AT(struct layout_up, bell_slots, 192);
LAYOUT_AT(struct layout_up, bell_ring, 196);
LAYOUT_AT(struct layout_up, bell_program, 256);
LAYOUT_AT(struct layout_up, wants_room, 260);
LAYOUT_AT(struct layout_up, dirty, 320);
LAYOUT_AT(struct layout_up, watch, 448);
LAYOUT_AT(struct layout_up, slots, 1024);
LAYOUT_AT(struct layout_up, ring, 132096);
LAYOUT_ASSERT(sizeof(struct layout_up) == 197632);

/* --- what iotd writes for one program --- */

#define LAYOUT_STATE_SERVING 0U
#define LAYOUT_STATE_ENDED 1U /* iotd looks at these segments no more: Attach again */

/* Of a report slot: how far iotd has come with it. */
#define LAYOUT_DONE(seq, code) ((uint64_t) (seq) << 32 | (uint32_t) (code))
#define LAYOUT_DONE_SEQ(done) ((uint32_t) ((done) >> 32))
#define LAYOUT_DONE_CODE(done) ((int32_t) (uint32_t) (done))

struct layout_down {
    struct layout_head head;
    uint32_t ring_head; /* of the ring down: bytes ever written */
    uint8_t reserved0[60];
    uint32_t up_tail; /* of the ring up: bytes ever read */
    uint8_t reserved1[60];
    uint32_t state;         /* LAYOUT_STATE_... */
    uint32_t wants_room;    /* 1: iotd waits for room in the ring down */
    layout_u64 table_epoch; /* of the table that the program should read; another one: ask for it */
    uint8_t reserved3[48];
    layout_u64 done[LAYOUT_REPORT_SLOTS]; /* seq and code of the last report that ended; 0: none */
    uint8_t ring[LAYOUT_RING_SIZE];
};
LAYOUT_AT(struct layout_down, ring_head, 64);
LAYOUT_AT(struct layout_down, up_tail, 128);
LAYOUT_AT(struct layout_down, state, 192);
LAYOUT_AT(struct layout_down, wants_room, 196);
LAYOUT_AT(struct layout_down, table_epoch, 200);
LAYOUT_AT(struct layout_down, done, 256);
LAYOUT_AT(struct layout_down, ring, 8448);
LAYOUT_ASSERT(sizeof(struct layout_down) == 73984);

/* --- records of the rings --- */

#define LAYOUT_RECORD_MAX 32768U /* bytes with the header; what is larger goes over the bus */

/*
 * Records lie one behind the other, at multiples of 8, and are never broken at the end of the
 * ring: what is left there is skipped by a record of type LAYOUT_RECORD_PAD. The program numbers
 * what it sends (id), iotd what it asks (id); answers carry the number of what they answer.
 */
struct layout_record {
    uint32_t len;  /* of the record with this header, without padding */
    uint32_t type; /* LAYOUT_RECORD_..., LAYOUT_UP_..., LAYOUT_DOWN_... */
    uint32_t id;
    int32_t code; /* as the type says, else 0 */
};
LAYOUT_AT(struct layout_record, len, 0);
LAYOUT_AT(struct layout_record, type, 4);
LAYOUT_AT(struct layout_record, id, 8);
LAYOUT_AT(struct layout_record, code, 12);
LAYOUT_ASSERT(sizeof(struct layout_record) == 16);

#define LAYOUT_RECORD_PAD 0U

/* Each of the first four is answered by LAYOUT_DOWN_TOKEN. */
#define LAYOUT_UP_REPORT 1U /* items: "timestamp" int, 0 for now; "values" struct by property */
#define LAYOUT_UP_EVENT 2U  /* items: "timestamp"; "id" string; "params" struct */
#define LAYOUT_UP_EVENTS_JSON 3U /* items: "timestamp"; "json" string, as PostEventsJson */
/* Items: "json" string, as ReportJson. iotd takes the report slots first: they are older. */
#define LAYOUT_UP_REPORT_JSON 4U
/*
 * To id; code; items: "text" string; of an action "output" struct, or "json" string, an object of
 * the outputs, where that struct is more than a record.
 */
#define LAYOUT_UP_ANSWER 5U

#define LAYOUT_DOWN_TOKEN 16U     /* to id; code 0 or of errors.def; items: "token" int, "text" */
#define LAYOUT_DOWN_COMPLETED 17U /* code; items: "token" int */
#define LAYOUT_DOWN_CONTROL 18U   /* items: "handler" string; "values" struct by property */
#define LAYOUT_DOWN_INVOKE 19U    /* items: "handler"; "action" string; "input" struct */

#endif /* IOTD_IPC_LAYOUT_H */
