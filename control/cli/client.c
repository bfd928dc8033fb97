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

enum {
	ANSWER_MAX = 64 << 20,
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

// The line without its end, to be freed; NULL with the reason.
static char *read_answer(int fd, struct error *err)
{
	size_t len = 0, room = 64 << 10;
	char *text = malloc(room);

	while (text != NULL) {
		ssize_t got = recv(fd, text + len, room - len - 1, 0);
		char *bigger;

		if (got <= 0) {
			if (got < 0 && errno == EINTR)
				continue;
			error_set(err, "millraced gave no answer%s",
				got < 0 && errno == EAGAIN ? " in time" : "");
			break;
		}
		len += (size_t)got;
		text[len] = '\0';
		if (text[len - 1] == '\n')
			return text;
		if (room - len > 1)
			continue;
		bigger = room < ANSWER_MAX ? realloc(text, room * 2) : NULL;
		if (bigger == NULL) {
			error_set(err, "millraced's answer is too long");
			break;
		}
		text = bigger;
		room *= 2;
	}
	free(text);
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
		text = read_answer(fd, err);
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
