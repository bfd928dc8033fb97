// SPDX-License-Identifier: BSD-3-Clause
// Whether a config that is on trial stands its test by itself: each probe that was asked for has to
// succeed once, begun after the config took effect, and asked again each second until the trial
// ends. Does no I/O: time and results come in as arguments. Control thread.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cfg/base/error.h"

enum probe {
	PROBE_DNS = 0,	  // a resolver of the machine's answers a question
	PROBE_UPLINK,	  // the next router of each default route answers for itself
	PROBE_MANAGEMENT, // somebody who may write has come to the control socket
	PROBES,
};

enum {
	PROBATION_BEGINS_MS = 1000, // what is new has settled by then
	PROBATION_AGAIN_MS = 1000,
};

struct probation {
	unsigned asked, passed; // bits 1 << enum probe; asked 0: none is under way
	uint64_t next_ms;
	struct error why[PROBES]; // of its last failure
};

const char *probe_name(enum probe probe);
// "dns,uplink" as bits. 0, or -1 with what there is.
int probation_parse(const char *text, unsigned *asked, struct error *err);

void probation_begin(struct probation *probation, unsigned asked, uint64_t now_ms);
void probation_end(struct probation *probation);
// Bits of the probes to be made now; each is answered by probation_report, or not at all.
unsigned probation_tick(struct probation *probation, uint64_t now_ms);
// `why` of a failure: a sentence's end, as in "uplink: 203.0.113.1 does not answer".
void probation_report(
	struct probation *probation, enum probe probe, bool has_passed, const char *why);
bool probation_has_passed(const struct probation *probation);
// Which have failed and why, into `out`.
void probation_tell(const struct probation *probation, char *out, size_t out_bytes);
