# SPDX-License-Identifier: BSD-3-Clause
"""The look that all pictures share. They are read on light and on dark pages: on paper of their
own. The same figures give the same file, to the byte: no date, no random names."""

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402
from matplotlib.lines import Line2D  # noqa: E402

PAPER = "#fbfaf7"
INK = "#22262b"
PALE_INK = "#6a6f76"
GRID = "#e2e0da"
BLUE = "#2f6db5"
RED = "#c2513c"
GREEN = "#3f8f6b"
WIDTH_INCHES = 8.4
POINTS_PER_INCH = 72
PNG_DPI = 160

matplotlib.rcParams.update({
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "millrace",
    "text.parse_math": False,  # a processor's name is no formula
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": PALE_INK,
    "axes.labelsize": 9.5,
    "xtick.color": PALE_INK,
    "ytick.color": PALE_INK,
    "xtick.labelsize": 9.5,
    "ytick.labelsize": 9.5,
})

# Above and below the axes, in points from the edge.
LEFT, RIGHT, TOP, BOTTOM = 58, 24, 92, 72
TITLE, SUBTITLE, LEGEND, FOOTER, MARGIN = 26, 45, 76, 15, 18


def figure(height_inches, title, subtitle, footer, left=LEFT):
    """A sheet with its words; and the axes in the middle of it."""
    fig = pyplot.figure(figsize=(WIDTH_INCHES, height_inches), facecolor=PAPER)
    width, height = (inches * POINTS_PER_INCH for inches in (WIDTH_INCHES, height_inches))
    axes = fig.add_axes((left / width, BOTTOM / height, 1 - (left + RIGHT) / width,
                         1 - (TOP + BOTTOM) / height), facecolor=PAPER)
    for text, points, size, color, weight in (
            (title, height - TITLE, 13, INK, "bold"), (subtitle, height - SUBTITLE, 9.5, PALE_INK, "normal"),
            (footer, FOOTER, 8, PALE_INK, "normal")):
        fig.text(MARGIN / width, points / height, text, fontsize=size, color=color, fontweight=weight)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(PALE_INK)
    axes.tick_params(length=0, pad=6)
    axes.tick_params(which="minor", length=0)
    axes.set_axisbelow(True)
    return fig, axes


def legend(fig, entries):
    """(marker, color, text) in one row between the subtitle and what is drawn."""
    width, height = fig.get_size_inches() * POINTS_PER_INCH
    handles = [Line2D([], [], marker=marker, color=color, linestyle="none", markersize=7,
                      markeredgewidth=2 if marker == "_" else 0) for marker, color, _ in entries]
    fig.legend(handles, [text for _, _, text in entries], loc="lower left", ncols=len(entries),
               bbox_to_anchor=((MARGIN - 5) / width, 1 - LEGEND / height), borderaxespad=0,
               borderpad=0, handlelength=1.4, handletextpad=0.2, columnspacing=1.3, frameon=False,
               fontsize=9.5)


def save(fig, directory, name, is_png_wanted):
    """The files written."""
    directory.mkdir(parents=True, exist_ok=True)
    paths = [directory / f"{name}.svg"]
    fig.savefig(paths[0], facecolor=PAPER, metadata={"Date": None, "Creator": None})
    if is_png_wanted:
        paths.append(directory / f"{name}.png")
        fig.savefig(paths[1], facecolor=PAPER, dpi=PNG_DPI, metadata={"Software": None})
    pyplot.close(fig)
    return paths
