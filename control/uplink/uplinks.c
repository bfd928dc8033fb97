// SPDX-License-Identifier: BSD-3-Clause
#include "control/uplink/uplinks.h"

#include <stdlib.h>
#include <string.h>

#include "cfg/base/clock.h"
#include "cfg/base/log.h"
#include "control/api/events.h"
#include "control/uplink/uplink.h"
#include "control/uplink/uplink_flows.h"

enum {
	RANK_USED = 1, // of learned resolvers
	RANK_WORKS = 1000,
	RANK_DEAD = 100000,
};

static const uint8_t families[] = {IP_V4, IP_V6};

struct uplinks {
	struct router *router;
	struct uplink_flows *flows;
	struct uplink *list[CFG_UPLINKS_MAX]; // in the config's order
	unsigned n;
	uint32_t numbers; // bits of those given away
	struct uplink_candidate candidates[2][CFG_UPLINKS_MAX];
	// what is in the kernel
	struct uplink_way used[2][UPLINK_SHARES_MAX];
	unsigned n_used[2];
	uint64_t interfaces[2]; // bits 1 << id of those
	bool is_refreshing;	// all of them are looked at: what they change is settled at the end
};

// --- telling ---

static void tell(const struct uplinks *all, const struct uplink *u, const char *what)
{
	char address[ADDR_STR_BYTES] = "";
	const struct interface *interface = uplink_interface(u);

	if (!events_are_heard(all->router, STREAM_UPLINKS))
		return;
	for (unsigned i = 0; interface != NULL && i < interface->n_addresses; i++)
		if (!ip_addr_is_link_local(&interface->addresses[i].prefix.addr) &&
			address[0] == '\0')
			ip_prefix_str(&interface->addresses[i].prefix, address);
	events_publish(all->router, STREAM_UPLINKS,
		json_pack("{s:s, s:s, s:s, s:s, s:s?, s:n}", "interface", u->interface, "by",
			"uplinks", "uplink", u->name, "what", what, "address",
			address[0] != '\0' ? address : NULL, "server"));
}

static bool is_used(const struct uplinks *all, unsigned index)
{
	return all->candidates[0][index].shares > 0 || all->candidates[1][index].shares > 0;
}

// The resolvers of those that are used are asked; with none of them those of others.
static void rank_resolvers(struct uplinks *all)
{
	for (unsigned i = 0; i < all->n; i++) {
		const struct uplink *u = all->list[i];
		uint32_t rank = u->health.state == UPLINK_DOWN ? RANK_DEAD : RANK_WORKS;

		learned_dns_rank(&all->router->learned_dns, u->interface,
			is_used(all, i) ? RANK_USED : rank + u->config.priority);
	}
}

// --- choosing ---

static void fill_candidates(struct uplinks *all, unsigned f)
{
	for (unsigned i = 0; i < all->n; i++) {
		const struct uplink *u = all->list[i];
		const struct interface *interface = uplink_interface(u);

		all->candidates[f][i] = (struct uplink_candidate){
			.has_way = u->has_way[f],
			.is_link_up = interface != NULL && interface_is_up(interface),
			.state = u->health.state,
			.priority = u->config.priority,
			.weight = u->config.weight,
		};
	}
}

static bool are_same(const struct uplink_way *a, const struct uplink_way *b, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (a[i].ifindex != b[i].ifindex || a[i].shares != b[i].shares ||
			a[i].via.family != b[i].via.family || !ip_addr_equal(&a[i].via, &b[i].via))
			return false;
	return true;
}

