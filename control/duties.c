// SPDX-License-Identifier: BSD-3-Clause
#include "control/duties.h"

#include <stdio.h>
#include <stdlib.h>

#include "cfg/base/clock.h"
#include "cfg/base/log.h"
#include "control/announce.h"
#include "control/api/events.h"
#include "control/apply/apply.h"
#include "control/flow_alarms.h"
#include "control/log_levels.h"
#include "control/precedence.h"
#include "control/recorder.h"
#include "control/wall_clock.h"
#include "control/watch.h"

enum { EVENTS_PER_TURN = 1024 }; // then the rest of the loop has its turn

// --- the workers' events ---

static void on_workers_event(evutil_socket_t fd, short what, void *ctx)
{
	struct router *router = ctx;
	uint64_t now_ms = clock_now_ms();
	int64_t now_wall = wall_clock_now();
	char text[ADDR_STR_BYTES];
	struct dp_event event;

	packet_log_begin_turn(&router->firewall.log);
	for (unsigned i = 0; i < EVENTS_PER_TURN && dataplane_event_next(router->dp, &event); i++) {
		switch (event.kind) {
		case DP_EVENT_NEIGHBOUR_WANTED:
			neighbours_want(&router->neighbours, event.interface, &event.addr, now_ms);
			break;
		case DP_EVENT_LOG:
			firewall_log(&router->firewall, &event);
			break;
		case DP_EVENT_SET_ADD:
			bans_note(&router->bans, event.add.timed,
				&(struct ip_prefix){event.addr, event.add.len}, event.add.sec,
				now_wall);
			events_set_add(router, event.add.timed,
				&(struct ip_prefix){event.addr, event.add.len}, event.add.sec,
				"rule");
			break;
		case DP_EVENT_FLOWS_FULL:
		case DP_EVENT_HOST_LIMIT:
			flow_alarms_log(&router->interfaces, &event);
			events_alarm(router, &event);
			break;
		case DP_EVENT_NAT_NO_PORT:
			log_warning(log_object("nat", ip_addr_str(&event.addr, text)).text,
				"has no port left for some connections");
			break;
		case DP_EVENT_SIP:
			log_info(log_object("nat", ip_addr_str(&event.addr, text)).text,
				"speaks SIP: it is translated as any other, its messages are "
				"left alone. Calls without sound want rport, keep-alives and STUN "
				"or ICE in the phone");
			break;
		case DP_EVENT_NAT_OVER_SHARE:
			log_warning(log_object("nat", ip_addr_str(&event.addr, text)).text,
				"holds its share of ports, and wants more");
			break;
		}
	}
}

// --- at intervals ---

static void follow_links(struct router *router)
{
	interfaces_poll_links(&router->interfaces);
	announce_run(&router->interfaces, clock_now_ms());
}

static void expire_neighbours(struct router *router)
{
	neighbours_expire(&router->neighbours, clock_now_ms());
}

static void keep_neighbours_fresh(struct router *router)
{
	neighbours_keep_fresh(&router->neighbours);
}

static void retry_routes(struct router *router)
{
	routes_retry(&router->routes);
}

static void keep_bans(struct router *router)
{
	bans_turn(&router->bans, wall_clock_now());
}

static void keep_precedence(struct router *router)
{
	precedence_keep();
}

static void sweep_sets(struct router *router)
{
	dataplane_timed_sweep(router->dp);
}

// Another config may have come with other levels.
static void keep_log(struct router *router)
{
	log_levels_follow(&router->config->log);
	packet_log_tell_left_out(&router->firewall.log);
	log_tell_left_out(false);
}

static void tell_drops(struct router *router)
{
	events_drops(router);
}

static void look_after_recorder(struct router *router)
{
	recorder_turn(router->recorder, watch_stalls(router->watch));
}

static const struct duty {
	unsigned interval_ms;
	void (*run)(struct router *router);
} duty_list[] = {
	{50, follow_links},
	{250, keep_bans},
	{250, keep_precedence},
	{1000, expire_neighbours},
	{1000, sweep_sets},
	{1000, keep_log},
	{1000, tell_drops},
	{1000, look_after_recorder},
	{5000, keep_neighbours_fresh},
	{10000, retry_routes},
};

enum { DUTIES = sizeof(duty_list) / sizeof(duty_list[0]) };

struct timer {
	struct router *router;
	const struct duty *duty;
	struct event *event;
};

struct duties {
	struct timer timers[DUTIES];
	struct event *workers_event;
	struct wall_clock *wall_clock;
};

static void on_files_read(void *ctx, const struct apply_outcome *outcome, int rc)
{
	char text[1024];

	if (rc != 0)
		log_error("firewall", "%s", error_str(&outcome->err, text, sizeof(text)));
}

// Those of sets that somebody has changed. While something else is under way: at the next minute.
static void read_files(struct router *router)
{
	if (!apply_is_busy(router->apply))
		apply_job_leave(apply_begin(router->apply,
			&(struct apply_request){
				.what = APPLY_ASKS_FILES,
				.who = {.uid = -1, .program = "millraced", .why = ""},
				.done = on_files_read,
			}));
}

static void on_minute(void *ctx, int64_t now, int64_t jump_sec)
{
	struct router *router = ctx;

	if (jump_sec != 0) {
		log_info("control", "the clock was set, by %+lld s", (long long)jump_sec);
		bans_clock_jumped(&router->bans, jump_sec, now);
	}
	if (firewall_every_minute(&router->firewall, now) && router->apply != NULL)
		read_files(router);
	bans_every_minute(&router->bans, now);
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct timer *timer = ctx;

	timer->duty->run(timer->router);
}

static int start_timer(struct timer *timer, struct router *router, const struct duty *duty)
{
	struct timeval interval = {
		.tv_sec = duty->interval_ms / 1000, .tv_usec = duty->interval_ms % 1000 * 1000};

	timer->router = router;
	timer->duty = duty;
	timer->event = event_new(router->base, -1, EV_PERSIST, on_timer, timer);
	return timer->event == NULL ? -1 : event_add(timer->event, &interval);
}

struct duties *duties_new(struct router *router, struct error *err)
{
	struct duties *duties = calloc(1, sizeof(*duties));

	if (duties == NULL) {
		error_set(err, "no memory for the loop's timers");
		return NULL;
	}
	duties->wall_clock = wall_clock_new(router->base, on_minute, router, err);
	if (duties->wall_clock == NULL)
		goto fail;
	for (int i = 0; i < DUTIES; i++)
		if (start_timer(&duties->timers[i], router, &duty_list[i]) != 0)
			goto no_memory;
	duties->workers_event = event_new(router->base, dataplane_event_fd(router->dp),
		EV_READ | EV_PERSIST, on_workers_event, router);
	if (duties->workers_event == NULL || event_add(duties->workers_event, NULL) != 0)
		goto no_memory;
	return duties;
no_memory:
	error_set(err, "no memory for the loop's timers");
fail:
	duties_free(duties);
	return NULL;
}

void duties_free(struct duties *duties)
{
	if (duties == NULL)
		return;
	for (int i = 0; i < DUTIES; i++)
		if (duties->timers[i].event != NULL)
			event_free(duties->timers[i].event);
	if (duties->workers_event != NULL)
		event_free(duties->workers_event);
	wall_clock_free(duties->wall_clock);
	free(duties);
}
