# %% ex-scaled-basis: compare coordinates, and not vectors
def condition_and_error(P, alphas):
    b = V.basis().change(P)
    errors = []
    for alpha in alphas:
        x = V.basis().coordinates(b.vector(alpha))
        back = P @ b.coordinates(b.vector(alpha))
        errors.append(np.linalg.norm(back - x) / np.linalg.norm(x))
    return np.linalg.cond(P), np.median(errors)


# %% ex-scaled-basis: this is the determinant
def condition_and_error(P, alphas):
    return np.linalg.det(P), error_of_coordinates(V.basis().change(P), alphas)


# %% ex-scaled-basis: the error is relative
def condition_and_error(P, alphas):
    b = V.basis().change(P)
    back = np.array([b.coordinates(b.vector(alpha)) for alpha in alphas])
    return np.linalg.cond(P), np.median(np.linalg.norm(back - alphas, axis=1))


# %% ex-scaled-basis: not in the basis that made the vector
def condition_and_error(P, alphas):
    b = V.basis().change(P)
    back = np.array([V.basis().coordinates(b.vector(alpha)) for alpha in alphas])
    errors = np.linalg.norm(back - alphas, axis=1) / np.linalg.norm(alphas, axis=1)
    return np.linalg.cond(P), np.median(errors)


# %% ex-scaled-basis: this is the norm of P
def condition_and_error(P, alphas):
    return np.linalg.norm(P), error_of_coordinates(V.basis().change(P), alphas)


# %% ex-scaled-basis: one error for all of the alphas
def condition_and_error(P, alphas):
    return np.linalg.cond(P)


# %% ex-step-and-basis: it goes uphill
def step_from_zero(loss, e, P, eta=0.1):
    b = e.change(P)
    return e.coordinates(b.vector(eta * grad(b.pullback(loss))(np.zeros(len(P)))))


# %% ex-step-and-basis: those in `e` are asked for
def step_from_zero(loss, e, P, eta=0.1):
    return -eta * grad(e.change(P).pullback(loss))(np.zeros(len(P)))


# %% ex-step-and-basis: this is the step in `e`
def step_from_zero(loss, e, P, eta=0.1):
    return -eta * grad(e.pullback(loss))(np.zeros(len(P)))


# %% ex-step-and-basis: take the one of the pullback
def step_from_zero(loss, e, P, eta=0.1):
    step = -eta * grad(e.pullback(loss))(np.zeros(len(P)))
    return e.coordinates(e.change(P).vector(step))


# %% ex-step-and-basis: `eta` is not used
def step_from_zero(loss, e, P, eta=0.1):
    b = e.change(P)
    return e.coordinates(b.vector(-0.1 * grad(b.pullback(loss))(np.zeros(len(P)))))


# %% ex-step-and-basis: the coordinates have shape (64,)
def step_from_zero(loss, e, P, eta=0.1):
    b = e.change(P)
    return e.coordinates(b.vector(-eta * grad(b.pullback(loss))(np.zeros(64))))


# %% ex-any-length: the wrong way round
long_basis = [[30, 10], [1, -1]]

# %% ex-any-length: write b_1, then b_2
long_basis = [[0.3, 1], [0.1, -1]]

# %% ex-any-length: they are no basis
long_basis = [[3, 1], [3, 1]]
