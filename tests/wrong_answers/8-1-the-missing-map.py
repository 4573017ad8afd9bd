# %% ex-three-sizes: not the largest alone
gains, step = [10**0.5, 6, 8**0.5], [[0.7071, 0.7071], [0.7071, -0.7071]]

# %% ex-three-sizes: the gain is the dual norm
gains, step = [10**0.5, 2, 18**0.5], [[0.7071, 0.7071], [0.7071, -0.7071]]

# %% ex-three-sizes: its spectral norm is not one
gains, step = [10**0.5, 6, 18**0.5], [[1, 1], [1, -1]]

# %% ex-p-norm: other steps of length one gain more
def steepest_by_p(g, p):
    return g / np.sum(np.abs(g) ** p) ** (1 / p)


def dual_by_p(g, p):
    q = p / (p - 1)
    return np.sum(np.abs(g) ** q) ** (1 / q)


# %% ex-p-norm: the signs are lost
def steepest_by_p(g, p):
    d = np.abs(g) ** (1 / (p - 1))
    return d / np.sum(d**p) ** (1 / p)


def dual_by_p(g, p):
    q = p / (p - 1)
    return np.sum(np.abs(g) ** q) ** (1 / q)


# %% ex-p-norm: the exponent is q - 1
def steepest_by_p(g, p):
    d = np.sign(g) * np.abs(g) ** (p - 1)
    return d / np.sum(np.abs(d) ** p) ** (1 / p)


def dual_by_p(g, p):
    q = p / (p - 1)
    return np.sum(np.abs(g) ** q) ** (1 / q)


# %% ex-p-norm: this is the p-length of g
def steepest_by_p(g, p):
    d = np.sign(g) * np.abs(g) ** (1 / (p - 1))
    return d / np.sum(np.abs(d) ** p) ** (1 / p)


def dual_by_p(g, p):
    return np.sum(np.abs(g) ** p) ** (1 / p)


# %% ex-longer-step: it climbs
def descend(norm, g, eta):
    return eta * norm.dual(g) * norm.steepest(g)


# %% ex-longer-step: the dual norm of g is missing
def descend(norm, g, eta):
    return -eta * norm.steepest(g)


# %% ex-longer-step: a gradient's size is
def descend(norm, g, eta):
    return -eta * norm(g) * norm.steepest(g)


# %% ex-longer-step: gradient descent, whatever the norm
def descend(norm, g, eta):
    return -eta * g


# %% ex-cubic-iteration: Divide G by its length first
def polar(G, iterations):
    X = G
    for _ in range(iterations):
        X = 1.5 * X - 0.5 * X @ X.T @ X
    return X


needed = 13

# %% ex-cubic-iteration: one iteration early
def polar(G, iterations):
    X = G / np.linalg.norm(G)
    for _ in range(1, iterations):
        X = 1.5 * X - 0.5 * X @ X.T @ X
    return X


needed = 13

# %% ex-cubic-iteration: not yet above 0.9
def polar(G, iterations):
    X = G / np.linalg.norm(G)
    for _ in range(iterations):
        X = 1.5 * X - 0.5 * X @ X.T @ X
    return X


needed = 12

# %% ex-layer-factor: the factor makes it one
factor, entries = "sqrt(m/n)", "sqrt(n)/m"

# %% ex-layer-factor: without the factor
factor, entries = "sqrt(n/m)", "1/sqrt(m)"

# %% ex-longest-row: the longest row alone
class RowNorm:
    def __call__(self, d):
        return np.max(np.linalg.norm(d, axis=1))

    def dual(self, g):
        return np.max(np.linalg.norm(g, axis=1))

    def steepest(self, g):
        return g / self(g)


row_norm = RowNorm()

# %% ex-longest-row: becomes NaN
class RowNorm:
    def __call__(self, d):
        return np.max(np.linalg.norm(d, axis=1))

    def dual(self, g):
        return np.sum(np.linalg.norm(g, axis=1))

    def steepest(self, g):
        return g / np.linalg.norm(g, axis=1, keepdims=True)


row_norm = RowNorm()

# %% ex-longest-row: the third can gain more
class RowNorm:
    def __call__(self, d):
        return np.max(np.linalg.norm(d, axis=1))

    def dual(self, g):
        return np.sum(np.linalg.norm(g, axis=1))

    def steepest(self, g):
        return g / self(g)


row_norm = RowNorm()
