// SPDX-License-Identifier: BSD-3-Clause
#include "control/dns/listen_udp.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cfg/base/clock.h"
#include "control/dns/sock_addr.h"

enum {
	BATCH = 64,
	TURNS_MAX = 4,	    // batches, then the rest of the loop has its turn
	QUERY_BYTES = 1024, // a question with EDNS has less; what is longer is cut, and malformed
	ANSWER_BYTES = 4096,
	CONTROL_BYTES = 64,
	NS_PER_MS = 1000000,
	NS_PER_US = 1000,
};

// What one batch is received into and sent from. One for all: the thread is at one place at a time.
struct batch {
	struct mmsghdr in[BATCH], out[BATCH];
	struct iovec in_bytes[BATCH], out_bytes[BATCH];
	struct sockaddr_storage peers[BATCH];
	_Alignas(struct cmsghdr) uint8_t control[BATCH][CONTROL_BYTES];
	uint8_t queries[BATCH][QUERY_BYTES];
	uint8_t answers[BATCH][ANSWER_BYTES];
};

struct listen_udp {
	struct front *front;
	struct dns_stats *stats;
	struct event *event;
	int fd;
	unsigned n_waiting;
	bool is_over;
	struct batch *batch;
};

static void free_if_over(struct listen_udp *listen)
{
	if (!listen->is_over || listen->n_waiting > 0)
		return;
	close(listen->fd);
	free(listen->batch);
	free(listen);
}

// The control message that came says which address was asked; sent back, from which to answer.
static void remember(struct asker *asker, const struct msghdr *head)
{
	asker->local_bytes = 0;
	for (struct cmsghdr *at = CMSG_FIRSTHDR(head); at != NULL;
		at = CMSG_NXTHDR((struct msghdr *)head, at)) {
		size_t n = at->cmsg_len - CMSG_LEN(0);

		if (n > sizeof(asker->local) ||
			!((at->cmsg_level == IPPROTO_IP && at->cmsg_type == IP_PKTINFO) ||
				(at->cmsg_level == IPPROTO_IPV6 && at->cmsg_type == IPV6_PKTINFO)))
			continue;
		memcpy(asker->local, CMSG_DATA(at), n);
		asker->local_bytes = (uint32_t)n;
	}
}

