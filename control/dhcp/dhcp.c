// SPDX-License-Identifier: BSD-3-Clause
#include "control/dhcp/dhcp.h"

#include <stdlib.h>

#include "cfg/base/log.h"
#include "control/api/events.h"
#include "control/dhcp/dhcp4_service.h"

static void tell(void *ctx, enum dhcp4_event event, const struct dhcp4_scope *scope,
	const struct dhcp4_lease *lease)
{
	events_lease(ctx, event, scope, lease);
}

static int open_service(struct router *router, const struct config *config, struct error *err)
{
	char *path = dhcp4_service_path(config->state_file);

	router->dhcp4 = dhcp4_service_new(router->base, config, path, tell, router, err);
	free(path);
	return router->dhcp4 == NULL ? -1 : 0;
}

int dhcp_open(struct router *router, struct error *err)
{
	return router->config->dhcp.n_subnets == 0 ? 0 : open_service(router, router->config, err);
}

void dhcp_close(struct router *router)
{
	dhcp4_service_free(router->dhcp4);
	router->dhcp4 = NULL;
}

void dhcp_follow(struct router *router, const struct config *config)
{
	struct error err = {0};

	if (router->dhcp4 != NULL)
		dhcp4_service_follow(router->dhcp4, config);
	else if (config->dhcp.n_subnets > 0 && open_service(router, config, &err) != 0)
		log_error("dhcp", "%s", err.text);
}
