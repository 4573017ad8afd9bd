# %% ex-opposite-ways: the rule for covectors
x_in_b, g_in_b, pairing = [6, 4], [4, 7], 11

# %% ex-opposite-ways: it is the other way
x_in_b, g_in_b, pairing = [7, 1], [4, 7], 11

# %% ex-opposite-ways: the rule for vectors
x_in_b, g_in_b, pairing = (1, 1), (-1.5, 5), 11

# %% ex-opposite-ways: the sum of the products
x_in_b, g_in_b, pairing = (1, 1), (4, 7), 28

# %% ex-degree-one: look at (d) again
with_gradient = "b"

# %% ex-degree-one: along (1, 1) it is not 2
with_gradient = "b, c, d"

# %% ex-degree-one: it is not linear
with_gradient = "ab"

# %% ex-dual-basis: it is transposed
def dual_basis(P):
    return np.linalg.inv(P).T


def rebuilt(P, values):
    return dual_basis(P) @ values


# %% ex-dual-basis: right only for a basis of orthogonal vectors
def dual_basis(P):
    return P.T


def rebuilt(P, values):
    return values @ P.T


# %% ex-dual-basis: the b^i are its rows
def dual_basis(P):
    return np.linalg.inv(P)


def rebuilt(P, values):
    return dual_basis(P) @ values


# %% ex-dual-basis: which are vectors
def dual_basis(P):
    return [np.linalg.solve(P.T, row) for row in np.eye(len(P))]


def rebuilt(P, values):
    return sum(value * b for value, b in zip(values, P.T, strict=True))


# %% ex-right-angle: as a vector they are P P^T gamma
def degrees_between(s, gamma):
    new = np.diag([s, 1.0]).T @ gamma
    return np.degrees(np.arctan2(gamma[1], gamma[0]) - np.arctan2(new[1], new[0]))


limit_for_large_s = 45

# %% ex-right-angle: P has come in by its inverse
def degrees_between(s, gamma):
    P = np.linalg.inv(np.diag([s, 1.0]))
    new = P @ P.T @ gamma
    return np.degrees(np.arctan2(gamma[1], gamma[0]) - np.arctan2(new[1], new[0]))


limit_for_large_s = 45

# %% ex-right-angle: degrees are needed
def degrees_between(s, gamma):
    return np.arctan2(gamma[1], gamma[0]) - np.arctan2(gamma[1], s**2 * gamma[0])


limit_for_large_s = 45

# %% ex-right-angle: that of e does not turn with it
def degrees_between(s, gamma):
    return np.degrees(np.arctan2(gamma[1], gamma[0]) - np.arctan2(gamma[1], s**2 * gamma[0]))


limit_for_large_s = 0

# %% ex-how-good: the linear part is still in it
def measured_power(f, g, x, v, eps):
    error = lambda eps: abs(f(x + eps * v) - f(x))
    return np.log2(error(eps) / error(eps / 2))


# %% ex-how-good: which is divided by eps
def measured_power(f, g, x, v, eps):
    error = lambda eps: abs((f(x + eps * v) - f(x)) / eps - g(v))
    return np.log2(error(eps) / error(eps / 2))


# %% ex-how-good: it has the wrong sign
def measured_power(f, g, x, v, eps):
    error = lambda eps: abs(f(x + eps * v) - f(x) - eps * g(v))
    return np.log2(error(eps / 2) / error(eps))


# %% ex-how-good: over that of the eps
def measured_power(f, g, x, v, eps):
    error = lambda eps: abs(f(x + eps * v) - f(x) - eps * g(v))
    return np.log(error(eps) / error(eps / 2))
