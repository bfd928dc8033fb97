// SPDX-License-Identifier: BSD-3-Clause
#include "cfg/program_file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_ours(const struct stat *info)
{
	return info->st_uid == 0 || info->st_uid == geteuid();
}

static bool can_others_write(const struct stat *info)
{
	return (info->st_mode & (S_IWGRP | S_IWOTH)) != 0;
}

static int check_file(const char *path, struct error *err)
{
	struct stat info;

	if (stat(path, &info) != 0)
		return error_set(err, "%s", strerror(errno));
	if (!S_ISREG(info.st_mode))
		return error_set(err, "it is no file");
	if ((info.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)) == 0)
		return error_set(err, "it may not be executed (chmod 755)");
	if (!is_ours(&info))
		return error_set(err, "it belongs to another user than the router's");
	if (can_others_write(&info))
		return error_set(err, "others than its owner may write it (chmod go-w)");
	return 0;
}

// Whoever can rename things in a folder can put a file of their own in this one's place.
static int check_folders(char *path, struct error *err)
{
	char *slash;
	struct stat info;

	while ((slash = strrchr(path, '/')) != NULL) {
		slash[slash == path] = '\0'; // the root's own slash stays
		if (stat(path, &info) != 0)
			return error_set(err, "%s: %s", path, strerror(errno));
		if (!is_ours(&info) || (can_others_write(&info) && (info.st_mode & S_ISVTX) == 0))
			return error_set(err, "others may put files into its folder %s", path);
		if (slash == path)
			break;
	}
	return 0;
}

int program_file_check(const char *path, struct error *err)
{
	char *real;
	int rc;

	if (check_file(path, err) != 0)
		return -1;
	real = realpath(path, NULL);
	if (real == NULL)
		return error_set(err, "%s", strerror(errno));
	rc = check_folders(real, err);
	free(real);
	return rc;
}
