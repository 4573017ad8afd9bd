# %% ex-two-laws: `exponent` has to divide by log 2
def exponent(gap, c=0.25):
    return np.log(gap(c) / gap(c / 2))


def halfway(loss, theta, d):
    return hvp(loss, theta - d / 2, d)


# %% ex-two-laws: `exponent` has the wrong sign
def exponent(gap, c=0.25):
    return np.log2(gap(c / 2) / gap(c))


def halfway(loss, theta, d):
    return hvp(loss, theta - d / 2, d)


# %% ex-two-laws: takes the Hessian at the end
def exponent(gap, c=0.25):
    return np.log2(gap(c) / gap(c / 2))


def halfway(loss, theta, d):
    return hvp(loss, theta - d, d)


# %% ex-two-laws: goes the wrong way
def exponent(gap, c=0.25):
    return np.log2(gap(c) / gap(c / 2))


def halfway(loss, theta, d):
    return hvp(loss, theta + d / 2, d)


# %% ex-forecast: the step is taken with the new g_hat
def forecast(loss, theta, g_hat, k, eta=0.3, beta1=0.9):
    H = hessian(loss, theta)
    g = H.gradient
    for _ in range(k):
        step = eta * g_hat
        g_hat = beta1 * g_hat + (1 - beta1) * g
        g = g - H @ step
    return g


# %% ex-forecast: this is the true run
def forecast(loss, theta, g_hat, k, eta=0.3, beta1=0.9):
    for _ in range(k):
        g_hat = beta1 * g_hat + (1 - beta1) * grad(loss)(theta)
        theta = theta - eta * g_hat
    return grad(loss)(theta)


# %% ex-forecast: the sign is a minus
def forecast(loss, theta, g_hat, k, eta=0.3, beta1=0.9):
    H = hessian(loss, theta)
    g = H.gradient
    for _ in range(k):
        g_hat = beta1 * g_hat + (1 - beta1) * g
        g = g + H @ (eta * g_hat)
    return g


# %% ex-forecast: eta and beta1 are not used
def forecast(loss, theta, g_hat, k, eta=0.3, beta1=0.9):
    H = hessian(loss, theta)
    g = H.gradient
    for _ in range(k):
        g_hat = 0.9 * g_hat + 0.1 * g
        g = g - H @ (0.3 * g_hat)
    return g
