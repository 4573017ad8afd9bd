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
