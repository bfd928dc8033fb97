// SPDX-License-Identifier: BSD-3-Clause
#include "tests/unit/kernel_fixture.h"

#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "cfg/base/clock.h"
#include "control/kernel.h"
#include "tests/unit/recording_dataplane.h"

struct router kernel_router;

bool kernel_fixture_enter_namespace(void)
{
	if (geteuid() != 0 || unshare(CLONE_NEWNET) != 0)
		return false;
	shell("ip link set lo up");
	return access("/dev/net/tun", R_OK | W_OK) == 0;
}

int kernel_fixture_start(const char *config_text, struct error *err)
{
	struct cfg_errors errors = {0};
	struct router *router = &kernel_router;

	*router = (struct router){.instance = -1, .base = event_base_new()};
	router->config = config_parse("test.yaml", config_text, strlen(config_text), &errors);
	if (errors.n > 0)
		*err = errors.list[0];
	cfg_errors_free(&errors);
	if (router->config == NULL)
		return -1;
	router->dp = recording_reset();
	router->netlink = netlink_new(router->base, err);
	if (router->netlink == NULL || ports_open(&router->ports, router->config, 1, err) != 0)
		return -1;
	neighbour_limits_raise(&router->neighbour_limits, router->netlink);
	if (interfaces_open(&router->interfaces, router->config, &router->ports, router->dp,
		    router->netlink, err) != 0)
		return -1;
	if (kernel_install(router, err) != 0)
		return -1;
	return kernel_follow(router, err);
}

void kernel_fixture_stop(void)
{
	struct router *router = &kernel_router;

	kernel_leave(router);
	interfaces_close(&router->interfaces);
	ports_close(&router->ports);
	netlink_free(router->netlink);
	event_base_free(router->base);
	config_free(router->config);
	*router = (struct router){0};
}

bool kernel_fixture_wait(bool (*is_so)(void), unsigned timeout_ms)
{
	uint64_t deadline_ms = clock_now_ms() + timeout_ms;

	while (clock_now_ms() < deadline_ms) {
		event_base_loop(kernel_router.base, EVLOOP_NONBLOCK);
		if (is_so != NULL && is_so())
			return true;
		usleep(5000);
	}
	return false;
}

void kernel_fixture_run(unsigned ms)
{
	kernel_fixture_wait(NULL, ms);
}

const char *shell(const char *fmt, ...)
{
	static char output[65536];
	char command[1024];
	size_t len;
	va_list ap;
	FILE *pipe;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	pipe = popen(command, "re");
	if (pipe == NULL)
		abort();
	len = fread(output, 1, sizeof(output) - 1, pipe);
	output[len] = '\0';
	if (pclose(pipe) != 0) {
		fprintf(stderr, "failed: %s\n%s\n", command, output);
		abort();
	}
	return output;
}
