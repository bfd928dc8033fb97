// SPDX-License-Identifier: BSD-3-Clause
#include "control/dhcp/dhcp.h"

#include <stdlib.h>

#include "cfg/base/clock.h"
#include "cfg/base/log.h"
#include "control/api/events.h"
#include "control/dhcp/dhcp4_service.h"
#include "control/dhcp/lease_names.h"
#include "control/host_names.h"

static void note_name(
	struct router *router, const struct dhcp4_scope *scope, const struct dhcp4_lease *lease)
{
	struct ip_addr addr = ip4_addr(lease->address);

	if (lease->state == DHCP4_LEASE_BOUND)
		lease_names_set(router->lease_names, &addr, lease->host_name,
			dhcp4_scope_domain(&scope->config->options),
			dhcp4_lease_left_sec(lease, clock_now_ms()));
	else
		lease_names_remove(router->lease_names, &addr);
}

static void tell(void *ctx, enum dhcp4_event event, const struct dhcp4_scope *scope,
	const struct dhcp4_lease *lease)
{
	struct router *router = ctx;

	events_lease(router, event, scope, lease);
	if (lease == NULL)
		return;
	if (event == DHCP4_GIVEN || event == DHCP4_RENEWED) {
		note_name(router, scope, lease);
	} else {
		struct ip_addr addr = ip4_addr(lease->address);

		lease_names_remove(router->lease_names, &addr);
	}
}

// Of the leases that were remembered; also when domains are others, or subnets are gone.
static void note_all_names(struct router *router)
{
	const struct dhcp4_server *server = dhcp4_service_server(router->dhcp4);
	const struct dhcp4_scopes *scopes = dhcp4_server_scopes(server);
	const struct dhcp4_lease *lease;
	uint32_t cursor = 0;

	while ((lease = dhcp4_leases_next(dhcp4_server_leases(server), &cursor)) != NULL)
		for (unsigned i = 0; i < scopes->n; i++)
			if (dhcp4_scope_has(&scopes->list[i], lease->address))
				note_name(router, &scopes->list[i], lease);
}

static int open_service(struct router *router, const struct config *config, struct error *err)
{
	char *path = dhcp4_service_path(config->state_file);

	if (router->lease_names == NULL)
		router->lease_names = lease_names_new();
	if (router->lease_names == NULL) {
		free(path);
		return error_set(err, "no memory for the names of hosts");
	}
	host_names_listen(router);
	router->dhcp4 = dhcp4_service_new(router->base, config, path, tell, router, err);
	free(path);
	if (router->dhcp4 == NULL)
		return -1;
	note_all_names(router);
	return 0;
}

int dhcp_open(struct router *router, struct error *err)
{
	return router->config->dhcp.n_subnets == 0 ? 0 : open_service(router, router->config, err);
}

void dhcp_close(struct router *router)
{
	dhcp4_service_free(router->dhcp4);
	router->dhcp4 = NULL;
	lease_names_free(router->lease_names);
	router->lease_names = NULL;
}

void dhcp_follow(struct router *router, const struct config *config)
{
	struct error err = {0};

	if (router->dhcp4 != NULL) {
		dhcp4_service_follow(router->dhcp4, config);
		note_all_names(router);
	} else if (config->dhcp.n_subnets > 0 && open_service(router, config, &err) != 0) {
		log_error("dhcp", "%s", err.text);
	}
}
