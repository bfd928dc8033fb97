// SPDX-License-Identifier: BSD-3-Clause
#include "perf/traffic.h"

#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

enum {
	POOL_MBUFS = 16384,
	RING_PKTS = 1024,
	LINK_WAIT_MS = 10000,
	EAL_ARGS_MAX = 16,
	ARG_BYTES = 320,
};

static volatile bool is_stopped;

static void on_signal(int signum)
{
	is_stopped = true;
}

struct options {
	const char *device[2]; // as --vdev takes it, the LAN's first
	const char *frames[2];
	double rate, seconds, warm, rest_us;
	long core;
	bool allows_huge;
};

static void usage(FILE *to)
{
	fprintf(to,
		"Usage: millrace-traffic --lan VDEV --wan VDEV [--lan-frames FILE] [--wan-frames "
		"FILE]\n"
		"           [--rate PPS] [--seconds S] [--warm S] [--core N] [--rest US] "
		"[--no-huge]\n"
		"Sends what is in the capture files into the DPDK devices, at that rate (0, the\n"
		"default: as fast as it can), and prints as JSON what came out of the other one,\n"
		"and how long each frame was on its way. The last 16 bytes of each frame are\n"
		"overwritten with the time. SIGINT ends it early. With --rest it sleeps so long\n"
		"after each turn, and leaves the core to others.\n");
}

static int number_parse(const char *name, const char *text, double min, double max, double *value)
{
	char *end;

	*value = strtod(text, &end);
	if (end == text || *end != '\0' || !(*value >= min && *value <= max)) {
		fprintf(stderr, "traffic: --%s is a number from %g to %g, not %s\n", name, min, max,
			text);
		return -1;
	}
	return 0;
}

// 0, or the exit status.
static int options_parse(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{"lan", required_argument, NULL, 'l'},
		{"wan", required_argument, NULL, 'w'},
		{"lan-frames", required_argument, NULL, 'L'},
		{"wan-frames", required_argument, NULL, 'W'},
		{"rate", required_argument, NULL, 'r'},
		{"seconds", required_argument, NULL, 's'},
		{"warm", required_argument, NULL, 'm'},
		{"core", required_argument, NULL, 'c'},
		{"rest", required_argument, NULL, 'R'},
		{"no-huge", no_argument, NULL, 'n'},
		{0},
	};
	double core = 0;
	int option, rc = 0;

	while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1 && rc == 0) {
		if (option == 'l' || option == 'w')
			o->device[option == 'w'] = optarg;
		else if (option == 'L' || option == 'W')
			o->frames[option == 'W'] = optarg;
		else if (option == 'r')
			rc = number_parse("rate", optarg, 0, 1e9, &o->rate);
		else if (option == 's')
			rc = number_parse("seconds", optarg, 0.01, 3600, &o->seconds);
		else if (option == 'm')
			rc = number_parse("warm", optarg, 0, 3600, &o->warm);
		else if (option == 'c')
			rc = number_parse("core", optarg, 0, CPU_SETSIZE - 1, &core);
		else if (option == 'R')
			rc = number_parse("rest", optarg, 0, 1e6, &o->rest_us);
		else if (option == 'n')
			o->allows_huge = false;
		else
			rc = -1;
	}
	o->core = (long)core;
	if (rc == 0 && optind == argc && o->device[0] != NULL && o->device[1] != NULL &&
		(o->frames[0] != NULL || o->frames[1] != NULL))
		return 0;
	if (rc == 0)
		usage(stderr);
	return 2;
}

static int eal_start(const struct options *o)
{
	static char lan[ARG_BYTES], wan[ARG_BYTES], lcore[32];
	char *args[EAL_ARGS_MAX] = {"millrace-traffic", "--no-pci", "--no-telemetry",
		"--log-level=error", lcore, lan, wan};
	int n = 7;

	snprintf(lcore, sizeof(lcore), "--lcores=0@%ld", o->core);
	if (snprintf(lan, sizeof(lan), "--vdev=%s", o->device[0]) >= (int)sizeof(lan) ||
		snprintf(wan, sizeof(wan), "--vdev=%s", o->device[1]) >= (int)sizeof(wan)) {
		fprintf(stderr, "traffic: a device's arguments are too long\n");
		return -1;
	}
	if (o->allows_huge) {
		args[n++] = "--in-memory";
	} else {
		args[n++] = "--no-shconf";
		args[n++] = "--no-huge";
		args[n++] = "-m";
		args[n++] = "128";
	}
	return rte_eal_init(n, args) < 0 ? -1 : 0;
}

