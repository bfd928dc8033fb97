// SPDX-License-Identifier: BSD-3-Clause
// SipHash-2-4 with 64 bits of output: a short message's signature by a key that strangers do not
// know. RFC 9018 wants it for DNS cookies. Pure. Any thread.
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { SIPHASH_KEY_BYTES = 16 };

// The first byte of what RFC 9018 puts on the wire is the lowest of the number.
uint64_t siphash(const uint8_t key[SIPHASH_KEY_BYTES], const void *bytes, size_t n);
