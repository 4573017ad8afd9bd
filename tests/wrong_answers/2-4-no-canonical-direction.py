# %% ex-basis-by-hand: the root of g(d) is missing
in_basis, b_1, b_2 = [6, 8], [0.832, -0.150], [0.1666, 0.5075]

# %% ex-basis-by-hand: the basis are its columns
in_basis = [1.8974, 2.5298]
b_1, b_2 = np.array([[2.6311, 0.5267], [-0.4733, 1.6050]]) / np.sqrt(10)

# %% ex-basis-by-hand: divided by the root
in_basis = [1.8974, 2.5298]
b_1, b_2 = [2.6311, -0.4733], [0.5267, 1.6050]

# %% ex-max-norm: the other coordinate still can add
def steepest_in_square(g):
    d = np.zeros_like(g)
    k = np.argmax(np.abs(g))
    d[k] = np.sign(g[k])
    return d


def inner_product_for(g):
    return np.diag(np.abs(g))


# %% ex-max-norm: the first coordinate can be larger
def steepest_in_square(g):
    return g / np.max(np.abs(g))


def inner_product_for(g):
    return np.diag(np.abs(g))


# %% ex-max-norm: matrix is not positive definite
def steepest_in_square(g):
    return np.sign(g)


def inner_product_for(g):
    return np.diag(g)


# %% ex-max-norm: this is the inverse of G
def steepest_in_square(g):
    return np.sign(g)


def inner_product_for(g):
    return np.diag(1 / np.abs(g))


# %% ex-fisher-definition: the sum over the inputs
def fisher(predict, theta):
    from mathlib import jvp

    J = np.stack([jvp(predict, theta, v)[1] for v in np.eye(len(theta))], axis=1)
    return J.T @ J


# %% ex-fisher-definition: they have to be the parameters
def fisher(predict, theta):
    from mathlib import jvp

    J = np.stack([jvp(predict, theta, v)[1] for v in np.eye(len(theta))])
    return J.T @ J / J.shape[1]


# %% ex-fisher-definition: multiply first, then take the mean
def fisher(predict, theta):
    s = grad(lambda theta: np.mean(predict(theta)))(theta)
    return np.outer(s, s)


# %% ex-fisher-definition: the probability one half each
def fisher(predict, theta):
    from mathlib import jvp

    J = np.stack([jvp(predict, theta, v)[1] for v in np.eye(len(theta))], axis=1)
    scores = np.concatenate([J, -J])
    return scores.T @ scores / len(J)


# %% ex-n-pairs: this is H
def inverse_hessian(S, Y):
    return Y @ np.linalg.inv(S)


superfluous = 6

# %% ex-n-pairs: on the wrong side
def inverse_hessian(S, Y):
    return np.linalg.solve(Y, S)


superfluous = 6

# %% ex-n-pairs: this is how many are needed
def inverse_hessian(S, Y):
    return np.linalg.solve(Y.T, S.T).T


superfluous = 10
