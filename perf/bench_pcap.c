// SPDX-License-Identifier: BSD-3-Clause
// A capture file (the classic format, libpcap's savefile(5)) with one minimal UDP frame of each
// flow, from the LAN, in random order. UDP, so that a router that tracks TCP needs no handshake.
#include <getopt.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "perf/bench_nat.h"
#include "perf/bench_vdev.h"

enum {
	FLOWS_DEFAULT = 10000,
	FLOWS_MAX = 4000000,
	PCAP_SNAPLEN = 65535,
	PCAP_LINKTYPE_ETHERNET = 1,
};

static const uint32_t pcap_magic = 0xa1b2c3d4;

struct pcap_file_header {
	uint32_t magic;
	uint16_t version_major, version_minor;
	int32_t zone;
	uint32_t sigfigs, snaplen, linktype;
};

struct pcap_record_header {
	uint32_t sec, usec, captured_bytes, wire_bytes;
};

static int frames_write(FILE *f, uint32_t n_flows)
{
	const struct pcap_file_header header = {
		pcap_magic, 2, 4, 0, 0, PCAP_SNAPLEN, PCAP_LINKTYPE_ETHERNET};
	uint32_t *order = malloc(n_flows * sizeof(*order));
	uint64_t seed = 88172645463325252;
	int rc = -1;

	if (order == NULL)
		return -1;
	bench_shuffle(order, n_flows, &seed);
	if (fwrite(&header, sizeof(header), 1, f) != 1)
		goto out;
	for (uint32_t i = 0; i < n_flows; i++) {
		const struct pcap_record_header record = {
			0, i % 1000000, FRAME4_BYTES, FRAME4_BYTES};
		struct nat_flow flow = nat_flow_make(order[i], &seed);
		struct bench_frame frame;

		flow.protocol = IPPROTO_UDP;
		nat_frame(&flow, order[i], LAN, false, 0, &frame);
		if (fwrite(&record, sizeof(record), 1, f) != 1 ||
			fwrite(&frame, FRAME4_BYTES, 1, f) != 1)
			goto out;
	}
	rc = 0;
out:
	free(order);
	return rc;
}

int bench_pcap_main(int argc, char **argv)
{
	static const struct option longs[] = {
		{"flows", required_argument, NULL, 'f'},
		{0},
	};
	long n_flows = FLOWS_DEFAULT;
	int option, rc;
	FILE *f;

	while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (option != 'f' ||
			bench_parse_number("flows", optarg, 1, FLOWS_MAX, &n_flows) < 0)
			return 2;
	}
	if (optind + 1 != argc) {
		fprintf(stderr, "Usage: perf/bench make-pcap FILE [--flows N]\n");
		return 2;
	}
	f = fopen(argv[optind], "we");
	rc = f != NULL ? frames_write(f, (uint32_t)n_flows) : -1;
	if (f != NULL && fclose(f) != 0)
		rc = -1;
	if (rc < 0) {
		fprintf(stderr, "bench: cannot write %s\n", argv[optind]);
		return 1;
	}
	printf("%s: %ld flows; the router's MAC is 02:00:00:00:00:01, the LAN 198.18.0.0/16\n",
		argv[optind], n_flows);
	return 0;
}
