// SPDX-License-Identifier: BSD-3-Clause
// The host thread between a worker that stands still and a socket pair in the kernel's place:
// nothing is lost there without a name.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "cfg/base/clock.h"
#include "dataplane/host.h"
#include "dataplane/packet.h"
#include "tests/unit/dataplane_fixture.h"

enum { WAIT_MS = 3000 };

static const struct frame frame = {
	.iface = FIXTURE_LAN,
	.src = IP(198, 18, 0, 1),
	.dst = IP(198, 18, 0, 7),
	.sport = 1000,
	.dport = 2000,
	.protocol = IPPROTO_UDP,
	.payload_bytes = 40,
};

struct world {
	struct fixture f;
	int kernel; // what the kernel would hold of the TAP
	int tap;
};

static int open_world(void **state)
{
	static struct world world;
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
	world.tap = fds[0];
	world.kernel = fds[1];
	fixture_open(&world.f, 1, true);
	assert_int_equal(host_add_tap(&world.f.dp->host, FIXTURE_LAN, world.tap), 0);
	assert_int_equal(host_start(&world.f.dp->host), 0);
	*state = &world;
	return 0;
}

static int close_world(void **state)
{
	struct world *world = *state;

	host_join(&world->f.dp->host);
	host_remove_tap(&world->f.dp->host, FIXTURE_LAN);
	fixture_close(&world->f);
	close(world->tap);
	close(world->kernel);
	return 0;
}

static uint64_t drops(const struct world *world, const char *name)
{
	struct dp_counter counter;

	for (unsigned i = 0; dataplane_counter(world->f.dp, i, &counter); i++)
		if (strcmp(counter.name, name) == 0)
			return counter.packets;
	fail_msg("no counter %s", name);
	return 0;
}

static void wait_drops(const struct world *world, const char *name, uint64_t wanted)
{
	const uint64_t end = clock_now_ms() + WAIT_MS;

	while (drops(world, name) < wanted && clock_now_ms() < end)
		usleep(1000);
	usleep(20000); // one that spins would go on counting
	assert_int_equal(drops(world, name), wanted);
}

static void kernel_sends(const struct world *world, unsigned n)
{
	struct rte_mbuf *m = frame_build(&world->f, &frame);

	for (unsigned i = 0; i < n; i++)
		assert_int_equal(send(world->kernel, rte_pktmbuf_mtod(m, void *), m->data_len, 0),
			m->data_len);
	rte_pktmbuf_free(m);
}

static void punt(struct world *world)
{
	host_punt(world->f.w, FIXTURE_LAN, frame_build(&world->f, &frame), COUNTER_PUNT_LOCAL);
	host_wake(world->f.w);
}

static void frames_pass_between_the_kernel_and_the_worker(void **state)
{
	struct world *world = *state;
	const uint64_t end = clock_now_ms() + WAIT_MS;
	struct rte_mbuf *m = frame_build(&world->f, &frame);
	uint8_t got[2048];
	void *received = NULL;
	ssize_t n = -1;

	punt(world);
	while (n < 0 && clock_now_ms() < end)
		n = recv(world->kernel, got, sizeof(got), 0);
	assert_int_equal(n, m->data_len);
	assert_memory_equal(got, rte_pktmbuf_mtod(m, void *), (size_t)n);
	kernel_sends(world, 1);
	while (rte_ring_dequeue(world->f.w->inbox, &received) != 0 && clock_now_ms() < end)
		usleep(1000);
	assert_non_null(received);
	assert_int_equal(((struct rte_mbuf *)received)->packet_type, INBOX_HOST);
	assert_memory_equal(rte_pktmbuf_mtod((struct rte_mbuf *)received, void *),
		rte_pktmbuf_mtod(m, void *), m->data_len);
	rte_pktmbuf_free(received);
	rte_pktmbuf_free(m);
}

static void what_the_kernel_does_not_take_is_counted(void **state)
{
	struct world *world = *state;

	shutdown(world->kernel, SHUT_RDWR);
	close(world->kernel);
	punt(world);
	wait_drops(world, "drop_host_tap", 1);
	punt(world);
	punt(world);
	wait_drops(world, "drop_host_tap", 3);
	world->kernel = -1;
}

static void what_the_worker_has_no_room_for_is_counted(void **state)
{
	struct world *world = *state;
	struct rte_ring *inbox = world->f.w->inbox;
	struct rte_mbuf *m;

	while (rte_ring_free_count(inbox) > 0)
		assert_int_equal(rte_ring_enqueue(inbox, frame_build(&world->f, &frame)), 0);
	kernel_sends(world, 5);
	wait_drops(world, "drop_host_inbox", 5);
	while (rte_ring_dequeue(inbox, (void **)&m) == 0)
		rte_pktmbuf_free(m);
}

// The thread has some buffers of its own left. What it cannot read it must not turn around.
static void what_finds_no_buffer_is_counted(void **state)
{
	enum { SENT = 700 };
	struct world *world = *state;
	const uint64_t end = clock_now_ms() + WAIT_MS;
	struct rte_ring *inbox = world->f.w->inbox;
	struct rte_mbuf *m = frame_build(&world->f, &frame);
	struct rte_mbuf *all[16384], *received;
	unsigned n = 0, n_sent = 0;

	while (n < RTE_DIM(all) && (all[n] = rte_pktmbuf_alloc(drivers_pool())) != NULL)
		n++;
	while (n_sent < SENT && clock_now_ms() < end)
		if (send(world->kernel, rte_pktmbuf_mtod(m, void *), m->data_len, 0) >= 0)
			n_sent++;
	assert_int_equal(n_sent, SENT);
	while (rte_ring_count(inbox) + drops(world, "drop_no_buffer") < SENT &&
		clock_now_ms() < end)
		usleep(1000);
	usleep(20000);
	assert_true(drops(world, "drop_no_buffer") > 0);
	assert_int_equal(rte_ring_count(inbox) + drops(world, "drop_no_buffer"), SENT);
	while (rte_ring_dequeue(inbox, (void **)&received) == 0)
		rte_pktmbuf_free(received);
	rte_pktmbuf_free(m);
	rte_pktmbuf_free_bulk(all, n);
}

#define WORLD(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD(frames_pass_between_the_kernel_and_the_worker),
		WORLD(what_the_kernel_does_not_take_is_counted),
		WORLD(what_the_worker_has_no_room_for_is_counted),
		WORLD(what_finds_no_buffer_is_counted),
	};

	fixture_start_drivers();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
