# %% ex-row: it has no row in the table
def logistic(x):
    return 1 / (1 + np.exp(-x))


# %% ex-row: y is the result
@primitive
def logistic(x):
    return 1 / (1 + np.exp(-x))


elementwise(logistic, lambda y, x: x * (1 - x))

# %% ex-row: the derivative is y (1 - y), not y
@primitive
def logistic(x):
    return 1 / (1 + np.exp(-x))


elementwise(logistic, lambda y: y)

# %% ex-convolution: they add
def back(g, f, x):
    to_f, to_x = np.zeros(len(f)), np.zeros(len(x))
    for u in range(len(f)):
        to_f[u] = g @ x[u : u + len(g)]
        to_x[u : u + len(g)] = f[u] * g
    return to_f, to_x


# %% ex-convolution: has the filter reversed
def back(g, f, x):
    return np.correlate(x, g), np.convolve(g, f[::-1])


# %% ex-convolution: two arrays are needed
def back(g, f, x):
    return np.convolve(g, f)


# %% ex-convolution: what goes to f is the wrong way round
def back(g, f, x):
    return np.correlate(x, g)[::-1], np.convolve(g, f)


# %% ex-hessian-rows: the rows are added up
def hessian_by_rows(f, x):
    return grad(lambda x: np.sum(grad(f)(x)))(x)


# %% ex-hessian-rows: this is the diagonal alone
def hessian_by_rows(f, x):
    return np.array([grad(lambda x: grad(f)(x)[i])(x)[i] for i in range(len(x))])


# %% ex-hessian-rows: the gradient times itself
def hessian_by_rows(f, x):
    return np.outer(grad(f)(x), grad(f)(x))


# %% ex-checkpoints: all 64 states are kept
least_k = 1


def checkpointed(step, y, passes, k):
    return y


# %% ex-checkpoints: it walks back through one stretch only
least_k = 8


def checkpointed(step, y, passes, k):
    def stretch(y):
        for _ in range(k):
            y = step(y)
        return np.sum(y)

    return grad(stretch)(y)


# %% ex-checkpoints: no pass is run again
least_k = 8


def checkpointed(step, y, passes, k):
    def run(y):
        for _ in range(passes):
            y = step(y)
        return np.sum(y)

    return grad(run)(y)
