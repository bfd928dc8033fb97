// SPDX-License-Identifier: BSD-3-Clause
// dhcp_alone CONFIG LEASES: the DHCP server of a config on the kernel's interfaces, no dataplane.
// SIGHUP reads the config again. Each event is a line on stdout.
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "control/config_file.h"
#include "control/dhcp/dhcp4_service.h"

struct alone {
	struct event_base *base;
	const char *path;
	struct config *config;
	struct dhcp4_service *service;
};

static void tell(void *ctx, enum dhcp4_event event, const struct dhcp4_scope *scope,
	const struct dhcp4_lease *lease)
{
	struct ip_addr addr = ip4_addr(lease == NULL ? 0 : lease->address);
	char text[ADDR_STR_BYTES];

	printf("%s %s %s %s\n", dhcp4_event_name(event), scope->config->name,
		ip_addr_str(&addr, text), lease == NULL ? "" : lease->host_name);
	fflush(stdout);
}

static void on_end(evutil_socket_t signum, short what, void *ctx)
{
	struct alone *alone = ctx;

	event_base_loopbreak(alone->base);
}

static void on_hangup(evutil_socket_t signum, short what, void *ctx)
{
	struct alone *alone = ctx;
	struct config *config = config_file_load(alone->path);

	if (config == NULL)
		return;
	dhcp4_service_follow(alone->service, config);
	config_free(alone->config);
	alone->config = config;
	puts("followed");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct alone alone = {.path = argc == 3 ? argv[1] : ""};
	struct event *end, *hangup;
	struct error err = {0};

	if (argc != 3)
		return EXIT_FAILURE;
	alone.config = config_file_load(alone.path);
	alone.base = event_base_new();
	if (alone.config == NULL || alone.base == NULL)
		return EXIT_FAILURE;
	end = evsignal_new(alone.base, SIGTERM, on_end, &alone);
	hangup = evsignal_new(alone.base, SIGHUP, on_hangup, &alone);
	alone.service = dhcp4_service_new(alone.base, alone.config, argv[2], tell, &alone, &err);
	if (alone.service == NULL || evsignal_add(end, NULL) != 0 ||
		evsignal_add(hangup, NULL) != 0) {
		fprintf(stderr, "%s\n", err.text);
		return EXIT_FAILURE;
	}
	puts("ready");
	fflush(stdout);
	event_base_dispatch(alone.base);
	dhcp4_service_free(alone.service);
	event_free(end);
	event_free(hangup);
	event_base_free(alone.base);
	config_free(alone.config);
	return EXIT_SUCCESS;
}
