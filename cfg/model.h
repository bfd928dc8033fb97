// SPDX-License-Identifier: BSD-3-Clause
// Everything that a configuration can say, in one table: keys, types, ranges, defaults and what
// they mean, and where each lands in struct config. The reader walks it; documentation and a
// schema can be made from it. Constant data.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cfg/config.h"

#define MODEL_AT(type, member)                                                                     \
	.offset = offsetof(type, member), .bytes = sizeof(((type *)0)->member)

enum model_type {
	// scalars, see cfg/value.h
	MODEL_BOOL = 0,
	MODEL_WHOLE,	// uint16_t, uint32_t or int, by `bytes`; min..max
	MODEL_CHOICE,	// an enum or bool, one of `choices`
	MODEL_NAME,	// const char *, a name given in this file, at most `max` bytes (0: 15)
	MODEL_NETDEV,	// const char *, a name in the kernel
	MODEL_PATH,	// const char *, at most `max` bytes
	MODEL_MAC,	// struct mac_addr, of one station
	MODEL_PCI,	// const char *, "0000:03:00.0"
	MODEL_ADDRESS,	// struct ip_addr
	MODEL_HOST,	// struct ip_prefix, an interface's address with its subnet's length
	MODEL_NETWORK,	// struct ip_prefix without host bits; of `family`
	MODEL_PREFIX,	// the same, or one address
	MODEL_TEXT,	// const char *, printable, at most `max` bytes
	MODEL_SECONDS,	// uint32_t, "2h4m"; min..max
	MODEL_ELEMENT,	// struct cfg_element of `set_kind`
	MODEL_MATCH,	// the same, or the name of such a set, either one perhaps after a `not`
	MODEL_BITS,	// uint8_t, one of `choices`
	MODEL_DSCP,	// uint64_t, one bit
	MODEL_SWITCH,	// struct cfg_switches, true or false for `bit`
	MODEL_TCP_FLAG, // struct cfg_tcp_flags, one or several with commas
	MODEL_MARK,	// struct cfg_mark, "0x10/0xff"
	MODEL_RATE,	// struct cfg_rate, "10/m burst 20 per source"
	MODEL_TIME,	// struct cfg_time, "mon-fri 08:00-18:00"
	// what holds others, described by `object`
	MODEL_GROUP, // a mapping whose keys land in the same struct, from `offset` on
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
	uint8_t family;		    // enum ip_family; IP_NONE: either
	enum cfg_set_kind set_kind; // of MODEL_ELEMENT and MODEL_MATCH
	uint16_t bit;		    // of MODEL_SWITCH
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
	bool may_be_empty;
	bool is_merged;	       // each value of the list adds to one and the same at `offset`
	const char *none_text; // what is written for an array that the checks have emptied

	// For the keys of a port, bits 1 << enum cfg_driver.
	uint32_t drivers;      // that know the key; 0: all
	uint32_t required_for; // drivers that cannot do without it
};

enum { MODEL_N_ANY = UINT32_MAX >> 1 };

struct model_object {
	const char *noun; // what messages call it; "" for the whole file
	const struct model_key *keys;
	size_t bytes;	     // of the struct, for MODEL_NAMED and MODEL_LIST
	size_t name_offset;  // of its const char *name, for MODEL_NAMED
	size_t place_offset; // of its struct cfg_place, for both
	size_t said_offset;  // of a uint64_t: bit i is for keys[i], set if it is written
	size_t name_max;     // its length; 0: CFG_NAME_MAX
	const char *const *reserved_names; // that MODEL_NAMED refuses, up to NULL; or NULL
	const char *reserved_because;
	bool wants_exactly_one; // of its keys
	bool may_be_yes;	// a group: `yes` stands for it with nothing said, `no` for none
	bool is_bare;		// it has one key, which is not written: the value stands for it;
				// the only one without said_offset
};

extern const struct model_object model_config;				// the root: struct config
extern const struct model_object model_zone, model_set, model_firewall; // model_firewall.c
extern const struct model_object model_flows, model_nat;		// model_nat.c
extern const struct model_object model_apply;				// model_apply.c
extern const struct model_object model_accept;				// model_accept.c
extern const struct model_object model_log;				// model_log.c
extern const struct model_object model_recorder;			// model_recorder.c
extern const struct model_object model_dhcp_subnet;			// model_dhcp.c
extern const struct model_object model_dhcp4;				// model_dhcp4.c
extern const struct model_object model_dns;				// model_dns.c
extern const struct model_object model_uplink;				// model_uplink.c
// model_dns_local.c
extern const struct model_object model_dns_record, model_dns_zone, model_dns_list;
extern const struct model_object model_dns_blocking, model_dns_rebind;
extern const struct model_object model_port; // struct cfg_port
extern const struct model_choice model_drivers[];
