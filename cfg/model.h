// SPDX-License-Identifier: BSD-3-Clause
// Everything that a configuration can say, in one table: keys, types, ranges, defaults and what
// they mean, and where each lands in struct config. The reader walks it; documentation and a
// schema can be made from it. Constant data.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cfg/config.h"

enum model_type {
	// scalars, see cfg/value.h
	MODEL_BOOL = 0,
	MODEL_WHOLE,   // uint16_t, uint32_t or int, by `bytes`; min..max
	MODEL_CHOICE,  // an enum or bool, one of `choices`
	MODEL_NAME,    // const char *, a name given in this file
	MODEL_NETDEV,  // const char *, a name in the kernel
	MODEL_PATH,    // const char *, at most `max` bytes
	MODEL_MAC,     // struct mac_addr, of one station
	MODEL_PCI,     // const char *, "0000:03:00.0"
	MODEL_ADDRESS, // struct ip_addr
	MODEL_HOST,    // struct ip_prefix, an interface's address with its subnet's length
	MODEL_NETWORK, // struct ip_prefix without host bits; of `family`
	// what holds others, described by `object`
	MODEL_GROUP, // a mapping whose keys land in the same struct
	MODEL_NAMED, // a mapping of name to object: array at `offset`, count at `count_offset`
	MODEL_LIST,  // a list of objects: the same
};

struct model_choice {
	const char *name; // NULL ends the table
	int value;
	const char *help;
};

struct model_key {
	const char *key; // NULL ends the table
	enum model_type type;
	const char *help;
	const char *default_text; // as it would be written; NULL: see help
	bool is_required;
	uint64_t min, max;
	uint8_t family; // enum ip_family; IP_NONE: either
	const struct model_choice *choices;
	const struct model_object *object;

	size_t offset;	   // in the struct that the object is read into
	size_t bytes;	   // there
	size_t has_offset; // of a bool that tells whether the key was there; 0: none

	// One value or a list of them where n_max is not 0, in an array at `offset` with steps of
	// `stride` bytes (0: `bytes`), or one allocated for it when is_pointer.
	unsigned n_max;	     // for MODEL_NAMED too; MODEL_N_ANY: as many as the file has
	size_t count_offset; // of an unsigned
	size_t stride;
	bool is_pointer;

	// For the keys of a port, bits 1 << enum cfg_driver.
	uint32_t drivers;      // that know the key; 0: all
	uint32_t required_for; // drivers that cannot do without it
};

enum { MODEL_N_ANY = UINT32_MAX >> 1 };

struct model_object {
	const char *noun; // what messages call it; "" for the whole file
	const struct model_key *keys;
	size_t bytes;			   // of the struct, for MODEL_NAMED and MODEL_LIST
	size_t name_offset;		   // of its const char *name, for MODEL_NAMED
	size_t place_offset;		   // of its struct cfg_place, for both
	const char *const *reserved_names; // that MODEL_NAMED refuses, up to NULL; or NULL
	const char *reserved_because;
	bool wants_exactly_one; // of its keys
};

extern const struct model_object model_config; // the root: struct config
extern const struct model_object model_port;   // struct cfg_port
extern const struct model_choice model_drivers[];
