// SPDX-License-Identifier: BSD-3-Clause
// millraced: the router's start, life and end, from top to bottom.
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "cfg/base/clock.h"
#include "cfg/base/log.h"
#include "control/api/server.h"
#include "control/api/show.h"
#include "control/apply/start.h"
#include "control/capture.h"
#include "control/config_file.h"
#include "control/dhcp/dhcp.h"
#include "control/dhcp/dhcp4_uplinks.h"
#include "control/dns/dns_change.h"
#include "control/dns/names.h"
#include "control/dns/set_feed.h"
#include "control/duties.h"
#include "control/haste.h"
#include "control/host_names.h"
#include "control/instances.h"
#include "control/kernel.h"
#include "control/kernel_card.h"
#include "control/log_journal.h"
#include "control/log_levels.h"
#include "control/loop_lag.h"
#include "control/machine.h"
#include "control/options.h"
#include "control/permissions.h"
#include "control/precedence.h"
#include "control/recorder.h"
#include "control/router.h"
#include "control/state_writer.h"
#include "control/static_routes.h"
#include "control/uplink/uplink_routes.h"
#include "control/uplink/uplinks.h"
#include "control/wall_clock.h"
#include "control/watch.h"

// Another uplink has come, or other servers of one: the next question goes there.
static void on_learned_dns(void *ctx)
{
	const struct router *router = ctx;

	if (router->dns != NULL && cfg_dns_wants_learned(&router->config->dns))
		dns_relearn(router->dns, &router->learned_dns);
}

// --- the start; whatever fails, stop() gives back what is there by then ---

static int start(struct router *router, const struct options *options, struct error *err)
{
	struct rpc rpc = {.methods = show_methods, .ctx = router};

	log_levels_follow(&router->config->log);
	if (permissions_check(err) != 0)
		return -1;
	if (sched_getaffinity(0, sizeof(router->allowed), &router->allowed) != 0)
		return error_set(err, "cannot read the allowed cores: %s", strerror(errno));
	if (cores_choose(&router->cores, router->config, &router->allowed, err) != 0)
		return -1;
	cores_leave_to_workers(&router->cores, &router->allowed);

	// The socket early: a second daemon by mistake ends before it touches a card.
	router->api = api_new(router->base, options->socket, &rpc, err);
	if (router->api == NULL)
		return -1;
	router->netlink = netlink_new(router->base, err);
	if (router->netlink == NULL)
		return -1;
	router->instance = instances_claim();
	if (!instances_has_other(router->instance)) {
		static_routes_remove_leftovers(router->netlink);
		uplink_routes_remove_leftovers(router->netlink);
	}
	neighbour_limits_raise(&router->neighbour_limits, router->netlink);

	// Cards and workers.
	haste_begin(&router->haste);
	if (budget_make(&router->budget, router->config, &router->cores, &router->neighbour_limits,
		    machine_memory_bytes(), err) != 0)
		return -1;
	if (options->no_hugepages)
		router->budget.drivers.try_hugepages = false;
	budget_log(&router->budget, &router->cores);
	router->has_drivers = true;
	if (drivers_start(&router->budget.drivers, err) != 0) {
		router->lost_hugepages = drivers_have_hugepages();
		return -1;
	}
	if (ports_open(&router->ports, router->config, router->cores.n_workers, err) != 0)
		return -1;
	leftover_find(&router->leftover, router->config, options->socket);
	router->budget.dataplane.recorder.image = router->leftover.path;
	router->dp = dataplane_new(&router->budget.dataplane, err);
	if (router->dp == NULL)
		return -1;

	router->dns_names = dns_names_new(); // neighbours are told to it
	if (router->dns_names == NULL)
		return error_set(err, "no memory for names");
	dns_hosts_ask_by(dns_names_hosts(router->dns_names), kernel_card);
	// The kernel's side: devices, addresses, routes; then what it makes of them.
	if (interfaces_open(&router->interfaces, router->config, &router->ports, router->dp,
		    router->netlink, err) != 0)
		return -1;
	if (kernel_install(router, err) != 0)
		return -1;
	if (kernel_follow(router, err) != 0)
		return -1;

	if (router->start->state != NULL) {
		router->state_writer = state_writer_new(router->base);
		if (router->state_writer == NULL)
			return error_set(err, "no memory for the state file's thread");
	}
	if (bans_open(&router->bans, router->config, router->start->state, router->state_writer,
		    router->dp, wall_clock_now(), err) != 0)
		return -1;
	if (firewall_open(&router->firewall, router->config, &router->interfaces,
		    &router->bans.sets, router->dp, wall_clock_now(), err) != 0)
		return -1;
	router->firewall.baselines = &router->baselines;
	if (dataplane_start(router->dp, err) != 0)
		return -1;
	router->uplinks = dhcp4_uplinks_new(router, err);
	if (router->uplinks == NULL)
		return -1;
	router->ways_out = uplinks_new(router, err);
	if (router->ways_out == NULL)
		return -1;
	router->duties = duties_new(router, err);
	if (router->duties == NULL)
		return -1;
	router->loop_lag = loop_lag_new(router->base);
	if (router->loop_lag == NULL)
		return error_set(err, "no memory for the loop's timers");
	router->recorder = recorder_start(router);
	host_names_follow(router, NULL, router->config);
	if (dhcp_open(router, err) != 0)
		return -1;
	router->watch = watch_new(router->dp, err);
	if (router->watch == NULL)
		return -1;
	if (learned_dns_listen(&router->learned_dns, on_learned_dns, router) != 0)
		return error_set(err, "no memory for names");
	router->set_feed = set_feed_new(router->base, &router->bans);
	if (router->set_feed == NULL || set_feed_follow(router->set_feed, router->config) != 0)
		return error_set(err, "no memory for sets that are filled by name");
	if (dns_change_now(&router->dns, &router->config->dns, &router->learned_dns,
		    router->dns_names, router->set_feed, err) != 0)
		return -1;
	router->apply = start_apply(router->start, router);
	return router->apply == NULL ? error_set(err, "no memory for the config's changes") : 0;
}

