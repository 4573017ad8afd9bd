# %% ex-sharpness-gradient: is u of length 1
def sharpness_gradient(loss, theta):
    u = np.sqrt(2) * np.linalg.eigh(hessian(loss, theta).dense())[1][:, -1]
    return grad(lambda q: np.vdot(u, hvp(loss, q, u)))(theta)


# %% ex-sharpness-gradient: the third derivative is missing
def sharpness_gradient(loss, theta):
    u = np.linalg.eigh(hessian(loss, theta).dense())[1][:, -1]
    return hvp(loss, theta, u)


# %% ex-sharpness-gradient: this is the smallest eigenvalue's gradient
def sharpness_gradient(loss, theta):
    u = np.linalg.eigh(hessian(loss, theta).dense())[1][:, 0]
    return grad(lambda q: np.vdot(u, hvp(loss, q, u)))(theta)


# %% ex-sharpness-gradient: u has to be the eigenvector
def sharpness_gradient(loss, theta):
    u = np.ones(theta.shape)
    return grad(lambda q: np.vdot(u, hvp(loss, q, u)))(theta)


# %% ex-own-units: has to use eta
def own_units(loss, theta, eta):
    return np.linalg.eigvalsh(hessian(loss, theta).dense())[-1]


# %% ex-own-units: eta stands on both sides, where its root should
def own_units(loss, theta, eta):
    return np.linalg.eigvalsh(eta[:, None] * hessian(loss, theta).dense() * eta)[-1]


# %% ex-own-units: multiplied by the roots, not divided
def own_units(loss, theta, eta):
    root = np.sqrt(eta)
    return np.linalg.eigvalsh(hessian(loss, theta).dense() / root[:, None] / root)[-1]


# %% ex-own-units: the largest step size need not go with the steepest direction
def own_units(loss, theta, eta):
    return np.max(eta) * np.linalg.eigvalsh(hessian(loss, theta).dense())[-1]


# %% ex-penalty: there is no oscillation
def penalty(loss, theta):
    u = np.linalg.eigh(hessian(loss, theta).dense())[1][:, -1]
    slope = grad(lambda q: np.vdot(u, hvp(loss, q, u)))(theta)
    return -2 * (grad(loss)(theta) @ slope) / (slope @ slope)


# %% ex-penalty: a half stands before sigma squared
def penalty(loss, theta):
    u = np.linalg.eigh(hessian(loss, theta).dense())[1][:, -1]
    slope = grad(lambda q: np.vdot(u, hvp(loss, q, u)))(theta)
    return max(0.0, -(grad(loss)(theta) @ slope) / (slope @ slope))


# %% ex-penalty: divided by the square of grad S
def penalty(loss, theta):
    u = np.linalg.eigh(hessian(loss, theta).dense())[1][:, -1]
    slope = grad(lambda q: np.vdot(u, hvp(loss, q, u)))(theta)
    return max(0.0, -2 * (grad(loss)(theta) @ slope) / np.linalg.norm(slope))


# %% ex-penalty: this is sigma, and its square was asked for
def penalty(loss, theta):
    u = np.linalg.eigh(hessian(loss, theta).dense())[1][:, -1]
    slope = grad(lambda q: np.vdot(u, hvp(loss, q, u)))(theta)
    return np.sqrt(max(0.0, -2 * (grad(loss)(theta) @ slope) / (slope @ slope)))
