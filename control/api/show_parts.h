// SPDX-License-Identifier: BSD-3-Clause
// What the show methods share: values put into a JSON object under a key, parameters read.
#pragma once

#include <stdbool.h>

#include "cfg/base/addr.h"
#include "control/api/rpc.h"
#include "control/router.h"

void show_put_number(json_t *to, const char *key, uint64_t value);
void show_put_text(json_t *to, const char *key, const char *value);
void show_put_bool(json_t *to, const char *key, bool value);
// "cleared_sec": how long ago counters of that kind were cleared, null for never.
void show_put_cleared(json_t *to, const struct router *router, enum baseline_kind kind);
void show_put_addr(json_t *to, const char *key, const struct ip_addr *addr);
void show_put_mac(json_t *to, const char *key, const struct mac_addr *mac);
// The name of a worker's interface, null for the router itself.
void show_put_interface(json_t *to, const char *key, const struct router *router, int id);

// One row of show.flows.
json_t *show_flow_json(const struct router *router, const struct dp_flow *flow);

// A number of seconds, null for what does not end.
void show_put_left(json_t *to, const char *key, uint32_t sec);

// False with *failure filled when the parameters are not what the method takes.
bool show_read_limit(const json_t *params, unsigned *limit, struct rpc_failure *failure);
bool show_read_nothing(const json_t *params, struct rpc_failure *failure);
// Their parts: `keys`, up to NULL, are the parameters that the method knows, strings and "limit".
bool show_limit_of(const json_t *params, unsigned *limit, struct rpc_failure *failure);
bool show_check_keys(const json_t *params, const char *const *keys, struct rpc_failure *failure);
// The same, of whatever type.
bool show_check_names(const json_t *params, const char *const *keys, struct rpc_failure *failure);

// NULL: the config has none of that name.
const struct cfg_set *show_find_set(const struct config *config, const char *name);
// The set that the parameter "name" names, or NULL with *failure filled.
const struct cfg_set *show_read_set(
	const struct router *router, const json_t *params, struct rpc_failure *failure);

// In explain_policy.c: a rule of that list as {list, file, line, rule, comment}.
json_t *show_rule_json(const struct config *config, const char *list, const struct cfg_rule *rule);

// In show_firewall.c, show_sets.c and sets.c.
json_t *show_counters(void *ctx, const json_t *params, struct rpc_failure *failure);
json_t *show_nat(void *ctx, const json_t *params, struct rpc_failure *failure);
json_t *show_zones(void *ctx, const json_t *params, struct rpc_failure *failure);
extern const struct rpc_task sets_ban, sets_unban;
// In sets_reload.c.
extern const struct rpc_task sets_reload;

// In dhcp4_client.c. The first puts null where the interface has no such client.
void show_put_dhcp4(json_t *to, const struct router *router, const char *interface);
json_t *dhcp4_renew(void *ctx, const json_t *params, struct rpc_failure *failure);
json_t *dhcp4_release(void *ctx, const json_t *params, struct rpc_failure *failure);

// In show_leases.c.
json_t *show_dhcp(void *ctx, const json_t *params, struct rpc_failure *failure);
extern const struct rpc_walk show_leases;

// In show_dns.c.
extern const struct rpc_task explain_dns, show_dns;

// In uplinks.c.
json_t *show_uplinks(void *ctx, const json_t *params, struct rpc_failure *failure);
extern const struct rpc_task uplink_ping;

// In clear.c and kill.c.
json_t *clear_counters(
	struct rpc_session *session, const json_t *params, struct rpc_failure *failure);
extern const struct rpc_task clear_neighbours, kill_flows;

// In capture.c.
json_t *capture_start(void *ctx, const json_t *params, struct rpc_failure *failure);
json_t *capture_read(void *ctx, const json_t *params, struct rpc_failure *failure);
json_t *capture_stop(void *ctx, const json_t *params, struct rpc_failure *failure);

// In recorder.c.
json_t *recorder_write(void *ctx, const json_t *params, struct rpc_failure *failure);
json_t *recorder_show(void *ctx, const json_t *params, struct rpc_failure *failure);

// In show_lists.c: who a route is from, "static"; until the next call.
const char *show_route_protocol(uint8_t protocol);
// The long lists, in show_lists.c, show_flows.c, show_firewall.c and show_sets.c.
extern const struct rpc_walk show_routes, show_neighbours, show_flows, show_firewall, show_sets,
	show_set;
