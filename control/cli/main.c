// SPDX-License-Identifier: BSD-3-Clause
// millrace: asks a running router what it does, tells it what to do, and checks configs without
// one. Exit codes: 0, 1 when it did not work, 2 when it was asked wrongly.
#include "control/cli/cli.h"
#include "control/cli/style.h"
#include "control/options.h"

int main(int argc, char **argv)
{
	struct cli cli = {.socket = OPTIONS_SOCKET_DEFAULT};

	style_of_terminal();
	return cli_run(&cli, argv, argc);
}