static int port_start(uint16_t port, struct rte_mempool *pool)
{
	struct rte_eth_conf conf = {0};
	int rc = rte_eth_dev_configure(port, 1, 1, &conf);

	if (rc == 0)
		rc = rte_eth_rx_queue_setup(port, 0, RING_PKTS, SOCKET_ID_ANY, NULL, pool);
	if (rc == 0)
		rc = rte_eth_tx_queue_setup(port, 0, RING_PKTS, SOCKET_ID_ANY, NULL);
	if (rc == 0)
		rc = rte_eth_dev_start(port);
	if (rc < 0) {
		fprintf(stderr, "traffic: device %u does not start: %s\n", port, strerror(-rc));
		return -1;
	}
	rte_eth_promiscuous_enable(port); // what cannot be is told what it receives by its wire
	return 0;
}

static int link_wait(uint16_t port)
{
	struct rte_eth_link link;

	for (int ms = 0; ms < LINK_WAIT_MS; ms++) {
		if (rte_eth_link_get_nowait(port, &link) == 0 &&
			link.link_status == RTE_ETH_LINK_UP)
			return 0;
		rte_delay_us_sleep(1000);
	}
	fprintf(stderr, "traffic: device %u has no link\n", port);
	return -1;
}

static void print_result(const struct traffic_result *result)
{
	const struct histogram *latency = &result->latency_clk;
	double ns = 1e9 / (double)rte_get_tsc_hz();

	printf("{\"seconds\": %.6f, \"sent\": %lu, \"refused\": %lu, \"received\": %lu,\n"
	       " \"disordered\": %lu,\n",
		result->seconds, result->sent, result->refused, result->received,
		result->disordered);
	printf(" \"timed\": %lu, \"latency_ns\": {\"p50\": %.0f, \"p99\": %.0f, \"p99.9\": %.0f, "
	       "\"max\": %.0f},\n",
		latency->n, (double)histogram_permille(latency, 500) * ns,
		(double)histogram_permille(latency, 990) * ns,
		(double)histogram_permille(latency, 999) * ns, (double)latency->max * ns);
	printf(" \"pauses\": {\"count\": %lu, \"seconds\": %.6f, \"longest_seconds\": %.6f}}\n",
		result->pause_count, (double)result->pause_clk * ns / 1e9,
		(double)result->pause_max_clk * ns / 1e9);
}

static int measure(const struct options *o)
{
	static struct traffic_result result;
	struct traffic_plan plan = {.rate = o->rate,
		.warm_sec = o->warm,
		.count_sec = o->seconds,
		.rest_us = (unsigned)o->rest_us,
		.is_stopped = &is_stopped};
	struct traffic_side sides[2] = {{.port = 0}, {.port = 1}};
	struct rte_mempool *pool = rte_pktmbuf_pool_create(
		"traffic", POOL_MBUFS, 256, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	int rc = -1;

	if (pool == NULL || rte_eth_dev_count_avail() != 2) {
		fprintf(stderr, "traffic: no memory for buffers, or a device that is none\n");
		return -1;
	}
	for (unsigned i = 0; i < 2; i++) {
		if ((o->frames[i] != NULL &&
			    traffic_frames_read(o->frames[i], &sides[i].frames) < 0) ||
			port_start(sides[i].port, pool) < 0)
			goto out;
	}
	if (link_wait(sides[0].port) < 0 || link_wait(sides[1].port) < 0)
		goto out;
	signal(SIGINT, on_signal);
	rc = traffic_run(&plan, sides, pool, &result);
	if (rc == 0)
		print_result(&result);
out:
	for (unsigned i = 0; i < 2; i++) {
		traffic_frames_free(&sides[i].frames);
		rte_eth_dev_stop(sides[i].port);
		rte_eth_dev_close(sides[i].port);
	}
	return rc;
}

int main(int argc, char **argv)
{
	struct options o = {.seconds = 1, .allows_huge = true};
	int rc = options_parse(argc, argv, &o);

	if (rc != 0)
		return rc;
	if (eal_start(&o) < 0) {
		fprintf(stderr, "traffic: DPDK does not start with these devices\n");
		return 1;
	}
	rc = measure(&o) < 0 ? 1 : 0;
	rte_eal_cleanup();
	return rc;
}
