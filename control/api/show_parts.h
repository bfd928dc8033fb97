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
void show_put_addr(json_t *to, const char *key, const struct ip_addr *addr);
void show_put_mac(json_t *to, const char *key, const struct mac_addr *mac);
// The name of a worker's interface, null for the router itself.
void show_put_interface(json_t *to, const char *key, const struct router *router, int id);

// Both: false with *failure filled when the parameters are not what the method takes.
bool show_read_limit(const json_t *params, unsigned *limit, struct rpc_failure *failure);
bool show_read_nothing(const json_t *params, struct rpc_failure *failure);

// The long lists, in show_lists.c.
json_t *show_routes(void *ctx, const json_t *params, struct rpc_failure *failure);
json_t *show_neighbours(void *ctx, const json_t *params, struct rpc_failure *failure);
json_t *show_flows(void *ctx, const json_t *params, struct rpc_failure *failure);
