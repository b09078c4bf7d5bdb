/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/sys/memory.h"

#include <link.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/* Whether the loader had to write into code: then it is not the file any more. */
static bool has_text_relocations(const struct dl_phdr_info *info, const ElfW(Phdr) * dynamic)
{
    const ElfW(Dyn) *d = (const ElfW(Dyn) *) (info->dlpi_addr + dynamic->p_vaddr);

    for (; d->d_tag != DT_NULL; d++) {
        if (d->d_tag == DT_TEXTREL || (d->d_tag == DT_FLAGS && d->d_un.d_val & DF_TEXTREL))
            return true;
    }
    return false;
}

/*
 * A segment that nobody may write is the file as it is. One that was writable until relocation was
 * over (RELRO) is not among them: its program header still says writable. What a debugger wrote
 * into code, its breakpoints, goes as well.
 */
static int give_back_code(struct dl_phdr_info *info, size_t size, void *userdata)
{
    uintptr_t page = (uintptr_t) sysconf(_SC_PAGESIZE);

    (void) size;
    (void) userdata;
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];

        if (p->p_type == PT_DYNAMIC && has_text_relocations(info, p))
            return 0;
    }
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        uintptr_t begin = (info->dlpi_addr + p->p_vaddr + page - 1) & ~(page - 1);
        uintptr_t end = (info->dlpi_addr + p->p_vaddr + p->p_memsz) & ~(page - 1);

        /* Best effort: a kernel that refuses keeps the pages. */
        if (p->p_type == PT_LOAD && !(p->p_flags & PF_W) && begin < end)
            (void) madvise((void *) begin, end - begin, MADV_DONTNEED);
    }
    return 0;
}

void memory_give_back(void)
{
    (void) malloc_trim(0);
    (void) dl_iterate_phdr(give_back_code, NULL);
}
