// SPDX-License-Identifier: BSD-3-Clause
// Everything a running router consists of, in the order in which it is made (main.c). Control
// thread.
#pragma once

#include <sched.h>

#include <event2/event.h>

#include "control/bans.h"
#include "control/baselines.h"
#include "control/budget.h"
#include "control/capture.h"
#include "control/cores.h"
#include "control/firewall.h"
#include "control/haste.h"
#include "control/interfaces.h"
#include "control/learned_dns.h"
#include "control/leftover.h"
#include "control/neighbour_limits.h"
#include "control/neighbours.h"
#include "control/netlink.h"
#include "control/ports.h"
#include "control/rib.h"
#include "control/routes.h"

struct api;
struct apply;
struct dhcp4_uplinks;
struct dhcp4_service;
struct dns;
struct dns_names;
struct duties;
struct lease_names;
struct loop_lag;
struct recorder;
struct set_feed;
struct start;
struct state_writer;
struct uplinks;
struct watch;

struct router {
	struct start *start; // what it began with
	struct config *config;
	struct event_base *base;
	struct api *api;
	struct netlink *netlink;
	int instance; // of instances_claim
	struct neighbour_limits neighbour_limits;
	struct cores cores;
	struct budget budget;
	struct haste haste;
	bool has_drivers;
	cpu_set_t allowed;   // cores, when the process began
	bool lost_hugepages; // they were free, and gone when DPDK reached for them
	struct ports ports;
	struct dataplane *dp;
	struct interfaces interfaces;
	bool has_static_routes;
	struct rib *rib;
	struct routes routes;
	struct neighbours neighbours;
	struct state_writer *state_writer; // NULL: there is no state file
	struct bans bans;
	struct firewall firewall;
	struct learned_dns learned_dns;
	struct dhcp4_uplinks *uplinks;
	struct uplinks *ways_out; // NULL: not yet
	struct baselines baselines;
	struct duties *duties;
	struct lease_names *lease_names; // of hosts with a lease; NULL until there is DHCP
	struct dhcp4_service *dhcp4;	 // NULL: it has not served anybody yet
	struct loop_lag *loop_lag;
	struct watch *watch;
	struct dns_names *dns_names; // of leases
	struct set_feed *set_feed;
	struct dns *dns;					// NULL: it answers no questions
	struct capture_session *captures[CAPTURE_SESSIONS_MAX]; // NULL: none
	struct leftover leftover;
	struct recorder *recorder; // NULL: none
	struct apply *apply;
	uint64_t start_ms;
};
