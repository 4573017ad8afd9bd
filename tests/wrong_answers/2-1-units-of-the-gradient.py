# %% ex-epsilon-unit: a larger number in bits than in nats
eps_in_bits = 0.1 * np.log(2)
eta_in_mm = [0.03, 0.3]
eps_in_mm = [1.0, 0.1]

# %% ex-epsilon-unit: a step of w in new units is a tenth
eps_in_bits = 0.1 / np.log(2)
eta_in_mm = [0.3, 0.3]
eps_in_mm = [1.0, 0.1]

# %% ex-epsilon-unit: epsilon is the wrong way round
eps_in_bits = 0.1 / np.log(2)
eta_in_mm = [0.03, 0.3]
eps_in_mm = [0.01, 0.1]

# %% ex-find-the-mistake: `fits` accepts η g/√(v + ε)
def fits(rule):
    rule(1.0, 1.0, 1.0, 1.0, 1.0)
    return True


# %% ex-find-the-mistake: `fits` refuses η g/(√v + ε)
def fits(rule):
    theta, g = 1.0 * cm, 1.0 * dollar / cm
    try:
        rule(theta, g, g**2, theta, 1e-8)
    except pint.DimensionalityError:
        return False
    return True


# %% ex-find-the-mistake: is a `return` missing?
def fits(rule):
    theta, g = 1.0 * cm, 1.0 * dollar / cm
    try:
        rule(theta, g, g**2, theta, g)
    except pint.DimensionalityError:
        return False


# %% ex-adadelta: it goes uphill
def adadelta(loss, theta, rho=0.95, eps_step=1e-6, eps_g=1e-6):
    U, V = np.zeros_like(theta), np.zeros_like(theta)
    while True:
        yield Step(theta)
        g = grad(loss)(theta)
        V = rho * V + (1 - rho) * g**2
        step = np.sqrt(U + eps_step) / np.sqrt(V + eps_g) * g
        U = rho * U + (1 - rho) * step**2
        theta = theta + step


# %% ex-adadelta: the roots are missing
def adadelta(loss, theta, rho=0.95, eps_step=1e-6, eps_g=1e-6):
    U, V = np.zeros_like(theta), np.zeros_like(theta)
    while True:
        yield Step(theta)
        g = grad(loss)(theta)
        V = rho * V + (1 - rho) * g**2
        step = -(U + eps_step) / (V + eps_g) * g
        U = rho * U + (1 - rho) * step**2
        theta = theta + step


# %% ex-adadelta: `eps_step` is not used
def adadelta(loss, theta, rho=0.95, eps_step=1e-6, eps_g=1e-6):
    U, V = np.zeros_like(theta), np.zeros_like(theta)
    while True:
        yield Step(theta)
        g = grad(loss)(theta)
        V = rho * V + (1 - rho) * g**2
        step = -np.sqrt(U + 1e-6) / np.sqrt(V + 1e-6) * g
        U = rho * U + (1 - rho) * step**2
        theta = theta + step
