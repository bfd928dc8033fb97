// SPDX-License-Identifier: BSD-3-Clause
#include "drivers/tap_poll.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#include <rte_ethdev.h>

#include "drivers/port_private.h"

// The driver's own, the same for all of its ports: what the signal calls, which lets the next
// receive of each queue read, and that receive.
static void (*_Atomic let_read)(int);
static _Atomic eth_rx_burst_t driver_rx;

static uint16_t rx(void *queue, struct rte_mbuf **pkts, uint16_t n)
{
	atomic_load_explicit(&let_read, memory_order_relaxed)(0);
	return atomic_load_explicit(&driver_rx, memory_order_relaxed)(queue, pkts, n);
}

static int hush(int fd, struct sigaction *action)
{
	int flags = fcntl(fd, F_GETFL);
	int signo = fcntl(fd, F_GETSIG);

	if (flags < 0 || signo < 0 || sigaction(signo == 0 ? SIGIO : signo, NULL, action) < 0 ||
		fcntl(fd, F_SETFL, flags & ~O_ASYNC) < 0)
		return -errno;
	return 0;
}

int tap_poll_install(struct port *port, struct error *err)
{
	struct rte_eth_fp_ops *ops = &rte_eth_fp_ops[port->info.dpdk_port];
	struct sigaction action;

	for (uint16_t q = 0; q < port->info.n_rxq; q++) {
		int rc = hush(port_rx_fd(port, q), &action);

		if (rc < 0)
			return error_set(err, "TAP %s: cannot do without signals: %s",
				port->info.netdev, strerror(-rc));
		if (action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN)
			return error_set(
				err, "TAP %s: DPDK waits for no signal of it", port->info.netdev);
	}
	atomic_store(&let_read, action.sa_handler);
	atomic_store(&driver_rx, ops->rx_pkt_burst);
	ops->rx_pkt_burst = rx;
	return 0;
}
