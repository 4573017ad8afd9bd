# %% ex-lecture-drift: the estimate starts at the first gradient
def fed_back(losses, theta, eta, beta=0.9):
    g_hat = drift_hat = None
    for l_t in losses:
        H_t = hessian(l_t, theta)
        if g_hat is None:
            g_hat, drift_hat = 0 * theta, 0 * theta
        g_hat = beta * g_hat + (1 - beta) * H_t.gradient
        estimate = g_hat - beta / (1 - beta) * drift_hat
        yield theta, estimate, H_t.gradient
        drift_hat = beta * drift_hat + (1 - beta) * (H_t @ (eta * estimate))
        theta = theta - eta * estimate


# %% ex-lecture-drift: multiplied by beta/(1 - beta)
def fed_back(losses, theta, eta, beta=0.9):
    g_hat = drift_hat = None
    for l_t in losses:
        H_t = hessian(l_t, theta)
        if g_hat is None:
            g_hat, drift_hat = H_t.gradient, 0 * theta
        g_hat = beta * g_hat + (1 - beta) * H_t.gradient
        estimate = g_hat - drift_hat
        yield theta, estimate, H_t.gradient
        drift_hat = beta * drift_hat + (1 - beta) * (H_t @ (eta * estimate))
        theta = theta - eta * estimate


# %% ex-lecture-drift: the step that is taken
def fed_back(losses, theta, eta, beta=0.9):
    g_hat = drift_hat = None
    for l_t in losses:
        H_t = hessian(l_t, theta)
        if g_hat is None:
            g_hat, drift_hat = H_t.gradient, 0 * theta
        g_hat = beta * g_hat + (1 - beta) * H_t.gradient
        estimate = g_hat - beta / (1 - beta) * drift_hat
        yield theta, estimate, H_t.gradient
        drift_hat = beta * drift_hat + (1 - beta) * (H_t @ (eta * g_hat))
        theta = theta - eta * estimate


# %% ex-lecture-drift: updated after the estimate
def fed_back(losses, theta, eta, beta=0.9):
    g_hat = drift_hat = None
    for l_t in losses:
        H_t = hessian(l_t, theta)
        if g_hat is None:
            g_hat, drift_hat = H_t.gradient, 0 * theta
        g_hat = beta * g_hat + (1 - beta) * H_t.gradient
        before = g_hat - beta / (1 - beta) * drift_hat
        drift_hat = beta * drift_hat + (1 - beta) * (H_t @ (eta * before))
        estimate = g_hat - beta / (1 - beta) * drift_hat
        yield theta, estimate, H_t.gradient
        theta = theta - eta * estimate


# %% ex-lecture-drift: three things are yielded
def fed_back(losses, theta, eta, beta=0.9):
    g_hat = drift_hat = None
    for l_t in losses:
        H_t = hessian(l_t, theta)
        if g_hat is None:
            g_hat, drift_hat = H_t.gradient, 0 * theta
        g_hat = beta * g_hat + (1 - beta) * H_t.gradient
        estimate = g_hat - beta / (1 - beta) * drift_hat
        yield theta, estimate
        drift_hat = beta * drift_hat + (1 - beta) * (H_t @ (eta * estimate))
        theta = theta - eta * estimate