// In reverse, and safe on a router that got only half way.
static void stop(struct router *router)
{
	apply_free(router->apply);
	dns_free(router->dns);
	router->dns = NULL; // what uplinks forget has nobody to tell
	set_feed_free(router->set_feed);
	watch_free(router->watch);
	dhcp_close(router);
	dns_names_free(router->dns_names);
	router->dns_names = NULL;
	loop_lag_free(router->loop_lag);
	duties_free(router->duties);
	recorder_stop(router->recorder);
	leftover_fini(&router->leftover);
	capture_forget_all(router);
	uplinks_free(router->ways_out);
	dhcp4_uplinks_free(router->uplinks);
	learned_dns_fini(&router->learned_dns);
	if (router->dp != NULL)
		dataplane_stop(router->dp);
	firewall_close(&router->firewall);
	baselines_fini(&router->baselines);
	bans_close(&router->bans, wall_clock_now());
	state_writer_free(router->state_writer);
	kernel_leave(router);
	interfaces_close(&router->interfaces);
	dataplane_free(router->dp);
	ports_close(&router->ports);
	if (router->has_drivers)
		drivers_stop();
	// The machine's, and another router of its may need them: then the last word is nobody's.
	if (router->netlink != NULL && !instances_has_other(router->instance))
		neighbour_limits_give_back(&router->neighbour_limits, router->netlink);
	if (router->instance >= 0)
		close(router->instance);
	netlink_free(router->netlink);
	api_free(router->api);
}

// --- the life in between ---

static void log_ready(const struct router *router)
{
	struct rib_counts routes;

	rib_counts(router->rib, &routes);
	log_info("control",
		"ready: %u interface%s, %u worker%s, %u + %u routes, %s hugepages, in %" PRIu64
		" ms",
		router->interfaces.n, router->interfaces.n == 1 ? "" : "s", router->cores.n_workers,
		router->cores.n_workers == 1 ? "" : "s", routes.routes4, routes.routes6,
		drivers_have_hugepages() ? "with" : "without", clock_now_ms() - router->start_ms);
	sd_notify(0, "READY=1");
}

static void on_signal(evutil_socket_t signum, short what, void *ctx)
{
	struct router *router = ctx;

	log_info("control", "SIG%s: stopping", sigabbrev_np(signum));
	sd_notify(0, "STOPPING=1");
	event_base_loopbreak(router->base);
}

static void on_reloaded(void *ctx, const struct apply_outcome *outcome, int rc)
{
	char text[1024];

	if (rc != 0)
		log_error("config", "everything stays as it is: %s",
			error_str(&outcome->err, text, sizeof(text)));
	else if (outcome->is_unchanged)
		log_info("config", "nothing has changed");
	config_file_say(outcome->file, &outcome->errors);
	sd_notify(0, "READY=1");
}

static void on_hangup(evutil_socket_t signum, short what, void *ctx)
{
	struct router *router = ctx;

	if (router->apply == NULL)
		return; // it has just read it
	sd_notify(0, "RELOADING=1");
	log_info("config", "SIGHUP: reading %s", router->start->origin);
	apply_job_leave(apply_begin(
		router->apply, &(struct apply_request){
				       .what = APPLY_ASKS_FILE,
				       .file = router->start->origin,
				       .who = {.uid = -1, .program = "millraced", .why = "SIGHUP"},
				       .done = on_reloaded,
			       }));
}

