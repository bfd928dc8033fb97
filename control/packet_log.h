// SPDX-License-Identifier: BSD-3-Clause
// The lines of rules with `log`, with the fields that people know from nftables; fail2ban reads
// them by control/fail2ban/. Bounded: what the workers send beyond a turn's worth is counted, and
// the number is said. Control thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "control/interfaces.h"
#include "control/policy.h"
#include "dataplane/dataplane.h"

struct packet_log {
	unsigned n_this_turn;
	uint64_t n_left_out; // and not said so yet
};

void packet_log_begin_turn(struct packet_log *log);
// As "rule input/2", the second one of the list. An event that waited while the policy changed
// means a rule of the one before, whose number is another's now: it is left out, and counted.
void packet_log_write(struct packet_log *log, const struct policy *policy,
	const struct interfaces *interfaces, const struct dp_event *event);
// Every second.
void packet_log_tell_left_out(struct packet_log *log);

// Which rule it is: its number in its list from 1, and where it stands in the config.
struct packet_log_rule {
	const char *list;
	unsigned number;
	const char *prefix;
	const char *file;
	int line;
};
bool packet_log_find(
	const struct policy *policy, const struct dp_event *event, struct packet_log_rule *out);

// "PREFIX IN=wan OUT=lan SRC=... DST=... LEN=60 PROTO=TCP SPT=1025 DPT=22 SYN ACTION=drop
// RULE=house.yaml:42" on one line into `out`, which it returns.
enum { PACKET_LOG_BYTES = 512, PACKET_LOG_FILE_MAX = 80 };
const char *packet_log_str(const struct interfaces *interfaces, const struct packet_log_rule *rule,
	const struct dp_event *event, char out[PACKET_LOG_BYTES]);
