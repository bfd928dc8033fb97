// SPDX-License-Identifier: BSD-3-Clause
// Which uplink a packet takes that goes by the default route, and why none of the others.
#include <stdio.h>
#include <string.h>

#include "control/api/explain_text.h"
#include "control/uplink/uplink_metric.h"
#include "control/uplink/uplinks.h"

enum { TEXT_BYTES = 160 };

static void write_uplink(const struct uplink_view *uplink, char text[TEXT_BYTES])
{
	snprintf(text, TEXT_BYTES, "%s (%s), %s, priority %u", uplink->name, uplink->interface,
		uplink_state_name(uplink->health->state), uplink->config->priority);
}

// The routes that are used are those of uplinks: else they decide nothing.
static bool goes_by_uplink(const struct explain_steps *steps, struct ip_addr *any)
{
	struct rib_route route;
	struct rib_found found[1];

	*any = (struct ip_addr){.family = steps->why->dst.family};
	return rib_find(steps->router->rib, &steps->why->dst, found, 1) == 1 &&
	       found[0].route.route.to.len == 0 &&
	       rib_find_active(steps->router->rib, &(struct ip_prefix){.addr = *any}, &route) &&
	       route.protocol == UPLINK_ROUTES_PROTOCOL;
}

void step_uplink(struct explain_steps *steps)
{
	const struct uplinks *all = steps->router->ways_out;
	const char *out = explain_interface_name(steps->router, steps->why->out_interface);
	struct uplink_view uplink;
	struct ip_addr any;
	char text[TEXT_BYTES];
	unsigned f = steps->why->dst.family == IP_V6, taken = 0;

	if (!goes_by_uplink(steps, &any))
		return;
	while (uplinks_view(all, taken, &uplink) && strcmp(uplink.interface, out) != 0)
		taken++;
	if (!uplinks_view(all, taken, &uplink))
		return;
	write_uplink(&uplink, text);
	step_begin(steps, "uplink", "%s", text);
	if (uplink.shares[f] == 0)
		step_because(steps, "its flow has begun there");
	else if (uplink.shares[f] < uplink.all_shares[f])
		step_because(steps, "its flow's hash picks it: it has %u of %u shares",
			uplink.shares[f], uplink.all_shares[f]);
	for (unsigned i = 0; uplinks_view(all, i, &uplink); i++) {
		if (i == taken)
			continue;
		write_uplink(&uplink, text);
		step_passed_over(steps, NULL,
			uplink.why_not[f] != NULL ? uplink.why_not[f] : "the flow's hash", "%s",
			text);
	}
}
