// SPDX-License-Identifier: BSD-3-Clause
// The policy in force: compiled from the config, the files of its sets and the interfaces that are
// there, and compiled anew when one of these changes. A policy that cannot be made or that the
// workers refuse changes nothing. Control thread.
#pragma once

#include "control/baselines.h"
#include "control/packet_log.h"
#include "control/policy.h"

struct firewall {
	struct dataplane *dp;
	struct policy_input input;
	struct set_files files;
	struct policy *policy; // in force, without its arrays
	uint64_t active;       // schedules
	struct packet_log log;
	struct baselines *baselines; // that follow the rules; or NULL
	bool is_preparing;	     // another one
	bool is_due;		     // an update, when that is over
};

// Whether the workers will have room for what the config asks, as far as it tells: no interface has
// to be there, and no file of a set is read. 0, or -1 with the reason and its place.
int firewall_check(const struct config *config, struct error *err);

// Puts the first policy in force. 0, or -1 with the reason; firewall_close is due either way.
// `now` is the wall clock's, here and below.
int firewall_open(struct firewall *firewall, const struct config *config,
	const struct interfaces *interfaces, const struct timed_sets *timed, struct dataplane *dp,
	int64_t now, struct error *err);
void firewall_close(struct firewall *firewall); // zeroed is fine

// After interfaces have come or gone. While another one is being prepared: when that is over.
int firewall_update(struct firewall *firewall, int64_t now, struct error *err);

// The firewall of another config, made ready while the old one is in force: nothing the workers
// know changes. Between firewall_next_init and firewall_next_over, both of the control thread, the
// one in force stays as it is: files of sets are not read, and an update waits for the end. All
// that `next` points to is its own, or the other config's.
struct firewall_next {
	struct policy_input input;
	struct set_files_wish wish;
	struct interfaces *interfaces; // as they were; the caller may change that, before it is
				       // prepared, to those that there will be
	struct interfaces *between;    // the same: those until then; NULL: none comes or goes
	struct policy *bound;	       // what is in force, for these; NULL: there was no room
	struct compiled_policy *bound_compiled;
	struct set_files files;
	struct policy *policy;
	struct compiled_policy *compiled;
};
int firewall_next_init(struct firewall *firewall, const struct config *config,
	struct firewall_next *next, struct error *err);
// The part that takes long: any thread, as firewall_next_fini. Files of sets are read as next->wish
// says; without a new one there is no other policy for the config that is in force. 0, or -1 with
// the reason; firewall_next_fini is due either way.
int firewall_prepare(
	const struct firewall *firewall, struct firewall_next *next, struct error *err);
void firewall_next_fini(struct firewall_next *next); // zeroed is fine
void firewall_next_over(struct firewall *firewall, int64_t now);
// Room for next->between, as the interfaces are. 0, or -1 with the reason.
int firewall_next_expect(struct firewall_next *next, struct error *err);
// In between, once it is prepared: those of next->between are there now. 0, or -1: nothing was made
// ready for that, or it cannot be, and nothing has changed.
int firewall_bind(struct firewall *firewall, struct firewall_next *next, int64_t now);
// In between too, once it is prepared: interfaces have come or gone. What is in force is bound to
// those that there are, and `next` will be when it is put in force. 0, or -1 with the reason.
int firewall_rebind(
	struct firewall *firewall, struct firewall_next *next, int64_t now, struct error *err);
// Puts it in force; `next` then has what was in force before, and the same call undoes it. 0, or -1
// with the reason and nothing has changed.
int firewall_exchange(
	struct firewall *firewall, struct firewall_next *next, int64_t now, struct error *err);

// At each full minute, and when somebody has set the clock: schedules. Whether somebody has changed
// files of sets.
bool firewall_every_minute(struct firewall *firewall, int64_t now);

// A rule of the policy in force wants a line about a packet.
void firewall_log(struct firewall *firewall, const struct dp_event *event);
