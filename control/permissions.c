// SPDX-License-Identifier: BSD-3-Clause
#include "control/permissions.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct capability {
	unsigned bit;
	const char *name;
	const char *purpose;
} needed[] = {
	{CAP_NET_ADMIN, "CAP_NET_ADMIN", "to make network devices and routes"},
	{CAP_NET_RAW, "CAP_NET_RAW", "to send and receive whole frames"},
};

int permissions_check(struct error *err)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};

	// not in libc, and libcap would be one library more for one question
	if (syscall(SYS_capget, &header, data) != 0)
		return error_set(
			err, "cannot read this process's capabilities: %s", strerror(errno));
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if ((data[needed[i].bit / 32].effective & (1u << (needed[i].bit % 32))) == 0)
			return error_set(err,
				"it has no permission %s (%s): run it as root, or give it "
				"the capability",
				needed[i].purpose, needed[i].name);
	if (access("/dev/net/tun", R_OK | W_OK) != 0)
		return error_set(err, "cannot use /dev/net/tun: %s%s", strerror(errno),
			errno == ENOENT ? " (modprobe tun)" : "");
	return 0;
}
