// SPDX-License-Identifier: BSD-3-Clause
// Configurations as texts, and what is expected to be said of them. For tests of cfg/.
#pragma once

#include <stddef.h>

#include "cfg/config.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

// Two lines that the tables of faults begin with: what they add starts on line 3.
#define PORTS "ports: {p: {match: {name: eth1}}, q: {match: {name: eth2}}}\n"
#define INTERFACES                                                                                 \
	"interfaces: {wan: {port: p, addresses: [203.0.113.2/24, 2001:db8:0:1::2/64]}, "           \
	"lan: {port: q, addresses: 198.18.0.1/24}}\n"
#define ROUTER PORTS INTERFACES

// What belongs to the place in the text. Errors and warnings alike.
struct fault {
	const char *text;
	int line;
	int column;
	const char *piece; // of the message, which ends with a warning's id and fix
};

struct config *parse(const char *text, struct cfg_errors *errors);
struct config *parse_good(const char *text); // has no errors

// Refused for exactly this one error: not for a second one that follows from it.
void expect_fault(const struct fault *fault, size_t text_bytes);
void expect_faults(const struct fault *faults, size_t n);

// Taken, with exactly this one warning.
void expect_warnings(const struct fault *faults, size_t n);
void expect_no_warnings(const char *text);
