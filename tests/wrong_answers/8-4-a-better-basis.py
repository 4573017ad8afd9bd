# %% ex-turned-step: this is the gradient; Adam's first step
first_step, turned_step = [1, 2], [0, 1.41421356]

# %% ex-turned-step: a step that did not notice the turn
first_step, turned_step = [1, 1], [1, 1]

# %% ex-turned-step: turned back by P, not by its transpose
first_step, turned_step = [1, 1], [np.sqrt(2), 0]

# %% ex-into-eigenbasis: `Q_L` has to be transposed
def in_eigenbasis(gradients):
    T = gradients.swapaxes(1, 2)
    Q_L = np.linalg.eigh(np.mean(gradients @ T, axis=0))[1]
    Q_R = np.linalg.eigh(np.mean(T @ gradients, axis=0))[1]
    return Q_L @ gradients @ Q_R


# %% ex-into-eigenbasis: the left side alone
def in_eigenbasis(gradients):
    T = gradients.swapaxes(1, 2)
    return np.linalg.eigh(np.mean(gradients @ T, axis=0))[1].T @ gradients


# %% ex-into-eigenbasis: changed their lengths
def in_eigenbasis(gradients):
    T = gradients.swapaxes(1, 2)
    return np.mean(gradients @ T, axis=0) @ gradients


# %% ex-into-eigenbasis: are they eigenvectors of the means?
def in_eigenbasis(gradients):
    Q_L, _, Q_R = np.linalg.svd(gradients[0])
    return Q_L.T @ gradients @ Q_R.T


# %% ex-sophia-step: a negative h is divided by
def sophia_step(m, h, eta, gamma, eps):
    return -eta * np.clip(m / (gamma * h + eps), -1, 1)


def share_read(m, h, gamma, eps):
    return np.mean(abs(m / np.maximum(gamma * h, eps)) < 1)


# %% ex-sophia-step: the quotient is clipped first
def sophia_step(m, h, eta, gamma, eps):
    return -np.clip(eta * m / np.maximum(gamma * h, eps), -1, 1)


def share_read(m, h, gamma, eps):
    return np.mean(abs(m / np.maximum(gamma * h, eps)) < 1)


# %% ex-sophia-step: AdaHessian's way
def sophia_step(m, h, eta, gamma, eps):
    return -eta * np.clip(m / np.maximum(gamma * abs(h), eps), -1, 1)


def share_read(m, h, gamma, eps):
    return np.mean(abs(m / np.maximum(gamma * h, eps)) < 1)


# %% ex-sophia-step: the share that is clipped
def sophia_step(m, h, eta, gamma, eps):
    return -eta * np.clip(m / np.maximum(gamma * h, eps), -1, 1)


def share_read(m, h, gamma, eps):
    return np.mean(abs(m / np.maximum(gamma * h, eps)) >= 1)


# %% ex-tridiagonal: leave gaps between the ones
def exact_diagonal(product, n):
    return product(np.ones(n))


# %% ex-tridiagonal: random signs leave an error
def exact_diagonal(product, n):
    Z = np.random.default_rng(0).choice([-1.0, 1.0], (2, n))
    return np.mean([z * product(z) for z in Z], axis=0)


# %% ex-tridiagonal: it can be done with fewer
def exact_diagonal(product, n):
    return np.array([product(e) @ e for e in np.eye(n)])


# %% ex-tridiagonal: the odd places are still missing
def exact_diagonal(product, n):
    even = (np.arange(n) % 2 == 0).astype(float)
    return even * product(even)
