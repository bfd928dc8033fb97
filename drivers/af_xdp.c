// SPDX-License-Identifier: BSD-3-Clause
// A netdev through AF_XDP sockets, one for each of its queues.
//
// Facts about the DPDK 22.11 driver that this file is made around:
// - The pool's memory is the umem: chunks of one 4 KiB page at most, so the MTU ends at 3434. Each
//   port has a pool of its own; a frame of another pool is copied once on its way out.
// - It leaks on close: the 2048 buffers of each fill ring and the socket with its rings, so that
//   the queue would stay busy for the process' life; libxdp leaks a BPF map and a program. We close
//   them, and keep the pool until only those buffers are missing from it.
// - With busy_budget=0 an empty receive may poll() for up to a second if the card's driver asks to
//   be woken up, as zero-copy drivers do. So cards get busy polling, which never waits; veth in
//   its copy mode never asks, and is spared the system call per empty poll.
// - It sends the frame as one piece without looking at its size or segments: guard.c does.
// - It knows only combined channels. A veth has none, so there the port has one queue.
//
// On veth the peer must not have more tx queues than our end has rx queues (the kernel refuses
// the program otherwise), and needs its own checksum, TSO and GSO offloads off, as on any wire.
// Neither end needs an XDP program of ours or GRO for rx and tx to work. Every tx burst kicks the
// kernel by itself.
#include "drivers/af_xdp.h"

#include <assert.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/if_xdp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "cfg/base/log.h"
#include "drivers/card_rules.h"
#include "drivers/eal.h"
#include "drivers/guard.h"
#include "drivers/port_private.h"

enum {
	XDP_HEADROOM = 256, // the kernel's, in front of the frame
	ROOM_MIN = 2048 + RTE_PKTMBUF_HEADROOM,
	// A chunk of 63 cache lines: the pool pads an even number of them by one more.
	ROOM_MAX = (63 - 1) * 64 - sizeof(struct rte_mbuf), // one line is the pool's own header
	MTU_MAX = ROOM_MAX - RTE_PKTMBUF_HEADROOM - XDP_HEADROOM - EAL_FRAME_OVERHEAD,
	FILL_BUFFERS = 2048,	  // the driver's fill ring, of each queue
	BUFFERS_PER_QUEUE = 8192, // fill and tx ring, and twice as many under way elsewhere
	DRAIN_ROUNDS = 5,	  // of a millisecond
};

static_assert((int)MTU_MAX == (int)CARD_XDP_MTU_MAX, "the rules know what fits");

struct retired {
	struct retired *next;
	struct rte_mempool *pool;
	uint32_t expect; // buffers at home when nobody else has one
};

static struct retired *retired_pools;

void af_xdp_reap_pools(void)
{
	struct retired **at = &retired_pools;

	while (*at != NULL) {
		struct retired *r = *at;

		// twice: a worker may move a buffer between its cache and the pool while we count
		if (rte_mempool_avail_count(r->pool) != r->expect ||
			rte_mempool_avail_count(r->pool) != r->expect) {
			at = &r->next;
			continue;
		}
		rte_mempool_free(r->pool);
		*at = r->next;
		free(r);
	}
}

static struct rte_mempool *pool_new(const char *netdev, uint16_t room, uint16_t n_queues)
{
	static unsigned serial;
	char name[RTE_MEMPOOL_NAMESIZE];

	af_xdp_reap_pools();
	snprintf(name, sizeof(name), "xdp%u", serial++);
	return eal_packed_pool_new(name, (uint32_t)n_queues * BUFFERS_PER_QUEUE, room);
}

static int check_mtu(const char *netdev, int mtu, struct error *err)
{
	if (mtu < 0)
		return error_set(err, "cannot read the MTU of %s: %s", netdev, strerror(-mtu));
	if (card_check_xdp_mtu(netdev, mtu, err) < 0)
		return -1;
	if (mtu <= eal_mtu_max())
		return 0;
	return error_set(err,
		"%s has MTU %d but buffers were made for %u: set the port's mtu, or start again "
		"with a"
		" larger one",
		netdev, mtu, eal_mtu_max());
}

// Frames of a queue without a socket would be lost, so the netdev must have as many as we use.
static int take_channels(struct port *port, uint16_t wanted, struct error *err)
{
	struct channels have = channels_get(port->info.netdev);
	uint32_t n = have.is_combined && wanted < have.n ? wanted : have.is_combined ? have.n : 1;
	int rc;

	if (have.n != n) {
		rc = channels_set(port->info.netdev, n);
		if (rc < 0)
			return error_set(err,
				"%s has %u receive queues, AF_XDP would serve %u and they cannot "
				"be reduced (%s):"
				" use driver: af_packet",
				port->info.netdev, have.n, n, strerror(-rc));
		port->channels_before = have.n;
	}
	port->info.n_rxq = port->info.n_txq = (uint16_t)n;
	return 0;
}