// What is now chosen into the kernel; `gone`: interfaces that it left.
static void use(struct uplinks *all, unsigned f, uint64_t *gone)
{
	struct uplink_way ways[UPLINK_SHARES_MAX] = {0};
	uint64_t interfaces = 0;
	unsigned n = 0;
	int rc;

	for (unsigned i = 0; i < all->n; i++) {
		const struct interface *interface = uplink_interface(all->list[i]);

		if (all->candidates[f][i].shares == 0 || interface == NULL)
			continue;
		ways[n] = all->list[i]->ways[f];
		ways[n++].shares = all->candidates[f][i].shares;
		interfaces |= UINT64_C(1) << interface->id;
	}
	if (n == all->n_used[f] && are_same(ways, all->used[f], n))
		return;
	rc = uplink_routes_use(all->router->netlink, families[f], ways, n);
	if (rc < 0) {
		log_error("uplinks", "the kernel does not take the default route: %s",
			nl_geterror(rc));
		return;
	}
	// who was used and is not; without any other way nobody is to be moved
	*gone = n > 0 ? all->interfaces[f] & ~interfaces : 0;
	memcpy(all->used[f], ways, n * sizeof(ways[0]));
	all->n_used[f] = n;
	all->interfaces[f] = interfaces;
}

static void tell_changes(const struct uplinks *all, const bool *were_used)
{
	for (unsigned i = 0; i < all->n; i++) {
		const struct uplink *u = all->list[i];

		if (is_used(all, i) == were_used[i])
			continue;
		log_info(log_object("uplink", u->name).text, "%s",
			were_used[i] ? "is not used any more" : "is used");
		tell(all, u, were_used[i] ? "unused" : "used");
	}
}

static void settle(struct uplinks *all)
{
	bool were_used[CFG_UPLINKS_MAX];
	uint64_t gone[2] = {0, 0};

	for (unsigned i = 0; i < all->n; i++)
		were_used[i] = is_used(all, i);
	for (unsigned f = 0; f < 2; f++) {
		fill_candidates(all, f);
		uplink_choose(all->candidates[f], all->n);
		use(all, f, &gone[f]);
	}
	rank_resolvers(all);
	// From the loop, behind the kernel's news of the route: who connects anew goes by that.
	uplink_flows_end(all->flows, gone);
	tell_changes(all, were_used);
}

// --- what happens ---

static void on_changed(struct uplink *u, enum uplink_state before)
{
	struct uplinks *all = u->changed_ctx;
	const char *now = uplink_state_name(u->health.state);

	if (u->health.state == UPLINK_DOWN)
		log_warning(log_object("uplink", u->name).text, "%s -> %s: %s",
			uplink_state_name(before), now,
			u->health.is_link_up ? "none of its probes is answered"
					     : "no link, or no next router");
	else
		log_info(log_object("uplink", u->name).text, "%s -> %s", uplink_state_name(before),
			now);
	tell(all, u, now);
	if (!all->is_refreshing)
		settle(all);
}

// Of several that come up at once, the first is not used until the better one has been looked at.
static void refresh(struct uplinks *all)
{
	all->is_refreshing = true;
	for (unsigned i = 0; i < all->n; i++)
		uplink_refresh(all->list[i]);
	all->is_refreshing = false;
	settle(all);
}

static void on_default_route(void *ctx)
{
	refresh(ctx);
}

void uplinks_interface_changed(struct uplinks *all)
{
	if (all != NULL && all->n > 0)
		refresh(all);
}

void uplinks_interface_goes(struct uplinks *all, const struct interface *interface)
{
	if (all == NULL)
		return;
	for (unsigned i = 0; i < all->n; i++)
		if (strcmp(all->list[i]->interface, interface->config->name) == 0)
			uplink_forget_ways(all->list[i]);
	for (unsigned f = 0; f < 2; f++)
		all->interfaces[f] &= ~(UINT64_C(1) << interface->id);
	settle(all);
}

// --- following the config ---

static int number_of_new(struct uplinks *all)
{
	for (int i = 0; i < CFG_UPLINKS_MAX; i++)
		if ((all->numbers >> i & 1) == 0) {
			all->numbers |= 1u << i;
			return i;
		}
	return -1;
}

static struct uplink *find(struct uplinks *all, const struct cfg_uplink *config)
{
	for (unsigned i = 0; i < all->n; i++)
		if (all->list[i] != NULL && strcmp(all->list[i]->name, config->name) == 0 &&
			strcmp(all->list[i]->interface, config->interface) == 0)
			return all->list[i];
	return NULL;
}

