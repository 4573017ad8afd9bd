# %% ex-target-noise: the error is S(g) + S(g')
error_two = 1
error_one = 0

# %% ex-target-noise: c_i has dropped out
error_two = 2
error_one = 1

# %% ex-target-noise: without the root
error_two = np.sqrt(2)
error_one = 0


# %% ex-telescope: each y_t is from one batch
def summed(losses, thetas):
    s, y = 0, 0
    for l_t, a, b in zip(losses, thetas, thetas[1:]):
        s, y = s + b - a, y + grad(l_t)(b) - grad(l_t)(a)
    return s, y


times_smaller = 8


# %% ex-telescope: not the sum
def summed(losses, thetas):
    for (l_t, l_next), (a, b) in zip(itertools.pairwise(losses), itertools.pairwise(thetas)):
        s, y = b - a, grad(l_next)(b) - grad(l_t)(a)
    return s, y


times_smaller = 8


# %% ex-telescope: return two sums
def summed(losses, thetas):
    return grad(losses[-1])(thetas[-1]) - grad(losses[0])(thetas[0])


times_smaller = 8


# %% ex-telescope: if all noises were independent
def summed(losses, thetas):
    return thetas[-1] - thetas[0], grad(losses[-1])(thetas[-1]) - grad(losses[0])(thetas[0])


times_smaller = 2.83


# %% ex-telescope: it is upside down
def summed(losses, thetas):
    return thetas[-1] - thetas[0], grad(losses[-1])(thetas[-1]) - grad(losses[0])(thetas[0])


times_smaller = 1 / 8


# %% ex-another-batch: the Hessian is that of the own batch
def next_product(l_t, l_next, theta, s):
    return hvp(l_t, theta, s)


# %% ex-another-batch: a change of the gradient over s
def next_product(l_t, l_next, theta, s):
    return grad(l_next)(theta + s) - grad(l_next)(theta)


# %% ex-another-batch: theta and s are swapped
def next_product(l_t, l_next, theta, s):
    return hvp(l_next, s, theta)


# %% ex-another-batch: after the step
def next_product(l_t, l_next, theta, s):
    return hvp(l_next, theta + s, s)


# %% ex-another-batch: is a `return` missing
def next_product(l_t, l_next, theta, s):
    hvp(l_next, theta, s)


# %% ex-sick: this is the mean
def report(pairs):
    return np.mean([s @ y / (s @ s) for s, y in pairs])


fall_two, fall_one = 6.8, 0.91


# %% ex-sick: are left out
def report(pairs):
    return np.median([s @ y / (s @ s) for s, y in pairs if s @ y > 0])


fall_two, fall_one = 6.8, 0.91


# %% ex-sick: an inverse curvature
def report(pairs):
    return np.median([s @ y / (y @ y) for s, y in pairs])


fall_two, fall_one = 6.8, 0.91


# %% ex-sick: follows 1/eta
def report(pairs):
    return np.median([s @ y / (s @ s) for s, y in pairs])


fall_two, fall_one = 1, 1


# %% ex-sick: knows nothing of eta
def report(pairs):
    return np.median([s @ y / (s @ s) for s, y in pairs])


fall_two, fall_one = 6.8, 8


# %% ex-sick: upside down
def report(pairs):
    return np.median([s @ y / (s @ s) for s, y in pairs])


fall_two, fall_one = 1 / 6.8, 1
