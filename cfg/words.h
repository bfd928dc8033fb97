// SPDX-License-Identifier: BSD-3-Clause
// Names that people know for numbers of the IANA: services, protocols, ICMP types, DSCPs. Constant
// data. Any thread.
#pragma once

#include <stddef.h>
#include <stdint.h>

struct word {
	const char *name; // NULL ends the table
	uint16_t value;
};

extern const struct word word_services[];    // ports of TCP and UDP
extern const struct word word_protocols[];   // of IP
extern const struct word word_icmp_types[];  // type << 8, or with one of its codes:
extern const struct word word_icmp_codes[];  // type << 8 | code
extern const struct word word_icmp6_types[]; // type << 8
extern const struct word word_icmp6_codes[]; // type << 8 | code
extern const struct word word_dscps[];
extern const struct word word_tcp_flags[]; // their bits
extern const struct word word_days[];	   // of the week, Sunday 0

// The word that is the first `len` bytes of `text`, or NULL.
const struct word *word_find(const struct word *words, const char *text, size_t len);

// The name of `value`, or NULL.
const char *word_of(const struct word *words, unsigned value);
