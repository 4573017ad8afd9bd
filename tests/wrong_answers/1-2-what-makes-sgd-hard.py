# %% ex-average-iterates: the time of settling is in the mean
def mean_iterate(losses, theta0, eta, settle, steps):
    run = itertools.islice(sgd(losses, theta0, eta), settle + steps)
    return np.mean([step.theta for step in run], axis=0)


# %% ex-average-iterates: `steps` counts from the end
def mean_iterate(losses, theta0, eta, settle, steps):
    run = itertools.islice(sgd(losses, theta0, eta), settle, steps)
    return np.mean([step.theta for step in run], axis=0)


# %% ex-average-iterates: these are gradients
def mean_iterate(losses, theta0, eta, settle, steps):
    run = itertools.islice(sgd(losses, theta0, eta), settle, settle + steps)
    return np.mean([step.gradient for step in run], axis=0)


# %% ex-average-iterates: every coordinate has a mean of its own
def mean_iterate(losses, theta0, eta, settle, steps):
    run = itertools.islice(sgd(losses, theta0, eta), settle, settle + steps)
    return np.mean([step.theta for step in run])
