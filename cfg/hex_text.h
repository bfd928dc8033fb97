// SPDX-License-Identifier: BSD-3-Clause
// Bytes as people write them: pairs of hexadecimal digits, with or without colons between. Any
// thread.
#pragma once

#include <stddef.h>
#include <stdint.h>

// How many bytes were written to `out`; -1: it is no such text, has none, or more than `room`.
int hex_text_read(const char *text, uint8_t *out, size_t room);