// A program that is not one of libxdp's for sockets belongs to somebody else.
static int check_xdp_free(const struct netdev *dev, struct error *err)
{
	struct bpf_prog_info info = {0};
	__u32 len = sizeof(info);
	__u32 id = 0;
	int fd;

	if (bpf_xdp_query_id(dev->ifindex, 0, &id) < 0 || id == 0)
		return 0;
	fd = bpf_prog_get_fd_by_id(id);
	if (fd >= 0) {
		bpf_obj_get_info_by_fd(fd, &info, &len);
		close(fd);
	}
	if (strncmp(info.name, "xsk_def_", 8) == 0)
		return 0; // libxdp uses it again; a queue that is taken is found out when it is
			  // bound
	return error_set(err,
		"%s is already taken: another program has the XDP program %s (id %u) on it (`ip "
		"link set %s"
		" xdp off` removes it)",
		dev->name, info.name[0] != '\0' ? info.name : "?", id, dev->name);
}

static int plug(struct port *port, const struct port_spec *spec, struct error *err)
{
	char args[128];
	uint16_t room;
	int mtu;

	if (port_match_netdev(port, spec, err) < 0)
		return -1;
	mtu = spec->mtu != 0 ? spec->mtu : netdev_mtu(port->info.netdev);
	if (check_mtu(port->info.netdev, mtu, err) < 0 ||
		netdev_take(&port->netdev, port->info.netdev, spec->mac, spec->mtu, err) < 0 ||
		check_xdp_free(&port->netdev, err) < 0)
		return -1;
	port->owns_xdp = true;
	if (take_channels(port, spec->n_queues, err) < 0)
		return -1;
	room = (uint16_t)RTE_ALIGN_CEIL(
		mtu + EAL_FRAME_OVERHEAD + RTE_PKTMBUF_HEADROOM + XDP_HEADROOM, 128);
	room = RTE_MIN(RTE_MAX(room, (uint16_t)ROOM_MIN), (uint16_t)ROOM_MAX);
	port->info.mtu = (uint16_t)mtu;
	port->mtu_max = (uint16_t)(room - RTE_PKTMBUF_HEADROOM - XDP_HEADROOM - EAL_FRAME_OVERHEAD);
	port->pool = pool_new(port->info.netdev, room, port->info.n_rxq);
	port->owns_pool = port->pool != NULL;
	if (port->pool == NULL)
		return error_set(err, "no memory for the %u packet buffers of AF_XDP on %s (%s)",
			port->info.n_rxq * BUFFERS_PER_QUEUE, port->info.netdev,
			rte_strerror(rte_errno));
	port->pool_size = rte_mempool_avail_count(port->pool);
	// Debian's libxdp would chain programs through files in /sys/fs/bpf, which outlive us.
	setenv("LIBXDP_SKIP_DISPATCHER", "1", 1);
	snprintf(args, sizeof(args), "iface=%s,start_queue=0,queue_count=%u%s", port->info.netdev,
		port->info.n_rxq, netdev_is_virtual(port->info.netdev) ? ",busy_budget=0" : "");
	pmd_sockets_find(AF_XDP, &port->sockets_before);
	pmd_sockets_find(PMD_BPF, &port->bpf_before);
	return port_plug_vdev(port, "net_af_xdp", args, "af_xdp", err);
}

// The driver makes its sockets when its queues are set up.
static void find_sockets(struct port *port)
{
	pmd_sockets_find(AF_XDP, &port->sockets);
	pmd_sockets_subtract(&port->sockets, &port->sockets_before);
	pmd_sockets_find(PMD_BPF, &port->bpf);
	pmd_sockets_subtract(&port->bpf, &port->bpf_before);
}

// What is left of the BPF objects that opening made, and of those that closing made.
static void release_bpf(struct port *port)
{
	struct pmd_sockets now;

	pmd_sockets_find(PMD_BPF, &now);
	pmd_sockets_intersect(&port->bpf, &now);
	pmd_sockets_release(&port->bpf);
	if (port->was_started) {
		pmd_sockets_subtract(&now, &port->bpf_before);
		pmd_sockets_release(&now);
	}
}

static int ready(struct port *port, const struct port_spec *spec, struct error *err)
{
	find_sockets(port);
	guard_tx(port);
	return 0;
}

