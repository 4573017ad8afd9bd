"""The experiments at the edge of stability: the network, one run, and the flows that a run is compared with.

A run is a rule on a hundred images of digits, all at once but for SGD, with a tanh network of 64, 16, 16 and 10 units.
It starts at half of Glorot's weights, where the loss is flat enough to see its sharpness climb, and makes `STEPS`
steps. Network and step sizes were chosen on seeds 0 and 1, before the others were run; none was changed afterwards. SGD
first made as many steps as the others, and four times as many once it was seen that its sharpness was still climbing.
"""

from collections import namedtuple
from functools import partial
from itertools import islice, repeat

import numpy as np

from mathlib import compiled, grad, hessian, hvp
from mathlib.hessian import lanczos
from mathlib.nn import mlp, softmax_cross_entropy
from mathlib.problems import digits
from mathlib.stochastic import adam, minibatches, momentum, sgd

STEPS, SGD_STEPS, BATCH = 3000, 12000, 5
RULES = {"gradient descent": sgd, "momentum": momentum, "Adam": partial(adam, published=True), "SGD": sgd}
EDGES = {"gradient descent": 2, "momentum": 38, "Adam": 38, "SGD": 2}
RUNS = [("gradient descent", "squared", eta) for eta in (0.05, 0.2, 0.3, 0.5, 0.8)]
RUNS += [("momentum", "squared", 8.0), ("momentum", "squared", 12.0), ("Adam", "squared", 0.005)]
RUNS += [("Adam", "squared", 0.01), ("SGD", "squared", 0.3), ("SGD", "squared", 0.5)]
RUNS += [("gradient descent", "cross-entropy", eta) for eta in (0.5, 2.0, 4.0)]
COLUMNS = ["rule", "cost", "eta", "seed", "start", "peak", "low", "late", "high", "batch", "rises", "train", "test"]

# The flows: from where gradient descent arrives at the edge, so many steps on.
ETA, STRETCH, SUBSTEPS = 0.3, 600, 2
FLOW_COLUMNS = ["seed", "t", "edge", "central edge", "central", "gradient flow", "moved"]

Network = namedtuple("Network", "loss theta0 data test")


def network(seed=0, cost="squared", n=100):
    """A network and what it learns from: `loss(theta)`, its start, the data, and `test(theta)` on other images.

    ``squared`` is half the squared distance to the vector of zeros and a one, ``cross-entropy`` is in nats; both are
    means over the n images, whose grey levels have the mean 0. `loss` takes other data as ``loss(theta, X, Y)``.

    >>> loss, theta0, (X, Y), _ = network()
    >>> theta0.shape, X.shape, Y.shape, bool(loss(theta0) == loss(theta0, X, Y))
    ((1482,), (100, 64), (100, 10), True)
    """
    X, y, X_test, y_test = digits(seed)
    X, X_test = (np.reshape(a, (len(a), 64)) for a in (X[:n], X_test))
    X, X_test = X - X.mean(axis=0), X_test - X.mean(axis=0)
    Y, Y_test = (np.eye(10)[a] for a in (y[:n], y_test))
    theta0, model = mlp([64, 16, 16, 10], seed=seed)

    def squared(theta, X=X, Y=Y):
        return np.sum((model(theta, X) - Y) ** 2) / (2 * len(X))

    def cross_entropy(theta, X=X, Y=Y):
        return softmax_cross_entropy(model(theta, X), Y)

    loss = compiled({"squared": squared, "cross-entropy": cross_entropy}[cost])
    return Network(loss, theta0 / 2, (X, Y), partial(loss, X=X_test, Y=Y_test))


def sharpness(loss, theta, eta, products=16):
    """The largest eigenvalue of the Hessian in the coordinates ``z = theta / sqrt(eta)``: a pure number.

    In z a step of `eta`, a number or one for each component, is a step of 1; for a number it is eta times the largest
    eigenvalue of H itself. By Lanczos's method, so from below: where several eigenvalues are at the edge, 16 products
    fall short by up to about a hundredth.

    >>> sharpness(lambda x: x[0] ** 2 + 3 * x[1] ** 2, np.zeros(2), np.array([0.5, 0.25]), 2).round(12)
    np.float64(1.5)
    """
    root = np.sqrt(eta)
    return lanczos(hessian(lambda z: loss(root * z), theta / root), products)[0][-1]


def batch_sharpness(net, theta, eta, seed, batches=60):
    """The step size times the mean of ``g . H g / g . g`` over minibatches, with the gradient and the Hessian of each.

    Source: Andreyev, A. and Beneventano, P. (2024).
    """
    curvatures = []
    for l_t in islice(minibatches(net.loss, net.data, BATCH, seed), batches):
        g = grad(l_t)(theta)
        curvatures.append(g @ hvp(l_t, theta, g) / (g @ g))
    return eta * np.mean(curvatures)


