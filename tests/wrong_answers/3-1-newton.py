# %% ex-brake: nothing has shortened eta
def braked(loss, theta0):
    return newton(loss, theta0)


last_order = 3


# %% ex-brake: is the direction Newton's
def braked(loss, theta0):
    f = Objective(loss)
    step = f.at(theta0)
    while True:
        yield step
        step = armijo(f, step, -step.gradient)


last_order = 3


# %% ex-brake: a direction of descent is needed
def braked(loss, theta0):
    f = Objective(loss)
    step = f.at(theta0)
    while True:
        yield step
        step = armijo(f, step, f.hessian(step.theta).solve(step.gradient))


last_order = 3


# %% ex-brake: is the one at theta0
def braked(loss, theta0):
    f = Objective(loss)
    step = f.at(theta0)
    while True:
        step = armijo(f, step, -f.hessian(step.theta).solve(step.gradient))
        yield step


last_order = 3


# %% ex-brake: it should go on
def braked(loss, theta0):
    f = Objective(loss)
    yield f.at(theta0)


last_order = 3


# %% ex-brake: stays where it is
def braked(loss, theta0):
    f = Objective(loss)
    step = f.at(theta0)
    while True:
        yield step
        new = armijo(f, step, -f.hessian(step.theta).solve(step.gradient))


last_order = 3


# %% ex-brake: has to yield steps
def braked(loss, theta0):
    f = Objective(loss)
    step = f.at(theta0)
    while True:
        yield step.theta
        step = armijo(f, step, -f.hessian(step.theta).solve(step.gradient))


last_order = 3


# %% ex-brake: here it is, by symmetry
def braked(loss, theta0):
    f = Objective(loss)
    step = f.at(theta0)
    while True:
        yield step
        step = armijo(f, step, -f.hessian(step.theta).solve(step.gradient))


last_order = 2


# %% ex-three-saddles: the wrong sign: i squared is -1
def real_part(theta):
    x, y = theta
    return (x**4 + 6 * x**2 * y**2 + y**4) / 4 - x


kind = "saddle"


# %% ex-three-saddles: forgets the mixed terms
def real_part(theta):
    x, y = theta
    return (x**4 + y**4) / 4 - x


kind = "saddle"


# %% ex-three-saddles: z**4 is divided by 4
def real_part(theta):
    x, y = theta
    return x**4 - 6 * x**2 * y**2 + y**4 - x


kind = "saddle"


# %% ex-three-saddles: the trace of this Hessian is zero
def real_part(theta):
    x, y = theta
    return (x**4 - 6 * x**2 * y**2 + y**4) / 4 - x


kind = "minimum"


# %% ex-trust: is not positive definite
def trust_step(g, H, radius):
    def step(lam):
        return -np.linalg.solve(H + lam * np.eye(len(g)), g)

    edge = -np.linalg.eigvalsh(H)[0]
    lam = brentq(lambda lam: np.linalg.norm(step(lam)) - radius, -100, edge - 1e-6)
    return lam, step(lam)


# %% ex-trust: cut to the length of the radius
def trust_step(g, H, radius):
    d = -np.linalg.solve(H, g)
    return 0.0, d * radius / np.linalg.norm(d)


# %% ex-trust: and not its square
def trust_step(g, H, radius):
    def step(lam):
        return -np.linalg.solve(H + lam * np.eye(len(g)), g)

    edge = -np.linalg.eigvalsh(H)[0]
    lam = brentq(lambda lam: step(lam) @ step(lam) - radius, edge + 1e-6, 100)
    return lam, step(lam)


# %% ex-trust: it goes uphill
def trust_step(g, H, radius):
    def step(lam):
        return np.linalg.solve(H + lam * np.eye(len(g)), g)

    edge = -np.linalg.eigvalsh(H)[0]
    lam = brentq(lambda lam: np.linalg.norm(step(lam)) - radius, edge + 1e-6, 100)
    return lam, step(lam)


# %% ex-trust: two things
def trust_step(g, H, radius):
    def step(lam):
        return -np.linalg.solve(H + lam * np.eye(len(g)), g)

    edge = -np.linalg.eigvalsh(H)[0]
    return step(brentq(lambda lam: np.linalg.norm(step(lam)) - radius, edge + 1e-6, 100))


# %% ex-edge: negative root
def edge_step(d, p, radius):
    a, b, c = p @ p, d @ p, d @ d - radius**2
    return (-b - np.sqrt(b * b - a * c)) / a


# %% ex-edge: d is not there
def edge_step(d, p, radius):
    return radius / np.linalg.norm(p)


# %% ex-edge: radius has to be squared
def edge_step(d, p, radius):
    a, b, c = p @ p, d @ p, d @ d - radius
    return (-b + np.sqrt(b * b - a * c)) / a


# %% ex-edge: only if they are parallel
def edge_step(d, p, radius):
    return (radius - np.linalg.norm(d)) / np.linalg.norm(p)
