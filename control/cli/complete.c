// SPDX-License-Identifier: BSD-3-Clause
// Completion for shells: their scripts ask `millrace complete -- WORDS`, of which the last is the
// one that is begun.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/cli/offers.h"

static const char bash_script[] =
	"# millrace completion bash: for bash, to be sourced\n"
	"_millrace() {\n"
	"	local line=${COMP_LINE:0:COMP_POINT} begun\n"
	"	local -a words\n"
	"	read -ra words <<<\"$line\"\n"
	"	[[ $line == *' ' ]] && words+=('')\n"
	"	mapfile -t COMPREPLY < <(\"${words[0]}\" complete -- \"${words[@]:1}\" "
	"2>/dev/null | cut -f 1)\n"
	"	begun=${words[-1]}\n"
	"	# bash takes a colon for the end of a word\n"
	"	if [[ $begun == *:* && $COMP_WORDBREAKS == *:* ]]; then\n"
	"		COMPREPLY=(\"${COMPREPLY[@]#\"${begun%\"${begun##*:}\"}\"}\")\n"
	"	fi\n"
	"}\n"
	"complete -o default -F _millrace millrace\n";

static const char zsh_script[] =
	"#compdef millrace\n"
	"# millrace completion zsh: for zsh, as _millrace in a folder of $fpath\n"
	"_millrace() {\n"
	"	local -a found shown\n"
	"	local line\n"
	"	for line in \"${(@f)$($words[1] complete -- \"${(@)words[2,CURRENT]}\" "
	"2>/dev/null)}\"; do\n"
	"		[[ -n $line ]] || continue\n"
	"		found+=(\"${line%%$'\\t'*}\")\n"
	"		shown+=(\"${line/$'\\t'/  -- }\")\n"
	"	done\n"
	"	if (( $#found )); then\n"
	"		compadd -l -d shown -a found\n"
	"	else\n"
	"		_files\n"
	"	fi\n"
	"}\n"
	"if [[ $funcstack[1] == _millrace ]]; then\n"
	"	_millrace \"$@\"\n"
	"else\n"
	"	compdef _millrace millrace\n"
	"fi\n";

int do_completion(const struct cli *cli)
{
	fputs(strcmp(cli_value(cli, "shell"), "bash") == 0 ? bash_script : zsh_script, stdout);
	return EXIT_SUCCESS;
}

int do_complete(const struct cli *cli)
{
	const char *const *words = cli->words + 1;
	int n_words = cli->n_words - 1;
	struct cli asked = *cli;
	struct offers *offers;

	// what the line itself has of options in front
	while (n_words > 1 && words[0][0] == '-') {
		bool takes_path = strcmp(words[0], "-s") == 0 || strcmp(words[0], "--socket") == 0;

		if (takes_path && n_words > 2)
			asked.socket = words[1];
		words += takes_path ? 2 : 1;
		n_words -= takes_path ? 2 : 1;
	}
	if (n_words < 1)
		return EXIT_SUCCESS;
	offers = offers_collect(&asked, words, n_words - 1, words[n_words - 1]);
	if (offers == NULL)
		return EXIT_FAILURE;
	for (unsigned i = 0; i < offers->n; i++)
		printf("%s\t%s\n", offers->list[i].word, offers->list[i].help);
	free(offers);
	return EXIT_SUCCESS;
}
