// SPDX-License-Identifier: BSD-3-Clause
#include "control/hook_process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cfg/base/clock.h"
#include "cfg/base/log.h"
#include "cfg/program_file.h"

enum { REAP_MS = 1000 }; // a killed one is gone by then, unless a disk or the like holds it

// What the program says, by lines.
struct said {
	const char *object;
	char line[HOOK_LINE_BYTES];
	size_t n;
	unsigned n_lines;
};

// --- its words ---

static void end_line(struct said *said)
{
	said->line[said->n] = '\0';
	if (said->n > 0 && said->n_lines++ < HOOK_LINES_MAX)
		log_info(said->object, "hook: %s", said->line);
	said->n = 0;
}

static void hear(struct said *said, const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (bytes[i] == '\n' || said->n == sizeof(said->line) - 1)
			end_line(said);
		if (bytes[i] != '\n')
			said->line[said->n++] = bytes[i];
	}
}

// False: nobody has the other end any more.
static bool read_words(struct said *said, int fd)
{
	char bytes[4096];
	ssize_t n = read(fd, bytes, sizeof(bytes));

	if (n > 0)
		hear(said, bytes, (size_t)n);
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

// What is there; who has gone to the background with it says no more.
static void read_rest(struct said *said, int fd)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};

	for (unsigned i = 0; i < 64 && poll(&ready, 1, 0) == 1; i++)
		if (!read_words(said, fd))
			break;
	end_line(said);
	if (said->n_lines > HOOK_LINES_MAX)
		log_info(said->object, "hook: and %u lines more", said->n_lines - HOOK_LINES_MAX);
}

// --- its life ---

// In a process group of its own, with nothing of ours but stdout and stderr. 0 or an errno.
static int start(const struct hook_process *process, int words_fd, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, all;
	int rc;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, words_fd, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, words_fd, STDERR_FILENO);
	posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
	posix_spawn_file_actions_addchdir_np(&actions, "/");
	posix_spawnattr_setflags(&attributes,
		POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setpgroup(&attributes, 0);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	rc = posix_spawn(pid, process->program, &actions, &attributes, process->arguments,
		process->environment);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return rc;
}

// Hears it until it has ended, or its time is over. False: it is still there.
static bool wait_for_end(
	const struct hook_process *process, struct said *said, int pid_fd, int words_fd)
{
	uint64_t now_ms = clock_now_ms(), until_ms = now_ms + process->limit_ms;
	struct pollfd fds[] = {
		{.fd = pid_fd, .events = POLLIN},
		{.fd = words_fd, .events = POLLIN},
		{.fd = process->stop_fd, .events = POLLIN},
	};

	for (; now_ms < until_ms; now_ms = clock_now_ms()) {
		if (poll(fds, sizeof(fds) / sizeof(fds[0]), (int)(until_ms - now_ms)) < 0)
			continue;
		if (fds[1].revents != 0 && !read_words(said, words_fd))
			fds[1].fd = -1;
		if (fds[0].revents != 0)
			return true;
		if (fds[2].revents != 0) {
			fds[2].fd = -1;
			now_ms = clock_now_ms();
			if (until_ms > now_ms + HOOK_STOP_MS)
				until_ms = now_ms + HOOK_STOP_MS;
		}
	}
	return false;
}

// Its group goes with it: also what it has left in the background, where it was killed.
static bool kill_group(pid_t pid, int pid_fd)
{
	struct pollfd ended = {.fd = pid_fd, .events = POLLIN};

	kill(-pid, SIGKILL);
	return poll(&ended, 1, REAP_MS) == 1;
}

static enum hook_result tell_end(const struct hook_process *process, pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return HOOK_DONE;
	if (WIFEXITED(status))
		log_warning(process->object, "the hook %s ended with %d", process->program,
			WEXITSTATUS(status));
	else
		log_warning(process->object, "the hook %s died of signal %d", process->program,
			WTERMSIG(status));
	return HOOK_FAILED;
}

static enum hook_result follow(const struct hook_process *process, pid_t pid, int words_fd)
{
	struct said said = {.object = process->object};
	enum hook_result result = HOOK_TIMED_OUT;
	int pid_fd = pidfd_open(pid, 0);

	if (pid_fd >= 0 && wait_for_end(process, &said, pid_fd, words_fd)) {
		read_rest(&said, words_fd);
		result = tell_end(process, pid);
	} else if (kill_group(pid, pid_fd)) {
		waitpid(pid, NULL, 0);
		read_rest(&said, words_fd);
		log_warning(process->object, "the hook %s took too long and was killed",
			process->program);
	} else {
		log_warning(process->object, "the hook %s cannot be killed", process->program);
	}
	if (pid_fd >= 0)
		close(pid_fd);
	return result;
}

enum hook_result hook_process_run(const struct hook_process *process)
{
	enum hook_result result;
	struct error err = {0};
	int words[2], rc;
	pid_t pid;

	if (program_file_check(process->program, &err) != 0) {
		log_error(
			process->object, "the hook %s is not run: %s", process->program, err.text);
		return HOOK_REFUSED;
	}
	if (pipe2(words, O_CLOEXEC) != 0) {
		log_error(process->object, "the hook %s is not run: %s", process->program,
			strerror(errno));
		return HOOK_REFUSED;
	}
	fcntl(words[0], F_SETFL, O_NONBLOCK);
	rc = start(process, words[1], &pid);
	close(words[1]);
	if (rc == 0) {
		result = follow(process, pid, words[0]);
	} else {
		log_error(process->object, "the hook %s cannot be run: %s", process->program,
			strerror(rc));
		result = HOOK_REFUSED;
	}
	close(words[0]);
	return result;
}
