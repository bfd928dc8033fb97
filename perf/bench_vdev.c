// SPDX-License-Identifier: BSD-3-Clause
#include "perf/bench_vdev.h"

#include <getopt.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_cycles.h>

#include "cfg/base/log.h"
#include "perf/bench_capture.h"
#include "perf/bench_nat.h"

enum {
	VDEV_FLOWS_MAX = 4000000,
	MBUFS_SPARE = 8192, // beside those that hold the file
	RESERVE_MB = 192,
	WARM_UP_MS = 500, // all flows have begun
	SECONDS_DEFAULT = 3,
	SECONDS_MAX = 600,
	WINDOW_MS = 50,
	PCAP_HEADER_BYTES = 24,
	PCAP_RECORD_BYTES = 16,
};

struct vdev_options {
	const char *rx, *tx;
	long seconds;
	long core;
	bool allows_huge;
	bool captures; // every other window, by a filter that matches nothing
};

// "net_pcap0,rx_pcap=FILE,infinite_rx=1" as DPDK writes it. `text` is cut into pieces and kept.
static int spec_parse(char *text, struct port_spec *spec)
{
	char *save = NULL;
	const char *driver = strtok_r(text, ",", &save);
	const char *arg;

	if (driver != NULL && strncmp(driver, "net_pcap", 8) == 0)
		spec->driver = PORT_DRIVER_PCAP;
	else if (driver != NULL && strncmp(driver, "net_null", 8) == 0)
		spec->driver = PORT_DRIVER_NULL;
	else
		return -1;
	while ((arg = strtok_r(NULL, ",", &save)) != NULL) {
		if (spec->driver != PORT_DRIVER_PCAP)
			return -1;
		if (strncmp(arg, "rx_pcap=", 8) == 0)
			spec->pcap_rx = arg + 8;
		else if (strncmp(arg, "tx_pcap=", 8) == 0)
			spec->pcap_tx = arg + 8;
		else if (strcmp(arg, "infinite_rx=1") == 0)
			spec->pcap_repeat = true;
		else
			return -1;
	}
	return 0;
}

// How many minimal frames a file can hold at most: net_pcap keeps each in a buffer.
static uint32_t file_pkts(const char *path)
{
	FILE *f = path != NULL ? fopen(path, "re") : NULL;
	long bytes = 0;

	if (f != NULL && fseek(f, 0, SEEK_END) == 0)
		bytes = ftell(f);
	if (f != NULL)
		fclose(f);
	if (bytes <= PCAP_HEADER_BYTES)
		return 0;
	return (uint32_t)RTE_MIN((bytes - PCAP_HEADER_BYTES) / (PCAP_RECORD_BYTES + FRAME4_BYTES),
		(long)VDEV_FLOWS_MAX);
}

// The clocks of one window and a packet; infinite where nothing came out.
static double window_measure(struct dataplane *dp, struct dp_interface_stats *out)
{
	uint64_t before, start, stop;

	dataplane_interface_stats(dp, WAN, out);
	before = out->tx_packets;
	start = rte_rdtsc();
	usleep(WINDOW_MS * 1000);
	dataplane_interface_stats(dp, WAN, out);
	stop = rte_rdtsc();
	return (double)(stop - start) / (double)(out->tx_packets - before);
}

// Windows in pairs, with and without a capture: what is said is the median of the pairs' ratios.
static int captures_measure(struct dataplane *dp, unsigned n, struct error *err)
{
	static double ratio[SECONDS_MAX * 1000 / WINDOW_MS];
	struct dp_capture_counts counts, sum = {0};
	struct dp_interface_stats out, before;

	dataplane_interface_stats(dp, WAN, &before);
	out = before;
	for (unsigned i = 0; i < n / 2; i++) {
		double without = window_measure(dp, &out);

		if (bench_capture_start(dp, false, err) < 0)
			return -1;
		ratio[i] = window_measure(dp, &out) / without;
		dataplane_capture_counts(dp, 0, &counts);
		dataplane_capture_free(dp, 0);
		sum.unseen += counts.unseen;
	}
	qsort(ratio, n / 2, sizeof(*ratio), bench_compare_double);
	printf("captured by a filter that matches nothing: %.3f x the clocks of a packet (median "
	       "of "
	       "%u pairs of windows, best %.3f); %.0f %% of the looks were left out\n",
		ratio[n / 4], n / 2, ratio[0],
		100.0 * (double)sum.unseen / (double)(out.tx_packets - before.tx_packets));
	return 0;
}

// Clocks per packet of each window, sorted; infinite where nothing came out. Another process on the
// core hits single windows, so their median says more than the whole.
static void windows_measure(
	struct dataplane *dp, unsigned n, double *clk, struct dp_interface_stats *out)
{
	uint64_t tsc = rte_rdtsc();

	dataplane_interface_stats(dp, WAN, out);
	for (unsigned i = 0; i < n; i++) {
		uint64_t before = out->tx_packets;
		uint64_t start = tsc;

		usleep(WINDOW_MS * 1000);
		dataplane_interface_stats(dp, WAN, out);
		tsc = rte_rdtsc();
		clk[i] = (double)(tsc - start) / (double)(out->tx_packets - before);
	}
	qsort(clk, n, sizeof(*clk), bench_compare_double);
}