static void on_reply(const struct asker *asker, const uint8_t *answer, size_t bytes)
{
	struct listen_udp *listen = asker->transport;
	_Alignas(struct cmsghdr) uint8_t control[CONTROL_BYTES] = {0};
	struct iovec piece = {.iov_base = (void *)(uintptr_t)answer, .iov_len = bytes};
	struct msghdr head = {
		.msg_name = (void *)(uintptr_t)&asker->peer,
		.msg_namelen = asker->peer_bytes,
		.msg_iov = &piece,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *info = CMSG_FIRSTHDR(&head);

	listen->n_waiting--;
	if (bytes > 0 && !listen->is_over) {
		bool is_ip6 = asker->peer.ss_family == AF_INET6;

		info->cmsg_level = is_ip6 ? IPPROTO_IPV6 : IPPROTO_IP;
		info->cmsg_type = is_ip6 ? IPV6_PKTINFO : IP_PKTINFO;
		info->cmsg_len = CMSG_LEN(asker->local_bytes);
		memcpy(CMSG_DATA(info), asker->local, asker->local_bytes);
		head.msg_controllen = asker->local_bytes > 0 ? CMSG_SPACE(asker->local_bytes) : 0;
		if (sendmsg(listen->fd, &head, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			dns_stats_count(listen->stats, DNS_COUNT_DROP_SEND);
	}
	free_if_over(listen);
}

static void prepare(struct batch *batch)
{
	for (unsigned i = 0; i < BATCH; i++) {
		batch->in_bytes[i] = (struct iovec){batch->queries[i], QUERY_BYTES};
		batch->in[i].msg_hdr = (struct msghdr){
			.msg_name = &batch->peers[i],
			.msg_namelen = sizeof(batch->peers[i]),
			.msg_iov = &batch->in_bytes[i],
			.msg_iovlen = 1,
			.msg_control = batch->control[i],
			.msg_controllen = CONTROL_BYTES,
		};
	}
}

// Answers what can be answered at once. Returns how many messages of `out` are to be sent.
static unsigned answer_batch(struct listen_udp *listen, unsigned n, uint64_t now_ns)
{
	struct batch *batch = listen->batch;
	unsigned n_out = 0;

	for (unsigned i = 0; i < n; i++) {
		struct msghdr *head = &batch->in[i].msg_hdr;
		struct asker asker;
		size_t bytes = 0;

		asker.is_stream = false;
		asker.came_ns = now_ns;
		asker.reply = on_reply;
		asker.transport = listen;
		memcpy(&asker.peer, &batch->peers[i], head->msg_namelen);
		asker.peer_bytes = head->msg_namelen;
		sock_addr_get(&asker.peer, &asker.client);
		remember(&asker, head);
		switch (front_ask(listen->front, batch->queries[i], batch->in[i].msg_len, &asker,
			now_ns / NS_PER_MS, batch->answers[n_out], ANSWER_BYTES, &bytes)) {
		case FRONT_ANSWERED:
			batch->out_bytes[n_out] = (struct iovec){batch->answers[n_out], bytes};
			batch->out[n_out].msg_hdr = *head; // the same peer, from the same address
			batch->out[n_out].msg_hdr.msg_iov = &batch->out_bytes[n_out];
			batch->out[n_out].msg_hdr.msg_flags = 0;
			n_out++;
			break;
		case FRONT_WAITS:
			listen->n_waiting++;
			break;
		case FRONT_DROPPED:
			break;
		}
	}
	return n_out;
}

static void send_batch(struct listen_udp *listen, unsigned n)
{
	unsigned sent = 0;

	while (sent < n) {
		int rc = sendmmsg(listen->fd, listen->batch->out + sent, n - sent,
			MSG_DONTWAIT | MSG_NOSIGNAL);

		if (rc <= 0) { // the first of them cannot be sent: the others may
			dns_stats_count(listen->stats, DNS_COUNT_DROP_SEND);
			rc = 1;
		}
		sent += (unsigned)rc;
	}
}

static void on_readable(evutil_socket_t fd, short what, void *ctx)
{
	struct listen_udp *listen = ctx;

	for (unsigned turn = 0; turn < TURNS_MAX; turn++) {
		uint64_t began_ns, took_us;
		unsigned n_out;
		int n;

		prepare(listen->batch);
		n = recvmmsg(fd, listen->batch->in, BATCH, MSG_DONTWAIT, NULL);
		if (n <= 0)
			return;
		began_ns = clock_now_ns();
		pthread_mutex_lock(&listen->stats->lock);
		n_out = answer_batch(listen, (unsigned)n, began_ns);
		send_batch(listen, n_out);
		took_us = (clock_now_ns() - began_ns) / NS_PER_US;
		for (unsigned i = 0; i < n_out; i++)
			dns_stats_time(&listen->stats->hit_times, took_us);
		pthread_mutex_unlock(&listen->stats->lock);
		if (n < BATCH)
			return;
	}
}

struct listen_udp *listen_udp_new(
	struct front *front, struct event_base *base, struct dns_stats *stats, int fd)
{
	struct listen_udp *listen = calloc(1, sizeof(*listen));

	if (listen == NULL) {
		close(fd);
		return NULL;
	}
	listen->front = front;
	listen->stats = stats;
	listen->fd = fd;
	listen->batch = calloc(1, sizeof(*listen->batch));
	listen->event = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, listen);
	if (listen->batch == NULL || listen->event == NULL || event_add(listen->event, NULL) != 0) {
		listen_udp_free(listen);
		return NULL;
	}
	return listen;
}

void listen_udp_free(struct listen_udp *listen)
{
	if (listen == NULL)
		return;
	if (listen->event != NULL)
		event_free(listen->event);
	listen->event = NULL;
	listen->is_over = true;
	free_if_over(listen);
}
