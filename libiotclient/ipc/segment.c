/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libiotclient/ipc/segment.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libiotclient/base/fdutil.h"
#include "libiotclient/ipc/layout.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

#define SEALS_SIZE (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW)

struct segment_range {
    struct segment_range *next;
    void *base;
    size_t room;
};

#ifdef __SANITIZE_THREAD__
/* ThreadSanitizer takes a mapping for a write to all of its bytes, which no reader could outlive.
 */
void AnnotateIgnoreWritesBegin(const char *file, int line);
void AnnotateIgnoreWritesEnd(const char *file, int line);
#define BEGIN_EXCHANGE() AnnotateIgnoreWritesBegin(__FILE__, __LINE__)
#define END_EXCHANGE() AnnotateIgnoreWritesEnd(__FILE__, __LINE__)
#else
#define BEGIN_EXCHANGE() ((void) 0)
#define END_EXCHANGE() ((void) 0)
#endif

static size_t round_to_pages(size_t size)
{
    size_t page = (size_t) sysconf(_SC_PAGESIZE);

    return (size + page - 1) / page * page;
}

static int map(void *at, size_t size, int prot, int flags, int fd, void **ret_base)
{
    void *base;
    int error;

    BEGIN_EXCHANGE();
    base = mmap(at, size, prot, flags, fd, 0);
    error = errno;
    END_EXCHANGE();
    if (base == MAP_FAILED)
        return -error;
    *ret_base = base;
    return 0;
}

/* --- the owner --- */

/* Kernels before 6.3 do not know the flag; some later ones are told to insist on it. */
static int create_fd(const char *name)
{
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);

    if (fd < 0 && errno == EINVAL)
        fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    return fd < 0 ? -errno : fd;
}

int segment_create(struct segment *ret_segment, int *ret_fd, const struct segment_spec *spec)
{
    CLEANUP(segment_done) struct segment segment = {0};
    CLEANUP(fd_closep) int fd = -1;
    struct layout_head *head;
    int r;

    assert(spec->size >= sizeof(*head) && spec->epoch != 0);

    if (!LAYOUT_IS_USABLE)
        return -ENOSYS;
    r = create_fd(spec->name);
    if (r < 0)
        return r;
    fd = r;
    if (ftruncate(fd, (off_t) spec->size) < 0)
        return -errno;
    r = map(NULL, spec->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, &segment.base);
    if (r < 0)
        return r;
    segment.size = spec->size;
    segment.mapped = segment.room = round_to_pages(spec->size);

    head = segment.base;
    head->magic = LAYOUT_MAGIC;
    head->kind = spec->kind;
    head->major = LAYOUT_MAJOR;
    head->minor = LAYOUT_MINOR;
    head->size = spec->size;
    head->epoch = spec->epoch;

    /* Last: the mapping that exists may go on writing, no other can be made. */
    if (fcntl(fd, F_ADD_SEALS, SEALS_SIZE | (spec->is_read_only ? F_SEAL_FUTURE_WRITE : 0)) < 0)
        return -errno;

    *ret_segment = segment;
    *ret_fd = fd;
    segment = (struct segment){0};
    fd = -1;
    return 0;
}

/* --- the other side --- */

/* Whether nobody can ever take away what is going to be mapped, nor write what is only read. */
static int check_file(int fd, size_t min_size, size_t max_size, bool writable, size_t *ret_size)
{
    int seals = fcntl(fd, F_GET_SEALS), wanted = SEALS_SIZE;
    struct stat st;

    if (seals < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        return -EPROTO;
    if (!writable)
        wanted |= F_SEAL_FUTURE_WRITE;
    /* What F_SEAL_WRITE forbids, F_SEAL_FUTURE_WRITE does for all but its owner. */
    if (!writable && (seals & F_SEAL_WRITE))
        seals |= F_SEAL_FUTURE_WRITE;
    if ((seals & wanted) != wanted)
        return -EPROTO;
    if (st.st_size < 0 || (uint64_t) st.st_size < min_size || (uint64_t) st.st_size > max_size)
        return -EPROTO;
    *ret_size = (size_t) st.st_size;
    return 0;
}

static int check_head(int fd, uint32_t kind, size_t size)
{
    struct layout_head head;

    if (pread(fd, &head, sizeof(head), 0) != (ssize_t) sizeof(head))
        return -EPROTO;
    if (head.magic != LAYOUT_MAGIC || head.kind != kind || head.major != LAYOUT_MAJOR ||
        head.size != size || head.epoch == 0)
        return -EPROTO;
    return 0;
}

/* In the place of what is there; the kernel does it in one step for all that read. */
static int replace(struct segment *segment, int fd, size_t size, int prot)
{
    size_t whole = round_to_pages(size);
    uint8_t *rest = (uint8_t *) segment->base + whole;
    void *base;
    int r;

    r = map(segment->base, size, prot, MAP_SHARED | MAP_FIXED, fd, &base);
    if (r < 0)
        return r;
    segment->size = size;
    if (whole >= segment->mapped) {
        segment->mapped = whole;
        return 0;
    }
    /* Who still reads by the old size finds zeros. Refused: the old bytes stay, which is no harm.
     */
    (void) map(rest, segment->mapped - whole, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
               -1, &base);
    return 0;
}

/* A range with the segment in it, and room for larger ones that come later. */
static int map_new(struct segment *ret_segment, int fd, size_t size, size_t max_size, int prot)
{
    CLEANUP(segment_done) struct segment segment = {0};
    size_t room = round_to_pages(size), most = round_to_pages(max_size);
    int r;

    room = room < most / 2 ? room * 2 : most;
    r = map(NULL, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, &segment.base);
    if (r < 0)
        return r;
    segment.room = room;
    r = replace(&segment, fd, size, prot);
    if (r < 0)
        return r;
    *ret_segment = segment;
    segment = (struct segment){0};
    return 0;
}

int segment_map(struct segment *segment, int fd, uint32_t kind, size_t min_size, size_t max_size,
                bool writable)
{
    CLEANUP(freep) struct segment_range *range = NULL;
    int prot = writable ? PROT_READ | PROT_WRITE : PROT_READ;
    struct segment fresh;
    size_t size;
    int r;

    assert(min_size >= sizeof(struct layout_head) && min_size <= max_size);

    if (!LAYOUT_IS_USABLE)
        return -ENOSYS;
    r = check_file(fd, min_size, max_size, writable, &size);
    if (r == 0)
        r = check_head(fd, kind, size);
    if (r < 0)
        return r;
    if (segment->base && size <= segment->room)
        return replace(segment, fd, size, prot);

    if (segment->base) {
        range = malloc(sizeof(*range));
        if (!range)
            return -ENOMEM;
        *range = (struct segment_range){segment->retired, segment->base, segment->room};
    }
    r = map_new(&fresh, fd, size, max_size, prot);
    if (r < 0)
        return r;
    fresh.retired = range ? TAKE(range) : NULL;
    *segment = fresh;
    return 0;
}

void segment_done(struct segment *segment)
{
    if (segment->base)
        (void) munmap(segment->base, segment->room);
    while (segment->retired) {
        struct segment_range *range = segment->retired;

        segment->retired = range->next;
        (void) munmap(range->base, range->room);
        free(range);
    }
    *segment = (struct segment){0};
}
