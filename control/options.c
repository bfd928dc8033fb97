// SPDX-License-Identifier: BSD-3-Clause
#include "control/options.h"

#include <getopt.h>
#include <stdio.h>

static const char help[] =
	"millraced " MILLRACE_VERSION ", a router in user space\n"
	"\n"
	"  millraced -c FILE [-s SOCKET] [-v]\n"
	"  millraced -c FILE --check [--strict]\n"
	"\n"
	"  -c, --config FILE    what the router shall be, in YAML\n"
	"  -s, --socket PATH    where millrace finds it (" OPTIONS_SOCKET_DEFAULT ")\n"
	"      --state FILE     the last good config, if that of -c is broken\n"
	"                       (" OPTIONS_STATE_DEFAULT ")\n"
	"      --check          say what is wrong with FILE, start nothing\n"
	"      --strict         fail where FILE is doubtful\n"
	"      --no-hugepages   as with hugepages: never\n"
	"  -v, --verbose        log more\n"
	"      --version        print the version\n"
	"  -h, --help           print this\n"
	"\n"
	"It stays in the foreground and logs to stderr; SIGTERM ends it. SIGHUP\n"
	"reads FILE anew, where there is no terminal that it could be of.\n";

static const struct option long_options[] = {
	{"config", required_argument, NULL, 'c'},
	{"socket", required_argument, NULL, 's'},
	{"state", required_argument, NULL, 'S'},
	{"check", no_argument, NULL, 'C'},
	{"strict", no_argument, NULL, 'W'},
	{"no-hugepages", no_argument, NULL, 'H'},
	{"verbose", no_argument, NULL, 'v'},
	{"version", no_argument, NULL, 'V'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

const char *options_help(void)
{
	return help;
}

static int end(int *exit_code, int code)
{
	*exit_code = code;
	return -1;
}

int options_parse(struct options *options, int argc, char **argv, int *exit_code)
{
	int c;

	*options =
		(struct options){.socket = OPTIONS_SOCKET_DEFAULT, .state = OPTIONS_STATE_DEFAULT};
	while ((c = getopt_long(argc, argv, "c:s:vh", long_options, NULL)) != -1) {
		switch (c) {
		case 'c':
			options->config = optarg;
			break;
		case 's':
			options->socket = optarg;
			break;
		case 'S':
			options->state = optarg;
			break;
		case 'C':
			options->is_check = true;
			break;
		case 'W':
			options->is_strict = true;
			break;
		case 'H':
			options->no_hugepages = true;
			break;
		case 'v':
			options->is_verbose = true;
			break;
		case 'V':
			puts("millraced " MILLRACE_VERSION);
			return end(exit_code, 0);
		case 'h':
			fputs(help, stdout);
			return end(exit_code, 0);
		default: // getopt has said what is wrong
			fputs("millraced --help shows the options\n", stderr);
			return end(exit_code, 2);
		}
	}
	if (optind < argc) {
		fprintf(stderr, "millraced: '%s' is one argument too many\n", argv[optind]);
		return end(exit_code, 2);
	}
	if (options->config == NULL) {
		fputs("millraced: a config is needed: millraced -c FILE\n", stderr);
		return end(exit_code, 2);
	}
	return 0;
}
