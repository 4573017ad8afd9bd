# %% ex-logistic: `exp` forgets b
def exp(x):
    return Micro(np.exp(x.a), np.exp(x.a))


def reciprocal(x):
    return Micro(1 / x.a, -x.b / x.a**2)


# %% ex-logistic: takes the exponential of the slope
def exp(x):
    return Micro(np.exp(x.a), np.exp(x.b))


def reciprocal(x):
    return Micro(1 / x.a, -x.b / x.a**2)


# %% ex-logistic: wrong sign: 1/x falls
def exp(x):
    return Micro(np.exp(x.a), np.exp(x.a) * x.b)


def reciprocal(x):
    return Micro(1 / x.a, x.b / x.a**2)


# %% ex-newton: it stops after one step
def newton(f, x):
    return x - slope(f, x) / curvature(f, x)


# %% ex-newton: this is where the function is 0
def newton(f, x):
    for _ in range(50):
        x = x - f(x) / slope(f, x)
    return x


# %% ex-newton: the slope may be negative
def newton(f, x):
    while slope(f, x) > 1e-12:
        x = x - slope(f, x) / curvature(f, x)
    return x


# %% ex-newton: from 0 it went to the valley
def newton(f, x):
    for _ in range(2000):
        x = x - 0.1 * slope(f, x) / abs(curvature(f, x)) if abs(slope(f, x)) > 1e-12 else x
    return x if x > 0 else newton(f, 2.0)


# %% ex-warm-start: the loop isn't entered
def kepler(M, E, e=0.8):
    while np.abs(E - e * np.sin(E) - M) > 1e-12:
        E = E - (E - e * np.sin(E) - M) / (1 - e * np.cos(E))
    return E


# %% ex-warm-start: the argument e is not used in the last step
def kepler(M, E, e=0.8):
    while np.abs(E - e * np.sin(E) - M) > 1e-12:
        E = E - (E - e * np.sin(E) - M) / (1 - e * np.cos(E))
    return E - (E - e * np.sin(E) - M) / (1 - 0.8 * np.cos(E))


# %% ex-warm-start: is a `return` missing?
def kepler(M, E, e=0.8):
    for _ in range(20):
        E = E - (E - e * np.sin(E) - M) / (1 - e * np.cos(E))


# %% ex-levels: it confuses the two eps
def levelled(f, x):
    return derivative(f, x)


# %% ex-levels: a derivative that is not nested is 0
def levelled(f, x):
    return 0.0


# %% ex-levels: AttributeError
def levelled(f, x):
    return f(Micro(x, 1.0, 1)).level if False else f(x).b