static int world_measure(struct bench_world *world, const struct vdev_options *o, struct error *err)
{
	static double clk[SECONDS_MAX * 1000 / WINDOW_MS];
	struct dp_interface_stats in, out;
	double mhz = (double)rte_get_tsc_hz() / 1e6;
	char drops[320];
	unsigned n = (unsigned)o->seconds * 1000 / WINDOW_MS;

	if (dataplane_start(world->dp, err) < 0)
		return -1;
	usleep(WARM_UP_MS * 1000);
	windows_measure(world->dp, n, clk, &out);
	if (o->captures && captures_measure(world->dp, n, err) < 0)
		return -1;
	dataplane_stop(world->dp);
	dataplane_interface_stats(world->dp, LAN, &in);
	dataplane_interface_stats(world->dp, WAN, &out);
	bench_world_describe_drops(&world->target, drops, sizeof(drops));
	if (isinf(clk[n / 2]))
		return error_set(err,
			"most of the time nothing came out, %llu packets went in; counted: %s",
			(unsigned long long)in.rx_packets, drops);
	printf("%.2f Mpps, %.1f clk per packet end to end (median of %u windows of %d ms, best "
	       "%.1f; "
	       "TSC %.0f MHz); %llu in, %llu out%s%s\n",
		mhz / clk[n / 2], clk[n / 2], n, WINDOW_MS, clk[0], mhz,
		(unsigned long long)in.rx_packets, (unsigned long long)out.tx_packets,
		drops[0] != '\0' ? "; counted: " : "", drops);
	return 0;
}

static int vdev_run(
	const struct vdev_options *o, struct port_spec *rx, struct port_spec *tx, struct error *err)
{
	uint32_t n_pkts = file_pkts(rx->pcap_rx);
	const struct drivers_options drivers = {
		.try_hugepages = o->allows_huge,
		.n_mbufs = n_pkts + MBUFS_SPARE,
		.mtu_max = 1500,
		.reserve_bytes = (uint64_t)RESERVE_MB << 20,
		.main_core = -1,
	};
	struct port *rx_port, *tx_port = NULL;
	struct bench_policy policy;
	struct bench_world world;
	int rc = -1;

	bench_policy_init(&policy, BENCH_MASQUERADE);

	if (drivers_start(&drivers, err) < 0)
		return -1;
	rx_port = port_open(rx, err);
	if (rx_port != NULL)
		tx_port = port_open(tx, err);
	if (tx_port != NULL && bench_world_init(&world, n_pkts, (int)o->core, err) == 0) {
		rc = nat_network_make(&world, rx_port, tx_port, &policy, err);
		if (rc == 0)
			rc = world_measure(&world, o, err);
		bench_world_fini(&world);
	}
	port_close(tx_port);
	port_close(rx_port);
	drivers_stop();
	return rc;
}

static int options_parse(int argc, char **argv, struct vdev_options *o)
{
	static const struct option longs[] = {
		{"vdev-rx", required_argument, NULL, 'r'},
		{"vdev-tx", required_argument, NULL, 't'},
		{"seconds", required_argument, NULL, 's'},
		{"core", required_argument, NULL, 'c'},
		{"no-huge", no_argument, NULL, 'H'},
		{"capture", no_argument, NULL, 'C'},
		{0},
	};
	int option;

	*o = (struct vdev_options){.seconds = SECONDS_DEFAULT,
		.core = sysconf(_SC_NPROCESSORS_ONLN) - 1,
		.allows_huge = true};
	while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		int rc = 0;

		if (option == 'r')
			o->rx = optarg;
		else if (option == 't')
			o->tx = optarg;
		else if (option == 's')
			rc = bench_parse_number("seconds", optarg, 1, SECONDS_MAX, &o->seconds);
		else if (option == 'c')
			rc = bench_parse_number("core", optarg, 0, CPU_SETSIZE - 1, &o->core);
		else if (option == 'H')
			o->allows_huge = false;
		else if (option == 'C')
			o->captures = true;
		else
			rc = -1;
		if (rc < 0)
			return -1;
	}
	return optind == argc && o->rx != NULL && o->tx != NULL ? 0 : -1;
}

int bench_vdev_main(int argc, char **argv)
{
	struct port_spec rx = {.name = "lan"}, tx = {.name = "wan", .is_outside = true};
	struct vdev_options o;
	struct error err = {0};

	if (options_parse(argc, argv, &o) < 0 || spec_parse((char *)(uintptr_t)o.rx, &rx) < 0 ||
		spec_parse((char *)(uintptr_t)o.tx, &tx) < 0) {
		fprintf(stderr,
			"Usage: perf/bench vdev --vdev-rx net_pcap0,rx_pcap=FILE,infinite_rx=1\n"
			"       --vdev-tx net_null0 [--seconds N] [--core N] [--no-huge]\n"
			"       [--capture]\n");
		return 2;
	}
	log_set_level(LOG_LEVEL_WARNING);
	if (vdev_run(&o, &rx, &tx, &err) < 0) {
		fprintf(stderr, "bench: %s\n", err.text);
		return 1;
	}
	return 0;
}
