// SPDX-License-Identifier: BSD-3-Clause
// Address translation as its operator wrote it, the first that fits decides. Part of struct config:
// plain data in its arena. Ports in host order. Control thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cfg/firewall.h"

enum cfg_nat_kind {
	CFG_NAT_MASQUERADE = 0, // the interface's primary address, whichever it is at the time
	CFG_NAT_SOURCE,		// `outside`: an address or a pool
	CFG_NAT_ONE_TO_ONE,	// `inside` <-> `outside`, address by address
	CFG_NAT_FORWARD,	// `outside` and `ports` -> `inside`
	CFG_NAT_REDIRECT,	// the same to the router itself
	CFG_NAT_PREFIX,		// NPTv6 (RFC 6296): `inside` <-> `outside`
	CFG_NAT_EXEMPT,		// leaves as it is
};

struct cfg_nat {
	struct cfg_place place;
	uint64_t said, kind_said; // as in struct config
	enum cfg_nat_kind kind;
	uint8_t family; // enum ip_family; IP_NONE: both
	// Where it leaves (masquerade, source, exempt), else where it comes in: one of these. None:
	// any; never with a masquerade, nor with a forward or redirect without `outside`.
	struct cfg_names interfaces;
	struct cfg_match from, to; // addresses of the packet as it came
	struct cfg_match protocol; // TCP and UDP where there are ports and the file has none
	// Forward, redirect: address or addresses that packets are sent to; family IP_NONE: the
	// interface's primary one. Others: see the kind; one address has its family's full length.
	struct ip_prefix outside;
	struct ip_prefix inside;      // one-to-one, prefix; forward: one address
	struct cfg_match ports;	      // forward, redirect: as packets come; none: every one
	uint16_t inside_port;	      // of the first port, the others follow; 0: unchanged
	bool is_random, keeps_parity; // masquerade, source
	bool is_full_cone;
};
