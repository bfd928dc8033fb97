// SPDX-License-Identifier: BSD-3-Clause
#include "control/cli/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "cfg/base/clock.h"

enum {
	READ_BYTES = 64 << 10,
	ANSWER_MAX = 64 << 20,
	PROGRESS_MAX = 4096,
	PATIENCE_SEC = 10,
};

static int say_cannot_connect(const char *path, struct error *err)
{
	if (errno == ENOENT || errno == ECONNREFUSED)
		return error_set(err, "millraced does not run: nobody answers on %s", path);
	if (errno == EACCES)
		return error_set(err,
			"no permission to use %s: it is for root, for the group millrace-admin "
			"and, to look, for the group millrace",
			path);
	return error_set(err, "cannot connect to %s: %s", path, strerror(errno));
}

static int open_connection(const char *path, struct error *err)
{
	static const struct timeval patience = {.tv_sec = PATIENCE_SEC};
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd;

	if (strlen(path) >= sizeof(addr.sun_path))
		return error_set(err, "the socket's path is too long: %s", path);
	memcpy(addr.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return error_set(err, "cannot make a socket: %s", strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0)
		return fd;
	say_cannot_connect(path, err);
	close(fd);
	return -1;
}

static int send_request(int fd, const char *method, json_t *params, struct error *err)
{
	json_t *request = json_pack("{s:s, s:i, s:s}", "jsonrpc", "2.0", "id", 1, "method", method);
	char *text, *line = NULL;
	ssize_t done = -1;
	int len;

	if (params != NULL)
		json_object_set_new(request, "params", params);
	text = json_dumps(request, JSON_COMPACT);
	json_decref(request);
	if (text == NULL)
		return error_set(err, "no memory for the request");
	len = asprintf(&line, "%s\n", text);
	free(text);
	if (len < 0)
		return error_set(err, "no memory for the request");
	done = send(fd, line, (size_t)len, MSG_NOSIGNAL);
	free(line);
	if (done != len)
		return error_set(err, "millraced does not take the request: %s",
			done < 0 ? strerror(errno) : "it hung up");
	return 0;
}

// --- the answer, and what comes before it from a daemon that is at work ---

struct reader {
	int fd;
	char *text;
	size_t len, room;
};

// A line, without its end, from the beginning of `text`. False with the reason.
static bool read_line(struct reader *reader, uint64_t deadline_ms, struct error *err)
{
	for (size_t looked_at = 0;;) {
		char *end = memchr(reader->text + looked_at, '\n', reader->len - looked_at), *more;
		ssize_t got;

		if (end != NULL) {
			*end = '\0';
			return true;
		}
		looked_at = reader->len;
		if (reader->len == reader->room) {
			more = reader->room < ANSWER_MAX ? realloc(reader->text, reader->room * 2)
							 : NULL;
			if (more == NULL) {
				error_set(err, "millraced's answer is too long");
				return false;
			}
			reader->text = more;
			reader->room *= 2;
		}
		if (deadline_ms != 0 && clock_now_ms() >= deadline_ms) {
			error_set(err, "millraced is still at work, and goes on");
			return false;
		}
		got = recv(reader->fd, reader->text + reader->len, reader->room - reader->len, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			error_set(err, "millraced gave no answer%s",
				got < 0 && errno == EAGAIN ? " in time" : "");
			return false;
		}
		reader->len += (size_t)got;
	}
}

static void drop_line(struct reader *reader)
{
	size_t bytes = strlen(reader->text) + 1;

	reader->len -= bytes;
	memmove(reader->text, reader->text + bytes, reader->len);
}

// What is at work says so, and the wait begins anew.
static bool is_progress(const char *line, const struct client_patience *patience)
{
	json_t *message;
	const char *method;
	bool is_one;

	if (strstr(line, "\"progress\"") == NULL || strlen(line) > PROGRESS_MAX)
		return false;
	message = json_loads(line, 0, NULL);
	method = json_string_value(json_object_get(message, "method"));
	is_one = method != NULL && strcmp(method, "progress") == 0;
	if (is_one && patience->hear != NULL)
		patience->hear(patience->ctx, json_object_get(message, "params"));
	json_decref(message);
	return is_one;
}

// The line without its end, to be freed; NULL with the reason.
static char *read_answer(int fd, const struct client_patience *patience, struct error *err)
{
	struct reader reader = {.fd = fd, .text = malloc(READ_BYTES), .room = READ_BYTES};
	uint64_t deadline_ms =
		patience->timeout_sec == 0 ? 0 : clock_now_ms() + patience->timeout_sec * 1000ull;

	if (reader.text == NULL)
		error_set(err, "no memory for the answer");
	while (reader.text != NULL && read_line(&reader, deadline_ms, err)) {
		if (!is_progress(reader.text, patience))
			return reader.text;
		drop_line(&reader);
	}
	free(reader.text);
	return NULL;
}

static json_t *result_of(const char *text, struct error *err)
{
	json_t *answer = json_loads(text, 0, NULL);
	json_t *result = json_object_get(answer, "result");
	const char *message;

	if (result != NULL) {
		json_incref(result);
	} else {
		message = json_string_value(
			json_object_get(json_object_get(answer, "error"), "message"));
		error_set(
			err, "%s", message != NULL ? message : "millraced's answer makes no sense");
	}
	json_decref(answer);
	return result;
}

json_t *client_call(const char *socket_path, const char *method, json_t *params, struct error *err)
{
	static const struct client_patience usual = {0};

	return client_wait(socket_path, method, params, &usual, err);
}

json_t *client_wait(const char *socket_path, const char *method, json_t *params,
	const struct client_patience *patience, struct error *err)
{
	json_t *result = NULL;
	char *text = NULL;
	int fd;

	memset(err, 0, sizeof(*err));
	fd = open_connection(socket_path, err);
	if (fd < 0) {
		json_decref(params);
		return NULL;
	}
	if (send_request(fd, method, params, err) == 0)
		text = read_answer(fd, patience, err);
	if (text != NULL)
		result = result_of(text, err);
	free(text);
	close(fd);
	return result;
}

int client_listen(const char *socket_path, const char *method, json_t *params,
	bool (*hear)(void *ctx, const json_t *message), void *ctx, struct error *err)
{
	static const struct timeval for_ever = {0};
	int fd = open_connection(socket_path, err), rc = -1;
	bool goes_on = true;
	FILE *in = NULL;
	char *line = NULL;
	size_t room = 0;

	if (fd < 0) {
		json_decref(params);
		return -1;
	}
	if (send_request(fd, method, params, err) != 0)
		goto end;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &for_ever, sizeof(for_ever));
	in = fdopen(fd, "r");
	if (in == NULL)
		goto end;
	while (goes_on && getline(&line, &room, in) > 0) {
		json_t *message = json_loads(line, 0, NULL);

		goes_on = hear(ctx, message);
		json_decref(message);
	}
	rc = goes_on ? error_set(err, "millraced hung up") : 0;
end:
	free(line);
	if (in != NULL)
		fclose(in);
	else
		close(fd);
	return rc;
}
