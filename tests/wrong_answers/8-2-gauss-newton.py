# %% ex-two-terms: this is H
G_by_hand, H_by_hand = [[1, -1], [-1, -1]], [[1, -1], [-1, -1]]

# %% ex-two-terms: with its sign
G_by_hand, H_by_hand = [[1, 1], [1, 1]], [[1, 3], [3, 3]]

# %% ex-two-terms: curves along theta_2, too
G_by_hand, H_by_hand = [[1, 1], [1, 1]], [[1, -1], [-1, 1]]

# %% ex-gauss-newton-product: with the curvature of the output
def form_product(output, loss, u, v, theta):
    return np.vdot(u, hvp(lambda theta: loss(output(theta)), theta, v))


# %% ex-gauss-newton-product: the Hessian of the loss by z is missing
def form_product(output, loss, u, v, theta):
    return np.vdot(jvp(output, theta, u)[1], jvp(output, theta, v)[1])


# %% ex-gauss-newton-product: a covector: pair it with u
def form_product(output, loss, u, v, theta):
    z, Jv = jvp(output, theta, v)
    return vjp(output, theta)[1](hvp(loss, z, Jv))


# %% ex-gauss-newton-product: at z, and not at theta
def form_product(output, loss, u, v, theta):
    return np.vdot(jvp(output, theta, u)[1], hvp(loss, theta, jvp(output, theta, v)[1]))


# %% ex-two-fishers: each label counts with its probability
def two_fishers(J, p, label):
    scores = (p - np.eye(len(p))) @ J
    return scores.T @ scores, np.outer(scores[label], scores[label])


# %% ex-two-fishers: the products come first
def two_fishers(J, p, label):
    scores = (p - np.eye(len(p))) @ J
    mean = p @ scores
    return np.outer(mean, mean), np.outer(scores[label], scores[label])


# %% ex-two-fishers: this is F: E has the data's label alone
def two_fishers(J, p, label):
    F = J.T @ (np.diag(p) - np.outer(p, p)) @ J
    return F, F


# %% ex-two-fishers: it is not multiplied by it
def two_fishers(J, p, label):
    scores = (p - np.eye(len(p))) @ J
    F = J.T @ (np.diag(p) - np.outer(p, p)) @ J
    return F, p[label] * np.outer(scores[label], scores[label])


# %% ex-marquardt: this climbs
def marquardt(G, g, lam):
    return np.linalg.solve(G + lam * np.diag(np.diag(G)), g)


regained = ["loss unit", "rescaled"]

# %% ex-marquardt: this is Levenberg's step
def marquardt(G, g, lam):
    return -np.linalg.solve(G + lam * np.eye(len(g)), g)


regained = ["loss unit", "rescaled"]

# %% ex-marquardt: np.diag(G) is a vector
def marquardt(G, g, lam):
    return -np.linalg.solve(G + lam * np.diag(G), g)


regained = ["loss unit", "rescaled"]

# %% ex-marquardt: try a shear
def marquardt(G, g, lam):
    return -np.linalg.solve(G + lam * np.diag(np.diag(G)), g)


regained = ["loss unit", "rescaled", "sheared"]
