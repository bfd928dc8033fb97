// SPDX-License-Identifier: BSD-3-Clause
#include "control/budget.h"

#include <assert.h>
#include <string.h>

#include "cfg/base/log.h"
#include "control/neighbour_table.h"

static_assert(2 * NEIGHBOURS_KERNEL_MAX <= DP_NEIGHBOURS_MAX, "the workers hold them all");

enum {
	MTU_DEFAULT = 1500,
	BUFFER_OVERHEAD_BYTES = 512, // headroom, link-layer headers, the buffer's own description
	BUFFERS_PER_QUEUE = 2048,    // one receive and one transmit ring
	BUFFERS_PER_WORKER = 2048,   // in its hands, its cache, its rings to the other workers
	BUFFERS_HELD = 4096,	     // waiting for a neighbour or for the kernel
	// What is enough for nearly everyone but those who carry a full BGP table. Memory is taken
	// for these at once, and given back at the end, which takes a second for each GiB.
	ROUTES4_LARGE = 1 << 18,
	ROUTES6_LARGE = 1 << 15,
	ROUTES4_SMALL = 1 << 16,
	ROUTES6_SMALL = 1 << 13,
	ROUTES4_TINY = 1 << 14,
	ROUTES6_TINY = 1 << 11,
	FLOWS_DEFAULT = 1 << 18,
	FLOWS_LEAST = 1 << 12,
	RINGS_BYTES = 8 << 20, // of a port on packet sockets, in the kernel
	POOL_BYTES = 20 << 20, // of an AF_XDP socket's own buffers
};

// What the kernel calls memory is some 60 MiB less than what was bought.
static const uint64_t large_machine_bytes = 3ull << 30, small_machine_bytes = 768ull << 20;

static void choose_routes(struct dataplane_options *dataplane, uint64_t machine_bytes)
{
	dataplane->routes4_max = ROUTES4_LARGE;
	dataplane->routes6_max = ROUTES6_LARGE;
	if (machine_bytes < large_machine_bytes) {
		dataplane->routes4_max = ROUTES4_SMALL;
		dataplane->routes6_max = ROUTES6_SMALL;
	}
	if (machine_bytes < small_machine_bytes) {
		dataplane->routes4_max = ROUTES4_TINY;
		dataplane->routes6_max = ROUTES6_TINY;
	}
}

static uint16_t mtu_max(const struct config *config)
{
	uint16_t most = MTU_DEFAULT;

	for (unsigned i = 0; i < config->n_ports; i++) {
		const struct cfg_port *port = &config->ports[i];
		uint16_t mtu = port->mtu;

		if (mtu == 0)
			mtu = port_match_mtu(port->match_name, port->match_pci,
				port->has_match_mac ? &port->match_mac : NULL);
		most = mtu > most ? mtu : most;
	}
	return most;
}

static uint32_t buffers(const struct config *config, unsigned n_workers)
{
	uint32_t n = BUFFERS_HELD + n_workers * BUFFERS_PER_WORKER;

	for (unsigned i = 0; i < config->n_ports; i++) {
		unsigned queues = config->ports[i].queues;

		n += (queues != 0 ? queues : n_workers) * BUFFERS_PER_QUEUE;
	}
	return n;
}

// What a port takes beside the common buffers, by the greediest driver that it may get.
static uint64_t rings_bytes(const struct config *config, unsigned n_workers)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < config->n_ports; i++) {
		const struct cfg_port *port = &config->ports[i];
		uint64_t queues = port->queues != 0 ? port->queues : n_workers;

		if (port->driver == CFG_DRIVER_AUTO || port->driver == CFG_DRIVER_AF_XDP)
			bytes += queues * POOL_BYTES;
		else
			bytes += RINGS_BYTES;
	}
	return bytes;
}

static bool may_take_pci(const struct config *config)
{
	for (unsigned i = 0; i < config->n_ports; i++)
		if (config->ports[i].driver == CFG_DRIVER_PCI ||
			config->ports[i].driver == CFG_DRIVER_AUTO)
			return true;
	return false;
}

static void add_timed_sets(struct budget *budget, const struct config *config)
{
	for (unsigned i = 0; i < config->n_sets; i++) {
		if (config->sets[i].timeout_sec == 0)
			continue;
		budget->timed_entries_max += config->sets[i].capacity;
		budget->timed_bytes += dataplane_timed_bytes(config->sets[i].capacity);
	}
}

static uint64_t all_bytes(const struct budget *budget)
{
	return budget->dataplane_bytes + budget->packet_bytes + budget->rings_bytes;
}

