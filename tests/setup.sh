# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# Shared by tests/run and perf/demo: installs what is missing, builds. Sourced from the top of
# the tree.

say() {
	printf '%s\n' "$*" >&2
}

# packages_for build demo ...: their Debian packages, from tests/packages
packages_for() {
	local wanted=" $* " users package user
	while read -r users package; do
		for user in ${users//,/ }; do
			if [[ $wanted == *" $user "* ]]; then
				echo "$package"
				break
			fi
		done
	done < <(grep -v '^#' tests/packages)
}

# need build demo ...: installs the packages that are missing; asks nothing when root
need() {
	local package missing=()
	while read -r package; do
		if [[ $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) != 'install ok installed' ]]; then
			missing+=("$package")
		fi
	done < <(packages_for "$@")
	((${#missing[@]})) || return 0

	if ! command -v apt-get >/dev/null; then
		say "These Debian packages or their like are needed: ${missing[*]}"
		return 1
	fi
	if ((EUID != 0)); then
		say "Packages are missing. Install them, or run this as root:"
		say "    sudo apt-get install --no-install-recommends ${missing[*]}"
		return 1
	fi
	say "Installing: ${missing[*]}"
	local log
	log=$(mktemp)
	# nginx and others come with a service: the lab starts its own, the machine's stays off
	if ! { apt-get update && without_services apt-get install -y --no-install-recommends \
		"${missing[@]}"; } >"$log" 2>&1; then
		tail -n 30 "$log" >&2
		rm -f "$log"
		say "apt-get failed, see above."
		return 1
	fi
	rm -f "$log"
}

# without_services COMMAND: package scripts start no daemon meanwhile (policy-rc.d says 101)
without_services() (
	policy=/usr/sbin/policy-rc.d
	if [[ ! -e $policy ]]; then
		trap 'rm -f "$policy"' EXIT
		printf '#!/bin/sh\nexit 101\n' >"$policy"
		chmod 755 "$policy"
	fi
	DEBIAN_FRONTEND=noninteractive "$@"
)

# The kernel of the labs in a virtual machine: unpacked from its package, not installed.
need_guest() {
	((EUID == 0)) || return 0 # the labs themselves say what they take
	if ! PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 tests/lab/guest.py >&2; then
		say "The labs in a virtual machine boot Debian's kernel, and apt could not fetch it, see above."
		return 1
	fi
}

# build DIR [meson options]: sets it up when it is not, and compiles what changed (BUILD_ONLY: of
# that target)
build() {
	local dir=$1 log
	shift
	log=$(mktemp)
	if [[ ! -f $dir/build.ninja ]]; then
		say "Setting up $dir"
		if ! meson setup "$dir" "$@" >"$log" 2>&1; then
			tail -n 30 "$log" >&2
			rm -f "$log"
			return 1
		fi
	fi
	say "Building in $dir"
	if ! ninja -C "$dir" ${BUILD_ONLY:+"$BUILD_ONLY"} >"$log" 2>&1; then
		grep -vE '^\[[0-9]+/[0-9]+\] (Compiling|Linking)' "$log" | tail -n 60 >&2
		rm -f "$log"
		return 1
	fi
	rm -f "$log"
}
