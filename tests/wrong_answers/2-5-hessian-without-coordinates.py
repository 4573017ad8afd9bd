# %% ex-type-check: (d) subtracts a covector
with_meaning = "abcdfh"

# %% ex-type-check: both slots of H take vectors
with_meaning = "a, b, c, e, f, h"

# %% ex-type-check: look at (c) again
with_meaning = "abfh"


# %% ex-inertia: before any step
def inertia(H):
    return np.sum(np.diag(H) > 0), np.sum(np.diag(H) < 0)


# %% ex-inertia: products of the pivots
def inertia(H):
    minors = [np.linalg.det(H[:k, :k]) for k in range(1, len(H) + 1)]
    return sum(m > 0 for m in minors), sum(m < 0 for m in minors)


# %% ex-inertia: the positive ones come first
def inertia(H):
    values = np.linalg.eigvalsh(H)
    return np.sum(values < 0), np.sum(values > 0)


# %% ex-inertia: it changes its argument
def inertia(H):
    for k in range(len(H) - 1):
        H[k + 1 :, k:] -= np.outer(H[k + 1 :, k] / H[k, k], H[k, k:])
    return np.sum(np.diag(H) > 0), np.sum(np.diag(H) < 0)


# %% ex-round-bowl: the inverse of this factor is needed
def round_basis(H):
    return np.linalg.cholesky(H)


# %% ex-round-bowl: has to be transposed
def round_basis(H):
    return np.linalg.inv(np.linalg.cholesky(H))


# %% ex-round-bowl: these are the eigenvectors
def round_basis(H):
    return np.linalg.eigh(H)[1]


# %% ex-round-bowl: something like a root is needed
def round_basis(H):
    return np.linalg.inv(H)


# %% ex-own-optimizer: the root in the denominator is missing
def fixed_length(loss, theta, eta=0.3):
    while True:
        yield SimpleNamespace(theta=theta)
        g = grad(loss)(theta)
        d = np.linalg.solve(hessian(loss, theta).dense(), g)
        theta = theta - eta * d / (g @ d)


# %% ex-own-optimizer: the step is divided by its length
def fixed_length(loss, theta, eta=0.3):
    while True:
        yield SimpleNamespace(theta=theta)
        d = np.linalg.solve(hessian(loss, theta).dense(), grad(loss)(theta))
        theta = theta - eta * d / np.linalg.norm(d)


# %% ex-own-optimizer: it ended after 1 steps
def fixed_length(loss, theta, eta=0.3):
    yield SimpleNamespace(theta=theta)
