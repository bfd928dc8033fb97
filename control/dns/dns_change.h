// SPDX-License-Identifier: BSD-3-Clause
// From one config of the forwarder to another. What takes long is done before, by a thread that may
// wait: files read, upstreams and libunbound made. Then the loop hands it over, at once and without
// fail, and questions that are under way by the old one are answered beside it. Control thread, but
// where it says otherwise.
#pragma once

#include "control/dns/dns.h"

struct dns_change;
struct dns_names;
struct learned_dns;

// From what there is `now` (or NULL) to `config`, which may have no `dns`: borrowed until it is
// prepared, as are `names` of leases and the feed until the end of what comes of it; both may be
// NULL. What is `learned` is copied. NULL with the reason.
struct dns_change *dns_change_begin(struct dns *now, const struct cfg_dns *config,
	const struct learned_dns *learned, struct dns_names *names, struct set_feed *feed,
	struct error *err);
// Takes long. Any thread. 0, or -1 with the reason, and nothing has changed.
int dns_change_prepare(struct dns_change *change, struct error *err);
// In force; from then on it is the forwarder (NULL: none) that there is. What was learned since
// the beginning counts.
struct dns *dns_change_commit(struct dns_change *change, const struct learned_dns *learned);
// Waits until it is done, and frees what goes with the old one; or what was prepared in vain. Any
// thread. NULL is fine.
void dns_change_end(struct dns_change *change);

// All of it here and now, for the start: *dns is what there is. 0, or -1 with the reason.
int dns_change_now(struct dns **dns, const struct cfg_dns *config,
	const struct learned_dns *learned, struct dns_names *names, struct set_feed *feed,
	struct error *err);

// Other name servers were learned: they are asked from now on. Says itself what fails.
void dns_relearn(struct dns *dns, const struct learned_dns *learned);
