"""Drawings for the chapter on the Hessian without coordinates: parallelograms, eigenvalues, and steps in two bases."""

import matplotlib.pyplot as plt
import numpy as np

from mathlib.show.style import BLUE, GOLD, GREEN, GRID, INK, MUTED, ORANGE, PURPLE


def level_lines(ax, loss, xlim, ylim, levels):
    """The level lines of a loss of two coordinates."""
    x, y = np.meshgrid(np.linspace(*xlim, 45), np.linspace(*ylim, 45))
    values = np.apply_along_axis(loss, 0, np.array([x, y]))
    ax.contour(x, y, values, levels=levels, colors=GRID, linestyles="-", linewidths=1.2)
    ax.set(xlim=xlim, ylim=ylim, xticks=[], yticks=[])
    ax.set_aspect("equal")
    ax.grid(False)


def draw_parallelogram(loss, theta, u, v, s, exact):
    """The corners of a parallelogram of sides s u and s v, with the signs of the second difference; its quotient."""
    fig, (plane, quotient) = plt.subplots(1, 2, figsize=(5.6, 3.3), width_ratios=(1.15, 1))
    level_lines(plane, loss, (-1.25, 1.35), (-1.15, 1.45), np.geomspace(2.2, 30, 12))
    corners = [theta, theta + s * u, theta + s * u + s * v, theta + s * v]
    plane.fill(*np.transpose(corners), facecolor=GOLD, alpha=0.25)
    for tip, colour, dash in ((u, BLUE, "-"), (v, GREEN, (0, (5, 1.5)))):
        plane.plot(*np.transpose([theta, theta + s * tip]), color=colour, linestyle=dash)
    for corner, sign in zip(corners, "+−+−", strict=True):
        plane.plot(*corner, "o", color=INK if sign == "+" else ORANGE, markersize=15)
        plane.text(*corner, sign, color="white", ha="center", va="center_baseline", fontsize=14)
    plane.annotate("$s\\,u$", theta + s * u / 2, (0, -18), textcoords="offset points", color=BLUE)
    plane.annotate("$s\\,v$", theta + s * v / 2, (-24, 0), textcoords="offset points", color=GREEN)
    sizes = np.linspace(0.04, 1, 60)
    quotient.axhline(exact, color=MUTED, linestyle=":")
    quotient.plot(sizes, [second_difference(loss, theta, t * u, t * v) / t**2 for t in sizes], color=PURPLE)
    quotient.plot(s, second_difference(loss, theta, s * u, s * v) / s**2, "o", color=PURPLE)
    quotient.set(xlim=(0, 1.05), xlabel="size s", ylim=(-3, 3))
    quotient.set_title("alternating sum / $s^2$")
    return fig


def second_difference(loss, theta, u, v):
    """The alternating sum of a loss over the corners of a parallelogram."""
    return loss(theta + u + v) - loss(theta + u) - loss(theta + v) + loss(theta)


def draw_eigenvalues(forms, k):
    """The eigenvalues of two forms in bases whose first vector is 2**j times as long, one drawn at j = k."""
    fig, axes = plt.subplots(1, 2, figsize=(5.6, 3.3), sharey=True)
    positions = np.array(sorted(next(iter(forms.values()))))
    for ax, (name, by_position) in zip(axes, forms.items(), strict=True):
        pairs = np.array([by_position[j] for j in positions])
        for values, colour, dash in zip(pairs.T, (ORANGE, BLUE), ((0, (5, 1.5)), "-"), strict=True):
            ax.plot(positions, values, color=colour, linestyle=dash)
        ax.plot([k, k], by_position[k], "o", color=INK)
        ax.axhline(0, color=INK, linewidth=1)
        signs = ["−" if value < 0 else "+" for value in by_position[k]]
        ax.set_title(f"{name}: {signs[0]} and {signs[1]}")
        ax.set(xlabel="scale $2^k$", xticks=range(-2, 3), xlim=(positions[0], positions[-1]))
        ax.set_xticks([-2, -1, 0, 1, 2], ["1/4", "1/2", "1", "2", "4"])
        ax.set_yscale("symlog", linthresh=0.05, linscale=0.5)
        ax.set(ylim=(-60, 60), yticks=[-10, -1, -0.1, 0, 0.1, 1, 10])
    axes[0].set_yticks([-10, -1, -0.1, 0, 0.1, 1, 10], ["−10", "−1", "−0.1", "0", "0.1", "1", "10"])
    axes[0].set_ylabel("eigenvalues of the matrix")
    return fig


def draw_steps(loss, theta, frame, descents, descent, newton):
    """The step of gradient descent as taken in one basis, the dotted curve of its tips in all, and Newton's step."""
    fig, ax = plt.subplots(figsize=(5.6, 4.0))
    level_lines(ax, loss, (-1.5, 1.6), (-1.15, 1.15), np.geomspace(2.05, 30, 14))
    corner = np.array([-1.05, -0.85])
    for vector, name in zip(frame.T, ("$b_1$", "$b_2$"), strict=True):
        tip = corner + 0.42 * vector
        ax.annotate("", tip, corner, arrowprops={"arrowstyle": "-|>", "color": MUTED, "linewidth": 1.5})
        ax.text(*(tip + 0.09 * vector / np.linalg.norm(vector)), name, color=MUTED, ha="center", va="center")
    ax.plot(*np.transpose(descents), color=ORANGE, linestyle=":", linewidth=1.5)
    for tip, colour, dash, marker in ((descent, ORANGE, (0, (5, 1.5)), "s"), (newton, BLUE, "-", "D")):
        ax.plot(*np.transpose([theta, tip]), color=colour, linestyle=dash)
        ax.plot(*tip, marker, color=colour, markersize=8)
    ax.plot(*theta, "o", color=INK)
    ax.annotate(r"$\theta$", theta, (5, 5), textcoords="offset points")
    ax.text(0.02, 1.03, "Newton's step", color=BLUE, transform=ax.transAxes)
    ax.text(0.98, 1.03, "gradient step in this basis", color=ORANGE, ha="right", transform=ax.transAxes)
    return fig
