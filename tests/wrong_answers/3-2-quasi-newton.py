# %% ex-two-loops: the orders are swapped
def two_loops(pairs, gamma, g):
    alphas = []
    for s, y in pairs:
        alphas.append(s @ g / (s @ y))
        g = g - alphas[-1] * y
    r = gamma * g
    for s, y in reversed(pairs):
        r = r + (alphas.pop() - y @ r / (s @ y)) * s
    return r


# %% ex-two-loops: the newest pair is first in both loops
def two_loops(pairs, gamma, g):
    alphas = []
    for s, y in reversed(pairs):
        alphas.append(s @ g / (s @ y))
        g = g - alphas[-1] * y
    r = gamma * g
    for (s, y), alpha in zip(reversed(pairs), alphas):
        r = r + (alpha - y @ r / (s @ y)) * s
    return r


# %% ex-two-loops: gamma is missing
def two_loops(pairs, gamma, g):
    alphas = []
    for s, y in reversed(pairs):
        alphas.append(s @ g / (s @ y))
        g = g - alphas[-1] * y
    r = g
    for s, y in pairs:
        r = r + (alphas.pop() - y @ r / (s @ y)) * s
    return r


# %% ex-two-loops: the way up is missing
def two_loops(pairs, gamma, g):
    for s, y in reversed(pairs):
        g = g - s @ g / (s @ y) * y
    return gamma * g


# %% ex-two-loops: is needed
def two_loops(pairs, gamma, g):
    M = gamma * np.eye(len(g))
    for pair in pairs:
        M = update(M, *pair)
    return M


# %% ex-preconditioned: it stands for H^-1
def preconditioner(H):
    return np.diag(np.diag(H))


# %% ex-preconditioned: the root of the right unit
def preconditioner(H):
    return np.diag(1 / np.sqrt(np.diag(H)))


# %% ex-preconditioned: it is needed as an array of H's shape
def preconditioner(H):
    return 1 / np.diag(H)


# %% ex-preconditioned: all of H^-1
def preconditioner(H):
    return np.linalg.inv(H)


# %% ex-preconditioned: the units have not gone
def preconditioner(H):
    return np.diag(1 / np.linalg.eigvalsh(H))


# %% ex-dual-update: this is BFGS itself
def dfp_update(M, s, y):
    return update(M, s, y)


# %% ex-dual-update: wants M^-1 and gives the next M^-1
def dfp_update(M, s, y):
    return update(M, y, s)


# %% ex-dual-update: it still has to be inverted
def dfp_update(M, s, y):
    return update(np.linalg.inv(M), y, s)


# %% ex-dual-update: what M knew along y has to be taken away
def dfp_update(M, s, y):
    return M + np.outer(s, s) / (s @ y)


# %% ex-line-search: too short: the slope
def search(phi, slope, c1=0.1, c2=0.9):
    eta = 1.0
    while phi(eta) > phi(0.0) + c1 * eta * slope(0.0):
        eta /= 2
    return eta


# %% ex-line-search: too long
def search(phi, slope, c1=0.1, c2=0.9):
    eta = 1.0
    while slope(eta) < c2 * slope(0.0):
        eta *= 2
    return eta


# %% ex-line-search: is a `return` missing
def search(phi, slope, c1=0.1, c2=0.9):
    eta = 1.0
    while phi(eta) > phi(0.0) + c1 * eta * slope(0.0):
        eta /= 2


# %% ex-line-search: too short
def search(phi, slope, c1=0.1, c2=0.9):
    return 1e-6
