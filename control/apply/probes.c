// SPDX-License-Identifier: BSD-3-Clause
#include "control/apply/probes.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cfg/base/clock.h"
#include "control/api/server.h"
#include "control/apply/dns_probe.h"

enum { TURN_MS = 100, DNS_PORT = 53, RESOLV_BYTES_MAX = 4096 };

struct probes {
	struct router *router;
	void (*passed)(void *ctx);
	void *ctx;
	struct probation state;
	struct event *timer;
	uint64_t began_ms, callers_before;
	// the question under way
	char name[DNS_PROBE_NAME_MAX + 1];
	struct event *answer; // NULL: none is
	int dns_fd;
	uint16_t dns_id;
	unsigned dns_asked; // so often: the servers have their turns
	char dns_server[ADDR_STR_BYTES];
};

static void fail(struct probes *probes, enum probe probe, const char *about, const char *what)
{
	char why[256];

	snprintf(why, sizeof(why), "%s%s%s", about, about[0] != '\0' ? " " : "", what);
	probation_report(&probes->state, probe, false, why);
}

// --- dns ---

static void end_question(struct probes *probes)
{
	if (probes->answer != NULL)
		event_free(probes->answer);
	if (probes->dns_fd >= 0)
		close(probes->dns_fd);
	probes->answer = NULL;
	probes->dns_fd = -1;
}

static void on_answer(evutil_socket_t fd, short what, void *ctx)
{
	struct probes *probes = ctx;
	uint8_t bytes[512];
	ssize_t n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	const char *why;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		fail(probes, PROBE_DNS, probes->dns_server, strerror(errno));
		end_question(probes);
	} else if (dns_probe_is_answered(bytes, (size_t)n, probes->dns_id, &why)) {
		probation_report(&probes->state, PROBE_DNS, true, "");
		end_question(probes);
	} else if (why != NULL) {
		fail(probes, PROBE_DNS, probes->dns_server, why);
	}
}

