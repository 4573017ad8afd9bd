# %% ex-greedy-step: upside down
greedy_step = "(h*a**2 + k*b**2) / (a**2 + b**2)"


# %% ex-greedy-step: the step on edge
greedy_step = "2*(a**2 + b**2) / (h*a**2 + k*b**2)"


# %% ex-target-with-cubic: cubic term of the greedy step
change_on_edge = "c*n**3 / (6*d**3)"


# %% ex-missed-target: variance of v/B
true_ratio = "s*(1 + v/q)"


# %% ex-step-of-cdat: take its size
def step(loss, theta, sigma):
    g = grad(loss)(theta)
    return theta - sigma * (g @ g) / (g @ hvp(loss, theta, g)) * g


# %% ex-step-of-cdat: sigma is not used
def step(loss, theta, sigma):
    g = grad(loss)(theta)
    return theta - (g @ g) / abs(g @ hvp(loss, theta, g)) * g


# %% ex-step-of-cdat: it goes uphill
def step(loss, theta, sigma):
    g = grad(loss)(theta)
    return theta + sigma * (g @ g) / abs(g @ hvp(loss, theta, g)) * g


# %% ex-step-of-cdat: the next theta is asked for
def step(loss, theta, sigma):
    g = grad(loss)(theta)
    return -sigma * (g @ g) / abs(g @ hvp(loss, theta, g)) * g


# %% ex-step-of-cdat: it changes the theta
def step(loss, theta, sigma):
    g = grad(loss)(theta)
    theta -= sigma * (g @ g) / abs(g @ hvp(loss, theta, g)) * g
    return theta


# %% ex-weighted-average: the same weight
def averages(zs, etas):
    return np.cumsum(zs, axis=0) / np.arange(1, len(zs) + 1)[:, None]


# %% ex-weighted-average: squares of the etas
def averages(zs, etas):
    w = etas[:, None]
    return np.cumsum(w * zs, axis=0) / np.cumsum(w, axis=0)


# %% ex-weighted-average: not divided
def averages(zs, etas):
    return np.cumsum(etas[:, None] ** 2 * zs, axis=0)


# %% ex-weighted-average: after each step
def averages(zs, etas):
    w = etas[:, None] ** 2
    return np.sum(w * zs, axis=0) / np.sum(w)
