// SPDX-License-Identifier: BSD-3-Clause
// Domain names (RFC 1035, section 3.1): labels with their lengths, as on the wire without
// compression. The case that somebody wrote is kept, and never counts (RFC 4343). Plain values,
// nothing owned. Any thread.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cfg/base/addr.h"
#include "cfg/base/cursor.h"

enum {
	DNS_NAME_BYTES_MAX = 255, // RFC 1035, section 2.3.4
	DNS_LABEL_BYTES_MAX = 63,
	DNS_NAME_LABELS_MAX = 127,
	DNS_NAME_STR_BYTES = 1024, // each byte may become \DDD, and the NUL
};

struct dns_name {
	uint8_t len; // bytes, the root's zero included: 1 is the root, 0 is no name at all
	uint8_t n_labels;
	uint8_t bytes[DNS_NAME_BYTES_MAX];
};

// Takes a name and leaves the cursor behind it. Pointers count from `message`, which is where the
// cursor's bytes began; each must lead further back than the one before, so that no message makes a
// loop. A bad name poisons the cursor; `out` is then empty.
void dns_name_read(struct cursor *at, const uint8_t *message, struct dns_name *out);
// The same without looking where pointers lead.
void dns_name_skip(struct cursor *at);
// Not compressed: in the data of types after RFC 1035 (RFC 3597, section 4), and in keys.
void dns_name_write(struct cursor_out *out, const struct dns_name *name);

// From text, "www.example.com", the dot at its end may be missing; \. and \DDD stand for bytes. 0
// or -EINVAL.
int dns_name_parse(const char *text, struct dns_name *out);
// Without the dot at its end, but for the root; returns `out`.
const char *dns_name_str(const struct dns_name *name, char out[DNS_NAME_STR_BYTES]);

bool dns_name_equal(const struct dns_name *a, const struct dns_name *b);
bool dns_name_is_within(const struct dns_name *name, const struct dns_name *zone); // or is it
uint64_t dns_name_hash(const struct dns_name *name, uint64_t seed); // same for any case
void dns_name_lower(struct dns_name *name);

// What is left without the first `n` labels.
struct dns_name dns_name_without(const struct dns_name *name, unsigned n);
// `label` in front of `name`, or behind all of its labels: -EINVAL when it becomes too long.
int dns_name_prepend(
	const uint8_t *label, size_t len, const struct dns_name *name, struct dns_name *out);
// Both names in a row, "www" and "example.com". 0 or -EINVAL.
int dns_name_join(const struct dns_name *name, const struct dns_name *zone, struct dns_name *out);

// The name of an address in the reverse tree (RFC 1035, section 3.5; RFC 3596, section 2.5).
void dns_name_of_address(const struct ip_addr *addr, struct dns_name *out);
// And back. False: it is no whole address.
bool dns_name_to_address(const struct dns_name *name, struct ip_addr *out);
