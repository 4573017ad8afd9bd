# %% ex-dear-products: forgets the one gradient for the first direction
def steps_left(budget, every, cost):
    n = 0
    while (n + 1) + (cost - 1) * -(-(n + 1) // every) <= budget:
        n += 1
    return n


def loss_at_cost(cost):
    return float(run(("logistic", "carried drift, decay", 1e-3, 0), {"logistic": {"dual": cost}})[-1])


# %% ex-dear-products: the first step has one already
def steps_left(budget, every, cost):
    return max(n for n in range(budget) if n + (cost - 1) * (n // every) + 1 <= budget)


def loss_at_cost(cost):
    return float(run(("logistic", "carried drift, decay", 1e-3, 0), {"logistic": {"dual": cost}})[-1])


# %% ex-dear-products: it costs `cost` in all
def steps_left(budget, every, cost):
    return max(n for n in range(budget) if n + cost * -(-n // every) + 1 <= budget)


def loss_at_cost(cost):
    return float(run(("logistic", "carried drift, decay", 1e-3, 0), {"logistic": {"dual": cost}})[-1])


# %% ex-dear-products: charges an average step
def steps_left(budget, every, cost):
    return (budget - 1) / ((every - 1 + cost) / every)


def loss_at_cost(cost):
    return float(run(("logistic", "carried drift, decay", 1e-3, 0), {"logistic": {"dual": cost}})[-1])


# %% ex-dear-products: is the same for a cost of 150 and of 300
def steps_left(budget, every, cost):
    return max(n for n in range(budget) if n + (cost - 1) * -(-n // every) + 1 <= budget)


def loss_at_cost(cost):
    return float(run(("logistic", "carried drift, decay", 1e-3, 0), {"logistic": {"dual": 2.0}})[-1])


# %% ex-dear-products: the decay has to reach 0
def steps_left(budget, every, cost):
    return max(n for n in range(budget) if n + (cost - 1) * -(-n // every) + 1 <= budget)


def loss_at_cost(cost):
    problem, n = NOISY["logistic"](seed=0), steps_left(500, 20, cost)
    steps = carried_drift(problem.losses(), problem.theta0, linear_decay(1e-3, 500))
    return problem.loss(next(islice(steps, n, None)).theta)


# %% ex-room-for-error: the gaps are logarithms
def room(gaps):
    return np.sum(gaps.mean(axis=(0, 2)) < 2)


# %% ex-room-for-error: this is an arithmetic mean
def room(gaps):
    return np.sum(np.exp(gaps).mean(axis=(0, 2)) < 2)


# %% ex-room-for-error: take the mean over problems and seeds first
def room(gaps):
    return np.sum(gaps < np.log(2))


# %% ex-room-for-error: the middle axis
def room(gaps):
    return np.sum(gaps.mean(axis=(0, 1)) < np.log(2))


# %% ex-room-for-error: below twice the yardstick, too
def room(gaps):
    return np.sum(np.abs(gaps.mean(axis=(0, 2))) < np.log(2))


# %% ex-room-for-error: the step sizes themselves
def room(gaps):
    return gaps.mean(axis=(0, 2)) < np.log(2)