def run(key, steps=None):
    """The row of a run, texts by column; `key` is (rule, cost, eta, seed). What diverged has a late sharpness of inf.

    The sharpness is measured at each of the first sixty steps and sixty times in all later ones. `peak` is of all of
    these; `low`, `late` and `high` are its extremes and median over the last third, `batch` is the median of the batch
    sharpness there, `rises` the share of steps there after which the loss of all images was higher.
    """
    rule, cost, eta, seed = key
    steps = steps or (SGD_STEPS if rule == "SGD" else STEPS)
    net = network(seed, cost)
    losses = minibatches(net.loss, net.data, BATCH, seed) if rule == "SGD" else repeat(net.loss)
    values, ratios, late, batch = [], [], [], []
    try:
        for step in islice(RULES[rule](losses, net.theta0, eta), steps + 1):
            values.append(net.loss(step.theta) if rule == "SGD" else step.loss)
            if step.t < 60 or step.t % (steps // 60) == 0:
                ratios.append(sharpness(net.loss, step.theta, step.eta))
                if 3 * step.t > 2 * steps:
                    late.append(ratios[-1])
                    if rule == "SGD":
                        batch.append(batch_sharpness(net, step.theta, eta, 10**6 * seed + step.t))
        rises = np.mean(np.diff(values[-(len(values) // 3) :]) > 0)
        numbers = [min(late), np.median(late), max(late), np.median(batch) if batch else np.nan]
        numbers += [rises, values[-1], net.test(step.theta)]
    except FloatingPointError:
        numbers = [np.inf] * 7
    return dict(zip(COLUMNS, [*map(str, key), *map(text, [ratios[0], max(ratios), *numbers])], strict=True))


def text(x):
    """A number as the table has it; nothing, where there is none."""
    return "" if np.isnan(x) else f"{x:.3g}"


def top(H, U, products=3):
    """The leading eigenvalues of H and their vectors, falling, by orthogonal iteration from the columns of U."""
    for _ in range(products):
        U = np.linalg.qr(H @ U)[0]
    values, V = np.linalg.eigh(U.T @ (H @ U))
    return values[::-1], U @ V[:, ::-1]


def gradient_of_sharpness(loss, theta, u):
    """The gradient of ``u . H u`` with u held: that of the eigenvalue, if u is its unit vector."""
    return grad(lambda q: np.vdot(u, hvp(loss, q, u)))(theta)


def central_flow(loss, theta, eta, substeps=SUBSTEPS):
    """The central flow of gradient descent where one eigenvalue is at the edge: theta and eta S, once a step of eta.

    ``d theta / dt = -(g + sigma2 / 2 grad S)``, with the sigma2 >= 0 that keeps the largest eigenvalue S from rising
    above 2 / eta; what it is above goes in about four substeps of eta / substeps. By Euler's method. Source: Cohen, J.
    M. et al. (2024), who solve for a matrix in the place of sigma2 where several eigenvalues are at the edge.
    """
    h, U = eta / substeps, np.random.default_rng(0).standard_normal((theta.size, 2))
    U = top(hessian(loss, theta), U, 200)[1]
    while True:
        for k in range(substeps):
            H = hessian(loss, theta)
            (S, _), U = top(H, U)
            if k == 0:
                yield theta, eta * S
            force, excess = 0.0, S - 2 / eta
            if excess > 0:
                dS = gradient_of_sharpness(loss, theta, U[:, 0])
                sigma2 = 2 * (excess / (4 * h) - H.gradient @ dS) / (dS @ dS)
                force = max(0.0, sigma2) / 2 * dS
            theta = theta - h * (H.gradient + force)


def gradient_flow(loss, theta, eta, substeps=4 * SUBSTEPS):
    """The gradient flow ``d theta / dt = -g``, once a step of eta, by Euler's method."""
    slope = grad(loss)
    while True:
        yield theta
        for _ in range(substeps):
            theta = theta - eta / substeps * slope(theta)


def arrival(loss, theta0, eta, every=10):
    """The theta where gradient descent has brought eta times the sharpness above 2; None, if not in `STEPS` steps."""
    for step in islice(sgd(repeat(loss), theta0, eta), 0, STEPS, every):
        if sharpness(loss, step.theta, eta) > 2:
            return step.theta


def flows(seed, stretch=STRETCH, every=20):
    """Rows of distances from the averaged path of gradient descent to both flows, from its arrival at the edge on.

    There are none where it does not arrive. The average is that of three steps, with weights 1, 2 and 1, in which an
    oscillation of period two cancels.
    """
    loss, theta0, *_ = network(seed)
    if (start := arrival(loss, theta0, ETA)) is None:
        return []
    path = [step.theta for step in islice(sgd(repeat(loss), start, ETA), stretch + 2)]
    central = list(islice(central_flow(loss, start, ETA), stretch + 1))
    flow = list(islice(gradient_flow(loss, start, ETA), stretch + 1))
    rows = []
    for t in range(every, stretch + 1, every):
        mean = (path[t - 1] + 2 * path[t] + path[t + 1]) / 4
        far = [np.linalg.norm(mean - other) for other in (central[t][0], flow[t], start)]
        numbers = [sharpness(loss, mean, ETA), central[t][1], *far]
        rows.append(dict(zip(FLOW_COLUMNS, [str(seed), str(t), *map(text, numbers)], strict=True)))
    return rows
