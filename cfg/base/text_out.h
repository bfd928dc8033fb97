// SPDX-License-Identifier: BSD-3-Clause
// Text that grows at its end. Without memory it stops growing and says so: a writer asks once, at
// its end. Any thread, one at a time.
#pragma once

#include <stdbool.h>
#include <stddef.h>

// All zero is an empty one.
struct text_out {
	char *bytes; // `n` of them and a NUL, once anything was added; text_out_fini frees them
	size_t n;
	size_t room;
	bool is_exhausted;
};

void text_out_add(struct text_out *out, const char *text);
void text_out_add_bytes(struct text_out *out, const char *text, size_t len);
void text_out_addf(struct text_out *out, const char *fmt, ...)
	__attribute__((format(printf, 2, 3))); // at most 255 bytes
// Takes back what was added after the first `n` bytes.
void text_out_cut(struct text_out *out, size_t n);
void text_out_fini(struct text_out *out);
