// SPDX-License-Identifier: BSD-3-Clause
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "cfg/base/clock.h"
#include "control/api/server.h"

static json_t *big(void *ctx, const json_t *params, struct rpc_failure *failure)
{
	char *text = malloc(300000);
	json_t *result;

	memset(text, 'x', 299999);
	text[299999] = '\0';
	result = json_string(text);
	free(text);
	return result;
}

static const struct rpc_method methods[] = {{"big", big, RPC_READS}, {NULL}};
static const struct rpc rpc = {.methods = methods};
static const char request[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"big\"}\n";

static const size_t answer_bytes =
	299999 + sizeof("{\"jsonrpc\":\"2.0\",\"result\":\"\",\"id\":1}\n") - 1;

static struct event_base *base;
static struct api *api;
static char folder[64], path[96];

static int setup(void **state)
{
	struct error err = {0};

	snprintf(folder, sizeof(folder), "/tmp/millrace-server-test.XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/made/control.sock", folder);
	base = api_loop_new();
	api = api_new(base, path, &rpc, &err);
	return api == NULL ? -1 : 0;
}

static int teardown(void **state)
{
	char made[80];

	api_free(api);
	event_base_free(base);
	snprintf(made, sizeof(made), "%s/made", folder);
	return rmdir(made) | rmdir(folder); // fails when a socket is left
}

static int connect_client(void)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	memcpy(addr.sun_path, path, strlen(path));
	assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	return fd;
}

static void run_loop(unsigned ms)
{
	uint64_t end_ms = clock_now_ms() + ms;

	while (clock_now_ms() < end_ms) {
		event_base_loop(base, EVLOOP_NONBLOCK);
		usleep(1000);
	}
}

// Reads until `bytes` are there, the loop turning; what came until the end of the stream or 3 s.
static size_t read_bytes(int fd, size_t bytes)
{
	static char buffer[1 << 16];
	uint64_t end_ms = clock_now_ms() + 3000;
	size_t have = 0;

	while (have < bytes && clock_now_ms() < end_ms) {
		ssize_t got = read(fd, buffer, sizeof(buffer));

		if (got == 0)
			break;
		if (got > 0)
			have += (size_t)got;
		event_base_loop(base, EVLOOP_NONBLOCK);
	}
	return have;
}

static bool is_closed(int fd)
{
	char byte;

	run_loop(50);
	return read(fd, &byte, 1) == 0;
}

static void the_socket_is_in_a_folder_that_others_may_look_into(void **state)
{
	struct stat st;
	char made[80];

	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0007, 0);
	snprintf(made, sizeof(made), "%s/made", folder);
	assert_int_equal(stat(made, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
}

static void a_second_daemon_is_told_of_the_first(void **state)
{
	struct error err = {0};

	assert_null(api_new(base, path, &rpc, &err));
	assert_non_null(strstr(err.text, "another millraced answers on"));
	assert_int_equal(access(path, F_OK), 0);
}

static void a_stale_socket_is_replaced_and_a_file_is_not(void **state)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	struct error err = {0};
	struct api *second;
	char other[80];
	FILE *file;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(other, sizeof(other), "%s/stale.sock", folder);
	memcpy(addr.sun_path, other, strlen(other));
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	close(fd); // its file stays
	second = api_new(base, other, &rpc, &err);
	assert_non_null(second);
	api_free(second);
	assert_int_equal(access(other, F_OK), -1);

	file = fopen(other, "w");
	fclose(file);
	assert_null(api_new(base, other, &rpc, &err));
	assert_non_null(strstr(err.text, "is no socket"));
	assert_int_equal(unlink(other), 0);
}

static void an_answer_larger_than_the_sockets_buffer_arrives_whole(void **state)
{
	int fd = connect_client();

	assert_int_equal(write(fd, request, strlen(request)), strlen(request));
	assert_int_equal(read_bytes(fd, answer_bytes), answer_bytes);
	close(fd);
}

static void a_client_that_stops_sending_still_gets_its_answers(void **state)
{
	int fd = connect_client();

	assert_int_equal(write(fd, request, strlen(request)), strlen(request));
	assert_int_equal(write(fd, request, strlen(request)), strlen(request));
	shutdown(fd, SHUT_WR);
	assert_true(read_bytes(fd, SIZE_MAX) > 600000); // to the end of the stream
	close(fd);
}

// It asks for a hundred large answers and reads none: the daemon keeps a few at most, and the
// others are served meanwhile.
static void a_client_that_does_not_read_holds_up_nobody(void **state)
{
	int slow = connect_client(), fast = connect_client();

	for (int i = 0; i < 100; i++)
		assert_int_equal(write(slow, request, strlen(request)), strlen(request));
	run_loop(100);
	assert_int_equal(write(fast, request, strlen(request)), strlen(request));
	assert_true(read_bytes(fast, 300000) >= 300000);
	assert_true(read_bytes(slow, 100 * 300000) >= 100 * 300000); // none is lost
	close(slow);
	close(fast);
}

static void a_client_with_an_endless_line_is_let_go(void **state)
{
	static char garbage[RPC_LINE_MAX];
	int fd = connect_client();

	memset(garbage, 'x', sizeof(garbage));
	assert_true(write(fd, garbage, sizeof(garbage)) > 0);
	run_loop(20);
	assert_true(write(fd, "xx", 2) == 2);
	assert_true(read_bytes(fd, SIZE_MAX) > 0); // the reason, then the end
	close(fd);
}

static void beyond_the_largest_number_none_is_taken_until_one_goes(void **state)
{
	struct rlimit limit;
	int clients[API_CLIENTS_MAX], last;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max; // both ends are here
	setrlimit(RLIMIT_NOFILE, &limit);
	for (int i = 0; i < API_CLIENTS_MAX; i++) {
		clients[i] = connect_client();
		event_base_loop(base, EVLOOP_NONBLOCK);
	}
	last = connect_client();
	assert_true(is_closed(last));
	close(last);
	close(clients[0]);
	run_loop(20);
	last = connect_client();
	assert_false(is_closed(last));
	close(last);
	for (int i = 1; i < API_CLIENTS_MAX; i++)
		close(clients[i]);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_socket_is_in_a_folder_that_others_may_look_into),
		TEST(a_second_daemon_is_told_of_the_first),
		TEST(a_stale_socket_is_replaced_and_a_file_is_not),
		TEST(an_answer_larger_than_the_sockets_buffer_arrives_whole),
		TEST(a_client_that_stops_sending_still_gets_its_answers),
		TEST(a_client_that_does_not_read_holds_up_nobody),
		TEST(a_client_with_an_endless_line_is_let_go),
		TEST(beyond_the_largest_number_none_is_taken_until_one_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
