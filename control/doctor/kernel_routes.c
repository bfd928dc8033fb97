// SPDX-License-Identifier: BSD-3-Clause
#include "control/doctor/kernel_routes.h"

#include <inttypes.h>
#include <linux/ipv6_route.h>
#include <linux/route.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 4 << 20, STEP = 64 };

static struct kernel_route *add(struct kernel_routes *routes)
{
	struct kernel_route *list;

	if (routes->n >= KERNEL_ROUTES_MAX)
		return NULL;
	if (routes->n % STEP == 0) {
		list = realloc(routes->list, (routes->n + STEP) * sizeof(*list));
		if (list == NULL)
			return NULL;
		routes->list = list;
	}
	routes->list[routes->n] = (struct kernel_route){0};
	return &routes->list[routes->n++];
}

// The kernel prints them as numbers of the machine's own byte order.
static struct ip_addr addr4(uint32_t be)
{
	struct ip_addr addr = {.family = IP_V4};

	memcpy(addr.v4, &be, sizeof(addr.v4));
	return addr;
}

static void read_line4(struct kernel_routes *routes, const char *line)
{
	uint32_t to, via, flags, metric, mask;
	char netdev[IF_NAMESIZE];
	struct kernel_route *route;

	if (sscanf(line,
		    "%15s %8" SCNx32 " %8" SCNx32 " %4" SCNx32 " %*s %*s %" SCNu32 " %8" SCNx32,
		    netdev, &to, &via, &flags, &metric, &mask) != 6 ||
		(flags & RTF_UP) == 0 || (flags & RTF_REJECT) != 0)
		return;
	route = add(routes);
	if (route == NULL)
		return;
	memcpy(route->netdev, netdev, sizeof(netdev));
	route->to = (struct ip_prefix){addr4(to), (uint8_t)__builtin_popcount(mask)};
	if ((flags & RTF_GATEWAY) != 0)
		route->via = addr4(via);
	route->metric = metric;
}

static bool read_addr6(const char *hex, struct ip_addr *addr)
{
	*addr = (struct ip_addr){.family = IP_V6};
	for (unsigned i = 0; i < sizeof(addr->v6); i++) {
		unsigned byte;

		if (sscanf(hex + 2 * i, "%2x", &byte) != 1)
			return false;
		addr->v6[i] = (uint8_t)byte;
	}
	return true;
}

static void read_line6(struct kernel_routes *routes, const char *line)
{
	char to[33], via[33], netdev[IF_NAMESIZE];
	struct ip_addr to_addr, via_addr;
	uint32_t len, metric, flags;
	struct kernel_route *route;

	if (sscanf(line,
		    "%32[0-9a-f] %2" SCNx32 " %*s %*s %32[0-9a-f] %8" SCNx32 " %*s %*s %8" SCNx32
		    " %15s",
		    to, &len, via, &metric, &flags, netdev) != 6 ||
		strlen(to) != 32 || strlen(via) != 32 || len > 128 || (flags & RTF_UP) == 0 ||
		(flags & (RTF_REJECT | RTF_LOCAL | RTF_ANYCAST)) != 0 ||
		!read_addr6(to, &to_addr) || !read_addr6(via, &via_addr))
		return;
	route = add(routes);
	if (route == NULL)
		return;
	memcpy(route->netdev, netdev, sizeof(netdev));
	route->to = (struct ip_prefix){to_addr, (uint8_t)len};
	if ((flags & RTF_GATEWAY) != 0)
		route->via = via_addr;
	route->metric = metric;
}

static void each_line(struct kernel_routes *routes, const char *text,
	void (*read)(struct kernel_routes *, const char *line))
{
	char line[256];

	while (*text != '\0') {
		size_t len = strcspn(text, "\n");

		if (len < sizeof(line)) {
			memcpy(line, text, len);
			line[len] = '\0';
			read(routes, line);
		}
		text += len + (text[len] == '\n' ? 1 : 0);
	}
}

void kernel_routes_parse4(struct kernel_routes *routes, const char *text)
{
	each_line(routes, text, read_line4);
}

void kernel_routes_parse6(struct kernel_routes *routes, const char *text)
{
	each_line(routes, text, read_line6);
}

void kernel_routes_look(struct kernel_routes *routes, const struct tree *tree)
{
	char *text4 = tree_text(tree, TEXT_MAX, "proc/net/route");
	char *text6 = tree_text(tree, TEXT_MAX, "proc/net/ipv6_route");

	*routes = (struct kernel_routes){0};
	if (text4 != NULL)
		kernel_routes_parse4(routes, text4);
	if (text6 != NULL)
		kernel_routes_parse6(routes, text6);
	free(text4);
	free(text6);
}

void kernel_routes_fini(struct kernel_routes *routes)
{
	free(routes->list);
	*routes = (struct kernel_routes){0};
}