// A terminal that hangs up would end the process with nothing given back. Who started it by
// nohup(1) wants it to go on. A service has no terminal: there it means to read the config anew.
static void (*meaning_of(int signum))(evutil_socket_t, short, void *)
{
	struct sigaction now = {0};
	int terminal;

	if (signum != SIGHUP)
		return on_signal;
	if (sigaction(SIGHUP, NULL, &now) == 0 && now.sa_handler == SIG_IGN)
		return NULL;
	terminal = open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	if (terminal < 0)
		return on_hangup;
	close(terminal);
	return on_signal;
}

static const int caught_signals[] = {SIGTERM, SIGINT, SIGHUP};

static bool catch_signals(struct router *router, struct event *events[])
{
	for (size_t i = 0; i < sizeof(caught_signals) / sizeof(caught_signals[0]); i++) {
		void (*fn)(evutil_socket_t, short, void *) = meaning_of(caught_signals[i]);

		if (fn == NULL)
			continue;
		events[i] = evsignal_new(router->base, caught_signals[i], fn, router);
		if (events[i] == NULL || evsignal_add(events[i], NULL) != 0)
			return false;
	}
	return true;
}

static int run(struct router *router, const struct options *options)
{
	struct event *ends[sizeof(caught_signals) / sizeof(caught_signals[0])] = {0};
	struct error err = {0};
	char text[1024];
	int rc = -1;

	// Caught from the beginning: a signal during the start ends it in good order right after.
	signal(SIGPIPE, SIG_IGN);
	if (!catch_signals(router, ends))
		error_set(&err, "no memory for the signals");
	else
		rc = start(router, options, &err);
	haste_end(&router->haste);
	if (rc == 0) {
		log_ready(router);
		precedence_take(&router->cores);
		event_base_dispatch(router->base);
		precedence_end();
	} else if (router->lost_hugepages) {
		log_warning("control", "%s", error_str(&err, text, sizeof(text)));
	} else {
		log_last_words("%s", error_str(&err, text, sizeof(text)));
	}
	stop(router);
	log_tell_left_out(true);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (ends[i] != NULL)
			event_free(ends[i]);
	return rc == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

// Hugepages that were free went to another process while DPDK reached for them, and DPDK cannot be
// started twice in one process: the process begins anew, as it was called but for that.
static void start_without_hugepages(const cpu_set_t *allowed, int argc, char **argv)
{
	char option[] = "--no-hugepages";
	char **again = calloc((size_t)argc + 2, sizeof(*again));

	if (again == NULL)
		return;
	memcpy(again, argv, sizeof(*again) * (size_t)argc);
	again[argc] = option;
	log_warning("control", "starting without hugepages");
	sched_setaffinity(
		0, sizeof(*allowed), allowed); // as it was before the workers' cores were left
	execv("/proc/self/exe", again);
	log_last_words("cannot start again: %s", strerror(errno));
	free(again);
}

// What needs no hardware: also whether the workers have room for all of it.
static int check(const struct options *options)
{
	struct config *config = options->is_strict ? config_file_load_strict(options->config)
						   : config_file_load(options->config);
	struct error err = {0};
	char text[1024];
	int exit_code = EXIT_FAILURE;

	if (config == NULL)
		return EXIT_FAILURE;
	if (firewall_check(config, &err) == 0)
		exit_code = EXIT_SUCCESS;
	else
		fprintf(stderr, "%s\n", error_str(&err, text, sizeof(text)));
	config_free(config);
	return exit_code;
}

int main(int argc, char **argv)
{
	struct start begin = {0};
	struct router router = {.start_ms = clock_now_ms(), .instance = -1, .start = &begin};
	struct options options;
	int exit_code = EXIT_FAILURE;

	log_journal_use();
	if (options_parse(&options, argc, argv, &exit_code) != 0)
		return exit_code;
	if (options.is_verbose)
		log_set_level(LOG_LEVEL_DEBUG);
	if (options.is_check)
		return check(&options);
	if (start_choose(&begin, options.config, options.state) == 0) {
		router.config = begin.source.config;
		begin.source.config = NULL;
		router.base = api_loop_new();
		if (router.base == NULL)
			fputs("millraced: no memory for the event loop\n", stderr);
		else
			exit_code = run(&router, &options);
	}
	if (router.base != NULL)
		event_base_free(router.base);
	config_free(router.config);
	start_fini(&begin);
	if (router.lost_hugepages)
		start_without_hugepages(&router.allowed, argc, argv);
	return exit_code;
}
