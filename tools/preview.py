"""Make the picture that others show beside a link to the book: `book/_static/preview.png`."""

from pathlib import Path

import matplotlib.pyplot as plt

from mathlib.show.drawings.analytic import draw_small_squares
from mathlib.show.style import INK, MUTED, PAPER, STYLE

TARGET = Path(__file__).resolve().parents[1] / "book" / "_static" / "preview.png"
SUBTITLE = "Second-order optimization\nfor deep learning:\na course that moves"
SIZE, DPI = (12.0, 6.3), 100  # 1200 x 630, which every reader of such pictures takes


def main():
    with plt.rc_context({**STYLE, "font.size": 15}):
        figure = draw_small_squares(1)
        figure.set_size_inches(SIZE)
        figure.get_layout_engine().set(rect=(0.46, 0.03, 0.52, 0.94))
        figure.text(0.04, 0.72, "Second-Order", fontsize=38, color=INK)
        figure.text(0.04, 0.5, SUBTITLE, fontsize=21, color=MUTED)
        figure.savefig(TARGET, dpi=DPI, facecolor=PAPER)
    print(f"{TARGET}: {TARGET.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()
