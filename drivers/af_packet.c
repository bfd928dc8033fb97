// SPDX-License-Identifier: BSD-3-Clause
// A netdev through packet sockets: works everywhere, copies every frame, one system call a burst.
//
// The DPDK driver makes its sockets in a way a router cannot use: it joins them to a fanout group
// that reassembles IP fragments, so that a fragmented packet arrives as one frame larger than any
// buffer; and it sees what others send on the netdev. Neither can be changed afterwards, so each
// socket is replaced under its file descriptor and its ring mapping by one that we made: the
// driver goes on reading and writing the same ring layout at the same address.
//
// Fanout here is by bucket (drivers/steering.h), computed by a classic BPF program in the kernel:
// a bucket arrives on queue steering_worker(bucket, n), as with RSS. It is no promise, though
// (steers_by_rss stays false): while the kernel joins the sockets again, after the netdev went
// down and up, packets stray for a moment.
#include "drivers/port_private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cfg/base/log.h"
#include "drivers/eal.h"
#include "drivers/fanout.h"
#include "drivers/steering.h"

enum {
	PAGE = 4096,
	FRAME_HEAD = 66, // tpacket2_hdr, sockaddr_ll and alignment in front of a received frame
	FRAME_ALIGN = 256,
	BLOCK_MAX = 256 * 1024,
	FRAMES_PER_PORT = 2048, // spread over its queues
	FRAMES_MIN = 512,
};

// A frame that holds an MTU's packet. The driver takes frame i at i * size, so frames must fill
// blocks to the last byte; blocks are whole pages, which the kernel rounds up to a power of two.
static struct tpacket_req ring_shape(uint16_t mtu, uint16_t n_queues)
{
	uint32_t frame = FRAME_HEAD + mtu + EAL_FRAME_OVERHEAD;
	uint32_t frames = FRAMES_PER_PORT / n_queues;
	uint32_t best = 16;
	uint64_t best_fill = 0;

	frame = (frame + FRAME_ALIGN - 1) / FRAME_ALIGN * FRAME_ALIGN;
	if (frame < 2048)
		frame = 2048;
	for (uint32_t k = 1; k * frame <= BLOCK_MAX; k++) {
		uint32_t whole = PAGE;

		if (k * frame % PAGE != 0)
			continue;
		while (whole < k * frame)
			whole *= 2;
		if (1000ull * k * frame / whole >= best_fill) {
			best_fill = 1000ull * k * frame / whole;
			best = k;
		}
	}
	if (frames < FRAMES_MIN)
		frames = FRAMES_MIN;
	frames = (frames + best - 1) / best * best;
	return (struct tpacket_req){
		.tp_block_size = best * frame,
		.tp_block_nr = frames / best,
		.tp_frame_size = frame,
		.tp_frame_nr = frames,
	};
}

static int set(int fd, int name, const void *value, size_t bytes)
{
	return setsockopt(fd, SOL_PACKET, name, value, (socklen_t)bytes) < 0 ? -errno : 0;
}

// A socket like the driver's own, mapped where that one is and put under its descriptor. It
// receives nothing before fanout_join has bound it.
static int replace_socket(const struct pmd_socket *old, const struct tpacket_req *ring)
{
	const int version = TPACKET_V2;
	const int on = 1;
	// So that a burst never stays in the ring for want of socket memory: nothing would send it
	// on before the next one.
	const int sndbuf = (int)(2 * ring->tp_block_size * ring->tp_block_nr);
	struct pmd_mapping maps[PMD_MAPPINGS_MAX];
	size_t bytes = (size_t)2 * ring->tp_block_size * ring->tp_block_nr;
	int fd;
	int rc;

	if (pmd_socket_mappings(old, maps) != 1 || maps[0].bytes != bytes)
		return -EPROTO;
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if ((rc = set(fd, PACKET_VERSION, &version, sizeof(version))) < 0 ||
		(rc = set(fd, PACKET_LOSS, &on, sizeof(on))) < 0 ||
		(rc = set(fd, PACKET_QDISC_BYPASS, &on, sizeof(on))) < 0 ||
		(rc = set(fd, PACKET_IGNORE_OUTGOING, &on, sizeof(on))) < 0 ||
		(rc = set(fd, PACKET_RX_RING, ring, sizeof(*ring))) < 0 ||
		(rc = set(fd, PACKET_TX_RING, ring, sizeof(*ring))) < 0)
		goto out;
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &sndbuf, sizeof(sndbuf));
	if (mmap(maps[0].addr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_LOCKED | MAP_FIXED,
		    fd, 0) == MAP_FAILED ||
		dup2(fd, old->fd) < 0)
		rc = -errno;
