// SPDX-License-Identifier: BSD-3-Clause
// `millrace events`: a line for each, until somebody ends it.
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "control/cli/answer.h"
#include "control/cli/cli.h"
#include "control/cli/client.h"

struct listener {
	const struct cli *cli;
	bool is_refused;
};

static void print_value(const char *key, const json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

	if (json_is_string(value))
		printf(" %s=%s", key, json_string_value(value));
	else
		printf(" %s=%s", key, text == NULL ? "?" : text);
	free(text);
}

static void print_event(const json_t *params)
{
	time_t sec = (time_t)json_real_value(json_object_get(params, "time"));
	const json_t *counters = json_object_get(params, "counters");
	const char *key;
	struct tm day;
	json_t *value;
	char text[32];

	localtime_r(&sec, &day);
	strftime(text, sizeof(text), "%H:%M:%S", &day);
	printf("%s %-10s", text, answer_text(params, "topic"));
	json_object_foreach((json_t *)(json_is_object(counters) ? counters : params), key, value)
	{
		if (strcmp(key, "topic") != 0 && strcmp(key, "time") != 0)
			print_value(key, value);
	}
	putchar('\n');
}

static bool hear(void *ctx, const json_t *message)
{
	struct listener *listener = ctx;
	const char *method = answer_text(message, "method");
	const json_t *params = json_object_get(message, "params");
	const json_t *error = json_object_get(message, "error");

	if (error != NULL) {
		fprintf(stderr, "millrace: %s\n", answer_text(error, "message"));
		listener->is_refused = true;
		return false;
	}
	if (method[0] == '\0') // the answer: it goes on from here
		return true;
	if (listener->cli->is_json) {
		json_dumpf(message, stdout, JSON_COMPACT);
		putchar('\n');
	} else if (strcmp(method, "lost") == 0) {
		printf("... %lld events were lost: too many to be read\n",
			(long long)answer_number(params, "events"));
	} else {
		print_event(params);
	}
	return fflush(stdout) == 0;
}

int do_events(const struct cli *cli)
{
	struct listener listener = {.cli = cli};
	const char *topic = cli_value(cli, "topic");
	json_t *params = topic == NULL ? NULL : json_pack("{s:[s]}", "topics", topic);
	struct error err;

	if (client_listen(cli->socket, cli->command->method, params, hear, &listener, &err) == 0)
		return listener.is_refused ? EXIT_FAILURE : EXIT_SUCCESS;
	fprintf(stderr, "millrace: %s\n", err.text);
	return EXIT_FAILURE;
}