// Binds a socket of our own to a queue, to learn the reason that the driver keeps to itself.
static int probe_queue(int ifindex, uint32_t queue)
{
	enum { PROBE_BYTES = 4 * 4096, SLOTS = 2 };
	struct sockaddr_xdp addr = {.sxdp_family = AF_XDP,
		.sxdp_flags = XDP_COPY,
		.sxdp_ifindex = (uint32_t)ifindex,
		.sxdp_queue_id = queue};
	struct xdp_umem_reg umem = {.len = PROBE_BYTES, .chunk_size = 4096};
	const int slots = SLOTS;
	void *memory =
		mmap(NULL, PROBE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
	int rc = 0;

	umem.addr = (uintptr_t)memory;
	if (memory == MAP_FAILED || fd < 0 ||
		setsockopt(fd, SOL_XDP, XDP_UMEM_REG, &umem, sizeof(umem)) < 0 ||
		setsockopt(fd, SOL_XDP, XDP_UMEM_FILL_RING, &slots, sizeof(slots)) < 0 ||
		setsockopt(fd, SOL_XDP, XDP_UMEM_COMPLETION_RING, &slots, sizeof(slots)) < 0 ||
		setsockopt(fd, SOL_XDP, XDP_RX_RING, &slots, sizeof(slots)) < 0 ||
		bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		rc = -errno;
	if (fd >= 0)
		close(fd);
	if (memory != MAP_FAILED)
		munmap(memory, PROBE_BYTES);
	return rc;
}

// The kernel frees the queues of a closed socket, or of a process that ended, some time after.
static bool failed(struct port *port, struct error *err)
{
	int rc = 0;

	if (strstr(err->text, "Kernel error message") != NULL)
		return false; // it said why, and will not change its mind
	find_sockets(port);
	pmd_sockets_release(&port->sockets);
	for (uint32_t q = 0; q < port->info.n_rxq && rc == 0; q++)
		rc = probe_queue(port->netdev.ifindex, q);
	if (rc == -EBUSY)
		error_set(err,
			"%s is already taken: another AF_XDP program has a receive queue of it",
			port->info.netdev);
	else if (rc == -EPERM)
		error_set(err, "af_xdp on %s needs root, or CAP_NET_RAW, CAP_NET_ADMIN and CAP_BPF",
			port->info.netdev);
	else if (rc == -EAFNOSUPPORT)
		error_set(err,
			"af_xdp on %s: this kernel has no AF_XDP sockets (CONFIG_XDP_SOCKETS)",
			port->info.netdev);
	return rc == -EBUSY || rc == 0; // free by now
}

// DPDK counts the frames that found no empty buffer, not those that found the ring full.
static uint64_t missed(struct port *port)
{
	port->missed = 0;
	for (unsigned q = 0; q < port->sockets.n; q++) {
		struct xdp_statistics stats = {0};
		socklen_t len = sizeof(stats);

		if (getsockopt(port->sockets.list[q].fd, SOL_XDP, XDP_STATISTICS, &stats, &len) ==
			0)
			port->missed += stats.rx_ring_full;
	}
	return port->missed;
}

// Collects what the kernel has sent: the driver does so only when it sends.
static void drain(struct port *port)
{
	for (unsigned round = 0; round < DRAIN_ROUNDS; round++) {
		for (uint16_t q = 0; q < port->info.n_txq; q++)
			rte_eth_tx_burst(port->info.dpdk_port, q, NULL, 0);
		usleep(1000);
	}
	pmd_sockets_find(PMD_BPF, &port->bpf_before);
}

static void retire_pool(struct port *port)
{
	struct retired *r;

	if (!port->was_started) {
		rte_mempool_free(port->pool); // nobody else has seen a buffer of it
		return;
	}
	r = calloc(1, sizeof(*r));
	if (r == NULL)
		return; // the memory stays with DPDK until the process ends
	r->pool = port->pool;
	r->expect = port->pool_size - port->sockets.n * FILL_BUFFERS;
	log_debug("drivers", "%s: %u of %u buffers are home, %u expected", port->info.netdev,
		rte_mempool_avail_count(r->pool), port->pool_size, r->expect);
	r->next = retired_pools;
	retired_pools = r;
	af_xdp_reap_pools();
}

static void unplug(struct port *port)
{
	if (!port->owns_pool && port->netdev.lock_fd < 0)
		return;
	if (port->sockets.n == 0 && port->device[0] != '\0')
		find_sockets(port); // failed between two queues
	pmd_sockets_release(&port->sockets);
	release_bpf(port);
	if (port->owns_pool)
		retire_pool(port);
	if (port->netdev.lock_fd >= 0) {
		if (port->owns_xdp)
			bpf_xdp_detach(port->netdev.ifindex, 0, NULL);
		if (port->channels_before != 0)
			channels_set(port->info.netdev, port->channels_before);
	}
	netdev_give_back(&port->netdev);
}

const struct driver af_xdp_driver = {
	.kind = PORT_DRIVER_AF_XDP,
	.plug = plug,
	.ready = ready,
	.failed = failed,
	.missed = missed,
	.drain = drain,
	.unplug = unplug,
};