static void set_flows(struct budget *budget, uint32_t flows)
{
	budget->dataplane.flow_capacity = flows;
	budget->dataplane_bytes = dataplane_memory_bytes(&budget->dataplane) + budget->timed_bytes;
}

// Tables take memory when they are used, so a machine that lacks it would only be found out in the
// rush hour, by the kernel's killing the router. Three eighths are left to kernel and programs.
static int fit(struct budget *budget, uint64_t machine_bytes, struct error *err)
{
	uint64_t room = machine_bytes / 8 * 5;

	if (machine_bytes == 0)
		return 0;
	while (all_bytes(budget) > room && budget->dataplane.flow_capacity / 2 >= FLOWS_LEAST)
		set_flows(budget, budget->dataplane.flow_capacity / 2);
	if (all_bytes(budget) <= room)
		return 0;
	return error_set(err,
		"%llu MiB of memory are needed with %u flows, and five eighths of this machine's "
		"are %llu MiB: fewer ports, queues, workers or entries of sets with a timeout take "
		"less",
		(unsigned long long)(all_bytes(budget) >> 20), budget->dataplane.flow_capacity,
		(unsigned long long)(room >> 20));
}

int budget_make(struct budget *budget, const struct config *config, const struct cores *cores,
	const struct neighbour_limits *neighbours, uint64_t machine_bytes, struct error *err)
{
	struct dataplane_options *dataplane = &budget->dataplane;
	struct drivers_options *drivers = &budget->drivers;

	memset(budget, 0, sizeof(*budget));
	memcpy(dataplane->cores, cores->workers, sizeof(cores->workers));
	dataplane->n_workers = cores->n_workers;
	dataplane->n_cores = cores->n_cores;
	dataplane->is_busy = config->idle == CFG_IDLE_BUSY;
	choose_routes(dataplane, machine_bytes);
	if (config->recorder.is_there)
		dataplane->recorder = (struct dp_recorder){
			.ring_bytes = (uint64_t)config->recorder.memory_mib << 20,
			.snap_bytes = config->recorder.packet_bytes,
			.kinds = config->recorder.kinds != 0 ? config->recorder.kinds
							     : DP_CAPTURE_ALL,
		};
	budget->neighbours4_max = neighbours->ip4.max;
	budget->neighbours6_max = neighbours->ip6.max;
	add_timed_sets(budget, config);

	drivers->try_hugepages = config->hugepages == CFG_HUGEPAGES_AUTO;
	drivers->takes_pci = may_take_pci(config);
	drivers->mtu_max = mtu_max(config);
	drivers->n_mbufs = buffers(config, cores->n_workers);
	drivers->reserve_bytes = dataplane_heap_bytes(dataplane);
	drivers->main_core = cores->control;
	budget->packet_bytes =
		(uint64_t)drivers->n_mbufs * (drivers->mtu_max + BUFFER_OVERHEAD_BYTES);
	budget->rings_bytes = rings_bytes(config, cores->n_workers);

	budget->flows_wanted = config->flow_capacity != 0 ? config->flow_capacity : FLOWS_DEFAULT;
	set_flows(budget, budget->flows_wanted);
	return fit(budget, machine_bytes, err);
}

void budget_log(const struct budget *budget, const struct cores *cores)
{
	const struct dataplane_options *dataplane = &budget->dataplane;
	char list[128];

	if (dataplane->flow_capacity < budget->flows_wanted)
		log_warning("control",
			"budget: %u flows at a time instead of %u: the machine has no memory for "
			"more",
			dataplane->flow_capacity, budget->flows_wanted);
	log_info("control",
		"budget: %u worker%s on core%s %s, %u flows, %u + %u routes, %u + %u neighbours, "
		"%u entries of sets with a timeout, %u MiB recorded by each worker: %llu MiB; "
		"%u packet buffers: %llu MiB",
		cores->n_workers, cores->n_workers == 1 ? "" : "s", cores->n_cores == 1 ? "" : "s",
		cores_str(cores, list, sizeof(list)), dataplane->flow_capacity,
		dataplane->routes4_max, dataplane->routes6_max, budget->neighbours4_max,
		budget->neighbours6_max, budget->timed_entries_max,
		(unsigned)(dataplane->recorder.ring_bytes >> 20),
		(unsigned long long)(budget->dataplane_bytes >> 20), budget->drivers.n_mbufs,
		(unsigned long long)(budget->packet_bytes >> 20));
}
