// SPDX-License-Identifier: BSD-3-Clause
// When the client says something again, and for how long what it was given is good.
#include "control/dhcp/dhcp4_client_private.h"

enum {
	// RFC 2131 4.1: "4 seconds randomized by ... -1 to +1 ... doubled ... to 64 seconds"
	BACKOFF_FIRST_MS = 4000,
	BACKOFF_MAX_MS = 64000,
	BACKOFF_FUZZ_MS = 1000,
	// RFC 2131 4.4.1 wants 1 to 10 s before the first DISCOVER, against a street that has its
	// power back. A house waits for a router: up to 1 s, and the back-off does the rest.
	DESYNC_MS = 1000,
	// RFC 2131 3.1: "SHOULD wait a minimum of ten seconds before restarting" after a DECLINE
	DECLINE_WAIT_MS = 10000,
	// RFC 5227 1.1: MAX_CONFLICTS, RATE_LIMIT_INTERVAL
	CONFLICTS_MAX = 10,
	CONFLICTS_WAIT_MS = 60000,
	// RFC 5227 1.1 has 1 to 2 s between three probes and 2 s after them, for links that take as
	// long to come up. A link that has just carried four messages needs a tenth of that.
	PROBES = 3,
	PROBE_WAIT_MS = 250,
	PROBE_LAST_WAIT_MS = 500,
	REQUEST_TRIES = 4,  // RFC 2131 3.1: "four times, for a total delay of 60 seconds"
	REBOOT_TRIES = 2,   // 12 s; then any address will do
	NAK_WAIT_MS = 1000, // doubled for each in a row but the first
			    // RFC 2131 4.4.5: "one-half of the remaining time ..., down to a
			    // minimum of 60 seconds". Of a lease of minutes that would be never:
			    // there it is a fourth of the time.
	RENEW_WAIT_MS_MIN = 60000,
	RENEW_WAIT_PART = 4,
	RENEW_WAIT_FLOOR_MS = 1000,
	FUZZ_PART = 32, // RFC 2131 4.4.5: T1 and T2 "with some random fuzz": up to 3 %
};

// From `low` to `high`, both of them too.
static uint64_t random_between(struct dhcp4_uplink_client *c, uint64_t low, uint64_t high)
{
	return low + c->ops->random(c->ctx) % (high - low + 1);
}

static uint64_t backoff_ms(struct dhcp4_uplink_client *c)
{
	unsigned doublings = c->tries - 1;
	uint64_t ms = doublings > 4 ? BACKOFF_MAX_MS : (uint64_t)BACKOFF_FIRST_MS << doublings;

	return random_between(c, ms - BACKOFF_FUZZ_MS, ms + BACKOFF_FUZZ_MS);
}

// Half of what is left of the time from `begin_ms` to `end_ms`.
static uint64_t half_left_ms(uint64_t begin_ms, uint64_t end_ms, uint64_t now_ms)
{
	uint64_t half = end_ms > now_ms ? (end_ms - now_ms) / 2 : 0;
	uint64_t least = (end_ms - begin_ms) / RENEW_WAIT_PART;

	if (least > RENEW_WAIT_MS_MIN)
		least = RENEW_WAIT_MS_MIN;
	if (least < RENEW_WAIT_FLOOR_MS)
		least = RENEW_WAIT_FLOOR_MS;
	return half > least ? half : least;
}

static uint64_t init_wait_ms(struct dhcp4_uplink_client *c, enum dhcp4_event why)
{
	unsigned doublings;

	switch (why) {
	case EVENT_UP:
		return random_between(c, 0, DESYNC_MS);
	case EVENT_CONFLICT:
		return c->n_conflicts >= CONFLICTS_MAX ? CONFLICTS_WAIT_MS : DECLINE_WAIT_MS;
	case EVENT_NAK:
		if (c->n_naks <= 1)
			return 0;
		doublings = c->n_naks - 2;
		return doublings > 6 ? BACKOFF_MAX_MS : (uint64_t)NAK_WAIT_MS << doublings;
	case EVENT_TRIED:
		return random_between(c, 0, BACKOFF_FUZZ_MS);
	case EVENT_UP_KNOWN:
	case EVENT_LINK_LOST:
	case EVENT_OFFER:
	case EVENT_ACK_NEW:
	case EVENT_ACK_SAME:
	case EVENT_TIMER:
	case EVENT_T1:
	case EVENT_T2:
	case EVENT_END:
	case EVENT_RENEW:
	case EVENT_RELEASE:
	case EVENT_NONE:
		break;
	}
	return 0;
}

uint64_t dhcp4_client_timer(struct dhcp4_uplink_client *c, enum dhcp4_client_state state,
	enum dhcp4_event why, uint64_t now_ms)
{
	switch (state) {
	case DHCP4_CLIENT_INIT:
		return now_ms + init_wait_ms(c, why);
	case DHCP4_CLIENT_SELECTING:
	case DHCP4_CLIENT_REQUESTING:
	case DHCP4_CLIENT_REBOOTING:
		return now_ms + backoff_ms(c);
	case DHCP4_CLIENT_CHECKING:
		return now_ms + (c->tries < PROBES ? PROBE_WAIT_MS : PROBE_LAST_WAIT_MS);
	case DHCP4_CLIENT_RENEWING:
		if (c->t2_ms == DHCP4_NEVER) // asked by hand for what does not end
			return now_ms + backoff_ms(c);
		return now_ms + half_left_ms(c->t1_ms, c->t2_ms, now_ms);
	case DHCP4_CLIENT_REBINDING:
		return now_ms + half_left_ms(c->t2_ms, c->end_ms, now_ms);
	case DHCP4_CLIENT_DOWN:
	case DHCP4_CLIENT_BOUND:
	case DHCP4_CLIENT_RELEASED:
	case DHCP4_CLIENT_STATES:
		break;
	}
	return DHCP4_NEVER;
}

// 0: as many as it takes.
unsigned dhcp4_client_tries(enum dhcp4_client_state state)
{
	if (state == DHCP4_CLIENT_REQUESTING)
		return REQUEST_TRIES;
	if (state == DHCP4_CLIENT_REBOOTING)
		return REBOOT_TRIES;
	return state == DHCP4_CLIENT_CHECKING ? PROBES : 0;
}

uint64_t dhcp4_client_after(struct dhcp4_uplink_client *c, uint32_t sec, bool has_fuzz)
{
	uint64_t ms = (uint64_t)sec * 1000;

	if (sec == DHCP4_FOREVER)
		return DHCP4_NEVER;
	if (has_fuzz)
		ms -= random_between(c, 0, ms / FUZZ_PART);
	return c->sent_ms + ms;
}
