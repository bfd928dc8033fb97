// SPDX-License-Identifier: BSD-3-Clause
// Numbered datagrams, many a second, for labs: who receives tells how many different ones came.
//
//     numbered send ADDRESS PORT RATE     until SIGINT; {"sent"}
//     numbered receive ADDRESS PORT       the same; {"received", "repeated"}
//
// A sender that had no processor for a while does not catch up: that would be a flood that no host
// of such a rate sends. IPv4.
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	BURST = 32,
	BEHIND_MAX = 64,
	PAYLOAD_BYTES = 22,	 // a frame of 64
	NUMBERS_MAX = 256 << 20, // bits: 32 MiB
	RECEIVE_BUFFER = 64 << 20,
	REST_US = 100,
};

static volatile sig_atomic_t is_over;

static void on_signal(int signum)
{
	is_over = 1;
}

struct burst {
	uint8_t payloads[BURST][PAYLOAD_BYTES];
	struct iovec parts[BURST];
	struct mmsghdr messages[BURST];
};

static void burst_init(struct burst *burst)
{
	*burst = (struct burst){0};
	for (unsigned i = 0; i < BURST; i++) {
		burst->parts[i] = (struct iovec){burst->payloads[i], PAYLOAD_BYTES};
		burst->messages[i].msg_hdr =
			(struct msghdr){.msg_iov = &burst->parts[i], .msg_iovlen = 1};
	}
}

static double now_sec(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int send_all(int fd, double rate)
{
	double began = now_sec();
	uint64_t sent = 0;
	struct burst burst;

	burst_init(&burst);
	puts("sending");
	fflush(stdout);
	while (!is_over) {
		double behind = (now_sec() - began) * rate - (double)sent;
		unsigned n = behind < BURST ? (unsigned)(behind > 0 ? behind : 0) : BURST;
		int done;

		if (behind > BEHIND_MAX)
			began += (behind - BEHIND_MAX) / rate;
		if (n == 0) {
			usleep(REST_US);
			continue;
		}
		for (unsigned i = 0; i < n; i++) {
			uint64_t number = sent + i;

			memcpy(burst.payloads[i], &number, sizeof(number));
		}
		done = sendmmsg(fd, burst.messages, n, 0);
		if (done > 0)
			sent += (unsigned)done;
	}
	printf("{\"sent\": %" PRIu64 "}\n", sent);
	return EXIT_SUCCESS;
}

static int receive_all(int fd)
{
	uint8_t *is_there = calloc(NUMBERS_MAX / 8, 1);
	uint64_t received = 0, repeated = 0, number;
	struct burst burst;

	if (is_there == NULL)
		return EXIT_FAILURE;
	burst_init(&burst);
	puts("receiving");
	fflush(stdout);
	while (!is_over) {
		int n = recvmmsg(fd, burst.messages, BURST, MSG_WAITFORONE, NULL);

		for (int i = 0; i < n; i++) {
			memcpy(&number, burst.payloads[i], sizeof(number));
			if (number >= NUMBERS_MAX)
				continue;
			repeated += is_there[number / 8] >> number % 8 & 1;
			received += !(is_there[number / 8] >> number % 8 & 1);
			is_there[number / 8] |= (uint8_t)(1 << number % 8);
		}
	}
	printf("{\"received\": %" PRIu64 ", \"repeated\": %" PRIu64 "}\n", received, repeated);
	free(is_there);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = on_signal}; // a call that waits is to end by it
	struct sockaddr_in at = {.sin_family = AF_INET};
	bool sends = argc == 5 && strcmp(argv[1], "send") == 0;
	int fd = socket(AF_INET, SOCK_DGRAM, 0), bytes = RECEIVE_BUFFER;

	if ((!sends && (argc != 4 || strcmp(argv[1], "receive") != 0)) ||
		inet_pton(AF_INET, argv[2], &at.sin_addr) != 1) {
		fputs("numbered send ADDRESS PORT RATE | receive ADDRESS PORT\n", stderr);
		return EXIT_FAILURE;
	}
	at.sin_port = htons((uint16_t)strtoul(argv[3], NULL, 10));
	sigaction(SIGINT, &action, NULL);
	if (!sends)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
	if ((sends ? connect : bind)(fd, (struct sockaddr *)&at, sizeof(at)) != 0) {
		perror("numbered");
		return EXIT_FAILURE;
	}
	return sends ? send_all(fd, strtod(argv[4], NULL)) : receive_all(fd);
}
