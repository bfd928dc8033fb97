// SPDX-License-Identifier: BSD-3-Clause
// Questions that all look alike to who sees them pass by, encrypted: filled up to a multiple of 128
// bytes (RFC 7830, RFC 8467 section 4.1). Pure. Any thread.
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { PAD_BLOCK_BYTES = 128 };

// The message of `n` bytes ends with an OPT that has no options. Its new length, at most `room`; as
// it was where there is no room.
size_t dns_pad(uint8_t *message, size_t n, size_t room);