static void end(struct uplinks *all, struct uplink *u, const struct config *config)
{
	bool is_still = false;

	for (unsigned i = 0; i < config->n_uplinks; i++)
		is_still |= strcmp(config->uplinks[i].interface, u->interface) == 0;
	if (!is_still)
		learned_dns_rank(&all->router->learned_dns, u->interface, LEARNED_DNS_AS_TOLD);
	all->numbers &= ~(1u << u->number);
	uplink_free(u);
}

void uplinks_follow(struct uplinks *all, const struct config *config)
{
	struct uplink *list[CFG_UPLINKS_MAX];
	unsigned n = 0;

	if (all == NULL)
		return;
	for (unsigned i = 0; i < all->n; i++)
		all->list[i]->is_wanted = false;
	for (unsigned i = 0; i < config->n_uplinks; i++) {
		list[i] = find(all, &config->uplinks[i]);
		if (list[i] == NULL)
			continue;
		list[i]->is_wanted = true;
	}
	for (unsigned i = 0; i < all->n; i++)
		if (!all->list[i]->is_wanted)
			end(all, all->list[i], config);
	all->n = 0; // what happens meanwhile is settled below
	memset(all->candidates, 0, sizeof(all->candidates));
	for (unsigned i = 0; i < config->n_uplinks; i++) {
		if (list[i] == NULL)
			list[i] = uplink_new(all->router, &config->uplinks[i],
				(unsigned)number_of_new(all), on_changed, all);
		else
			uplink_configure(list[i], &config->uplinks[i]);
		if (list[i] != NULL)
			list[n++] = list[i];
		else
			log_error("uplinks", "no memory for %s", config->uplinks[i].name);
	}
	memcpy(all->list, list, n * sizeof(list[0]));
	all->n = n;
	refresh(all);
}

struct uplinks *uplinks_new(struct router *router, struct error *err)
{
	struct uplinks *all = calloc(1, sizeof(*all));

	if (all == NULL || (all->flows = uplink_flows_new(router)) == NULL) {
		free(all);
		error_set(err, "no memory for the uplinks");
		return NULL;
	}
	all->router = router;
	router->routes.heard_default = on_default_route;
	router->routes.heard_ctx = all;
	uplinks_follow(all, router->config);
	return all;
}

void uplinks_free(struct uplinks *all)
{
	if (all == NULL)
		return;
	all->router->routes.heard_default = NULL;
	for (unsigned f = 0; f < 2; f++)
		if (all->n_used[f] > 0)
			uplink_routes_use(all->router->netlink, families[f], NULL, 0);
	for (unsigned i = 0; i < all->n; i++)
		uplink_free(all->list[i]);
	uplink_flows_free(all->flows);
	free(all);
}

// --- for people ---

unsigned uplinks_count(const struct uplinks *all)
{
	return all == NULL ? 0 : all->n;
}

uint64_t uplinks_flows_ended(const struct uplinks *all)
{
	return all == NULL ? 0 : uplink_flows_ended(all->flows);
}

bool uplinks_view(const struct uplinks *all, unsigned index, struct uplink_view *out)
{
	const struct uplink *u;

	if (index >= uplinks_count(all))
		return false;
	u = all->list[index];
	*out = (struct uplink_view){
		.name = u->name,
		.interface = u->interface,
		.config = &u->config,
		.health = &u->health,
		.asks_neighbours = u->asks_neighbours,
	};
	memcpy(out->targets, u->targets, sizeof(out->targets));
	for (unsigned f = 0; f < 2; f++) {
		out->has_way[f] = u->has_way[f];
		out->via[f] = u->ways[f].via;
		out->shares[f] = all->candidates[f][index].shares;
		for (unsigned i = 0; i < all->n; i++)
			out->all_shares[f] += all->candidates[f][i].shares;
		out->why_not[f] = uplink_why_not(all->candidates[f], all->n, index);
	}
	return true;
}
