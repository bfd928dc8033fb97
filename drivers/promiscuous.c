// SPDX-License-Identifier: BSD-3-Clause
#include "drivers/promiscuous.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rte_malloc.h>

#include "drivers/port_private.h"

static uint16_t keep_ours(uint16_t port_id, uint16_t queue, struct rte_mbuf **pkts, uint16_t n,
	uint16_t max, void *arg)
{
	const struct port *port = arg;
	const struct rte_ether_addr *own = (const struct rte_ether_addr *)port->info.mac.bytes;
	uint16_t kept = 0;

	for (uint16_t i = 0; i < n; i++) {
		const struct rte_ether_hdr *eth =
			rte_pktmbuf_mtod(pkts[i], const struct rte_ether_hdr *);

		if (rte_is_multicast_ether_addr(&eth->dst_addr) ||
			rte_is_same_ether_addr(&eth->dst_addr, own))
			pkts[kept++] = pkts[i];
		else
			rte_pktmbuf_free(pkts[i]);
	}
	return kept;
}

static int filter_hosts(struct port *port)
{
	for (uint16_t q = 0; q < port->info.n_rxq; q++) {
		if (port->host_filters[q] == NULL)
			port->host_filters[q] =
				rte_eth_add_rx_callback(port->info.dpdk_port, q, keep_ours, port);
		if (port->host_filters[q] == NULL)
			return -rte_errno;
	}
	return 0;
}

// A membership and no flag of the netdev: it ends with its socket, even if we are killed.
static int join(int ifindex)
{
	const struct packet_mreq all = {.mr_ifindex = ifindex, .mr_type = PACKET_MR_PROMISC};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0); // protocol 0: receives nothing
	int rc = 0;

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof(all)) == 0)
		return fd;
	rc = -errno;
	close(fd);
	return rc;
}

int promiscuous_begin(struct port *port, struct error *err)
{
	int rc;

	if (port->promiscuous_fd >= 0)
		return 0;
	rc = filter_hosts(port);
	if (rc == 0)
		rc = port->promiscuous_fd = join(port->netdev.ifindex);
	return rc < 0 ? error_set(err, "%s does not become promiscuous: %s", port->info.netdev,
				strerror(-rc))
		      : 0;
}

// The callbacks stay: workers may be in them, and they cost little.
void promiscuous_end(struct port *port)
{
	if (port->promiscuous_fd >= 0)
		close(port->promiscuous_fd);
	port->promiscuous_fd = -1;
}

void promiscuous_remove(struct port *port)
{
	promiscuous_end(port);
	for (uint16_t q = 0; q < PORT_QUEUES_MAX; q++) {
		const struct rte_eth_rxtx_callback *filter = port->host_filters[q];

		if (filter != NULL &&
			rte_eth_remove_rx_callback(port->info.dpdk_port, q, filter) == 0)
			rte_free((void *)(uintptr_t)filter);
		port->host_filters[q] = NULL;
	}
}
