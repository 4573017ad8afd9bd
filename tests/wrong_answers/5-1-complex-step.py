# %% ex-jacobian: it is transposed
def jacobian(f, x):
    return np.stack([complex_step(f, x, e) for e in np.eye(len(x))])


# %% ex-jacobian: take the coordinates one by one
def jacobian(f, x):
    return complex_step(f, x, np.ones(len(x)))


# %% ex-jacobian: divided by the step
def jacobian(f, x):
    return np.stack([np.imag(f(x + 2.0**-50 * 1j * e)) for e in np.eye(len(x))], axis=1)


# %% ex-mend: the imaginary part of `abs_analytic` is lost
def abs_analytic(z):
    return np.abs(z)


def norm_analytic(z):
    return np.sqrt(np.sum(z * z))


# %% ex-mend: at x = -2 the slope of `abs_analytic` is -1
def abs_analytic(z):
    return np.abs(z.real) + 1j * z.imag


def norm_analytic(z):
    return np.sqrt(np.sum(z * z))


# %% ex-mend: a conjugate or an absolute value is in it
def abs_analytic(z):
    return np.where(np.real(z) < 0, -z, z)


def norm_analytic(z):
    return np.linalg.norm(z)


# %% ex-float32: some constant is not in single precision
def single_step(f, x, eps):
    return np.imag(f(x + 1j * eps)) / eps


largest_eps = 2.0**-13

# %% ex-float32: it is its square that counts
def single_step(f, x, eps):
    return np.imag(f(np.complex64(x + 1j * eps))) / np.float32(eps)


largest_eps = 2.0**-24

# %% ex-float32: 2^-12 is a little too large
def single_step(f, x, eps):
    return np.imag(f(np.complex64(x + 1j * eps))) / np.float32(eps)


largest_eps = 2.0**-12

# %% ex-second: wrong sign
def second_by_step(f, x, eps):
    return 2 * (f(x + 1j * eps).real - f(x)) / eps**2


def second_by_circle(f, x, n=64, r=0.5):
    omega = np.exp(2j * np.pi * np.arange(n) / n)
    return np.mean(f(x + r * omega) / omega**2).real * 2 / r**2


# %% ex-second: the real part holds f''/2
def second_by_step(f, x, eps):
    return (f(x) - f(x + 1j * eps).real) / eps**2


def second_by_circle(f, x, n=64, r=0.5):
    omega = np.exp(2j * np.pi * np.arange(n) / n)
    return np.mean(f(x + r * omega) / omega**2).real * 2 / r**2


# %% ex-second: not divided by r²/2
def second_by_step(f, x, eps):
    return 2 * (f(x) - f(x + 1j * eps).real) / eps**2


def second_by_circle(f, x, n=64, r=0.5):
    omega = np.exp(2j * np.pi * np.arange(n) / n)
    return np.mean(f(x + r * omega) / omega**2).real