out:
	close(fd);
	return rc;
}

static int replace_sockets(struct port *port, const struct port_spec *spec,
	const struct tpacket_req *ring, struct error *err)
{
	int fds[PORT_QUEUES_MAX];
	int rc = 0;

	if (port->sockets.n != port->info.n_rxq)
		return error_set(err, "af_packet on %s: %u sockets where %u were expected",
			port->info.netdev, port->sockets.n, port->info.n_rxq);
	for (unsigned q = 0; q < port->sockets.n && rc == 0; q++) {
		rc = replace_socket(&port->sockets.list[q], ring);
		fds[q] = port->sockets.list[q].fd;
	}
	if (rc == 0)
		rc = fanout_join(fds, port->sockets.n, port->netdev.ifindex, spec->is_outside);
	if (rc < 0)
		return error_set(err, "af_packet on %s: cannot set up packet sockets: %s",
			port->info.netdev, strerror(-rc));
	return 0;
}

static int plug(struct port *port, const struct port_spec *spec, struct error *err)
{
	struct pmd_sockets before;
	struct tpacket_req ring;
	char args[256];
	int mtu;

	if (port_match_netdev(port, spec, err) < 0 ||
		netdev_take(&port->netdev, port->info.netdev, spec->mac, spec->mtu, err) < 0)
		return -1;
	mtu = netdev_mtu(port->info.netdev);
	if (mtu < 0 || mtu > eal_mtu_max())
		return error_set(err,
			"%s has MTU %d but buffers were made for %u: set the port's mtu, or start "
			"again with"
			" a larger one",
			port->info.netdev, mtu, eal_mtu_max());
	port->info.mtu = (uint16_t)mtu;
	port->info.n_rxq = port->info.n_txq = spec->n_queues;
	ring = ring_shape(port->info.mtu, spec->n_queues);
	port->mtu_max = (uint16_t)RTE_MIN(
		ring.tp_frame_size - FRAME_HEAD - EAL_FRAME_OVERHEAD, (uint32_t)eal_mtu_max());
	snprintf(args, sizeof(args),
		"iface=%s,qpairs=%u,blocksz=%u,framesz=%u,framecnt=%u,qdisc_bypass=1",
		port->info.netdev, port->info.n_rxq, ring.tp_block_size, ring.tp_frame_size,
		ring.tp_frame_nr);
	pmd_sockets_find(AF_PACKET, &before);
	if (port_plug_vdev(port, "net_af_packet", args, "af_packet", err) < 0)
		return -1;
	pmd_sockets_find(AF_PACKET, &port->sockets);
	pmd_sockets_subtract(&port->sockets, &before);
	return replace_sockets(port, spec, &ring, err);
}

// The kernel forgets what it has told.
static uint64_t missed(struct port *port)
{
	for (unsigned q = 0; q < port->sockets.n; q++) {
		struct tpacket_stats stats;
		socklen_t len = sizeof(stats);

		if (getsockopt(port->sockets.list[q].fd, SOL_PACKET, PACKET_STATISTICS, &stats,
			    &len) == 0)
			port->missed += stats.tp_drops;
	}
	return port->missed;
}

static void unplug(struct port *port)
{
	netdev_give_back(&port->netdev);
}

const struct driver af_packet_driver = {
	.kind = PORT_DRIVER_AF_PACKET,
	.plug = plug,
	.missed = missed,
	.unplug = unplug,
};
