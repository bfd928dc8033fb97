// SPDX-License-Identifier: BSD-3-Clause
// The lines of rules with `log`, with the fields that people know from nftables. Bounded: what the
// workers send beyond a turn's worth is counted, and the number is said. Control thread.
#pragma once

#include <stdint.h>
#include <stdio.h>

#include "control/interfaces.h"
#include "dataplane/dataplane.h"

struct packet_log {
	unsigned n_this_turn;
	uint64_t n_left_out; // and not said so yet
};

void packet_log_begin_turn(struct packet_log *log);
void packet_log_write(struct packet_log *log, const struct interfaces *interfaces,
	const char *prefix, const struct dp_event *event);
// Every second.
void packet_log_tell_left_out(struct packet_log *log);

// "PREFIX IN=wan OUT=lan SRC=... DST=... LEN=60 PROTO=TCP SPT=1025 DPT=22 SYN ACTION=drop" into
// `out`, which it returns.
enum { PACKET_LOG_BYTES = 512 };
const char *packet_log_str(const struct interfaces *interfaces, const char *prefix,
	const struct dp_event *event, char out[PACKET_LOG_BYTES]);