static int connect_to(const struct ip_addr *server)
{
	struct sockaddr_in to4 = {.sin_family = AF_INET, .sin_port = htons(DNS_PORT)};
	struct sockaddr_in6 to6 = {.sin6_family = AF_INET6, .sin6_port = htons(DNS_PORT)};
	bool is_ip6 = server->family == IP_V6;
	int fd = socket(is_ip6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int rc;

	if (fd < 0)
		return -1;
	memcpy(&to4.sin_addr, server->v4, sizeof(to4.sin_addr));
	memcpy(&to6.sin6_addr, server->v6, sizeof(to6.sin6_addr));
	rc = is_ip6 ? connect(fd, (struct sockaddr *)&to6, sizeof(to6))
		    : connect(fd, (struct sockaddr *)&to4, sizeof(to4));
	if (rc == 0)
		return fd;
	close(fd);
	return -1;
}

static unsigned read_servers(struct ip_addr servers[DNS_PROBE_SERVERS_MAX])
{
	char text[RESOLV_BYTES_MAX + 1];
	FILE *file = fopen("/etc/resolv.conf", "re");
	size_t n;

	if (file == NULL)
		return 0;
	n = fread(text, 1, RESOLV_BYTES_MAX, file);
	text[n] = '\0';
	fclose(file);
	return dns_probe_servers(text, servers);
}

static void ask_dns(struct probes *probes)
{
	struct ip_addr servers[DNS_PROBE_SERVERS_MAX];
	const struct ip_addr *server;
	unsigned n = read_servers(servers);
	uint8_t question[DNS_PROBE_BYTES_MAX];
	size_t bytes;

	end_question(probes);
	if (n == 0) {
		fail(probes, PROBE_DNS, "", "/etc/resolv.conf names no server");
		return;
	}
	server = &servers[probes->dns_asked++ % n];
	ip_addr_str(server, probes->dns_server);
	fail(probes, PROBE_DNS, probes->dns_server, "does not answer");
	if (getrandom(&probes->dns_id, sizeof(probes->dns_id), 0) != sizeof(probes->dns_id))
		return;
	bytes = dns_probe_ask(
		question, probes->dns_id, probes->name[0] != '\0' ? probes->name : ".");
	probes->dns_fd = connect_to(server);
	if (probes->dns_fd < 0 || send(probes->dns_fd, question, bytes, 0) < 0) {
		fail(probes, PROBE_DNS, probes->dns_server, strerror(errno));
		return;
	}
	probes->answer = event_new(
		probes->router->base, probes->dns_fd, EV_READ | EV_PERSIST, on_answer, probes);
	if (probes->answer == NULL || event_add(probes->answer, NULL) != 0)
		end_question(probes);
}

// --- uplink ---

// One of a route's next routers has answered for itself since the trial began, or there is none to
// ask and the link is up.
static bool answers(struct probes *probes, const struct dp_nexthop *nexthop, bool is_due)
{
	struct router *router = probes->router;
	const struct interface *interface =
		interfaces_by_id(&router->interfaces, nexthop->interface);
	const struct neighbour *neighbour;
	char text[ADDR_STR_BYTES];

	if (interface == NULL)
		return false;
	if (nexthop->via.family == IP_NONE) {
		if (!interface_is_up(interface))
			fail(probes, PROBE_UPLINK, interface->config->name, "is down");
		return interface_is_up(interface);
	}
	neighbour =
		neighbour_table_find(router->neighbours.table, nexthop->interface, &nexthop->via);
	if (neighbour != NULL && neighbour->confirmed_ms > probes->began_ms)
		return true;
	fail(probes, PROBE_UPLINK, ip_addr_str(&nexthop->via, text), "does not answer");
	if (is_due)
		neighbours_probe(&router->neighbours, nexthop->interface, &nexthop->via);
	return false;
}

static void look_at_uplink(struct probes *probes, bool is_due)
{
	static const struct ip_prefix defaults[] = {{.addr.family = IP_V4}, {.addr.family = IP_V6}};
	unsigned n_there = 0, n_good = 0;

	for (unsigned i = 0; i < 2; i++) {
		struct rib_route is;
		bool is_good = false;

		if (!rib_find_active(probes->router->rib, &defaults[i], &is) ||
			is.route.kind != DP_ROUTE_UNICAST)
			continue;
		n_there++;
		for (unsigned k = 0; k < is.route.n_nexthops; k++)
			is_good |= answers(probes, &is.route.nexthops[k], is_due);
		n_good += is_good;
	}
	if (n_there == 0)
		fail(probes, PROBE_UPLINK, "", "there is no default route");
	else if (n_good == n_there)
		probation_report(&probes->state, PROBE_UPLINK, true, "");
}

// --- management ---

static void look_at_management(struct probes *probes)
{
	if (api_callers(probes->router->api) > probes->callers_before)
		probation_report(&probes->state, PROBE_MANAGEMENT, true, "");
	else
		fail(probes, PROBE_MANAGEMENT, "", "nobody who may change things has come");
}

// --- all of them ---

static bool is_open(const struct probes *probes, enum probe probe)
{
	return ((probes->state.asked & ~probes->state.passed) >> probe & 1) != 0;
}

static void on_turn(evutil_socket_t fd, short what, void *ctx)
{
	struct probes *probes = ctx;
	unsigned due = probation_tick(&probes->state, clock_now_ms());

	if ((due >> PROBE_DNS & 1) != 0)
		ask_dns(probes);
	if (is_open(probes, PROBE_UPLINK))
		look_at_uplink(probes, (due >> PROBE_UPLINK & 1) != 0);
	if (is_open(probes, PROBE_MANAGEMENT))
		look_at_management(probes);
	if (probation_has_passed(&probes->state))
		probes->passed(probes->ctx);
}

int probes_begin(struct probes *probes, unsigned asked, const char *name, struct error *err)
{
	static const struct timeval turn = {.tv_usec = TURN_MS * 1000};
	uint8_t question[DNS_PROBE_BYTES_MAX];

	if (name[0] != '\0' && dns_probe_ask(question, 0, name) == 0)
		return error_set(err, "'%s' is no name that could be asked for", name);
	snprintf(probes->name, sizeof(probes->name), "%s", name);
	probes->began_ms = clock_now_ms();
	probes->callers_before = api_callers(probes->router->api);
	probation_begin(&probes->state, asked, probes->began_ms);
	return event_add(probes->timer, &turn) == 0 ? 0 : error_set(err, "no memory for a timer");
}

void probes_end(struct probes *probes)
{
	event_del(probes->timer);
	end_question(probes);
	probation_end(&probes->state);
}

const struct probation *probes_state(const struct probes *probes)
{
	return &probes->state;
}

struct probes *probes_new(struct router *router, void (*passed)(void *ctx), void *ctx)
{
	struct probes *probes = calloc(1, sizeof(*probes));

	if (probes == NULL)
		return NULL;
	*probes = (struct probes){.router = router, .passed = passed, .ctx = ctx, .dns_fd = -1};
	probes->timer = event_new(router->base, -1, EV_PERSIST, on_turn, probes);
	if (probes->timer != NULL)
		return probes;
	free(probes);
	return NULL;
}

void probes_free(struct probes *probes)
{
	if (probes == NULL)
		return;
	end_question(probes);
	event_free(probes->timer);
	free(probes);
}
