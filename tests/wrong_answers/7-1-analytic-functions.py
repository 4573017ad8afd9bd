# %% ex-make-it-analytic: `analytic_abs` is lost
def analytic_abs(x):
    return np.abs(x) + 0j


def analytic_norm(x):
    return np.sqrt(np.sum(x * x))


def analytic_var(x):
    return np.mean((x - np.mean(x)) ** 2)


# %% ex-make-it-analytic: does not change the sign of negative numbers
def analytic_abs(x):
    return np.sqrt(x) ** 2 if np.iscomplexobj(x) else x


def analytic_norm(x):
    return np.sqrt(np.sum(x * x))


def analytic_var(x):
    return np.mean((x - np.mean(x)) ** 2)


# %% ex-make-it-analytic: at negative numbers: there it is -1
def analytic_abs(x):
    return np.abs(np.real(x)) + 1j * np.imag(x)


def analytic_norm(x):
    return np.sqrt(np.sum(x * x))


def analytic_var(x):
    return np.mean((x - np.mean(x)) ** 2)


# %% ex-make-it-analytic: `analytic_norm` is lost
def analytic_abs(x):
    return np.sqrt(x * x)


def analytic_norm(x):
    return np.sqrt(np.vdot(x, x))


def analytic_var(x):
    return np.mean((x - np.mean(x)) ** 2)


# %% ex-make-it-analytic: `analytic_var` is lost
def analytic_abs(x):
    return np.sqrt(x * x)


def analytic_norm(x):
    return np.sqrt(np.sum(x * x))


def analytic_var(x):
    return np.var(x)


# %% ex-make-it-analytic: subtract the mean first
def analytic_abs(x):
    return np.sqrt(x * x)


def analytic_norm(x):
    return np.sqrt(np.sum(x * x))


def analytic_var(x):
    return np.mean(x * x)


# %% ex-cauchy-circle: the factorials are missing
def derivatives(f, x, r, m=64):
    values = f(x + r * np.exp(2j * np.pi * np.arange(m) / m))
    return (np.fft.fft(values) / m).real[:6] / r ** np.arange(6)


largest_r = np.pi / 2


# %% ex-cauchy-circle: try a radius other than 1
def derivatives(f, x, r, m=64):
    values = f(x + r * np.exp(2j * np.pi * np.arange(m) / m))
    return (np.fft.fft(values) / m).real[:6] * np.array([1, 1, 2, 6, 24, 120])


largest_r = np.pi / 2


# %% ex-cauchy-circle: turn against phi
def derivatives(f, x, r, m=64):
    phi = 2 * np.pi * np.arange(m) / m
    values = f(x + r * np.exp(1j * phi))
    means = np.array([np.mean(values * np.exp(1j * n * phi)) for n in range(6)])
    return means.real * np.array([1, 1, 2, 6, 24, 120]) / r ** np.arange(6)


largest_r = np.pi / 2


# %% ex-cauchy-circle: it is 64 times too much
def derivatives(f, x, r, m=64):
    values = f(x + r * np.exp(2j * np.pi * np.arange(m) / m))
    return np.fft.fft(values).real[:6] * np.array([1, 1, 2, 6, 24, 120]) / r ** np.arange(6)


largest_r = np.pi / 2


# %% ex-cauchy-circle: half as far from 0
def derivatives(f, x, r, m=64):
    values = f(x + r * np.exp(2j * np.pi * np.arange(m) / m))
    return (np.fft.fft(values) / m).real[:6] * np.array([1, 1, 2, 6, 24, 120]) / r ** np.arange(6)


largest_r = np.pi
