/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTD_CODEGEN_TEXT_H
#define IOTD_CODEGEN_TEXT_H

/* Pieces of C source: comments and literals that no text of a model can break, wrapped lists. */

#include "libiotclient/base/strbuf.h"

/*
 * Adds words of the model for use in a comment: one line, without what ends or begins a comment,
 * splices lines or turns the direction of writing.
 */
void text_add_words(struct strbuf *sb, const char *words);

/*
 * A comment of finished text; '\n' begins a new line in it. indent: blanks before it. On one line
 * if that has room, else a block.
 */
void text_comment(struct strbuf *sb, size_t indent, const char *text);

/* A string literal with its quotes, cut to what each compiler has to take. */
void text_literal(struct strbuf *sb, const char *text);

/* "head(a, b, c)tail", wrapped behind the bracket; the arguments end with NULL. */
void text_call(struct strbuf *sb, const char *head, const char *tail, ...)
    __attribute__((sentinel));

#endif /* IOTD_CODEGEN_TEXT_H */
